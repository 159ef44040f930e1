/* A reload that fails says why, where, and with which status; and leaves the old
 * configuration, its workers and its sockets as they are. */
#include "tests/serve/harness.h"

#include <sys/stat.h>
#include <unistd.h>

#define HELLO "server { listen 127.0.0.1:@port@; location / { return 200 hello; } }\n"
#define OTHER "server { listen 127.0.0.1:@port2@; location / { return 200 other; } }\n"

/* Tries to reload: it says these words in this order, the last one of the old configuration, and
 * nothing has changed. */
static void expect_failure(struct server *server, const struct setup *setup,
                           const char *const *words)
{
    struct workers before = server_all_workers(server);

    server_configure(server, setup);
    struct run *run = server_say(server, "reload");
    const char *at = run->text;
    for (; *words != NULL; words++) {
        const char *word = server_expand(server, *words);
        at = strstr(at, word);
        if (run->status != 1 || at == NULL)
            server_fail(server, "status %d, not 1 with \"%s\":\n%s", run->status, word, run->text);
    }
    struct workers after = server_all_workers(server);
    ck_assert(workers_are(&before, &after));
    ck_assert_str_eq(get(server, "/")->body, "hello");

    /* Nothing is left that would stand in the way of the next one. */
    server_configure(server, &(struct setup){ .http = HELLO });
    run = server_say(server, "reload");
    if (run->status != 0)
        server_fail(server, "status %d:\n%s", run->status, run->text);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define UNCHANGED "the old one stays in force\n"

static struct server *start_hello(void)
{
    struct server *server = server_start(HELLO);

    server_allow(server, "[emerg]");
    return server;
}

START_TEST(syntax)
{
    struct server *server = start_hello();

    expect_failure(
        server, &(struct setup){ .config = "pid logs/muxd.pid;\nevents { }\nnonsense;" },
        WORDS("muxd: [emerg] unknown directive \"nonsense\" in @root@/conf/muxd.conf:3:1",
              "\nnonsense;\n", "^~~~~~~~"));
    server_stop(server);
}
END_TEST

START_TEST(syntax_that_the_master_finds)
{
    struct server *server = start_hello();
    struct client *client = client_open_unix(server, "logs/muxd.sock");

    server_configure(server,
                     &(struct setup){ .config = "events { }\nerror_log x y;\n\"nonsense\" x;" });
    const char *answer = server_expand(
        server, "err muxd: [emerg] invalid log level \"y\" in @root@/conf/muxd.conf:2:13\n"
                "err     error_log x y;\n"
                "err                 ^\n"
                "err muxd: [emerg] unknown directive \"nonsense\" in @root@/conf/muxd.conf:3:1\n"
                "err     \"nonsense\" x;\n"
                "err     ^~~~~~~~~~\n"
                "err muxd: [error] the configuration is not reloaded: the old one stays in force\n"
                "end 1\n");
    ck_assert(client_send(client, "reload\n"));
    ck_assert_str_eq(client_read_bytes(client, strlen(answer)), answer);
    ck_assert_str_eq(get(server, "/")->body, "hello");
    server_stop(server);
}
END_TEST

START_TEST(port_in_use)
{
    struct server *server = start_hello();

    int fd = port_occupy(server, 2);
    expect_failure(
        server, &(struct setup){ .http = HELLO OTHER, .main = "worker_processes 5;" },
        WORDS("bind() to 127.0.0.1:@port2@ failed (98: Address already in use)\n",
              "muxd: [emerg] cannot listen on 127.0.0.1:@port2@ in @root@/conf/muxd.conf:", OTHER,
              "^~~~~", "not reloaded: an address is in use; " UNCHANGED));
    close(fd);
    server_stop(server);
}
END_TEST

START_TEST(address_of_another_machine)
{
    struct server *server = start_hello();

    expect_failure(
        server, &(struct setup){ .http = HELLO "server { listen 192.0.2.1:@port2@; }" },
        WORDS("bind() to 192.0.2.1:@port2@ failed (99: Cannot assign requested address)\n",
              "cannot listen on 192.0.2.1:@port2@ in @root@/conf/muxd.conf:",
              "not reloaded: a socket cannot be opened; " UNCHANGED));
    server_stop(server);
}
END_TEST

START_TEST(missing_log_folder)
{
    struct server *server = start_hello();

    expect_failure(server,
                   &(struct setup){ .http = "access_log @root@/none/access.log;\n" HELLO OTHER },
                   WORDS("open() \"@root@/none/access.log\" failed (2: No such file or directory) "
                         "in @root@/conf/muxd.conf:",
                         "^~~~~", "not reloaded: a log file cannot be opened; " UNCHANGED));
    expect_failure(server,
                   &(struct setup){ .http = HELLO, .main = "error_log @root@/none/error.log;" },
                   WORDS("open() \"@root@/none/error.log\" failed (2: No such file or directory) "
                         "in @root@/conf/muxd.conf:",
                         "not reloaded: a log file cannot be opened; " UNCHANGED));
    server_stop(server);
}
END_TEST

/* More than the processor has addresses for. */
START_TEST(no_memory_for_a_zone)
{
    struct server *server = start_hello();

    expect_failure(
        server,
        &(struct setup){ .http = "limit_req_zone $uri zone=vast:100000000000m rate=1r/s;\n" HELLO },
        WORDS("mmap(MAP_ANON|MAP_SHARED, 104857600000000000) of zone \"vast\" failed (12: Cannot "
              "allocate memory) in @root@/conf/muxd.conf:",
              "limit_req_zone $uri zone=vast:100000000000m rate=1r/s;\n", "^~~~~~~~~~~~~~",
              "not reloaded: a shared memory zone cannot be had; " UNCHANGED));
    server_stop(server);
}
END_TEST

START_TEST(no_descriptors)
{
    struct server *server = server_start_with(&(struct setup){ .http = HELLO, .files = 60 });

    server_allow(server, "[emerg]");
    expect_failure(server, &(struct setup){ .http = HELLO OTHER, .main = "worker_processes 80;" },
                   WORDS("failed (24: Too many open files)\n",
                         "cannot listen on 127.0.0.1:", "@root@/conf/muxd.conf:",
                         "not reloaded: a socket cannot be opened; " UNCHANGED));

    /* Enough for the master, but not for workers. */
    server_allow(server, "[alert]");
    expect_failure(server,
                   &(struct setup){ .http = HELLO OTHER, .main = "worker_rlimit_nofile 4;" },
                   WORDS("muxd: [emerg] ", "(24: Too many open files)\n",
                         "\"worker_rlimit_nofile\" asks for what cannot be had in "
                         "@root@/conf/muxd.conf:",
                         "not reloaded: a new worker process does not start; " UNCHANGED));
    server_stop(server);
}
END_TEST

START_TEST(worker_that_dies_at_its_start)
{
    struct server *server = start_hello();

    server_allow(server, "chdir(");
    expect_failure(
        server,
        &(struct setup){ .http = HELLO OTHER,
                         .main = "worker_processes 4; working_directory @root@/none;" },
        WORDS("muxd: [alert] chdir(\"@root@/none\") failed (2: No such file or directory)\n",
              "muxd: [emerg] \"working_directory\" asks for what cannot be had in "
              "@root@/conf/muxd.conf:",
              "^~~~~~~~~~~~~~~~~",
              "not reloaded: a new worker process does not start; " UNCHANGED));
    server_stop(server);
}
END_TEST

START_TEST(unreadable_to_the_user_of_the_workers)
{
    struct server *server = start_hello();
    bool is_root = geteuid() == 0;

    server_allow(server, "chdir(");
    ck_assert_int_eq(mkdir(server_path(server, "private"), 0), 0);
    expect_failure(
        server,
        &(struct setup){ .http = HELLO,
                         .main = is_root ? "user nobody nogroup; working_directory @root@/private;"
                                         : "working_directory @root@/private;" },
        WORDS("muxd: [alert] chdir(\"@root@/private\") failed (13: Permission denied)\n",
              "\"working_directory\" asks for what cannot be had in @root@/conf/muxd.conf:",
              "not reloaded: a new worker process does not start; " UNCHANGED));
    server_stop(server);
}
END_TEST

START_TEST(pid_file_that_cannot_be_written)
{
    struct server *server = start_hello();

    server_configure(server, &(struct setup){ .http = HELLO,
                                              .main = "pid @root@/none/muxd.pid;\n"
                                                      "control_socket off;" });
    struct client *client = client_open_unix(server, "logs/muxd.sock");
    ck_assert(client_send(client, "reload\n"));
    const char *answer = server_expand(
        server, "err muxd: [emerg] open() \"@root@/none/muxd.pid\" failed (2: No such file or "
                "directory)\n"
                "err muxd: [emerg] \"pid\" asks for what cannot be had in "
                "@root@/conf/muxd.conf:4:1\n"
                "err     pid @root@/none/muxd.pid;\n"
                "err     ^~~\n"
                "err muxd: [error] the configuration is not reloaded: the pid file cannot be "
                "written; " UNCHANGED "end 1\n");
    ck_assert_str_eq(client_read_bytes(client, strlen(answer)), answer);
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("reload_failures", (const TTest *[]){
                                             syntax,
                                             syntax_that_the_master_finds,
                                             port_in_use,
                                             address_of_another_machine,
                                             missing_log_folder,
                                             no_memory_for_a_zone,
                                             no_descriptors,
                                             worker_that_dies_at_its_start,
                                             unreadable_to_the_user_of_the_workers,
                                             pid_file_that_cannot_be_written,
                                             NULL,
                                         });
}
