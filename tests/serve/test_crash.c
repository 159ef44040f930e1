/* Workers that die, at any moment and again and again: what they were answering is lost,
 * and nothing else.
 *
 * MUXD_CRASH_SECONDS=60 makes the kills of the first test last for so long, ten a
 * second: tests/soak/crash. */
#include "tests/serve/harness.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each request enters the zone with a key of its own, and drives an old one out. */
#define SERVER                                                                           \
    "limit_req_zone \"$pid $connection $connection_requests\" zone=all:64k rate=1r/s;\n" \
    "server { listen 127.0.0.1:@port@ backlog=2048; root @root@/html;\n"                 \
    "limit_req zone=all burst=1000000 nodelay;\n"                                        \
    "location = /body { client_body_read on; return 200 whole; }\n"                      \
    "location = /pid { return 200 $pid; } }\n"

enum {
    CLIENTS = 4,
    ATTEMPTS = 6, /* requests of a connection that is kept */
    WORKERS_MAX = 8,
    KILLS = 12,
    KILL_EVERY = 100, /* ms, in the long form */
};

/* ---- clients, in processes of their own ---- */

/* By the client's port: how many of its connections something has happened to. */
struct ports {
    unsigned counts[USHRT_MAX + 1];
};

struct report {
    _Atomic unsigned long requests;
    unsigned long failures, refused;
    struct ports failed;
    _Atomic bool stop;
};

struct load {
    struct report *reports; /* CLIENTS of them, in memory that all share */
    pid_t pids[CLIENTS];
    struct ports doomed; /* the killed workers had accepted these */
};

static unsigned own_port(int fd)
{
    struct sockaddr_in name = { 0 };
    socklen_t len = sizeof(name);

    getsockname(fd, (struct sockaddr *)&name, &len);
    return ntohs(name.sin_port);
}

static int connect_to(const struct server *server)
{
    struct sockaddr_in name = { .sin_family = AF_INET,
                                .sin_port = htons((uint16_t)server->ports[0]),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval patience = { .tv_sec = DEADLINE / 1000 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    if (connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool send_text(int fd, const char *text)
{
    return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* A whole answer whose body is `body`. */
static bool receive_answer(int fd, const char *body)
{
    char text[1000];
    size_t len = 0;
    ssize_t got;

    do {
        got = recv(fd, text + len, sizeof(text) - 1 - len, 0);
        len += got > 0 ? (size_t)got : 0;
        text[len] = '\0';
        const char *end = strstr(text, "\r\n\r\n");
        if (end != NULL && strlen(end + 4) >= strlen(body))
            return strncmp(text, "HTTP/1.1 200 ", 13) == 0 && strcmp(end + 4, body) == 0;
    } while (got > 0 && len < sizeof(text) - 1);
    return false;
}

/* A request that is under way for a while: its body comes later than its head. */
static bool request_slowly(int fd)
{
    enum { PAUSE = 2 };

    if (!send_text(fd, "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbo"))
        return false;
    poll(NULL, 0, PAUSE);
    return send_text(fd, "dy") && receive_answer(fd, "whole");
}

static bool request_quickly(int fd)
{
    return send_text(fd, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") &&
           receive_answer(fd, "welcome\n");
}

/* One connection, with one request or several. */
static void run_connection(const struct server *server, struct report *report, unsigned attempts)
{
    int fd = connect_to(server);
    bool answered = fd >= 0;

    report->refused += fd < 0;
    for (unsigned i = 0; i < attempts && answered; i++) {
        report->requests++;
        answered = i % 2 == 0 ? request_slowly(fd) : request_quickly(fd);
    }
    if (fd < 0)
        return;
    report->failures += !answered;
    if (!answered)
        report->failed.counts[own_port(fd)]++;
    close(fd);
}

static void run_client(const struct server *server, struct report *report)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (unsigned i = 0; !report->stop; i++)
        run_connection(server, report, i % 2 == 0 ? 1 : ATTEMPTS);
    _exit(0);
}

static struct load *load_start(struct server *server)
{
    struct load *load = server_own(server, calloc(1, sizeof(*load)));

    load->reports = mmap(NULL, CLIENTS * sizeof(*load->reports), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(load->reports, MAP_FAILED);
    for (int i = 0; i < CLIENTS; i++) {
        load->pids[i] = fork();
        ck_assert_int_ge(load->pids[i], 0);
        if (load->pids[i] == 0)
            run_client(server, &load->reports[i]);
    }
    return load;
}

static unsigned long load_requests(const struct load *load)
{
    unsigned long requests = 0;

    for (int i = 0; i < CLIENTS; i++)
        requests += load->reports[i].requests;
    return requests;
}

/* What all clients have seen together. */
struct outcome {
    unsigned long requests, failures;
    unsigned kills;
};

/* Ends the load. Every request that failed was on a connection that a killed worker had
 * accepted. */
static void load_stop(struct server *server, struct load *load, struct outcome *outcome)
{
    unsigned long failures = 0, refused = 0, blamed = 0;
    struct ports *failed = server_own(server, calloc(1, sizeof(*failed)));

    for (int i = 0; i < CLIENTS; i++)
        load->reports[i].stop = true;
    for (int i = 0; i < CLIENTS; i++) {
        ck_assert_int_eq(waitpid(load->pids[i], NULL, 0), load->pids[i]);
        outcome->requests += load->reports[i].requests;
        failures += load->reports[i].failures;
        refused += load->reports[i].refused;
        for (size_t port = 0; port <= USHRT_MAX; port++)
            failed->counts[port] += load->reports[i].failed.counts[port];
    }
    for (size_t port = 0; port <= USHRT_MAX; port++)
        blamed += failed->counts[port] < load->doomed.counts[port] ? failed->counts[port]
                                                                   : load->doomed.counts[port];
    if (refused > 0 || blamed < failures)
        server_fail(server, "%lu connections refused; %lu requests failed, %lu on killed workers",
                    refused, failures, blamed);
    outcome->failures = failures;
}

/* ---- whose connections they are ---- */

enum { SOCKETS_MAX = 512 };

struct inodes {
    unsigned long list[SOCKETS_MAX];
    size_t count;
};

/* The sockets of a process. */
static void find_sockets(pid_t pid, struct inodes *inodes)
{
    char path[PATH_MAX], target[64];
    struct dirent *entry;

    snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    DIR *folder = opendir(path);
    for (inodes->count = 0; folder != NULL && (entry = readdir(folder)) != NULL;) {
        ssize_t len = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
        target[len > 0 ? len : 0] = '\0';
        if (sscanf(target, "socket:[%lu]", &inodes->list[inodes->count]) == 1 &&
            inodes->count < SOCKETS_MAX - 1)
            inodes->count++;
    }
    if (folder != NULL)
        closedir(folder);
}

/* Asks the kernel for the connections of a local port (sock_diag(7)). */
static int ask_connections(int port)
{
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 body;
    } request = {
        .header = { .nlmsg_len = sizeof(request),
                    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
        .body = { .sdiag_family = AF_INET,
                  .sdiag_protocol = IPPROTO_TCP,
                  .idiag_states = ~(1U << TCP_TIME_WAIT | 1U << TCP_LISTEN),
                  .id = { .idiag_sport = htons((uint16_t)port) } },
    };
    int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

    ck_assert_int_ge(netlink, 0);
    ck_assert_int_eq(send(netlink, &request, sizeof(request), 0), (int)sizeof(request));
    return netlink;
}

static void mark_if_among(const struct inet_diag_msg *connection, const struct inodes *inodes,
                          struct ports *ports)
{
    for (size_t i = 0; i < inodes->count; i++)
        if (inodes->list[i] == connection->idiag_inode)
            ports->counts[ntohs(connection->id.idiag_dport)]++;
}

/* Marks the clients' ports of the connections that the process has accepted. */
static void mark_connections(const struct server *server, pid_t pid, struct ports *ports)
{
    static union {
        struct nlmsghdr header;
        char bytes[32768];
    } answer;
    static struct inodes inodes;
    bool done = false;

    find_sockets(pid, &inodes);
    int netlink = ask_connections(server->ports[0]);
    while (!done) {
        ssize_t got = recv(netlink, &answer, sizeof(answer), 0);
        ck_assert_int_gt(got, 0);
        size_t left = (size_t)got;
        for (const struct nlmsghdr *at = &answer.header; NLMSG_OK(at, left) && !done;
             at = NLMSG_NEXT(at, left)) {
            ck_assert_int_ne(at->nlmsg_type, NLMSG_ERROR);
            done = at->nlmsg_type == NLMSG_DONE;
            if (!done)
                mark_if_among(NLMSG_DATA(at), &inodes, ports);
        }
    }
    close(netlink);
}

/* State of a process, as proc_pid_stat(5) has it; 0: there is none. */
static char state_of(pid_t pid)
{
    char path[40], state = 0;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    if (file != NULL && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = 0;
    if (file != NULL)
        fclose(file);
    return state;
}

/* Stops a worker. False when it is dead. */
static bool stop(pid_t worker)
{
    char state = 0;

    if (kill(worker, SIGSTOP) != 0)
        return false;
    for (unsigned looks = 0; (state = state_of(worker)) != 'T';) {
        if (state == 0 || state == 'Z')
            return false;
        wait_a_little(&looks, "the worker stops", __FILE__, __LINE__);
    }
    return true;
}

/* Kills one of the workers, and remembers what it was answering. */
static void kill_one(struct server *server, struct load *load)
{
    pid_t workers[WORKERS_MAX], victim;

    do {
        size_t count = 0;
        EVENTUALLY((count = server_workers(server, workers, WORKERS_MAX)) > 0);
        victim = workers[(size_t)rand() % count];
    } while (!stop(victim));
    mark_connections(server, victim, &load->doomed);
    ck_assert_int_eq(kill(victim, SIGKILL), 0);
}

/* ---- counters ---- */

/* What clients have seen has been counted, but for what was under way at the kills. */
static void expect_counted(struct server *server, const struct totals *before,
                           const struct totals *after, const struct outcome *outcome)
{
    unsigned long answered = outcome->requests - outcome->failures;
    unsigned long under_way = outcome->kills * CLIENTS;
    unsigned long begun = (unsigned long)(after->of[TOTAL_REQUESTS] - before->of[TOTAL_REQUESTS]);
    unsigned long ended = (unsigned long)(after->of[TOTAL_ANSWERED] - before->of[TOTAL_ANSWERED]);

    if (ended + under_way < answered || ended > outcome->requests || begun + under_way < answered ||
        begun > outcome->requests)
        server_fail(server,
                    "%lu begun and %lu ended, but %lu tried and %lu answered, and at most %lu "
                    "under way at the kills",
                    begun, ended, outcome->requests, answered, under_way);
}

/* ---- tests ---- */

/* Seconds that the kills go on, 0: a few of them. */
static unsigned long long_form(void)
{
    const char *seconds = getenv("MUXD_CRASH_SECONDS");

    return seconds == NULL ? 0 : strtoul(seconds, NULL, 10);
}

static unsigned kill_for_long(struct server *server, struct load *load, struct totals *counters,
                              unsigned long seconds)
{
    long long end = clock_now() + (long long)seconds * 1000;
    unsigned kills = 0;

    for (long long next = clock_now(); next < end; next += KILL_EVERY, kills++) {
        long long now = clock_now();
        poll(NULL, 0, next > now ? (int)(next - now) : 0);
        kill_one(server, load);
        totals_follow(server, counters);
    }
    return kills;
}

/* Each after some more requests. */
static unsigned kill_a_few(struct server *server, struct load *load, struct totals *counters)
{
    enum { REQUESTS_BETWEEN = 60 };

    for (int i = 0; i < KILLS; i++) {
        unsigned long before = load_requests(load);
        EVENTUALLY(load_requests(load) >= before + REQUESTS_BETWEEN);
        kill_one(server, load);
        totals_follow(server, counters);
    }
    return KILLS;
}

START_TEST(only_what_a_killed_worker_answers_is_lost)
{
    struct server *server =
        server_start_with(&(struct setup){ .http = SERVER, .main = "worker_processes 3;" });
    unsigned long seconds = long_form();
    struct totals counters = { { 0 } };
    struct outcome outcome = { 0 };

    server_allow(server, "exited on signal 9");
    server_allow(server, "a worker process died while it changed the shared memory zone");
    get(server, "/");
    EVENTUALLY(server_metric(server, "muxd_responses_total{class=\"2xx\"}") == 1);
    totals_follow(server, &counters);
    struct totals before = counters;
    struct load *load = load_start(server);
    outcome.kills = seconds > 0 ? kill_for_long(server, load, &counters, seconds)
                                : kill_a_few(server, load, &counters);
    unsigned long requests = load_requests(load);
    EVENTUALLY(server_workers(server, NULL, 0) == 3 && load_requests(load) > requests + CLIENTS);
    load_stop(server, load, &outcome);
    EVENTUALLY(count_of(server_read(server, "logs/error.log"), "exited on signal 9") ==
               outcome.kills);
    EVENTUALLY(server_metric(server, "muxd_connections{state=\"writing\"}") == 0);
    totals_follow(server, &counters);
    expect_counted(server, &before, &counters, &outcome);
    if (seconds > 0)
        printf("%u kills in %lu s: %lu requests, %lu failed, all of them on killed workers\n",
               outcome.kills, seconds, outcome.requests, outcome.failures);
    ck_assert_uint_gt(outcome.requests, outcome.failures);
    server_stop(server);
}
END_TEST

static bool answers(struct server *server, pid_t worker)
{
    return atoi(get(server, "/pid")->body) == worker;
}

/* A slot whose next worker does not start for long: its siblings take what has been
 * waiting there. */
START_TEST(what_waits_for_a_dead_worker_is_taken)
{
    enum { WAITING = 40 };
    struct server *server = server_new();
    struct client *clients[WAITING];
    pid_t workers[2];

    server_file(server, "work/file", "");
    server_run(server, &(struct setup){ .http = SERVER,
                                        .main = "worker_processes 2; worker_stall_timeout 0;\n"
                                                "working_directory @root@/work;" });
    server_allow(server, "exited on signal 9");
    server_allow(server, "chdir(");
    EVENTUALLY(server_workers(server, workers, 2) == 2);
    EVENTUALLY(answers(server, workers[0]));
    EVENTUALLY(answers(server, workers[1]));
    ck_assert(stop(workers[0]));
    for (int i = 0; i < WAITING; i++) {
        clients[i] = client_open(server);
        client_send(clients[i], "GET /pid HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    ck_assert_int_eq(rename(server_path(server, "work"), server_path(server, "gone")), 0);
    ck_assert_int_eq(kill(workers[0], SIGKILL), 0);
    for (int i = 0; i < WAITING; i++)
        ck_assert_int_eq(atoi(client_read(clients[i])->body), workers[1]);
    server_wait_log(server, "ended at once, 2 times in a row: the next one starts in 200 ms");
    for (int i = 0; i < WAITING; i++)
        ck_assert_int_eq(atoi(get(server, "/pid")->body), workers[1]);
    server_stop(server);
}
END_TEST

int main(void)
{
    srand((unsigned)getpid());
    return serve_main("crash", (const TTest *[]){
                                   only_what_a_killed_worker_answers_is_lost,
                                   what_waits_for_a_dead_worker_is_taken,
                                   NULL,
                               });
}
