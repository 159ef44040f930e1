/* Sockets that the service manager has opened: sd_listen_fds(3). They are its own: they go on
 * listening whatever becomes of the server. */
#include "tests/serve/harness.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELLO "server { listen 127.0.0.1:@port@; location / { return 200 hello; } }\n"
#define OTHER "server { listen 127.0.0.1:@port2@; location / { return 200 other; } }\n"
#define REQUEST "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

/* What the manager passes: descriptors 3 and following. */
struct passed {
    const int *sockets;
    int count;
    const char *names;
};

static void pass(void *argument)
{
    enum { FIRST = 3, ASIDE = 100 };
    const struct passed *passed = argument;
    char text[20];

    for (int i = 0; i < passed->count; i++)
        dup2(passed->sockets[i], ASIDE + i);
    for (int i = 0; i < passed->count; i++)
        dup2(ASIDE + i, FIRST + i);
    closefrom(FIRST + passed->count);
    snprintf(text, sizeof(text), "%d", getpid());
    setenv("LISTEN_PID", text, 1);
    snprintf(text, sizeof(text), "%d", passed->count);
    setenv("LISTEN_FDS", text, 1);
    setenv("LISTEN_FDNAMES", passed->names, 1);
}

static void start_activated(struct server *server, const char *http, const int *sockets, int count,
                            const char *names)
{
    struct passed passed = { sockets, count, names };

    server_file(server, "logs/muxd.pid", "");
    server_run(server,
               &(struct setup){ .http = http,
                                .arguments = (const char *[]){ "-e", "logs/start.log", NULL },
                                .prepare = pass,
                                .argument = &passed });
}

/* A server that is not running, and the socket of its first address. */
static struct server *server_with_socket(int *listening)
{
    struct server *server = server_new();

    *listening = port_occupy(server, 1);
    return server;
}

static void expect_served(struct server *server)
{
    for (int i = 0; i < 20; i++)
        ck_assert_str_eq(get(server, "/")->body, "hello");
}

/* The socket still listens; in the meantime connections may wait there. */
static bool listens(int fd)
{
    int value = 0;
    socklen_t len = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) == 0 && value != 0;
}

/* No new connection begins: a filter drops them. */
static bool is_silenced(int fd)
{
    socklen_t count = 0; /* of its instructions */

    ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &count), 0);
    return count > 0;
}

START_TEST(a_passed_socket_outlives_the_server)
{
    int listening;
    struct server *server = server_with_socket(&listening);

    for (int round = 0; round < 2; round++) {
        struct client *early = client_open(server); /* nobody serves yet */
        client_send(early, REQUEST);
        start_activated(server, HELLO, &listening, 1, "web");
        ck_assert_str_eq(client_read(early)->body, "hello");
        expect_served(server);
        server_quit(server);
        ck_assert(listens(listening));
    }
    server_stop(server);
    close(listening);
}
END_TEST

START_TEST(an_upgrade_passes_it_on_as_the_manager_s)
{
    int listening;
    struct server *server = server_with_socket(&listening);
    int status = -1;

    start_activated(server, HELLO, &listening, 1, "web");
    expect_served(server);
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(server_say(server, "upgrade")->status, 0);
        ck_assert_int_eq(waitpid(server->pid, &status, 0), server->pid);
        ck_assert_int_eq(status, 0);
        server->pid = atoi(server_read(server, "logs/muxd.pid"));
        expect_served(server);
    }
    server_quit(server);
    ck_assert(listens(listening));
    struct client *early = client_open(server);
    client_send(early, REQUEST);
    start_activated(server, HELLO, &listening, 1, "web");
    ck_assert_str_eq(client_read(early)->body, "hello");
    server_stop(server);
    close(listening);
}
END_TEST

START_TEST(a_reload_that_removes_it_silences_it)
{
    int listening;
    struct server *server = server_with_socket(&listening);

    start_activated(server, HELLO OTHER, &listening, 1, "web");
    expect_served(server);
    for (int round = 0; round < 2; round++) {
        server_configure(server, &(struct setup){ .http = OTHER });
        struct client *begun = client_open(server);
        client_send(begun, REQUEST);
        struct run *run = server_say(server, "reload");
        ck_assert_int_eq(run->status, 0);
        ck_assert_str_eq(client_read(begun)->body, "hello"); /* it was there before */
        ck_assert(is_silenced(listening));
        ck_assert(listens(listening));
        server_wait_log(server, "which no \"listen\" names: nobody accepts there");

        server_configure(server, &(struct setup){ .http = HELLO OTHER });
        ck_assert_int_eq(server_say(server, "reload")->status, 0);
        ck_assert(!is_silenced(listening));
        expect_served(server);
    }
    /* Who comes after finds it as it was. */
    server_configure(server, &(struct setup){ .http = OTHER });
    ck_assert_int_eq(server_say(server, "reload")->status, 0);
    ck_assert(is_silenced(listening));
    server_quit(server);
    ck_assert(listens(listening) && !is_silenced(listening));
    server_stop(server);
    close(listening);
}
END_TEST

START_TEST(one_that_nobody_listens_on_is_said)
{
    int sockets[2];
    struct server *server = server_new();

    sockets[0] = port_occupy(server, 1);
    sockets[1] = port_occupy(server, 2);
    start_activated(server, HELLO, sockets, 2, "web:admin");
    expect_served(server);
    ck_assert(is_silenced(sockets[1]));
    ck_assert(!is_silenced(sockets[0]));
    const char *log = server_read(server, "logs/start.log");
    ck_assert_ptr_nonnull(strstr(log, "using descriptor 3 (\"web\") of the service manager\n"));
    ck_assert_ptr_nonnull(strstr(log, "using descriptor 4 (\"admin\") of the service manager\n"));
    ck_assert_ptr_nonnull(strstr(log, "which no \"listen\" names: nobody accepts there\n"));
    server_stop(server);
    ck_assert(listens(sockets[1]) && !is_silenced(sockets[1]));
    close(sockets[0]);
    close(sockets[1]);
}
END_TEST

/* Its file is the manager's, too. */
START_TEST(a_unix_socket_keeps_its_file)
{
    struct server *server = server_new();
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    struct stat found;
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(name.sun_path, sizeof(name.sun_path), "%s/logs/socket", server->root);
    ck_assert_int_eq(bind(listening, (struct sockaddr *)&name, sizeof(name)), 0);
    ck_assert_int_eq(listen(listening, 16), 0);
    start_activated(server, HELLO "server { listen unix:@root@/logs/socket; return 200 unix; }",
                    &listening, 1, "local");
    struct client *client = client_open_unix(server, "logs/socket");
    client_send(client, REQUEST);
    ck_assert_str_eq(client_read(client)->body, "unix");
    server_configure(server, &(struct setup){ .http = HELLO });
    ck_assert_int_eq(server_say(server, "reload")->status, 0);
    ck_assert_int_eq(stat(name.sun_path, &found), 0);
    server_quit(server);
    ck_assert_int_eq(stat(name.sun_path, &found), 0);
    ck_assert(listens(listening));
    server_stop(server);
    close(listening);
}
END_TEST

int main(void)
{
    return serve_main("activation", (const TTest *[]){
                                        a_passed_socket_outlives_the_server,
                                        an_upgrade_passes_it_on_as_the_manager_s,
                                        a_reload_that_removes_it_silences_it,
                                        one_that_nobody_listens_on_is_said,
                                        a_unix_socket_keeps_its_file,
                                        NULL,
                                    });
}
