/* The command line: each option, what it prints, and the exit status. */
#include "tests/serve/harness.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVER "server { listen 127.0.0.1:@port@; location / { return 200 hello; } }"
#define LOGS "error_log logs/error.log;\n"
#define ARGUMENTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* A whole configuration with nothing but what is given, written but not run. */
static struct server *server_with(const char *config)
{
    struct server *server = server_new();

    server_configure(server, &(struct setup){ .config = config });
    return server;
}

static void expect_failure(struct server *server, const struct run *run, const char *text)
{
    if (run->status != 1 || strstr(run->text, text) == NULL)
        server_fail(server, "status %d, not 1 with \"%s\":\n%s", run->status, text, run->text);
}

static void expect_success(struct server *server, const struct run *run, const char *text)
{
    if (run->status != 0 || strstr(run->text, text) == NULL)
        server_fail(server, "status %d, not 0 with \"%s\":\n%s", run->status, text, run->text);
}

/* ---- what it is ---- */

START_TEST(v_is_one_line)
{
    struct server *server = server_new();
    struct run *run = server_command(server, ARGUMENTS("-v"));
    char version[20];
    int end = 0;

    ck_assert_int_eq(run->status, 0);
    ck_assert_int_eq(sscanf(run->text, "muxd version: muxd/%19[0-9.]%n", version, &end), 1);
    ck_assert_str_eq(run->text + end, "\n");
    server_stop(server);
}
END_TEST

START_TEST(V_says_how_it_was_built)
{
    struct server *server = server_new();
    struct run *run = server_command(server, ARGUMENTS("-V"));

    expect_success(server, run, "muxd version: muxd/");
    ck_assert_ptr_nonnull(strstr(run->text, "\nbuilt by "));
    ck_assert_ptr_nonnull(strstr(run->text, "\nfeatures: "));
    ck_assert_ptr_nonnull(strstr(run->text, "\nconfigure arguments: --prefix=/"));
    ck_assert_ptr_nonnull(strstr(run->text, " --conf-path=/"));
    ck_assert_uint_eq(count_of(run->text, "\n"), 4);
    server_stop(server);
}
END_TEST

START_TEST(features_are_names)
{
    struct server *server = server_new();
    struct run *run = server_command(server, ARGUMENTS("-V"));
    const char *line = strstr(run->text, "\nfeatures: ");

    ck_assert_ptr_nonnull(line);
    line += strlen("\nfeatures: ");
    ck_assert_uint_gt(strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789_ "), 0);
    ck_assert_int_eq(line[strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789_ ")], '\n');
    server_stop(server);
}
END_TEST

START_TEST(help_names_every_option)
{
    static const char *const words[] = { "Usage: muxd ",
                                         "-?,-h ",
                                         "-v ",
                                         "-V ",
                                         "-t ",
                                         "-T ",
                                         "-q ",
                                         "-s signal ",
                                         "-p prefix ",
                                         "-e filename ",
                                         "-c filename ",
                                         "-g directives ",
                                         "stop, quit, reopen" };
    struct server *server = server_new();

    for (int i = 0; i < 2; i++) {
        struct run *run = server_command(server, ARGUMENTS(i == 0 ? "-h" : "-?"));
        expect_success(server, run, "muxd version: muxd/");
        for (size_t j = 0; j < sizeof(words) / sizeof(*words); j++)
            ck_assert_msg(strstr(run->text, words[j]) != NULL, "%s: %s", words[j], run->text);
    }
    server_stop(server);
}
END_TEST

START_TEST(h_explains_a_directive)
{
    struct server *server = server_new();
    struct run *run = server_command(server, ARGUMENTS("-h", "worker_processes"));

    expect_success(server, run, "worker_processes");
    ck_assert_ptr_nonnull(strstr(run->text, "main"));
    ck_assert_ptr_nonnull(strstr(run->text, "number of workers"));
    ck_assert_ptr_null(strstr(run->text, "Usage: muxd"));

    expect_success(server, server_command(server, ARGUMENTS("-h", "sendfile")), "location");
    run = server_command(server, ARGUMENTS("-h", "sendfil"));
    expect_failure(server, run, "unknown directive \"sendfil\"");
    ck_assert_ptr_nonnull(strstr(run->text, "\"sendfile\""));
    expect_failure(server, server_command(server, ARGUMENTS("-h", "qqqqqqqqqq")), "qqqqqqqqqq");
    server_stop(server);
}
END_TEST

struct bad_line {
    const char *arguments[3];
    const char *text;
};

START_TEST(what_is_no_option_is_refused)
{
    static const struct bad_line lines[] = {
        { { "-x" }, "muxd: invalid option: \"x\"\n" },
        { { "-tx" }, "muxd: invalid option: \"x\"\n" },
        { { "word" }, "muxd: invalid option: \"word\"\n" },
        { { "-t", "word" }, "muxd: invalid option: \"word\"\n" },
        { { "--version" }, "muxd: invalid option: \"-\"\n" },
        { { "-c" }, "muxd: option \"-c\" requires file name\n" },
        { { "-e" }, "muxd: option \"-e\" requires file name\n" },
        { { "-p" }, "muxd: option \"-p\" requires directory name\n" },
        { { "-g" }, "muxd: option \"-g\" requires parameter\n" },
        { { "-s" }, "muxd: option \"-s\" requires parameter\n" },
        { { "-s", "go" }, "muxd: invalid option: \"-s go\"\n" },
        { { "-sgo" }, "muxd: invalid option: \"-s go\"\n" },
        { { "-v", "-y" }, "muxd: invalid option: \"y\"\n" },
    };
    struct server *server = server_new();

    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        struct run *run = server_command(server, lines[i].arguments);
        ck_assert_int_eq(run->status, 1);
        ck_assert_str_eq(run->text, lines[i].text);
    }
    server_stop(server);
}
END_TEST

/* ---- -t, -T, -q ---- */

START_TEST(t_says_that_all_is_well)
{
    struct server *server =
        server_with(LOGS "pid logs/p.pid; events { }\nhttp { access_log off; " SERVER " }\n");
    const char *text = server_expand(
        server, "muxd: the configuration file @root@/conf/muxd.conf syntax is ok\n"
                "muxd: configuration file @root@/conf/muxd.conf test is successful\n");
    struct run *run = server_run_here(server, ARGUMENTS("-t"));

    ck_assert_int_eq(run->status, 0);
    ck_assert_str_eq(run->text, text);
    run = server_run_here(server, ARGUMENTS("-tq"));
    ck_assert_int_eq(run->status, 0);
    ck_assert_str_eq(run->text, "");
    expect_success(server, server_run_here(server, ARGUMENTS("-v", "-t")), text); /* both */
    server_stop(server);
}
END_TEST

START_TEST(t_says_what_would_fail)
{
    struct server *server = server_with(LOGS "pid logs/p.pid; events { }\nhttp { nonsense; }\n");
    struct run *run = server_run_here(server, ARGUMENTS("-t", "-q"));

    expect_failure(server, run, "unknown directive \"nonsense\" in ");
    expect_failure(
        server, run,
        server_expand(server, "muxd: configuration file @root@/conf/muxd.conf test failed\n"));
    ck_assert_ptr_null(strstr(run->text, "syntax is ok"));

    /* The syntax is right, but it would not start. */
    server_configure(server, &(struct setup){ .config = LOGS "pid none/p.pid; events { }\n" });
    run = server_run_here(server, ARGUMENTS("-t"));
    expect_failure(server, run, "none/p.pid\" failed (2: No such file or directory)");
    ck_assert_ptr_nonnull(strstr(run->text, "syntax is ok\n"));
    ck_assert_ptr_nonnull(strstr(run->text, "test failed\n"));
    server_configure(server, &(struct setup){ .config = LOGS "pid logs/p.pid; events { }\n"
                                                             "error_log none/error.log;\n" });
    expect_failure(server, server_run_here(server, ARGUMENTS("-t")),
                   "none/error.log\" failed (2: No such");
    server_configure(server, &(struct setup){ .config = LOGS
                                              "pid logs/p.pid; events { } http { access_log off;\n"
                                              "server { listen 192.0.2.1:@port@; } }\n" });
    expect_failure(server, server_run_here(server, ARGUMENTS("-t")),
                   "failed (99: Cannot assign requested address)");
    server_stop(server);
}
END_TEST

START_TEST(t_disturbs_no_running_server)
{
    struct server *server = server_start(SERVER);

    expect_success(server, server_run_here(server, ARGUMENTS("-t")), "test is successful");
    ck_assert_int_eq(get(server, "/")->status, 200);
    ck_assert_int_eq(atoi(server_read(server, "logs/muxd.pid")), server->pid);
    server_stop(server);
}
END_TEST

START_TEST(T_prints_each_file_once)
{
    struct server *server = server_new();

    server_file(server, "conf/b.conf", "# b\n");
    server_file(server, "conf/c.conf", "include b.conf;\n# no newline at the end");
    server_configure(server, &(struct setup){ .config = LOGS
                                              "pid logs/p.pid;\nevents { }\ninclude c.conf;\n"
                                              "http { access_log off; include b.conf; }\n" });
    struct run *run = server_command(
        server, ARGUMENTS("-T", "-q", "-p", "@root@", "-c", "conf/muxd.conf", "-g", "daemon on;"));
    ck_assert_int_eq(run->status, 0);
    ck_assert_str_eq(run->text,
                     server_expand(server, "# configuration file @root@/conf/muxd.conf:\n" LOGS
                                           "pid logs/p.pid;\nevents { }\ninclude c.conf;\n"
                                           "http { access_log off; include b.conf; }\n\n"
                                           "# configuration file @root@/conf/c.conf:\n"
                                           "include b.conf;\n# no newline at the end\n"
                                           "# configuration file @root@/conf/b.conf:\n"
                                           "# b\n\n"));
    run = server_run_here(server, ARGUMENTS("-T"));
    expect_success(server, run, "test is successful\n");
    server_file(server, "conf/b.conf", "nonsense;\n");
    run = server_run_here(server, ARGUMENTS("-T"));
    expect_failure(server, run, "unknown directive \"nonsense\"");
    ck_assert_ptr_null(strstr(run->text, "# configuration file"));
    server_stop(server);
}
END_TEST

/* ---- -c, -p, -g, -e ---- */

START_TEST(paths_are_joined_or_follow)
{
    struct server *server = server_with(LOGS "pid logs/p.pid; events { }\n");

    expect_success(server, server_command(server, ARGUMENTS("-t", "-p@root@", "-cconf/muxd.conf")),
                   server_expand(server, "@root@/conf/muxd.conf test is successful"));
    expect_success(
        server, server_command(server, ARGUMENTS("-tc", "@root@/conf/muxd.conf", "-p", "@root@/")),
        server_expand(server, "file @root@/conf/muxd.conf test is successful"));
    expect_failure(server, server_command(server, ARGUMENTS("-t", "-c", "@root@/conf/none")),
                   server_expand(server, "open() \"@root@/conf/none\" failed (2: No such file or "
                                         "directory)"));
    server_stop(server);
}
END_TEST

START_TEST(g_is_configuration_too)
{
    struct server *server = server_with(LOGS "events { }\n");
    struct run *run = server_run_here(server, ARGUMENTS("-t", "-gpid logs/from-g.pid;"));

    expect_success(server, run, "test is successful");
    ck_assert_int_ne(access(server_path(server, "logs/from-g.pid"), F_OK), 0);
    expect_failure(server, server_run_here(server, ARGUMENTS("-t", "-gpid none/from-g.pid;")),
                   "none/from-g.pid\" failed");
    expect_failure(server, server_run_here(server, ARGUMENTS("-t", "-gnonsense;")),
                   "unknown directive \"nonsense\" in command line");
    expect_failure(server, server_run_here(server, ARGUMENTS("-t", "-gpid a")), "in command line");

    server_configure(server, &(struct setup){ .config = LOGS "events { }\npid a.pid;\n" });
    expect_failure(server, server_run_here(server, ARGUMENTS("-t", "-gpid b.pid;")),
                   "\"pid\" directive is duplicate in ");
    server_stop(server);
}
END_TEST

START_TEST(e_takes_what_has_no_log_yet)
{
    struct server *server = server_with("events { }\nnonsense;\n");

    expect_failure(server, server_run_here(server, ARGUMENTS("-e", "logs/early.log")),
                   "\"nonsense\"");
    ck_assert_ptr_nonnull(strstr(server_read(server, "logs/early.log"), "[emerg] "));
    ck_assert_ptr_nonnull(
        strstr(server_read(server, "logs/early.log"), "unknown directive \"nonsense\""));
    expect_failure(server, server_run_here(server, ARGUMENTS("-e", "none/early.log")),
                   "muxd: [alert] could not open error log file: open() \"");
    server_stop(server);
}
END_TEST

START_TEST(e_stands_in_for_error_log)
{
    struct server *server = server_new();

    server_run(server,
               &(struct setup){ .config = "daemon off; pid @root@/logs/muxd.pid; events { }\n"
                                          "http { access_log off; " SERVER " }\n",
                                .arguments = ARGUMENTS("-e", "logs/other.log") });
    get(server, "/");
    server_quit(server);
    ck_assert_str_eq(server_read(server, "logs/error.log"), "");
    server_stop(server);
}
END_TEST

/* ---- -s ---- */

START_TEST(s_stop_and_quit_end_it)
{
    for (int i = 0; i < 2; i++) {
        struct server *server = server_start(SERVER);
        struct run *run = server_say(server, i == 0 ? "stop" : "quit");
        ck_assert_int_eq(run->status, 0);
        ck_assert_str_eq(run->text, "");
        server_wait(server);
        ck_assert_int_ne(access(server_path(server, "logs/muxd.pid"), F_OK), 0);
        const char *log = server_read(server, "logs/error.log");
        ck_assert_ptr_nonnull(strstr(log, i == 0 ? "signal 15 (SIGTERM) received from "
                                                 : "signal 3 (SIGQUIT) received from "));
        ck_assert_ptr_nonnull(strstr(log, i == 0 ? ", exiting" : ", shutting down"));
        server_stop(server);
    }
}
END_TEST

START_TEST(s_reload_and_reopen_reach_it)
{
    struct server *server = server_start(SERVER);

    ck_assert_int_eq(server_say(server, "reload")->status, 0);
    server_wait_log(server, "reload asked for, reconfiguring");
    server_wait_log(server, "reconfigured");
    rename(server_path(server, "logs/error.log"), server_path(server, "logs/error.old"));
    ck_assert_int_eq(server_say(server, "reopen")->status, 0);
    EVENTUALLY(access(server_path(server, "logs/error.log"), F_OK) == 0);
    ck_assert_ptr_nonnull(
        strstr(server_read(server, "logs/error.old"), "signal 10 (SIGUSR1) received from "));
    server_stop(server);
}
END_TEST

START_TEST(s_needs_a_master)
{
    struct server *server = server_with(LOGS "pid logs/p.pid; events { }\n");
    char pid[16];

    expect_failure(server, server_say(server, "stop"),
                   server_expand(server, "open() \"@root@/logs/p.pid\" failed (2: No such file or "
                                         "directory)"));
    server_file(server, "logs/p.pid", "");
    expect_failure(server, server_say(server, "stop"), "invalid PID number \"\" in \"");
    server_file(server, "logs/p.pid", "abc\n");
    expect_failure(server, server_say(server, "quit"), "invalid PID number \"abc\" in \"");
    server_file(server, "logs/p.pid", "0\n"); /* would be this process's own group */
    expect_failure(server, server_say(server, "quit"), "invalid PID number \"0\" in \"");

    pid_t gone = fork();
    if (gone == 0)
        _exit(0);
    ck_assert_int_eq(waitpid(gone, NULL, 0), gone);
    snprintf(pid, sizeof(pid), "%d\n", gone);
    server_file(server, "logs/p.pid", pid);
    snprintf(pid, sizeof(pid), "kill(%d, 1)", gone);
    struct run *run = server_say(server, "reload");
    expect_failure(server, run, pid);
    expect_failure(server, run, "failed (3: No such process)");

    server_configure(server, &(struct setup){ .config = "nonsense;\n" });
    expect_failure(server, server_say(server, "stop"), "unknown directive \"nonsense\"");
    server_stop(server);
}
END_TEST

/* ---- a start that fails ---- */

START_TEST(an_address_in_use_is_tried_five_times)
{
    struct server *server = server_with("daemon off; pid logs/p.pid; error_log logs/error.log;\n"
                                        "events { }\nhttp { access_log off; " SERVER " }\n");
    int fd = port_occupy(server, 1);
    struct run *run = server_run_here(server, ARGUMENTS(NULL));
    char text[100];

    snprintf(text, sizeof(text),
             "[emerg] bind() to 127.0.0.1:%d failed (98: Address already in use)",
             server->ports[0]);
    expect_failure(server, run, text);
    ck_assert_uint_eq(count_of(run->text, text), 5);
    expect_failure(server, run, "[emerg] still could not bind()");
    close(fd);
    server_stop(server);
}
END_TEST

START_TEST(a_wrong_file_starts_nothing)
{
    struct server *server = server_with(LOGS "pid logs/p.pid; events { }\nhttp { nonsense; }\n");

    expect_failure(server, server_run_here(server, ARGUMENTS(NULL)),
                   "[emerg] unknown directive \"nonsense\"");
    ck_assert_int_ne(access(server_path(server, "logs/p.pid"), F_OK), 0);
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("command_line", (const TTest *[]){
                                          v_is_one_line,
                                          V_says_how_it_was_built,
                                          features_are_names,
                                          help_names_every_option,
                                          h_explains_a_directive,
                                          what_is_no_option_is_refused,
                                          t_says_that_all_is_well,
                                          t_says_what_would_fail,
                                          t_disturbs_no_running_server,
                                          T_prints_each_file_once,
                                          paths_are_joined_or_follow,
                                          g_is_configuration_too,
                                          e_takes_what_has_no_log_yet,
                                          e_stands_in_for_error_log,
                                          s_stop_and_quit_end_it,
                                          s_reload_and_reopen_reach_it,
                                          s_needs_a_master,
                                          an_address_in_use_is_tried_five_times,
                                          a_wrong_file_starts_nothing,
                                          NULL,
                                      });
}
