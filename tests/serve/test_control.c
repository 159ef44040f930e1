/* The control socket: who may use it, what it answers, and where it ends; and what
 * `muxd -s reload` says. */
#include "tests/serve/harness.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define LISTEN "listen 127.0.0.1:@port@"
#define HELLO "server { " LISTEN "; location / { return 200 hello; } }\n"
#define OTHER "server { listen 127.0.0.1:@port2@; location / { return 200 other; } }\n"
#define SOCKET "logs/muxd.sock"

static struct run *reload(struct server *server)
{
    return server_say(server, "reload");
}

static bool exists(struct server *server, const char *path)
{
    struct stat found;

    return lstat(server_path(server, path), &found) == 0;
}

static void expect_reloaded(struct server *server, unsigned generation, unsigned workers)
{
    struct run *run = reload(server);
    char line[80];

    snprintf(line, sizeof(line), "reloaded: generation %u, %u workers\n", generation, workers);
    ck_assert_str_eq(run->text, line);
    ck_assert_int_eq(run->status, 0);
}

/* ---- requests ---- */

static struct client *control_open_at(struct server *server, const char *path)
{
    return client_open_unix(server, path);
}

static struct client *control_open(struct server *server)
{
    return control_open_at(server, SOCKET);
}

static void expect_answer(struct client *client, const char *answer)
{
    ck_assert_str_eq(client_read_bytes(client, strlen(answer)), answer);
    client->len = 0;
}

START_TEST(only_the_user_of_the_master_may_open_it)
{
    struct server *server = server_start(HELLO);
    struct stat found;

    ck_assert_int_eq(lstat(server_path(server, SOCKET), &found), 0);
    ck_assert(S_ISSOCK(found.st_mode));
    ck_assert_int_eq(found.st_mode & 07777, 0600);
    ck_assert_uint_eq(found.st_uid, geteuid());
    server_quit(server);
    ck_assert(!exists(server, SOCKET));
    server_stop(server);
}
END_TEST

/* Connects as another user, in a process of its own, to a socket whose mode lets everybody in:
 * whether the master says a word to it. */
static int ask_as_nobody(const char *path)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    char byte;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(name.sun_path, path);
    if (setuid(65534) != 0 || connect(fd, (struct sockaddr *)&name, sizeof(name)) != 0)
        return 2;
    send(fd, "reload\n", 7, MSG_NOSIGNAL);
    return recv(fd, &byte, 1, 0) == 1;
}

START_TEST(another_user_is_not_listened_to)
{
    struct server *server = server_start(HELLO);
    const char *path = server_path(server, SOCKET);
    int status = -1;

    if (geteuid() == 0) {
        ck_assert_int_eq(chmod(path, 0666), 0);
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
            _exit(ask_as_nobody(path));
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
        ck_assert_ptr_null(strstr(server_read(server, "logs/error.log"), "reconfiguring"));
    }
    server_stop(server);
}
END_TEST

START_TEST(requests_of_one_connection_are_answered_in_turn)
{
    struct server *server =
        server_start_with(&(struct setup){ .http = HELLO, .main = "worker_processes 2;" });
    struct client *client = control_open(server);

    ck_assert(client_send(client, "rel"));
    ck_assert(client_send(client, "oad\nnonsense with words\nreload\n"));
    expect_answer(client, "out reloaded: generation 2, 2 workers\nend 0\n"
                          "err muxd: [error] the running server does not know the command "
                          "\"nonsense\"\nend 1\n"
                          "out reloaded: generation 3, 2 workers\nend 0\n");
    ck_assert(client_send(client, "reload\n"));
    client_finish(client); /* sends no more, and still hears */
    expect_answer(client, "out reloaded: generation 4, 2 workers\nend 0\n");
    server_stop(server);
}
END_TEST

START_TEST(a_request_has_a_greatest_length)
{
    enum { LONGEST = 1024 };
    struct server *server = server_start(HELLO);
    struct client *client = control_open(server);
    char line[LONGEST + 1];

    memset(line, 'x', sizeof(line));
    line[LONGEST - 1] = '\n';
    ck_assert(client_send_bytes(client, line, LONGEST));
    ck_assert_ptr_nonnull(strstr(client_read_bytes(client, LONGEST), "does not know the command"));
    client = control_open(server);
    line[LONGEST - 1] = 'x';
    ck_assert(client_send_bytes(client, line, LONGEST));
    ck_assert_str_eq(client_read_all(client), "err muxd: [error] the request is too long\nend 1\n");
    expect_reloaded(server, 2, worker_count());
    server_stop(server);
}
END_TEST

START_TEST(clients_have_a_greatest_number)
{
    enum { MOST = 16 };
    struct server *server = server_start(HELLO);
    struct client *clients[MOST];

    for (int i = 0; i < MOST; i++) {
        clients[i] = control_open(server);
        ck_assert(client_send(clients[i], "x\n"));
        ck_assert_ptr_nonnull(strstr(client_read_bytes(clients[i], 70), "\"x\""));
    }
    struct run *run = reload(server);
    ck_assert_int_eq(run->status, 1);
    ck_assert_str_eq(run->text, "muxd: [error] too many clients of the control socket\n");
    client_close(clients[3]);
    EVENTUALLY(reload(server)->status == 0);
    server_stop(server);
}
END_TEST

START_TEST(who_does_not_wait_is_forgotten)
{
    struct server *server = server_start(HELLO);

    for (int i = 0; i < 40; i++) {
        struct client *client = control_open(server);
        client_send(client, "reload\n"); /* fails for those that are too many just now */
        client_close(client);
    }
    EVENTUALLY(reload(server)->status == 0);
    server_stop(server);
}
END_TEST

START_TEST(reloads_that_come_together_are_all_answered)
{
    enum { CLIENTS = 8 };
    struct server *server = server_start(HELLO);
    struct client *clients[CLIENTS];

    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = control_open(server);
        ck_assert(client_send(clients[i], "reload\n"));
    }
    for (int i = 0; i < CLIENTS; i++)
        ck_assert_ptr_nonnull(strstr(client_read_bytes(clients[i], 44), "out reloaded: "));
    server_stop(server);
}
END_TEST

/* ---- where it is ---- */

START_TEST(a_dead_socket_is_replaced_and_a_living_one_is_not)
{
    struct server *server = server_start_with(
        &(struct setup){ .http = HELLO, .main = "control_socket logs/here.sock;" });

    server_command(server, (const char *[]){ "-v", NULL });
    server_file(server, "conf/second.conf",
                server_expand(server, "pid logs/second.pid; control_socket logs/here.sock;\n"
                                      "error_log logs/second.log; events { }\n"));
    struct run *run =
        server_command(server, (const char *[]){ "-p", "@root@", "-c", "conf/second.conf", NULL });
    ck_assert_int_eq(run->status, 1);
    ck_assert_ptr_nonnull(strstr(
        run->text, server_expand(server, "bind() of the control socket \"@root@/logs/here.sock\" "
                                         "failed (98: Address already in use)")));
    ck_assert(!exists(server, "logs/second.pid"));
    server_signal(server, SIGKILL);
    ck_assert_int_eq(waitpid(server->pid, NULL, 0), server->pid);
    server->pid = 0;
    ck_assert(exists(server, "logs/here.sock"));
    server_allow(server, "bind() to 127.0.0.1:"); /* its workers may not have ended yet */
    server_file(server, "logs/muxd.pid", "");
    server_run(server, &(struct setup){ .http = HELLO, .main = "control_socket logs/here.sock;" });
    expect_reloaded(server, 2, worker_count());
    server_stop(server);
}
END_TEST

START_TEST(it_moves_with_a_reload)
{
    struct server *server = server_start(HELLO);

    server_configure(server,
                     &(struct setup){ .http = HELLO, .main = "control_socket logs/new.sock;" });
    struct client *client = control_open(server);
    ck_assert(client_send(client, "reload\n"));
    ck_assert_ptr_nonnull(strstr(client_read_bytes(client, 44), "generation 2"));
    ck_assert(!exists(server, SOCKET));
    expect_reloaded(server, 3, worker_count());

    /* One that cannot be had leaves everything as it is. */
    server_configure(server,
                     &(struct setup){ .http = HELLO, .main = "control_socket none/new.sock;" });
    client = control_open_at(server, "logs/new.sock");
    server_allow(server, "[emerg]");
    ck_assert(client_send(client, "reload\n"));
    const char *answer = client_read_bytes(client, 200);
    ck_assert_ptr_nonnull(strstr(answer, "none/new.sock\" failed (2: No such file or directory)"));
    client_read_bytes(client, 220);
    ck_assert(exists(server, "logs/new.sock"));

    server_configure(server, &(struct setup){ .http = HELLO, .main = "control_socket off;" });
    client = control_open_at(server, "logs/new.sock");
    ck_assert(client_send(client, "reload\n"));
    ck_assert_ptr_nonnull(strstr(client_read_bytes(client, 44), "out reloaded: generation"));
    ck_assert(!exists(server, "logs/new.sock"));
    server_stop(server);
}
END_TEST

START_TEST(without_it_a_reload_is_a_signal)
{
    struct server *server =
        server_start_with(&(struct setup){ .http = HELLO, .main = "control_socket off;" });

    ck_assert(!exists(server, SOCKET));
    struct run *run = reload(server);
    ck_assert_int_eq(run->status, 0);
    ck_assert_ptr_nonnull(strstr(run->text, "[warn] there is no control socket"));
    server_wait_log(server, "reconfigured: ");
    server_stop(server);
}
END_TEST

START_TEST(a_path_that_is_too_long_is_said)
{
    struct server *server = server_new();
    char config[400], name[120];

    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    snprintf(config, sizeof(config), "pid logs/p.pid; events { }\ncontrol_socket logs/%s;\n", name);
    struct run *run = config_test(server, config);
    ck_assert_int_eq(run->status, 1);
    ck_assert_ptr_nonnull(strstr(run->text, "the path of the control socket is too long in "));
    snprintf(config, sizeof(config), "pid logs/%s.pid; events { }\n", name);
    run = config_test(server, config);
    ck_assert_int_eq(run->status, 0);
    ck_assert_ptr_nonnull(strstr(run->text, "there is no control socket"));
    server_stop(server);
}
END_TEST

/* ---- how it went ---- */

START_TEST(a_reload_says_that_it_is_done)
{
    struct server *server = server_start(HELLO);

    server_configure(server, &(struct setup){ .http = HELLO OTHER, .main = "worker_processes 4;" });
    expect_reloaded(server, 2, 4);
    struct client *client = client_open_port(server, 2); /* at once: the workers accept */
    client_send(client, "GET / HTTP/1.0\r\n\r\n");
    ck_assert_str_eq(client_read(client)->body, "other");
    server_stop(server);
}
END_TEST

/* A worker that does not turn could take the next connection as soon as it does. */
START_TEST(it_is_not_done_while_an_old_worker_may_accept)
{
    struct server *server =
        server_start_with(&(struct setup){ .http = HELLO, .main = "worker_stall_timeout 0;" });
    struct client *client = control_open(server);
    struct workers workers = server_all_workers(server);

    ck_assert_int_eq(kill(workers.pids[0], SIGSTOP), 0);
    ck_assert(client_send(client, "reload\n"));
    EVENTUALLY(server_metric(server, "muxd_generation") == 2);
    ck_assert(client_is_silent(client)); /* though it is in force */
    ck_assert_int_eq(kill(workers.pids[0], SIGCONT), 0);
    ck_assert_ptr_nonnull(strstr(client_read_bytes(client, 44), "out reloaded: generation 2"));
    server_stop(server);
}
END_TEST

/* Some still empty an address that has gone, where a handshake is under way: it is not
 * waited for, but of what stays they take nothing. */
START_TEST(when_it_is_done_only_new_workers_accept)
{
    enum { RELOADS = 10, REQUESTS = 10 };
    struct server *server = server_start(HELLO);
    char http[400], body[20];
    unsigned early = 0;

    for (int i = 0; i < RELOADS; i++) {
        bool both = i % 2 == 0;
        snprintf(body, sizeof(body), "turn %d", i);
        snprintf(http, sizeof(http),
                 "server { " LISTEN "; listen unix:@root@/logs/socket;\n"
                 "location / { return 200 '%s'; } } %s",
                 body, both ? "server { listen 127.0.0.1:@port2@ deferred; }" : "");
        server_configure(server, &(struct setup){ .http = http });
        expect_reloaded(server, (unsigned)i + 2, worker_count());
        ck_assert_uint_eq(count_of(server_status(server), "state=\"accepting\"} 1"),
                          worker_count());
        const char *log = server_read(server, "logs/error.log");
        early += count_of(log, "gracefully shutting down") < ((unsigned)i + 1) * worker_count();
        for (int j = 0; j < REQUESTS; j++) {
            ck_assert_str_eq(get(server, "/")->body, body);
            struct client *client = client_open_unix(server, "logs/socket");
            client_send(client, "GET / HTTP/1.0\r\n\r\n");
            ck_assert_str_eq(client_read(client)->body, body);
        }
        if (both)
            client_open_port(server, 2); /* and says nothing */
    }
    ck_assert_uint_gt(early, 0); /* old workers were there and did not leave yet */
    server_stop(server);
}
END_TEST

START_TEST(a_master_that_leaves_says_so)
{
    struct server *server = server_start(HELLO);
    struct client *busy = client_open(server);

    ck_assert(client_send(busy, "GET / HTTP/1.1\r\n"));
    get(server, "/");
    server_signal(server, SIGQUIT);
    server_wait_log(server, "gracefully shutting down");
    struct run *run = reload(server);
    ck_assert_int_eq(run->status, 1);
    ck_assert_str_eq(run->text, "muxd: [error] the server is leaving\n");
    client_close(busy);
    server_join(server);
}
END_TEST

START_TEST(without_a_master_nothing_is_reloaded)
{
    struct server *server = server_start(HELLO);

    server_quit(server);
    struct run *run = reload(server);
    ck_assert_int_eq(run->status, 1);
    ck_assert_ptr_nonnull(strstr(run->text, "muxd.pid\" failed (2: No such file or directory)"));
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("control", (const TTest *[]){
                                     only_the_user_of_the_master_may_open_it,
                                     another_user_is_not_listened_to,
                                     requests_of_one_connection_are_answered_in_turn,
                                     a_request_has_a_greatest_length,
                                     clients_have_a_greatest_number,
                                     who_does_not_wait_is_forgotten,
                                     reloads_that_come_together_are_all_answered,
                                     a_dead_socket_is_replaced_and_a_living_one_is_not,
                                     it_moves_with_a_reload,
                                     without_it_a_reload_is_a_signal,
                                     a_path_that_is_too_long_is_said,
                                     a_reload_says_that_it_is_done,
                                     it_is_not_done_while_an_old_worker_may_accept,
                                     when_it_is_done_only_new_workers_accept,
                                     a_master_that_leaves_says_so,
                                     without_a_master_nothing_is_reloaded,
                                     NULL,
                                 });
}
