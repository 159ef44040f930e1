/* A worker that does not turn: new connections go to the others, and so does what waits
 * in its queues already. */
#include "tests/serve/hanging_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#define REQUEST "GET /pid HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define LOCATIONS "location = /pid { return 200 $pid; } }\n"
#define SERVER "server { listen 127.0.0.1:@port@ backlog=2048; " LOCATIONS

enum { MANY = 1000, SOME = 40 };

/* ---- workers ---- */

static void find_workers(struct server *server, pid_t *workers, size_t count)
{
    EVENTUALLY(server_workers(server, workers, count) == count);
}

static void stop(pid_t worker)
{
    char path[40], state = 0;

    snprintf(path, sizeof(path), "/proc/%d/stat", worker);
    ck_assert_int_eq(kill(worker, SIGSTOP), 0);
    for (unsigned looks = 0; state != 'T';) {
        FILE *file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fscanf(file, "%*d %*s %c", &state), 1);
        fclose(file);
        if (state != 'T')
            wait_a_little(&looks, "the worker stops", __FILE__, __LINE__);
    }
}

static void go_on(pid_t worker)
{
    ck_assert_int_eq(kill(worker, SIGCONT), 0);
}

static void wait_stalled(struct server *server, pid_t worker)
{
    char text[60];

    snprintf(text, sizeof(text), "worker process %d is stalled", worker);
    server_wait_log(server, text);
}

/* New connections reach the worker. */
static void expect_share(struct server *server, pid_t worker)
{
    EVENTUALLY(atoi(get(server, "/pid")->body) == worker);
}

/* ---- clients ---- */

static struct client **ask_many(struct server *server, size_t count)
{
    struct client **clients = server_own(server, calloc(count, sizeof(struct client *)));

    for (size_t i = 0; i < count; i++) {
        clients[i] = client_open(server);
        client_send(clients[i], REQUEST);
    }
    return clients;
}

/* All are answered, by who is not `stalled`. */
static void expect_answers(struct client **clients, size_t count, pid_t stalled)
{
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_ne(atoi(client_read(clients[i])->body), stalled);
        client_close(clients[i]);
    }
}

/* ---- tests ---- */

START_TEST(nobody_waits_for_a_stopped_worker)
{
    struct server *server = server_start_with(&(struct setup){
        .http = SERVER, .main = "worker_processes 2;", .events = "worker_connections 900;" });
    pid_t workers[2];

    find_workers(server, workers, 2);
    stop(workers[0]);
    expect_answers(ask_many(server, MANY), MANY, workers[0]);
    wait_stalled(server, workers[0]);
    for (int i = 0; i < SOME; i++)
        ck_assert_int_eq(atoi(get(server, "/pid")->body), workers[1]);
    go_on(workers[0]);
    expect_share(server, workers[0]);
    expect_share(server, workers[1]);
    server_stop(server);
}
END_TEST

/* A unix socket has one queue: who was told of a connection may not come for it. */
START_TEST(nobody_waits_at_a_unix_socket)
{
    struct server *server = server_start_with(
        &(struct setup){ .http = SERVER "server { listen unix:@root@/logs/socket; " LOCATIONS,
                         .main = "worker_processes 2;" });
    struct client *clients[SOME];
    pid_t workers[2];

    find_workers(server, workers, 2);
    stop(workers[1]);
    for (int i = 0; i < SOME; i++) {
        clients[i] = client_open_unix(server, "logs/socket");
        client_send(clients[i], REQUEST);
    }
    expect_answers(clients, SOME, workers[1]);
    go_on(workers[1]);
    server_stop(server);
}
END_TEST

START_TEST(nobody_waits_for_a_worker_that_waits_for_a_disk)
{
    struct server *server = server_new();
    struct hanging_disk disk;
    pid_t workers[2], stalled = 0;

    bool mounted = hanging_disk_mount(&disk, server, "html/disk");
    server_run(server,
               &(struct setup){ .http = "server { listen 127.0.0.1:@port@ backlog=2048;\n"
                                        "location /disk/ { root @root@/html; }\n" LOCATIONS,
                                .main = "worker_processes 2; worker_stall_timeout 200ms;" });
    find_workers(server, workers, 2);
    struct client *late = client_open(server);
    client_send(late, REQUEST);
    stalled = atoi(client_read(late)->body);
    if (mounted) {
        client_send(late, "GET /disk/file HTTP/1.1\r\nHost: localhost\r\n\r\n");
        hanging_disk_wait(&disk);
    } else { /* no right to mount: the next best */
        stop(stalled);
    }
    expect_answers(ask_many(server, SOME), SOME, stalled);
    wait_stalled(server, stalled);
    if (mounted) {
        ck_assert(client_is_silent(late));
        hanging_disk_let_go(&disk);
        ck_assert_str_eq(client_read(late)->body, "late\n");
        hanging_disk_remove(&disk);
    } else {
        go_on(stalled);
    }
    expect_share(server, stalled);
    server_stop(server);
}
END_TEST

static void use_as_stderr(void *argument)
{
    dup2(*(int *)argument, STDERR_FILENO);
}

/* A container whose logs nobody reads any more: neither the workers nor the master wait. */
START_TEST(nobody_waits_for_who_reads_the_log)
{
    enum { REQUESTS = 300 }; /* with a line of some hundred bytes each: more than a pipe holds */
    struct server *server = server_new();
    char path[400];
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
    memset(path, 'x', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    server_run(server, &(struct setup){ .http = "server { listen 127.0.0.1:@port@; root html; }",
                                        .main = "error_log stderr notice;",
                                        .prepare = use_as_stderr,
                                        .argument = &ends[1] });
    for (int i = 0; i < REQUESTS; i++)
        ck_assert_int_eq(get(server, path)->status, 404);
    ck_assert_int_eq(server_say(server, "reload")->status, 0);
    ck_assert_str_eq(get(server, "/")->body, "welcome\n");
    server_quit(server);
    close(ends[0]);
    close(ends[1]);
    server_stop(server);
}
END_TEST

START_TEST(all_stalled_at_once_go_on)
{
    struct server *server = server_start_with(&(struct setup){
        .http = SERVER, .main = "worker_processes 3; worker_stall_timeout 200ms;" });
    pid_t workers[3];

    find_workers(server, workers, 3);
    for (int i = 0; i < 3; i++)
        stop(workers[i]);
    struct client **clients = ask_many(server, SOME);
    for (int i = 0; i < 3; i++)
        wait_stalled(server, workers[i]);
    for (int i = 0; i < SOME; i++)
        ck_assert(client_is_silent(clients[i]));
    go_on(workers[2]); /* one is enough for all queues */
    expect_answers(clients, SOME, workers[0]);
    go_on(workers[0]);
    go_on(workers[1]);
    for (int i = 0; i < 3; i++)
        expect_share(server, workers[i]);
    server_stop(server);
}
END_TEST

START_TEST(one_alone_goes_on)
{
    struct server *server = server_start_with(&(struct setup){
        .http = SERVER, .main = "worker_processes 1; worker_stall_timeout 200ms;" });
    pid_t worker;

    find_workers(server, &worker, 1);
    stop(worker);
    struct client **clients = ask_many(server, SOME);
    wait_stalled(server, worker);
    go_on(worker);
    expect_answers(clients, SOME, 0);
    server_stop(server);
}
END_TEST

/* The new workers, fewer than before, take what waits for a stopped old one, whose sockets
 * retire. */
START_TEST(a_reload_does_not_wait_for_a_stopped_worker)
{
    struct server *server = server_start_with(&(struct setup){
        .http = SERVER, .main = "worker_processes 3; worker_stall_timeout 200ms;" });
    pid_t workers[3];

    find_workers(server, workers, 3);
    for (int i = 0; i < 3; i++)
        stop(workers[i]);
    struct client **clients = ask_many(server, SOME);
    server_configure(server, &(struct setup){ .http = SERVER, .main = "worker_processes 1;" });
    server_signal(server, SIGHUP);
    server_wait_log(server, "reconfigured: 1 worker processes");
    expect_answers(clients, SOME, workers[0]);
    for (int i = 0; i < 3; i++)
        go_on(workers[i]);
    EVENTUALLY(server_workers(server, NULL, 0) == 1);
    ck_assert_int_ne(atoi(get(server, "/pid")->body), workers[0]);
    server_stop(server);
}
END_TEST

START_TEST(one_that_stays_stalled_is_replaced)
{
    struct server *server = server_start_with(&(struct setup){
        .http = SERVER,
        .main = "worker_processes 2; worker_stall_timeout 100ms; worker_stall_kill 300ms;" });
    pid_t before[2], after[2];
    char text[60];

    server_allow(server, "exited on signal 9");
    find_workers(server, before, 2);
    stop(before[0]);
    snprintf(text, sizeof(text), "worker process %d has been stalled for ", before[0]);
    server_wait_log(server, text);
    snprintf(text, sizeof(text), "worker process %d exited on signal 9", before[0]);
    server_wait_log(server, text);
    find_workers(server, after, 2);
    ck_assert_int_ne(after[0], before[0]);
    ck_assert_int_ne(after[1], before[0]);
    expect_share(server, after[0]);
    expect_share(server, after[1]);
    server_stop(server);
}
END_TEST

/* Its queue waits with it, then; the next one inherits it. */
START_TEST(the_watch_can_be_switched_off)
{
    struct server *server = server_start_with(&(struct setup){
        .http = SERVER,
        .main = "worker_processes 2; worker_stall_timeout 0; worker_stall_kill 1200ms;" });
    pid_t workers[2];

    server_allow(server, "exited on signal 9");
    find_workers(server, workers, 2);
    stop(workers[0]);
    struct client **clients = ask_many(server, SOME);
    server_wait_log(server, "has been stalled for "); /* longer than the usual limit */
    ck_assert_uint_eq(count_of(server_read(server, "logs/error.log"), "is stalled"), 0);
    expect_answers(clients, SOME, workers[0]);
    server_stop(server);
}
END_TEST

int main(void)
{
    allow_many_files();
    return serve_main("stall", (const TTest *[]){
                                   nobody_waits_for_a_stopped_worker,
                                   nobody_waits_at_a_unix_socket,
                                   nobody_waits_for_a_worker_that_waits_for_a_disk,
                                   nobody_waits_for_who_reads_the_log,
                                   all_stalled_at_once_go_on,
                                   one_alone_goes_on,
                                   a_reload_does_not_wait_for_a_stopped_worker,
                                   one_that_stays_stalled_is_replaced,
                                   the_watch_can_be_switched_off,
                                   NULL,
                               });
}
