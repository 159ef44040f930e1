#include "common/syslog.h"

#include "common/date.h"
#include "common/log.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
    DEFAULT_PORT = 514,
    DEFAULT_FACILITY = 23, /* local7 */
    DEFAULT_SEVERITY = 6,  /* info */
    TAG_MAX = 32,          /* RFC 3164 4.1.3 */
    HEADER_MAX = sizeof "<255>Jan 01 00:00:00  : " + HOST_NAME_MAX + TAG_MAX,
};

static const char *const facilities[] = {
    "kern",   "user",   "mail",     "daemon", "auth",   "intern", "lpr",    "news",
    "uucp",   "clock",  "authpriv", "ftp",    "ntp",    "audit",  "alert",  "cron",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7",
};

static const char *const severities[] = { "emerg", "alert",  "crit", "error",
                                          "warn",  "notice", "info", "debug" };

/* A syslog that is being parsed, and what was named already. */
struct parse {
    struct arena *arena;
    struct syslog *syslog;
    struct slice problem; /* empty while there is none */
    bool server, facility, severity, tag;
};

__attribute__((format(printf, 2, 3))) static bool fail(struct parse *parse, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    parse->problem = arena_vprintf(parse->arena, format, args);
    va_end(args);
    return false;
}

/* Notes that the option was named; false when it was so before. */
static bool once(struct parse *parse, bool *named, const char *name)
{
    if (*named)
        return fail(parse, "duplicate syslog \"%s\"", name);
    return *named = true;
}

static bool set_server(struct parse *parse, struct slice value)
{
    struct address addresses[ADDRESSES_MAX];
    size_t count;

    if (!once(parse, &parse->server, "server"))
        return false;
    enum address_result result = address_parse_remote(value, DEFAULT_PORT, addresses, &count);
    if (result != ADDRESS_OK)
        return fail(parse, "%s in syslog server \"%.*s\"", address_problem(result), (int)value.len,
                    value.at);
    parse->syslog->server = addresses[0];
    return true;
}

static bool find_word(const char *const words[], unsigned count, struct slice word, unsigned *found)
{
    for (unsigned i = 0; i < count; i++)
        if (slice_is(word, words[i])) {
            *found = i;
            return true;
        }
    return false;
}

static bool set_facility(struct parse *parse, struct slice value)
{
    unsigned count = sizeof facilities / sizeof *facilities;

    if (!once(parse, &parse->facility, "facility"))
        return false;
    return find_word(facilities, count, value, &parse->syslog->facility) ||
           fail(parse, "unknown syslog facility \"%.*s\"", (int)value.len, value.at);
}

static bool set_severity(struct parse *parse, struct slice value)
{
    unsigned count = sizeof severities / sizeof *severities;

    if (!once(parse, &parse->severity, "severity"))
        return false;
    return find_word(severities, count, value, &parse->syslog->severity) ||
           fail(parse, "unknown syslog severity \"%.*s\"", (int)value.len, value.at);
}

static bool set_tag(struct parse *parse, struct slice value)
{
    if (!once(parse, &parse->tag, "tag"))
        return false;
    if (value.len > TAG_MAX)
        return fail(parse, "syslog tag length exceeds %d", TAG_MAX);
    for (size_t i = 0; i < value.len; i++) {
        char c = ascii_lower(value.at[i]);
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '_'))
            return fail(parse, "syslog \"tag\" only allows alphanumeric characters and underscore");
    }
    parse->syslog->tag = arena_copy(parse->arena, value);
    return parse->syslog->tag.at != NULL;
}

static bool set_option(struct parse *parse, struct slice option)
{
    static const struct {
        struct slice name;
        bool (*set)(struct parse *, struct slice value);
    } options[] = {
        { SLICE_INIT("server="), set_server },
        { SLICE_INIT("facility="), set_facility },
        { SLICE_INIT("severity="), set_severity },
        { SLICE_INIT("tag="), set_tag },
    };

    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (slice_starts(option, options[i].name))
            return options[i].set(parse, slice_from(option, options[i].name.len));
    if (slice_is(option, "nohostname"))
        return parse->syslog->no_hostname = true;
    return fail(parse, "unknown syslog parameter \"%.*s\"", (int)option.len, option.at);
}

static bool set_options(struct parse *parse, struct slice options)
{
    for (;;) {
        ptrdiff_t comma = slice_find(options, ',');
        size_t len = comma < 0 ? options.len : (size_t)comma;
        if (!set_option(parse, slice_first(options, len)))
            return false;
        if (comma < 0)
            break;
        options = slice_from(options, len + 1);
    }
    return parse->server || fail(parse, "no syslog server specified");
}

/* This host's name in lower case, as nginx sends it; empty when memory is out. */
static struct slice own_hostname(struct arena *arena)
{
    char name[HOST_NAME_MAX + 1];

    if (gethostname(name, sizeof name) != 0)
        return SLICE("localhost");
    name[sizeof name - 1] = '\0';
    for (char *at = name; *at != '\0'; at++)
        *at = ascii_lower(*at);
    return arena_copy(arena, slice_of(name));
}

struct syslog *syslog_parse(struct arena *arena, struct slice options, struct slice *problem)
{
    struct syslog *syslog = arena_zalloc(arena, sizeof *syslog);
    struct parse parse = { .arena = arena, .syslog = syslog };

    *problem = SLICE("");
    if (syslog == NULL)
        return NULL;
    *syslog = (struct syslog){
        .facility = DEFAULT_FACILITY,
        .severity = DEFAULT_SEVERITY,
        .tag = SLICE("muxd"),
        .hostname = own_hostname(arena),
        .fd = -1,
    };
    if (!set_options(&parse, options)) {
        *problem = parse.problem;
        return NULL;
    }
    return syslog->hostname.at == NULL ? NULL : syslog;
}

bool syslog_open(struct syslog *syslog)
{
    const struct address *server = &syslog->server;
    int flags = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

    syslog_close(syslog);
    int fd = socket(server->name.any.sa_family, flags, 0);
    if (fd < 0)
        return false;
    if (connect(fd, &server->name.any, server->len) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return false;
    }
    syslog->fd = fd;
    return true;
}

void syslog_close(struct syslog *syslog)
{
    if (syslog->fd >= 0)
        close(syslog->fd);
    syslog->fd = -1;
}

/* "<190>Nov 24 14:20:33 host tag: "; months in English whatever the locale. */
static size_t write_header(const struct syslog *syslog, unsigned severity, char *header)
{
    time_t now = time(NULL);
    struct tm tm = { 0 };
    int host_len = syslog->no_hostname ? 0 : (int)syslog->hostname.len;

    localtime_r(&now, &tm);
    int len = snprintf(header, HEADER_MAX,
                       "<%u>%s %2d %02d:%02d:%02d %.*s%s%.*s: ", syslog->facility * 8 + severity,
                       date_month_names[tm.tm_mon], tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                       host_len, syslog->hostname.at, syslog->no_hostname ? "" : " ",
                       (int)syslog->tag.len, syslog->tag.at);
    if (len < 0)
        return 0;
    return len < HEADER_MAX ? (size_t)len : HEADER_MAX - 1;
}

static bool send_once(struct syslog *syslog, const struct msghdr *message)
{
    ssize_t sent;

    if (syslog->fd < 0 && !syslog_open(syslog))
        return false;
    do
        sent = sendmsg(syslog->fd, message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

/* The socket is of no more use, or has told only now of an earlier loss: the
 * server was started anew, say. */
static bool is_lost(int error)
{
    return error != EAGAIN && error != ENOBUFS && error != ENOMEM && error != EMSGSIZE;
}

bool syslog_send(struct syslog *syslog, unsigned severity, struct slice message)
{
    char header[HEADER_MAX];
    struct iovec parts[2] = {
        { header, write_header(syslog, severity, header) },
        { (void *)(uintptr_t)message.at, message.len < LOG_LINE_MAX ? message.len : LOG_LINE_MAX },
    };
    struct msghdr datagram = { .msg_iov = parts, .msg_iovlen = 2 };

    if (send_once(syslog, &datagram))
        return true;
    if (syslog->fd < 0 || !is_lost(errno))
        return false;
    syslog_close(syslog);
    return send_once(syslog, &datagram);
}
