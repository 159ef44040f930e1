#include "worker/net/dns_query.h"

#include "worker/context.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    FIRST_WAIT = 1000, /* ms until it is asked again; doubled each time, */
    LONGEST_WAIT = 4000,
    STRAYS_MAX = 32,     /* datagrams that are no answer, then TCP */
    DATAGRAM_MAX = 4096, /* bytes; a longer one is asked for by TCP */
    LENGTH = 2,          /* bytes before a message by TCP (RFC 1035 4.2.2) */
};

/* A question and its answer by TCP. */
struct dns_stream {
    size_t to_send, sent;
    size_t received;
    char query[LENGTH + DNS_QUERY_MAX];
    char answer[LENGTH + UINT16_MAX];
};

/* --- the end --- */

static void close_socket(struct dns_query *query)
{
    if (query->watch.on_ready != NULL) {
        loop_remove(query->worker->loop, &query->watch);
        close(query->watch.fd);
    }
    query->watch.on_ready = NULL;
    free(query->stream);
    query->stream = NULL;
}

void dns_query_end(struct dns_query *query)
{
    timer_disarm(&query->worker->timers, &query->timer);
    close_socket(query);
}

/* --- asking --- */

static uint16_t random_id(const struct dns_query *query)
{
    uint16_t id;

    if (getrandom(&id, sizeof id, GRND_NONBLOCK) != (ssize_t)sizeof id)
        id = (uint16_t)(query->worker->clock.nanoseconds * UINT64_C(0x9e3779b97f4a7c15) >> 48);
    return id;
}

static void log_failure(const struct dns_query *query, const char *what)
{
    char text[ADDRESS_TEXT_MAX];
    int error = errno;

    address_text(&query->servers.addresses[query->server], text);
    log_write(query->worker->log, LOG_LEVEL_ERROR, error, 0,
              "%s failed while resolving, resolver: %s", what, text);
}

/* A socket of the type to the present server, watched. */
static bool open_socket(struct dns_query *query, int type, void (*on_ready)(struct watch *))
{
    const struct address *to = &query->servers.addresses[query->server];
    int fd = socket(to->name.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        log_failure(query, "socket()");
        return false;
    }
    query->watch = (struct watch){ .fd = fd, .on_ready = on_ready };
    if (connect(fd, &to->name.any, to->len) < 0 && errno != EINPROGRESS && errno != EINTR) {
        log_failure(query, "connect()");
        goto fail;
    }
    if (loop_add(query->worker->loop, &query->watch, 0) < 0) {
        log_failure(query, "watching a socket");
        goto fail;
    }
    if (type == SOCK_STREAM)
        query->watch.writable = false;
    return true;

fail:
    query->watch.on_ready = NULL;
    close(fd);
    return false;
}

static void datagram_ready(struct watch *watch);

/* Whatever goes wrong here, the timer says when to go on. */
static void send_datagram(struct dns_query *query)
{
    char message[DNS_QUERY_MAX];
    bool again = query->watch.on_ready == datagram_ready; /* the only server: its late answer
                                                             to the first question is as good */
    if (!again) {
        query->id = random_id(query);
        query->strays = 0;
    }
    size_t len = dns_write_query(message, query->id, &query->name, query->type);
    if (!again && !open_socket(query, SOCK_DGRAM, datagram_ready))
        return;
    if (send(query->watch.fd, message, len, 0) < 0 && errno != ECONNREFUSED)
        log_failure(query, "send()");
}

static void ask(struct dns_query *query)
{
    uint64_t wait = query->asked < 2 ? (uint64_t)FIRST_WAIT << query->asked : LONGEST_WAIT;

    query->asked++;
    timer_arm(&query->worker->timers, &query->timer, query->worker->clock.now + wait);
    send_datagram(query);
}

static bool is_set(uint64_t bits, size_t number)
{
    return (bits >> number & 1) != 0;
}

/* The next server of those that are not among `out`. False: there is none but this one. */
static bool choose_next(struct dns_query *query, uint64_t out)
{
    for (size_t i = 1; i < query->servers.count; i++) {
        size_t server = (query->server + i) % query->servers.count;
        if (is_set(out, server))
            continue;
        query->server = server;
        return true;
    }
    return false;
}

static void ask_next(struct dns_query *query)
{
    query->absent = 0;
    if (choose_next(query, query->refusals) || query->stream != NULL)
        close_socket(query);
    ask(query);
}

/* Asks the next one at once: this one has not been waited for. */
static void skip_server(struct dns_query *query)
{
    close_socket(query);
    query->asked--;
    ask(query);
}

static void query_timeout(struct timer *timer)
{
    ask_next((struct dns_query *)((char *)timer - offsetof(struct dns_query, timer)));
}

void dns_query_start(struct dns_query *query)
{
    query->timer.fire = query_timeout;
    query->server = *query->servers.preferred % query->servers.count;
    ask(query);
}

/* --- answers --- */

static void conclude(struct dns_query *query, struct dns_answer *answer, enum dns_code code)
{
    timer_disarm(&query->worker->timers, &query->timer);
    if (answer != NULL)
        *query->servers.preferred = query->server;
    struct dns_stream *stream = query->stream; /* the answer may stand in it */
    query->stream = NULL;
    close_socket(query);
    query->done(query, answer, code);
    free(stream);
}

/* The server is of no use for this question: the next one, or that is the answer. */
static void refused(struct dns_query *query, enum dns_code code)
{
    query->refusals |= UINT64_C(1) << query->server;
    if (choose_next(query, query->refusals))
        skip_server(query);
    else
        conclude(query, NULL, code);
}

/* Nobody listens there; when nobody does anywhere, the timer says when to look again. */
static void missed(struct dns_query *query)
{
    query->watch.readable = false;
    query->absent |= UINT64_C(1) << query->server;
    if (choose_next(query, query->refusals | query->absent))
        skip_server(query);
}

static void ask_by_stream(struct dns_query *query);

enum verdict { WAIT, ENDED };

/* Looks at a message; the query may be gone when it has ended. */
static enum verdict judge(struct dns_query *query, struct slice message)
{
    struct dns_answer answer;

    switch (dns_answer_begin(&answer, message, query->id, &query->name, query->type)) {
    case DNS_OTHER:
        if (query->stream == NULL && ++query->strays < STRAYS_MAX)
            return WAIT;
        if (query->stream == NULL)
            ask_by_stream(query);
        else
            refused(query, DNS_SERVER_FAILURE);
        return ENDED;
    case DNS_BROKEN:
        refused(query, DNS_SERVER_FAILURE);
        return ENDED;
    case DNS_ANSWER:
        break;
    }
    if (answer.truncated && query->stream == NULL)
        ask_by_stream(query);
    else if (answer.truncated)
        refused(query, DNS_SERVER_FAILURE);
    else if (answer.code != DNS_NO_ERROR && answer.code != DNS_NO_SUCH_NAME)
        refused(query, answer.code);
    else
        conclude(query, &answer, answer.code);
    return ENDED;
}

/* --- by UDP --- */

static void datagram_ready(struct watch *watch)
{
    struct dns_query *query = (struct dns_query *)watch;
    char message[DATAGRAM_MAX];

    while (watch->readable) {
        ssize_t got = recv(watch->fd, message, sizeof message, MSG_TRUNC);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            if (errno == EAGAIN)
                watch->readable = false;
            else
                missed(query);
            return;
        }
        if ((size_t)got > sizeof message) {
            ask_by_stream(query);
            return;
        }
        if (judge(query, slice_make(message, (size_t)got)) == ENDED)
            return;
    }
}

/* --- by TCP --- */

static bool send_query(struct dns_query *query)
{
    struct dns_stream *stream = query->stream;

    while (stream->sent < stream->to_send && query->watch.writable) {
        ssize_t sent = send(query->watch.fd, stream->query + stream->sent,
                            stream->to_send - stream->sent, MSG_NOSIGNAL);
        if (sent >= 0)
            stream->sent += (size_t)sent;
        else if (errno == EAGAIN)
            query->watch.writable = false;
        else if (errno != EINTR)
            return false;
    }
    return true;
}

/* Bytes of the answer with its length, as far as that is known. */
static size_t answer_size(const struct dns_stream *stream)
{
    const unsigned char *length = (const unsigned char *)stream->answer;

    return stream->received < LENGTH ? LENGTH : LENGTH + ((size_t)length[0] << 8 | length[1]);
}

/* False: no answer will come. */
static bool receive_answer(struct dns_query *query)
{
    struct dns_stream *stream = query->stream;

    while (query->watch.readable && (stream->received < answer_size(stream))) {
        ssize_t got = recv(query->watch.fd, stream->answer + stream->received,
                           answer_size(stream) - stream->received, 0);
        if (got > 0)
            stream->received += (size_t)got;
        else if (got < 0 && errno == EAGAIN)
            query->watch.readable = false;
        else if (got == 0 || errno != EINTR)
            return false;
    }
    return true;
}

static void stream_ready(struct watch *watch)
{
    struct dns_query *query = (struct dns_query *)watch;
    const struct dns_stream *stream = query->stream;

    if (!send_query(query) || !receive_answer(query)) {
        refused(query, DNS_SERVER_FAILURE);
        return;
    }
    if (stream->received > LENGTH && stream->received == answer_size(stream))
        judge(query, slice_make(stream->answer + LENGTH, stream->received - LENGTH));
}

/* The same question to the same server by TCP. */
static void ask_by_stream(struct dns_query *query)
{
    close_socket(query);
    query->stream = malloc(sizeof *query->stream);
    if (query->stream == NULL || !open_socket(query, SOCK_STREAM, stream_ready)) {
        refused(query, DNS_SERVER_FAILURE);
        return;
    }
    struct dns_stream *stream = query->stream;
    stream->sent = stream->received = 0;
    query->id = random_id(query);
    size_t len = dns_write_query(stream->query + LENGTH, query->id, &query->name, query->type);
    stream->query[0] = (char)(len >> 8);
    stream->query[1] = (char)len;
    stream->to_send = LENGTH + len;
    timer_arm(&query->worker->timers, &query->timer, query->worker->clock.now + LONGEST_WAIT);
}
