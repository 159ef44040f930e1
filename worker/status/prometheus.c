/* Prometheus' text format: each family of metrics with all its label sets together. */
#include "common/sockaddr.h"
#include "common/text.h"
#include "common/version.h"
#include "worker/cache/cache.h"
#include "worker/cache/table.h"
#include "worker/status/view.h"

#include <stdio.h>

typedef unsigned long long number; /* as printf(3) knows it */

static const char *const classes[STATUS_CLASSES] = { "none", "1xx", "2xx", "3xx", "4xx", "5xx" };

static void family(struct text *text, const char *name, const char *type, const char *help)
{
    text_format(text, "# HELP %s %s\n", name, help);
    text_format(text, "# TYPE %s %s\n", name, type);
}

/* A metric without labels, the only one of its family. */
static void single(struct text *text, const char *name, const char *type, const char *help,
                   uint64_t value)
{
    family(text, name, type, help);
    text_format(text, "%s %llu\n", name, (number)value);
}

/* A label's value, in quotes. */
static void add_value(struct text *text, struct slice value)
{
    text_add(text, SLICE("\""));
    for (size_t i = 0; i < value.len; i++)
        switch (value.at[i]) {
        case '"':
            text_add(text, SLICE("\\\""));
            break;
        case '\\':
            text_add(text, SLICE("\\\\"));
            break;
        case '\n':
            text_add(text, SLICE("\\n"));
            break;
        default:
            text_add(text, slice_make(value.at + i, 1));
        }
    text_add(text, SLICE("\""));
}

/* `name="value"` pairs of one series of the board, without braces; empty for all requests. */
struct labelled {
    struct slice labels;
    struct series_sum sum;
};

static void add_labelled(struct text *text, const char *name, const struct labelled *one,
                         const char *more, uint64_t value)
{
    bool both = one->labels.len > 0 && more[0] != '\0';
    bool any = one->labels.len > 0 || more[0] != '\0';

    text_add(text, slice_of(name));
    if (any) {
        text_add(text, SLICE("{"));
        text_add(text, one->labels);
        text_format(text, both ? ",%s} " : "%s} ", more);
    } else {
        text_add(text, SLICE(" "));
    }
    text_format(text, "%llu\n", (number)value);
}

/* --- histograms --- */

/* What a histogram of the board becomes: cumulative counts, by upper bounds in seconds. */
struct histogram {
    const uint64_t *counts;
    double unit; /* seconds that a step stands for */
    double sum;  /* seconds */
};

/* Every other bucket is enough for the eye, and halves the text; but nothing is a time
 * of its own. */
static bool is_shown(unsigned bucket)
{
    return bucket == 0 || bucket % 2 == 1;
}

static void add_histogram(struct text *text, const char *name, struct slice labels,
                          const struct histogram *histogram)
{
    const char *comma = labels.len > 0 ? "," : "";
    uint64_t count = 0;

    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        count += histogram->counts[bucket];
        if (!is_shown(bucket))
            continue;
        text_format(text, "%s_bucket{", name);
        text_add(text, labels);
        /* Times are cut to whole units: "at most 3" is "less than 4". */
        if (bucket < HISTOGRAM_BUCKETS - 1)
            text_format(text, "%sle=\"%.9g\"} %llu\n", comma,
                        (double)(histogram_bound(bucket) + 1) * histogram->unit, (number)count);
        else
            text_format(text, "%sle=\"+Inf\"} %llu\n", comma, (number)count);
    }
    struct slice open = labels.len > 0 ? SLICE("{") : SLICE("");
    struct slice close = labels.len > 0 ? SLICE("} ") : SLICE(" ");
    text_format(text, "%s_sum", name);
    text_add(text, open);
    text_add(text, labels);
    text_add(text, close);
    text_format(text, "%.6f\n%s_count", histogram->sum, name);
    text_add(text, open);
    text_add(text, labels);
    text_add(text, close);
    text_format(text, "%llu\n", (number)count);
}

/* --- the server as a whole --- */

static void add_head(struct text *text, const struct board *board)
{
    family(text, "muxd_info", "gauge", "The version of muxd.");
    text_format(text, "muxd_info{version=\"%s\",pid=\"%ld\"} 1\n", MUXD_VERSION,
                (long)board->master);
    single(text, "muxd_start_time_seconds", "gauge", "When the master started, since 1970.",
           board->started);
    single(text, "muxd_reload_time_seconds", "gauge",
           "When the configuration was last reloaded, since 1970; 0: never.",
           count_read(&board->reloaded));
    single(text, "muxd_generation", "gauge", "Number of the configuration in force.",
           board->generation);
    single(text, "muxd_worker_restarts_total", "counter",
           "Workers that were started for one that died.", count_read(&board->restarts));
}

static void add_connections(struct text *text, const struct board *board)
{
    struct connection_sum sum;

    board_connections(board, &sum);
    family(text, "muxd_connections", "gauge", "Client connections by what they wait for.");
    text_format(text, "muxd_connections{state=\"reading\"} %llu\n", (number)sum.reading);
    text_format(text, "muxd_connections{state=\"writing\"} %llu\n", (number)sum.writing);
    text_format(text, "muxd_connections{state=\"waiting\"} %llu\n", (number)sum.waiting);
    single(text, "muxd_tunnels", "gauge", "Connections that are upgraded: WebSockets.",
           sum.tunnels);
    single(text, "muxd_tunnels_total", "counter", "Connections that were upgraded.", sum.upgraded);
    single(text, "muxd_connections_accepted_total", "counter", "Connections accepted.",
           sum.accepted);
    single(text, "muxd_connections_handled_total", "counter",
           "Connections accepted that there was room for.", sum.handled);
    single(text, "muxd_requests_total", "counter", "Requests begun.", sum.requests);
}

static void add_lag(struct text *text, const struct board *board)
{
    uint64_t counts[HISTOGRAM_BUCKETS], busy = 0;

    for (unsigned i = 0; i < board->used; i++)
        busy += count_read(&board->lane[i].busy);
    board_lag(board, counts);
    family(text, "muxd_loop_turn_seconds", "histogram",
           "How long workers were busy with what was ready, and what became ready had to wait.");
    add_histogram(text, "muxd_loop_turn_seconds", SLICE(""),
                  &(struct histogram){ counts, LAG_UNIT / 1e6, (double)busy / 1e6 });
}

/* --- workers --- */

struct worker_list {
    const struct worker_view *workers;
    size_t count;
};

static struct worker_list list_workers(struct arena *arena, const struct board *board)
{
    struct worker_view *workers = arena_alloc(arena, (board->used + 1) * sizeof *workers);
    struct worker_list list = { workers, 0 };

    for (unsigned i = 0; workers != NULL && i < board->used; i++)
        list.count += worker_view(&board->lane[i], &workers[list.count]);
    return list;
}

static void add_workers(struct text *text, const struct worker_list *list, const char *name,
                        const char *type, const char *help,
                        double (*value)(const struct worker_view *))
{
    family(text, name, type, help);
    for (size_t i = 0; i < list->count; i++)
        text_format(text, "%s{worker=\"%u\",generation=\"%u\"} %.15g\n", name,
                    list->workers[i].slot, list->workers[i].generation, value(&list->workers[i]));
}

static double active_of(const struct worker_view *worker)
{
    return (double)worker->active;
}

static double accepted_of(const struct worker_view *worker)
{
    return (double)worker->accepted;
}

static double requests_of(const struct worker_view *worker)
{
    return (double)worker->requests;
}

static double busy_of(const struct worker_view *worker)
{
    return (double)worker->busy / 1e6;
}

static double longest_of(const struct worker_view *worker)
{
    return (double)worker->longest / 1e6;
}

static double in_service_of(const struct worker_view *worker)
{
    return worker->in_service ? 1 : 0;
}

static double start_of(const struct worker_view *worker)
{
    return (double)worker->started;
}

static double memory_of(const struct worker_view *worker)
{
    return (double)worker->memory;
}

static void add_all_workers(struct text *text, const struct board *board)
{
    static const struct {
        const char *name, *type, *help;
        double (*value)(const struct worker_view *);
    } metrics[] = {
        { "muxd_worker_connections", "gauge", "Connections the worker has.", active_of },
        { "muxd_worker_accepted_total", "counter", "Connections the worker accepted.",
          accepted_of },
        { "muxd_worker_requests_total", "counter", "Requests begun by the worker.", requests_of },
        { "muxd_worker_busy_seconds_total", "counter", "Time the worker did not sleep.", busy_of },
        { "muxd_worker_longest_turn_seconds", "gauge", "The longest turn of its loop.",
          longest_of },
        { "muxd_worker_in_service", "gauge", "1: new connections are steered to the worker.",
          in_service_of },
        { "muxd_worker_start_time_seconds", "gauge", "When the worker started, since 1970.",
          start_of },
        { "muxd_worker_memory_bytes", "gauge",
          "Memory that the worker shares with nobody; 0: unknown.", memory_of },
    };
    struct worker_list list = list_workers(text->arena, board);

    family(text, "muxd_worker_info", "gauge", "The worker's process and what it is doing.");
    for (size_t i = 0; i < list.count; i++)
        text_format(
            text, "muxd_worker_info{worker=\"%u\",generation=\"%u\",pid=\"%ld\",state=\"%s\"} 1\n",
            list.workers[i].slot, list.workers[i].generation, list.workers[i].pid,
            worker_state_name(list.workers[i].state));
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
        add_workers(text, &list, metrics[i].name, metrics[i].type, metrics[i].help,
                    metrics[i].value);
}

/* --- listeners --- */

static void add_queues(struct text *text, const struct status_view *view, const char *name,
                       const char *type, const char *help,
                       uint32_t (*value)(const struct queue_view *))
{
    family(text, name, type, help);
    for (size_t i = 0; i < view->listener_count; i++) {
        const struct listener *listener = &view->listeners[i];
        char address[ADDRESS_TEXT_MAX];
        size_t len = address_text(&listener->options.address, address);
        for (unsigned socket = 0; socket < listener->socket_count; socket++) {
            struct queue_view queue;
            if (!queue_view(listener->sockets[socket], &queue))
                continue;
            text_format(text, "%s{address=", name);
            add_value(text, slice_make(address, len));
            text_format(text, ",socket=\"%u\"} %u\n", socket, value(&queue));
        }
    }
}

static uint32_t waiting_of(const struct queue_view *queue)
{
    return queue->waiting;
}

static uint32_t room_of(const struct queue_view *queue)
{
    return queue->room;
}

static uint32_t dropped_of(const struct queue_view *queue)
{
    return queue->dropped;
}

static void add_listeners(struct text *text, const struct status_view *view)
{
    add_queues(text, view, "muxd_listener_queue", "gauge",
               "Connections that wait in a listening socket to be accepted.", waiting_of);
    add_queues(text, view, "muxd_listener_backlog", "gauge", "Connections that may wait there.",
               room_of);
    add_queues(text, view, "muxd_listener_dropped_total", "counter",
               "Connection attempts that the kernel dropped, as the queue was full.", dropped_of);
}

/* --- requests: of all, of servers and locations, of peers --- */

struct series_list {
    const char *prefix; /* of the metrics' names */
    const char *what;   /* for their help */
    struct labelled *series;
    size_t count;
};

/* The labels of a tally; {NULL, 0} when memory is out. */
static struct slice labels_of(struct arena *arena, const struct tally *tally)
{
    struct text text = { .arena = arena };

    switch (tally->kind) {
    case TALLY_SERVER:
        text_add(&text, SLICE("kind=\"server\",zone="));
        break;
    case TALLY_LOCATION:
        text_add(&text, SLICE("kind=\"location\",zone="));
        break;
    case TALLY_PEER:
        text_add(&text, SLICE("upstream="));
        add_value(&text, tally->group);
        text_add(&text, SLICE(",peer="));
        break;
    }
    add_value(&text, tally->name);
    return text_end(&text);
}

/* The series of all tallies that are peers, or of all others. */
static struct series_list list_series(struct arena *arena, const struct status_view *view,
                                      bool peers)
{
    struct series_list list = { peers ? "muxd_peer" : "muxd_zone", peers ? "the peer" : "the zone",
                                NULL, 0 };
    const struct conf_tallies *tallies = view->tallies;

    if (tallies == NULL)
        return list;
    list.series = arena_alloc(arena, tallies->count * sizeof *list.series);
    if (list.series == NULL)
        return list;
    for (const struct tally *tally = tallies->first; tally != NULL; tally = tally->next) {
        if ((tally->kind == TALLY_PEER) != peers || tally->series == SERIES_NOBODY)
            continue;
        struct labelled *one = &list.series[list.count++];
        one->labels = labels_of(arena, tally);
        board_sum(view->board, tally->series, &one->sum);
    }
    return list;
}

static void add_classes(struct text *text, const struct series_list *list)
{
    char name[64], help[128], more[32];

    snprintf(name, sizeof name, "%s_responses_total", list->prefix);
    snprintf(help, sizeof help, "Requests to %s that ended, by class of status; none: unanswered.",
             list->what);
    family(text, name, "counter", help);
    for (size_t i = 0; i < list->count; i++)
        for (unsigned class = 0; class < STATUS_CLASSES; class ++) {
            snprintf(more, sizeof more, "class=\"%s\"", classes[class]);
            add_labelled(text, name, &list->series[i], more, list->series[i].sum.requests[class]);
        }
}

/* One number of each series. */
static void add_field(struct text *text, const struct series_list *list, const char *suffix,
                      const char *type, const char *help, size_t offset)
{
    char name[64], whole[128];

    snprintf(name, sizeof name, "%s_%s", list->prefix, suffix);
    snprintf(whole, sizeof whole, help, list->what);
    family(text, name, type, whole);
    for (size_t i = 0; i < list->count; i++) {
        uint64_t value;
        memcpy(&value, (const char *)&list->series[i].sum + offset, sizeof value);
        add_labelled(text, name, &list->series[i], "", value);
    }
}

static void add_times(struct text *text, const struct series_list *list)
{
    char name[64], help[128];

    snprintf(name, sizeof name, "%s_request_duration_seconds", list->prefix);
    snprintf(help, sizeof help, "How long requests to %s took.", list->what);
    family(text, name, "histogram", help);
    for (size_t i = 0; i < list->count; i++) {
        const struct series_sum *sum = &list->series[i].sum;
        add_histogram(text, name, list->series[i].labels,
                      &(struct histogram){ sum->times, 0.001, (double)sum->milliseconds / 1000 });
    }
}

static void add_series(struct text *text, const struct series_list *list)
{
    if (list->count == 0)
        return;
    add_classes(text, list);
    add_field(text, list, "received_bytes_total", "counter", "Bytes of requests to %s.",
              offsetof(struct series_sum, received));
    add_field(text, list, "sent_bytes_total", "counter", "Bytes of answers of %s.",
              offsetof(struct series_sum, sent));
    add_times(text, list);
}

static void add_peers(struct text *text, const struct series_list *list)
{
    if (list->count == 0)
        return;
    add_series(text, list);
    add_field(text, list, "requests", "gauge", "Requests that %s has now.",
              offsetof(struct series_sum, active));
    add_field(text, list, "failures_total", "counter", "Failed attempts to have %s answer.",
              offsetof(struct series_sum, failures));
    add_field(text, list, "avoiding_workers", "gauge", "Workers that avoid %s for its failures.",
              offsetof(struct series_sum, down));
}

/* --- caches --- */

/* The value of each cache that `value` gives, with its name. */
static void add_cache_gauge(struct text *text, const struct status_view *view, const char *name,
                            const char *help, size_t offset)
{
    const struct cache *cache = cache_next(conf_zones_first(view->conf));
    struct cache_figures figures;

    family(text, name, "gauge", help);
    for (; cache != NULL; cache = cache_next(cache->zone->next)) {
        if (!cache_figures(cache, view->log, &figures))
            continue;
        text_format(text, "%s{cache=", name);
        add_value(text, cache->zone->name);
        text_format(text, "} %llu\n",
                    (number) * (const uint64_t *)((const char *)&figures + offset));
    }
}

static void add_cache_requests(struct text *text, const struct status_view *view)
{
    const struct cache *cache = cache_next(conf_zones_first(view->conf));
    struct cache_figures figures;

    family(text, "muxd_cache_requests_total", "counter", "Requests by what a cache had for them.");
    for (; cache != NULL; cache = cache_next(cache->zone->next))
        for (unsigned i = 0; i < CACHE_STATUSES && cache_figures(cache, view->log, &figures); i++) {
            text_add(text, SLICE("muxd_cache_requests_total{cache="));
            add_value(text, cache->zone->name);
            text_format(text, ",status=\"%s\"} %llu\n", cache_status_name(i),
                        (number)figures.requests[i]);
        }
}

static void add_caches(struct text *text, const struct status_view *view)
{
    if (cache_next(conf_zones_first(view->conf)) == NULL)
        return;
    add_cache_requests(text, view);
    add_cache_gauge(text, view, "muxd_cache_entries", "Entries that a cache knows.",
                    offsetof(struct cache_figures, entries));
    add_cache_gauge(text, view, "muxd_cache_bytes", "Bytes of a cache's files.",
                    offsetof(struct cache_figures, size));
}

struct slice view_prometheus(struct arena *arena, const struct status_view *view)
{
    struct text text = { .arena = arena };
    struct labelled all = { .labels = SLICE("") };
    struct series_list total = { "muxd", "the server", &all, 1 };
    struct series_list zones = list_series(arena, view, false);
    struct series_list peers = list_series(arena, view, true);

    text_reserve(&text, 16 * 1024);
    board_sum(view->board, SERIES_ALL, &all.sum);
    add_head(&text, view->board);
    add_connections(&text, view->board);
    add_series(&text, &total);
    add_lag(&text, view->board);
    add_all_workers(&text, view->board);
    add_listeners(&text, view);
    add_series(&text, &zones);
    add_peers(&text, &peers);
    add_caches(&text, view);
    return text_end(&text);
}
