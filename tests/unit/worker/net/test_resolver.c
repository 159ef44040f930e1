/* The resolver against name servers that the test plays; time is the test's, too. */
#include "worker/net/resolver.h"

#include "tests/dns_reply.h"
#include "tests/unit/unit.h"
#include "worker/context.h"
#include "worker/net/dns_query.h"

#include <poll.h>
#include <unistd.h>

enum { SERVERS = 2, TIMEOUT = 30000, DEADLINE = 10000 };

static struct worker worker;
static struct log quiet;
static struct address addresses[SERVERS];
static struct resolver_servers settings;
static int sockets[SERVERS], listening[SERVERS];

/* Somebody who wants to know. */
struct asker {
    struct lookup lookup; /* first */
    unsigned told;
    int error;
    size_t count;
    char first[ADDRESS_TEXT_MAX], last[ADDRESS_TEXT_MAX];
    struct service service;
};

static void note(struct asker *asker, const struct resolution *resolution)
{
    asker->told++;
    asker->error = resolution->error;
    asker->count = resolution->count;
    if (resolution->count > 0 && resolution->addresses != NULL) {
        address_text(&resolution->addresses[0], asker->first);
        address_text(&resolution->addresses[resolution->count - 1], asker->last);
    }
    if (resolution->count > 0 && resolution->services != NULL)
        asker->service = resolution->services[0];
}

static void told(struct lookup *lookup, const struct resolution *resolution)
{
    note((struct asker *)lookup, resolution);
}

static void ask_kind(struct asker *asker, enum resolve_kind kind, const char *name)
{
    struct resolver *resolver = resolver_of(&worker, &settings);

    ck_assert_ptr_nonnull(resolver);
    *asker = (struct asker){ .lookup.done = told };
    const struct resolution *known =
        resolver_ask(resolver, &asker->lookup, kind, slice_of(name), TIMEOUT);
    if (known != NULL)
        note(asker, known);
}

static void ask(struct asker *asker, const char *name)
{
    ask_kind(asker, RESOLVE_HOST, name);
}

/* --- the servers --- */

static bool bind_to(int fd, struct address *address)
{
    return bind(fd, &address->name.any, address->len) == 0 &&
           getsockname(fd, &address->name.any, &address->len) == 0;
}

/* A port that is free for both, UDP and TCP. */
static void open_server(int number)
{
    struct address *address = &addresses[number];

    for (int tries = 0; tries < 100; tries++) {
        listening[number] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockets[number] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        *address = (struct address){ .len = sizeof address->name.in };
        address->name.in.sin_family = AF_INET;
        address->name.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (bind_to(listening[number], address) && bind_to(sockets[number], address) &&
            listen(listening[number], 4) == 0)
            return;
        close(listening[number]);
        close(sockets[number]);
    }
    ck_abort_msg("no free port");
}

static void open_all(void)
{
    worker = (struct worker){ 0 };
    clock_update(&worker.clock);
    timers_init(&worker.timers, worker.clock.now);
    quiet = log_stderr;
    worker.log = &quiet;
    worker.loop = loop_open(NULL, 10000);
    for (int i = 0; i < SERVERS; i++)
        open_server(i);
    settings = (struct resolver_servers){ addresses, 1, UINT64_MAX, true, false };
}

static void close_all(void)
{
    resolvers_close(&worker);
    loop_close(worker.loop);
    for (int i = 0; i < SERVERS; i++) {
        if (sockets[i] >= 0)
            close(sockets[i]);
        close(listening[i]);
    }
}

struct question {
    char bytes[REPLY_MAX];
    size_t len;
    struct sockaddr_in from;
    char name[256];
    unsigned type;
};

static struct question receive(int server)
{
    struct pollfd ready = { .fd = sockets[server], .events = POLLIN };
    struct question question = { 0 };
    socklen_t len = sizeof question.from;

    ck_assert_int_eq(poll(&ready, 1, DEADLINE), 1);
    ssize_t got = recvfrom(sockets[server], question.bytes, sizeof question.bytes, 0,
                           (struct sockaddr *)&question.from, &len);
    ck_assert_int_gt(got, 0);
    question.len = (size_t)got;
    ck_assert(reply_question(question.bytes, question.len, question.name, &question.type));
    return question;
}

static bool is_silent(int server)
{
    struct pollfd ready = { .fd = sockets[server], .events = POLLIN };

    return poll(&ready, 1, 0) == 0;
}

static void send_to(int server, const struct question *question, const char *bytes, size_t len)
{
    ck_assert_int_eq(sendto(sockets[server], bytes, len, 0,
                            (const struct sockaddr *)&question->from, sizeof question->from),
                     (ssize_t)len);
}

static void reply(int server, const struct question *question, unsigned flags,
                  const struct reply_record *records, size_t count)
{
    char room[REPLY_MAX];

    send_to(server, question, room, reply_write(room, question->bytes, flags, records, count));
}

/* Turns the loop until the asker knows. */
static void wait_for(const struct asker *asker)
{
    uint64_t until = clock_monotonic() + DEADLINE;

    while (asker->told == 0) {
        ck_assert(clock_monotonic() < until);
        ck_assert_int_ge(loop_wait(worker.loop, 100, NULL, NULL), 0);
    }
    ck_assert_uint_eq(asker->told, 1);
}

static void turn(void)
{
    ck_assert_int_ge(loop_wait(worker.loop, 100, NULL, NULL), 0);
}

static void pass_time(uint64_t milliseconds)
{
    worker.clock.now += milliseconds;
    timers_run(&worker.timers, worker.clock.now);
}

/* --- tests --- */

START_TEST(answers_are_kept_as_long_as_they_say)
{
    static const struct reply_record records[] = { { "", REPLY_A, 60, "192.0.2.1" },
                                                   { "", REPLY_A, 30, "192.0.2.2" } };
    struct asker one, two;

    open_all();
    ask(&one, "A.example");
    ask(&two, "a.example.");
    struct question question = receive(0);
    ck_assert_str_eq(question.name, "a.example");
    ck_assert_uint_eq(question.type, REPLY_A);
    ck_assert(is_silent(0));
    reply(0, &question, 0, records, 2);
    wait_for(&one);
    wait_for(&two);
    ck_assert_uint_eq(one.count, 2);
    ck_assert_str_eq(one.first, "192.0.2.1:0");
    pass_time(29999);
    ask(&one, "a.example");
    ck_assert_uint_eq(one.told, 1);
    pass_time(1);
    ask(&one, "a.example");
    ck_assert_uint_eq(one.told, 0);
    close_all();
}
END_TEST

START_TEST(both_families_are_one_answer)
{
    static const struct reply_record four[] = { { "", REPLY_A, 60, "192.0.2.1" } };
    static const struct reply_record six[] = { { "", REPLY_AAAA, 60, "2001:db8::1" } };
    struct asker asker;

    open_all();
    settings.ipv6 = true;
    settings.valid = 5000;
    ask(&asker, "a.example");
    struct question a = receive(0), aaaa = receive(0);
    ck_assert_uint_eq(a.type, REPLY_A);
    ck_assert_uint_eq(aaaa.type, REPLY_AAAA);
    ck_assert_uint_ne(a.from.sin_port, aaaa.from.sin_port);
    reply(0, &aaaa, 0, six, 1);
    turn();
    ck_assert_uint_eq(asker.told, 0);
    reply(0, &a, 0, four, 1);
    wait_for(&asker);
    ck_assert_str_eq(asker.first, "192.0.2.1:0");
    ck_assert_str_eq(asker.last, "[2001:db8::1]:0");
    pass_time(5000);
    ask(&asker, "a.example");
    a = receive(0);
    aaaa = receive(0);
    reply(0, &a, DNS_NO_SUCH_NAME, NULL, 0);
    reply(0, &aaaa, 0, six, 1);
    wait_for(&asker);
    ck_assert_int_eq(asker.error, RESOLVE_OK);
    ck_assert_uint_eq(asker.count, 1);
    close_all();
}
END_TEST

START_TEST(aliases_are_followed)
{
    static const struct reply_record alias[] = { { "", REPLY_CNAME, 10, "b.example" } };
    static const struct reply_record whole[] = { { "", REPLY_CNAME, 20, "c.example" },
                                                 { "c.example", REPLY_A, 60, "192.0.2.3" } };
    struct asker asker;

    open_all();
    ask(&asker, "a.example");
    struct question question = receive(0);
    reply(0, &question, 0, alias, 1);
    turn();
    question = receive(0);
    ck_assert_str_eq(question.name, "b.example");
    reply(0, &question, 0, whole, 2);
    wait_for(&asker);
    ck_assert_str_eq(asker.first, "192.0.2.3:0");
    pass_time(10000);
    ask(&asker, "a.example");
    ck_assert_uint_eq(asker.told, 0);
    close_all();
}
END_TEST

START_TEST(no_such_name_is_kept_for_a_moment)
{
    struct asker asker, other;

    open_all();
    ask(&asker, "a.example");
    struct question question = receive(0);
    reply(0, &question, DNS_NO_SUCH_NAME, NULL, 0);
    wait_for(&asker);
    ck_assert_int_eq(asker.error, RESOLVE_NO_SUCH_NAME);
    ask(&asker, "a.example");
    ck_assert_int_eq(asker.error, RESOLVE_NO_SUCH_NAME);
    ck_assert_uint_eq(asker.told, 1);
    pass_time(RESOLVER_FAILURE);
    ask(&asker, "a.example");
    ck_assert_uint_eq(asker.told, 0);
    ask(&other, "a..example");
    ck_assert_int_eq(other.error, RESOLVE_NO_SUCH_NAME);
    close_all();
}
END_TEST

/* As long as the zone says, within limits; whether the name is none, or has no such records. */
START_TEST(zones_say_how_long_a_name_is_none)
{
    static const struct {
        const char *zone, *minimum;
        unsigned ttl, code;
        uint64_t valid, kept;
    } rows[] = {
        { "example", "3", 60, DNS_NO_SUCH_NAME, UINT64_MAX, 3000 },
        { "example", "60", 2, DNS_NO_SUCH_NAME, UINT64_MAX, 2000 },
        { "a.example", "2", 60, DNS_NO_ERROR, UINT64_MAX, 2000 },
        { "example", "3600", 3600, DNS_NO_SUCH_NAME, UINT64_MAX, RESOLVER_NEGATIVE },
        { "example", "4294967295", 3600, DNS_NO_ERROR, UINT64_MAX, RESOLVER_NEGATIVE },
        { "example", "60", 60, DNS_NO_SUCH_NAME, 500, 500 },
        { "example", "0", 60, DNS_NO_SUCH_NAME, UINT64_MAX, 0 },
        { "other.example", "60", 60, DNS_NO_SUCH_NAME, UINT64_MAX, RESOLVER_FAILURE },
    };
    struct asker asker;

    open_all();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reply_record soa = { rows[i].zone, REPLY_SOA, rows[i].ttl, rows[i].minimum };
        settings.valid = rows[i].valid;
        ask(&asker, "a.example");
        struct question question = receive(0);
        reply(0, &question, rows[i].code, &soa, 1);
        wait_for(&asker);
        ck_assert_int_eq(asker.error, RESOLVE_NO_SUCH_NAME);
        if (rows[i].kept > 0)
            pass_time(rows[i].kept - 1);
        ask(&asker, "a.example");
        ck_assert_msg(asker.told == (rows[i].kept > 0), "row %zu", i);
        lookup_cancel(&asker.lookup);
        pass_time(1);
        ask(&asker, "a.example");
        ck_assert_msg(asker.told == 0, "row %zu", i);
        lookup_cancel(&asker.lookup);
        while (!is_silent(0))
            receive(0);
    }
    close_all();
}
END_TEST

START_TEST(silence_goes_to_the_next_server)
{
    static const struct reply_record records[] = { { "", REPLY_A, 1, "192.0.2.1" } };
    struct asker asker;

    open_all();
    settings.count = 2;
    ask(&asker, "a.example");
    struct question first = receive(0);
    pass_time(1000);
    struct question second = receive(1);
    pass_time(2000);
    struct question third = receive(0);
    pass_time(3999);
    ck_assert(is_silent(1));
    reply(0, &first, 0, records, 1); /* too late: that socket has gone */
    turn();
    ck_assert_uint_eq(asker.told, 0);
    pass_time(1);
    second = receive(1);
    ck_assert_uint_ne(second.from.sin_port, third.from.sin_port);
    reply(1, &second, 0, records, 1);
    wait_for(&asker);
    ck_assert_int_eq(asker.error, RESOLVE_OK);
    pass_time(1000);
    ask(&asker, "a.example"); /* the one that answered is asked first */
    receive(1);
    ck_assert(is_silent(0));
    close_all();
}
END_TEST

START_TEST(whoever_waits_too_long_is_told)
{
    struct asker asker, gone;

    open_all();
    ask(&asker, "a.example");
    ask(&gone, "b.example");
    lookup_cancel(&gone.lookup);
    for (int i = 0; i < 10; i++)
        pass_time(TIMEOUT / 10);
    ck_assert_int_eq(asker.error, RESOLVE_TIMED_OUT);
    ck_assert_uint_eq(asker.told, 1);
    ck_assert_uint_eq(gone.told, 0);
    ck_assert(timers_next(&worker.timers) == UINT64_MAX);
    close_all();
}
END_TEST

START_TEST(servers_that_cannot_tell_are_passed_over)
{
    static const struct reply_record records[] = { { "", REPLY_A, 1, "192.0.2.1" } };
    struct asker asker;

    open_all();
    settings.count = 2;
    ask(&asker, "a.example");
    struct question question = receive(0);
    reply(0, &question, DNS_REFUSED, NULL, 0);
    turn();
    question = receive(1);
    reply(1, &question, 0, records, 1);
    wait_for(&asker);
    ck_assert_int_eq(asker.error, RESOLVE_OK);
    ask(&asker, "b.example");
    question = receive(1);
    reply(1, &question, DNS_SERVER_FAILURE, NULL, 0);
    turn();
    question = receive(0);
    reply(0, &question, DNS_REFUSED, NULL, 0);
    wait_for(&asker);
    ck_assert_int_eq(asker.error, DNS_REFUSED);
    ask(&asker, "b.example"); /* they are not asked at once again */
    ck_assert_int_eq(asker.error, DNS_REFUSED);
    pass_time(RESOLVER_FAILURE);
    close(sockets[1]); /* nobody listens: at once the other one */
    sockets[1] = -1;
    ask(&asker, "b.example");
    turn();
    receive(0);
    close_all();
}
END_TEST

START_TEST(what_was_not_asked_is_no_answer)
{
    static const struct reply_record records[] = { { "", REPLY_A, 1, "192.0.2.1" } };
    static const struct reply_record other[] = { { "x.example", REPLY_A, 1, "192.0.2.66" } };
    struct asker asker;
    char room[REPLY_MAX];

    open_all();
    ask(&asker, "a.example");
    struct question question = receive(0);
    size_t len = reply_write(room, question.bytes, 0, records, 1);
    room[0] = (char)(room[0] ^ 1); /* another number */
    send_to(0, &question, room, len);
    room[0] = (char)(room[0] ^ 1);
    room[REPLY_HEADER + 1] = 'b'; /* another name */
    send_to(0, &question, room, len);
    send_to(0, &question, room, 5);
    /* and from another server */
    len = reply_write(room, question.bytes, 0, records, 1);
    send_to(1, &question, room, len);
    turn();
    ck_assert_uint_eq(asker.told, 0);
    reply(0, &question, 0, other, 1);
    wait_for(&asker);
    ck_assert_int_eq(asker.error, RESOLVE_NO_SUCH_NAME);
    close_all();
}
END_TEST

/* What does not fit, or comes behind too many guesses, is asked for by TCP. */
static void expect_stream(struct asker *asker)
{
    static const struct reply_record records[] = { { "", REPLY_A, 9, "192.0.2.7" } };
    struct pollfd ready = { .fd = listening[0], .events = POLLIN };
    char query[REPLY_MAX], room[2 + REPLY_MAX];

    while (poll(&ready, 1, 0) == 0)
        turn();
    int fd = accept(listening[0], NULL, NULL);
    ck_assert_int_ge(fd, 0);
    turn();
    ssize_t got = read(fd, query, sizeof query);
    ck_assert_int_gt(got, 2);
    ck_assert_int_eq((unsigned char)query[0] << 8 | (unsigned char)query[1], got - 2);
    size_t len = reply_write(room + 2, query + 2, 0, records, 1);
    reply_put16(room, (unsigned)len);
    ck_assert_int_eq(write(fd, room, 1), 1);
    turn();
    ck_assert_uint_eq(asker->told, 0);
    ck_assert_int_eq(write(fd, room + 1, len + 1), (ssize_t)len + 1);
    wait_for(asker);
    ck_assert_str_eq(asker->first, "192.0.2.7:0");
    close(fd);
}

START_TEST(tcp_has_what_does_not_fit)
{
    struct asker asker;

    open_all();
    ask(&asker, "a.example");
    struct question question = receive(0);
    reply(0, &question, REPLY_TRUNCATED, NULL, 0);
    expect_stream(&asker);
    ask(&asker, "b.example");
    question = receive(0);
    for (int i = 0; i < 40; i++)
        send_to(0, &question, "guess", 5);
    expect_stream(&asker);
    close_all();
}
END_TEST

START_TEST(services_are_servers)
{
    static const struct reply_record records[] = {
        { "", REPLY_SRV, 60, "10 5 8080 t.example" },
    };
    struct asker asker;

    open_all();
    ask_kind(&asker, RESOLVE_SERVICE, "_http._tcp.a.example");
    struct question question = receive(0);
    ck_assert_uint_eq(question.type, REPLY_SRV);
    reply(0, &question, 0, records, 1);
    wait_for(&asker);
    ck_assert_uint_eq(asker.count, 1);
    ck_assert_uint_eq(asker.service.port, 8080);
    ck_assert_uint_eq(asker.service.priority, 10);
    ck_assert(slice_is(dns_name_text(&asker.service.target), "t.example"));
    close_all();
}
END_TEST

START_TEST(names_are_bounded)
{
    static const struct reply_record records[] = { { "", REPLY_A, 600, "192.0.2.1" } };
    struct asker asker, *many = calloc(RESOLVER_ASKING_MAX, sizeof *many);
    char name[32];

    open_all();
    ck_assert_ptr_nonnull(many);
    for (int i = 0; i < RESOLVER_NAMES_MAX + 1; i++) {
        snprintf(name, sizeof name, "n%d.example", i);
        ask(&asker, name);
        struct question question = receive(0);
        reply(0, &question, 0, records, 1);
        wait_for(&asker);
    }
    ask(&asker, "n1.example");
    ck_assert_uint_eq(asker.told, 1);
    ask(&asker, "n0.example"); /* had to go */
    ck_assert_uint_eq(asker.told, 0);
    for (int i = 1; i < RESOLVER_ASKING_MAX; i++) {
        snprintf(name, sizeof name, "m%d.example", i);
        ask(&many[i], name);
        ck_assert_uint_eq(many[i].told, 0);
    }
    ask(&many[0], "one.too.many.example");
    ck_assert_int_eq(many[0].error, RESOLVE_BUSY);
    close_all();
    free(many);
}
END_TEST

int main(void)
{
    return unit_main(unit_suite(
        "resolver",
        (const TTest *[]){ answers_are_kept_as_long_as_they_say, both_families_are_one_answer,
                           aliases_are_followed, no_such_name_is_kept_for_a_moment,
                           zones_say_how_long_a_name_is_none, silence_goes_to_the_next_server,
                           whoever_waits_too_long_is_told, servers_that_cannot_tell_are_passed_over,
                           what_was_not_asked_is_no_answer, tcp_has_what_does_not_fit,
                           services_are_servers, names_are_bounded, NULL }));
}
