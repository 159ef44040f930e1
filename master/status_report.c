#include "master/status_report.h"

#include "master/control_call.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { WATCH_EVERY = 1000 /* ms */ };

/* One line of Prometheus' text, as the master gives it. */
struct sample {
    struct slice name;
    struct slice labels; /* without braces; may be empty */
    double value;
};

/* One answer of the master. */
struct report {
    struct control_reader reader;
    struct arena arena;
    struct array samples; /* of struct sample */
    double at;            /* seconds */
};

/* --- reading --- */

/* What Prometheus' text has for numbers here: 12, 0.25, 1e-06. */
static double decimal(struct slice text)
{
    ptrdiff_t mark = slice_find(text, 'e');
    struct slice power = mark < 0 ? SLICE("+0") : slice_from(text, (size_t)mark + 1);
    struct slice digits = mark < 0 ? text : slice_first(text, (size_t)mark);
    bool fraction = false;
    double number = 0;
    uint64_t size = 0;

    slice_to_number(slice_from(power, 1), DBL_MAX_10_EXP, &size);
    int exponent = slice_starts(power, SLICE("-")) ? -(int)size : (int)size;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.at[i] == '.') {
            fraction = true;
            continue;
        }
        number = number * 10 + (digits.at[i] - '0');
        exponent -= fraction;
    }
    for (; exponent < 0; exponent++)
        number /= 10;
    for (; exponent > 0; exponent--)
        number *= 10;
    return number;
}

static void read_line(struct control_reader *reader, bool is_error, struct slice line)
{
    struct report *report = (struct report *)reader;
    struct slice text = arena_copy(&report->arena, line);
    ptrdiff_t blank = slice_find_last(text, ' ');

    if (is_error) {
        fprintf(stderr, "%.*s\n", (int)line.len, line.at);
        return;
    }
    if (blank <= 0 || slice_starts(text, SLICE("#")))
        return;
    struct sample *sample = array_push(&report->samples, &report->arena);
    if (sample == NULL)
        return;
    struct slice metric = slice_first(text, (size_t)blank);
    ptrdiff_t brace = slice_find(metric, '{');
    sample->value = decimal(slice_from(text, (size_t)blank + 1));
    sample->name = brace < 0 ? metric : slice_first(metric, (size_t)brace);
    if (brace >= 0)
        sample->labels =
            slice_make(metric.at + brace + 1, metric.len - (size_t)brace - strlen("{}"));
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void report_init(struct report *report)
{
    *report = (struct report){ .reader = { read_line },
                               .samples = { .item_size = sizeof(struct sample) } };
    arena_init(&report->arena, NULL);
}

static void report_free(struct report *report)
{
    arena_free(&report->arena);
}

/* --- looking up --- */

static const struct sample *find(const struct report *report, const char *name, struct slice labels)
{
    const struct sample *samples = report->samples.items;

    for (size_t i = 0; i < report->samples.count; i++)
        if (slice_is(samples[i].name, name) && slice_equal(samples[i].labels, labels))
            return &samples[i];
    return NULL;
}

static double value(const struct report *report, const char *name, struct slice labels)
{
    const struct sample *sample = find(report, name, labels);

    return sample == NULL ? 0 : sample->value;
}

/* The value behind `name="` in labels; empty when it is not there. */
static struct slice label(struct slice labels, const char *name)
{
    char key[32];

    snprintf(key, sizeof key, "%s=\"", name);
    const char *at = slice_search(labels, slice_of(key));
    if (at == NULL)
        return SLICE("");
    struct slice rest = slice_from(labels, (size_t)(at - labels.at) + strlen(key));
    size_t len = 0;
    while (len < rest.len && rest.at[len] != '"')
        len += rest.at[len] == '\\' ? 2 : 1;
    return slice_first(rest, len);
}

/* `labels` and one more; {NULL, 0} when memory is out. */
static struct slice with(struct report *report, struct slice labels, const char *more)
{
    return arena_printf(&report->arena, "%.*s%s%s", (int)labels.len, labels.at,
                        labels.len > 0 ? "," : "", more);
}

/* How much a counter has grown a second since the report before (NULL: none). */
static double rate(const struct report *report, const struct report *before, const char *name,
                   struct slice labels)
{
    if (before == NULL || report->at <= before->at)
        return 0;
    double grown = value(report, name, labels) - value(before, name, labels);
    return grown > 0 ? grown / (report->at - before->at) : 0;
}

/* The bound in milliseconds that so much of a histogram does not reach: since the report
 * before, where there is one. Negative: nothing was counted. */
static double percentile(struct report *report, const struct report *before, const char *name,
                         struct slice labels, double part)
{
    const struct sample *samples = report->samples.items;
    struct slice all = with(report, labels, "le=\"+Inf\"");
    char bucket[96];

    snprintf(bucket, sizeof bucket, "%s_bucket", name);
    double earlier = before == NULL ? 0 : value(before, bucket, all);
    double count = value(report, bucket, all) - earlier;
    for (size_t i = 0; i < report->samples.count && count > 0; i++) {
        struct slice bound = label(samples[i].labels, "le");
        if (!slice_is(samples[i].name, bucket) || !slice_starts(samples[i].labels, labels))
            continue;
        earlier = before == NULL ? 0 : value(before, bucket, samples[i].labels);
        if (samples[i].value - earlier >= count * part)
            return slice_is(bound, "+Inf") ? INFINITY : decimal(bound) * 1000;
    }
    return -1;
}

/* --- showing --- */

static void show_time(const char *name, double milliseconds)
{
    if (milliseconds < 0)
        printf("  %s -", name);
    else
        printf("  %s < %.0f ms", name, milliseconds);
}

static void show_times(struct report *report, const struct report *before, const char *name,
                       struct slice labels)
{
    show_time("p50", percentile(report, before, name, labels, 0.5));
    show_time("p90", percentile(report, before, name, labels, 0.9));
    show_time("p99", percentile(report, before, name, labels, 0.99));
    printf("\n");
}

/* Counts and rates of one thing's requests, without the line's end. */
static void show_requests(struct report *report, const struct report *before, const char *prefix,
                          struct slice labels)
{
    static const char *const classes[] = { "2xx", "3xx", "4xx", "5xx" };
    char name[64], class[32];
    double requests = 0, speed = 0;

    snprintf(name, sizeof name, "%s_responses_total", prefix);
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        snprintf(class, sizeof class, "class=\"%s\"", classes[i]);
        struct slice whole = with(report, labels, class);
        requests += value(report, name, whole);
        speed += rate(report, before, name, whole);
    }
    printf("%12.0f", requests);
    if (before != NULL)
        printf(" %9.1f/s", speed);
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        snprintf(class, sizeof class, "class=\"%s\"", classes[i]);
        printf("  %s %.0f", classes[i], value(report, name, with(report, labels, class)));
    }
}

static void show_head(const struct report *report)
{
    const struct sample *samples = report->samples.items;
    struct slice none = SLICE("");

    for (size_t i = 0; i < report->samples.count; i++)
        if (slice_is(samples[i].name, "muxd_info")) {
            struct slice version = label(samples[i].labels, "version");
            struct slice pid = label(samples[i].labels, "pid");
            printf("muxd %.*s, process %.*s, up %.0f s, generation %.0f, %.0f restarts\n",
                   (int)version.len, version.at, (int)pid.len, pid.at,
                   (double)time(NULL) - value(report, "muxd_start_time_seconds", none),
                   value(report, "muxd_generation", none),
                   value(report, "muxd_worker_restarts_total", none));
        }
    printf("connections  %.0f reading, %.0f writing, %.0f waiting; %.0f accepted\n",
           value(report, "muxd_connections", SLICE("state=\"reading\"")),
           value(report, "muxd_connections", SLICE("state=\"writing\"")),
           value(report, "muxd_connections", SLICE("state=\"waiting\"")),
           value(report, "muxd_connections_accepted_total", none));
}

static void show_workers(const struct report *report, const struct report *before)
{
    const struct sample *samples = report->samples.items;

    printf("\nWORKER      PID STATE      CONNECTIONS     REQUESTS   BUSY   MEMORY\n");
    for (size_t i = 0; i < report->samples.count; i++) {
        if (!slice_is(samples[i].name, "muxd_worker_info"))
            continue;
        struct slice all = samples[i].labels;
        const char *end = slice_search(all, SLICE(",pid="));
        struct slice labels = end == NULL ? all : slice_first(all, (size_t)(end - all.at));
        struct slice slot = label(all, "worker"), pid = label(all, "pid");
        struct slice state = label(all, "state");
        printf("%6.*s %8.*s %-10.*s %11.0f %12.0f %5.0f%% %5.0f KiB\n", (int)slot.len, slot.at,
               (int)pid.len, pid.at, (int)state.len, state.at,
               value(report, "muxd_worker_connections", labels),
               value(report, "muxd_worker_requests_total", labels),
               rate(report, before, "muxd_worker_busy_seconds_total", labels) * 100,
               value(report, "muxd_worker_memory_bytes", labels) / 1024);
    }
}

/* A line for each thing that has a metric of the prefix. */
static void show_series(struct report *report, const struct report *before, const char *title,
                        const char *prefix, const char *const names[2])
{
    char mark[64], times[64];
    bool titled = false;

    snprintf(mark, sizeof mark, "%s_received_bytes_total", prefix);
    snprintf(times, sizeof times, "%s_request_duration_seconds", prefix);
    for (size_t i = 0; i < report->samples.count; i++) {
        const struct sample *sample = (const struct sample *)report->samples.items + i;
        if (!slice_is(sample->name, mark))
            continue;
        if (!titled)
            printf("\n%s\n", title);
        titled = true;
        struct slice kind = label(sample->labels, names[0]), name = label(sample->labels, names[1]);
        printf("%-10.*s %-24.*s", (int)kind.len, kind.at, (int)name.len, name.at);
        show_requests(report, before, prefix, sample->labels);
        show_times(report, before, times, sample->labels);
    }
}

static void show_listeners(const struct report *report)
{
    const struct sample *samples = report->samples.items;

    printf("\nLISTENER                    SOCKET  WAITING     ROOM  DROPPED\n");
    for (size_t i = 0; i < report->samples.count; i++) {
        if (!slice_is(samples[i].name, "muxd_listener_queue"))
            continue;
        struct slice address = label(samples[i].labels, "address");
        struct slice number = label(samples[i].labels, "socket");
        printf("%-27.*s %6.*s %8.0f %8.0f %8.0f\n", (int)address.len, address.at, (int)number.len,
               number.at, samples[i].value,
               value(report, "muxd_listener_backlog", samples[i].labels),
               value(report, "muxd_listener_dropped_total", samples[i].labels));
    }
}

static void show(struct report *report, const struct report *before)
{
    static const char *const zone_names[] = { "kind", "zone" };
    static const char *const peer_names[] = { "upstream", "peer" };

    show_head(report);
    printf("requests    ");
    show_requests(report, before, "muxd", SLICE(""));
    printf("\ntimes       ");
    show_times(report, before, "muxd_request_duration_seconds", SLICE(""));
    show_workers(report, before);
    show_series(report, before, "ZONES", "muxd_zone", zone_names);
    show_series(report, before, "UPSTREAMS", "muxd_peer", peer_names);
    show_listeners(report);
    fflush(stdout);
}

/* --- asking --- */

static bool ask(const struct log *log, int fd, struct report *report)
{
    report_init(report);
    int status = control_call(fd, "status", &report->reader);

    report->at = seconds_now();
    if (status == 0 && !report->arena.exhausted)
        return true;
    if (status != 1)
        log_write(log, LOG_LEVEL_EMERG, status < 0 ? errno : ENOMEM, 0,
                  "the master does not answer");
    return false;
}

static bool watch_on(const struct log *log, int fd, struct report *before)
{
    for (;;) {
        struct report report;
        poll(NULL, 0, WATCH_EVERY);
        bool answered = ask(log, fd, &report);
        if (answered) {
            printf("\033[H\033[2J");
            show(&report, before);
        }
        report_free(before);
        *before = report;
        if (!answered || ferror(stdout))
            return false;
    }
}

bool status_report(const struct log *log, const struct main_settings *settings, bool watch)
{
    struct report report;
    int fd = settings->control != NULL ? control_connect(settings->control) : -1;

    if (fd < 0) {
        log_write(log, LOG_LEVEL_EMERG, settings->control != NULL ? errno : 0, 0,
                  "no master can be asked through its control socket");
        return false;
    }
    bool done = ask(log, fd, &report);
    if (done)
        show(&report, NULL);
    if (done && watch)
        done = watch_on(log, fd, &report);
    report_free(&report);
    close(fd);
    return done;
}
