#include "tests/serve/load.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void note_failure(struct load_report *report, const char *what, int error)
{
    if (report->failures++ == 0)
        snprintf(report->failure, FAILURE_TEXT, "request %lu: %s: %s",
                 (unsigned long)report->requests, what, strerror(error));
}

/* Receives until the end of the connection. */
static bool receive_answer(int fd, const char *body)
{
    char text[1000];
    size_t len = 0;
    ssize_t got;

    while (len < sizeof(text) - 1 && (got = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0)
        len += (size_t)got;
    text[len] = '\0';
    return strncmp(text, "HTTP/1.1 200 ", 13) == 0 && strstr(text, body) != NULL;
}

/* One connection, one request. */
static void request_once(struct load_report *report, const union load_target *name, socklen_t len,
                         const char *body)
{
    struct timeval patience = { .tv_sec = DEADLINE / 1000 };
    int fd = socket(name->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    report->requests++;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, &name->any, len) != 0)
        note_failure(report, "connect", errno);
    else if (send(fd, LOAD_REQUEST, strlen(LOAD_REQUEST), MSG_NOSIGNAL) !=
             (ssize_t)strlen(LOAD_REQUEST))
        note_failure(report, "send", errno);
    else if (!receive_answer(fd, body))
        note_failure(report, "no answer", errno);
    close(fd);
}

static void load_run(struct load_report *report, const union load_target *name, socklen_t len,
                     const char *body)
{
    enum { PAUSE = 1 }; /* the machine may have few processors, and the server needs one */

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (!report->stop) {
        request_once(report, name, len, body);
        poll(NULL, 0, PAUSE);
    }
    _exit(0);
}

struct load load_start(const union load_target *name, socklen_t len, const char *body)
{
    struct load load;

    load.reports = mmap(NULL, LOAD_PROCESSES * sizeof(*load.reports), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(load.reports, MAP_FAILED);
    for (int i = 0; i < LOAD_PROCESSES; i++) {
        load.pids[i] = fork();
        ck_assert_int_ge(load.pids[i], 0);
        if (load.pids[i] == 0)
            load_run(&load.reports[i], name, len, body);
    }
    for (int i = 0; i < LOAD_PROCESSES; i++)
        EVENTUALLY(load.reports[i].requests > 0);
    return load;
}

struct load load_tcp(const struct server *server, const char *body)
{
    union load_target name = { .in = { .sin_family = AF_INET,
                                       .sin_port = htons((uint16_t)server->ports[0]),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };

    return load_start(&name, sizeof(name.in), body);
}

unsigned long load_stop(struct server *server, struct load *load)
{
    unsigned long requests = 0;

    for (int i = 0; i < LOAD_PROCESSES; i++)
        load->reports[i].stop = true;
    for (int i = 0; i < LOAD_PROCESSES; i++)
        ck_assert_int_eq(waitpid(load->pids[i], NULL, 0), load->pids[i]);
    for (int i = 0; i < LOAD_PROCESSES; i++) {
        const struct load_report *report = &load->reports[i];
        requests += report->requests;
        if (report->failures > 0)
            server_fail(server, "%lu of %lu requests failed; %s", report->failures,
                        (unsigned long)report->requests, report->failure);
    }
    munmap(load->reports, LOAD_PROCESSES * sizeof(*load->reports));
    return requests;
}

/* --- through kills --- */

static const char killed[] = "exited on signal 9";

void load_kill_workers(struct server *server)
{
    unsigned before = count_of(server_read(server, "logs/error.log"), killed);
    pid_t pids[8];

    EVENTUALLY(server_workers(server, pids, 8) == worker_count());
    for (unsigned i = 0; i < worker_count(); i++)
        kill(pids[i], SIGKILL);
    EVENTUALLY(count_of(server_read(server, "logs/error.log"), killed) == before + worker_count());
    EVENTUALLY(server_workers(server, pids, 8) == worker_count());
}

/* Asks until it is killed. */
static pid_t start_asking(struct server *server, const char *path, unsigned numbers)
{
    enum { REQUESTS = 50 /* of a connection */ };
    pid_t child = fork();
    char byte[512];

    ck_assert_int_ge(child, 0);
    if (child > 0)
        return child;
    for (unsigned i = 0;; i++) {
        struct client *client = client_open(server);
        for (unsigned n = i * REQUESTS; n < (i + 1) * REQUESTS; n++)
            if (!client_send(client, "GET %s%u HTTP/1.1\r\nHost: h\r\n\r\n", path, n % numbers) ||
                recv(client->fd, byte, sizeof byte, 0) <= 0)
                break;
        client_close(client);
    }
}

void load_through_kills(struct server *server, const char *path, unsigned numbers)
{
    pid_t load[3];

    for (unsigned i = 0; i < 3; i++)
        load[i] = start_asking(server, path, numbers);
    for (unsigned round = 0; round < 3; round++)
        load_kill_workers(server);
    for (unsigned i = 0; i < 3; i++) {
        kill(load[i], SIGKILL);
        ck_assert_int_eq(waitpid(load[i], NULL, 0), load[i]);
    }
}
