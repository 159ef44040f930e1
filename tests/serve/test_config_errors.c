/* muxd -t of configurations that are wrong: each class of error is named with its
 * place, all errors of a file are named at once, and nothing is left behind. */
#include "tests/serve/harness.h"

#include <sys/stat.h>
#include <unistd.h>

struct placed_mistake {
    const char *config;
    const char *message; /* as nginx words it */
    unsigned line;       /* of conf/test.conf; 0: not at a place there */
};

static const struct placed_mistake mistakes[] = {
    { "events { }\nnonsense 1;\n", "unknown directive \"nonsense\"", 2 },
    { "events { }\nhttp { server { worker_processes 2; } }\n",
      "\"worker_processes\" directive is not allowed here", 2 },
    { "events { }\nhttp { }\nserver { }\n", "\"server\" directive is not allowed here", 3 },
    { "events { }\nworker_processes;\n",
      "invalid number of arguments in \"worker_processes\" directive", 2 },
    { "events { }\nworker_processes 1 2;\n",
      "invalid number of arguments in \"worker_processes\" directive", 2 },
    { "events { worker_connections 10;\nworker_connections 20; }\n",
      "\"worker_connections\" directive is duplicate", 2 },
    { "events { }\nevents { }\n", "\"events\" directive is duplicate", 2 },
    { "events { }\nhttp { sendfile maybe; }\n", "invalid value \"maybe\"", 2 },
    { "events { }\nhttp { keepalive_timeout soon; }\n", "invalid", 2 },
    { "events { }\nhttp { client_max_body_size 1x; }\n", "invalid value", 2 },
    { "events { worker_connections many; }\n", "invalid", 1 },
    { "events { use kqueue; }\n", "kqueue", 1 },
    { "events { }\nhttp { server { listen 127.0.0.1:99999; } }\n", "99999", 2 },
    { "events { }\nhttp { server { listen 127.0.0.1:@port@ nonsense; } }\n",
      "invalid parameter \"nonsense\"", 2 },
    { "events { }\nhttp { server { listen 127.0.0.1:@port@ ssl; } }\n",
      "the \"ssl\" parameter of \"listen\" is not supported", 2 },
    { "events { }\nhttp { server { listen 127.0.0.1:@port@ ssl; } }\n", "conf/tls/hitch.conf", 0 },
    { "events { }\nhttp { server { location ~ /\\.(?!well-known) { deny all; } } }\n",
      "look-ahead is not supported in regex \"/\\.(?!well-known)\" at byte 4", 2 },
    { "events { }\nhttp { server { location ~ /\\.(?!well-known) { deny all; } } }\n",
      "~~~ match what it leaves out in a location or rule before this one", 0 },
    { "events { }\nhttp { server { listen 127.0.0.1:@port@ http2; } }\n", "conf/tls/hitch.conf",
      0 },
    { "events { }\nhttp { server {\nssl_certificate /x; } }\n",
      "\"ssl_certificate\" directive is not supported", 3 },
    { "events { }\nhttp { server {\nssl_protocols TLSv1.3; } }\n", "conf/tls/hitch.conf", 0 },
    { "events { }\nhttp { server { listen 127.0.0.1:@port@; }\n"
      "server { listen 127.0.0.1:@port@ backlog=3; }\n"
      "server { listen 127.0.0.1:@port@ backlog=4; } }\n",
      "duplicate listen options for 127.0.0.1:", 4 },
    { "events { }\nhttp { server { listen 127.0.0.1:@port@ default_server; }\n"
      "server { listen 127.0.0.1:@port@ default_server; } }\n",
      "a duplicate default server for 127.0.0.1:", 3 },
    { "events { }\nhttp { server {\nlisten 127.0.0.1:@port@; listen 127.0.0.1:@port@; } }\n",
      "a duplicate listen 127.0.0.1:", 3 },
    { "events { }\nhttp { server { location / { }\nlocation / { } } }\n",
      "duplicate location \"/\"", 3 },
    { "events { }\nhttp { server { location ~ a(b { } } }\n", "a(b", 2 },
    { "events { }\nhttp { server { location ~ (a)\\1 { } } }\n", "(a)\\1", 2 },
    { "events { }\nhttp { server { location ~ a(?=b) { } } }\n", "a(?=b)", 2 },
    { "events { }\nhttp { server { server_name ~^(a; } }\n", "^(a", 2 },
    { "events { }\nhttp { server { location /a/ { location /b/ { } } } }\n",
      "location \"/b/\" is outside location \"/a/\"", 2 },
    { "events { }\nhttp { server { return 200 $nonsense; } }\n", "unknown \"nonsense\" variable",
      0 },
    { "events { }\nhttp { log_format a $uri; log_format a $uri; }\n", "duplicate", 2 },
    { "events { }\nhttp { access_log logs/a none; }\n", "unknown log format \"none\"", 2 },
    { "events { }\nerror_log logs/e loud;\n", "invalid log level \"loud\"", 2 },
    { "events { }\nhttp { server { return; } }\n",
      "invalid number of arguments in \"return\" directive", 2 },
    { "events { }\nhttp { server { return 1000 x; } }\n", "invalid return code \"1000\"", 2 },
    { "events { }\nhttp { server { error_page 200 /x; } }\n",
      "value \"200\" must be between 300 and 599", 2 },
    { "events { }\nworker_processes 1\n", "unexpected end of file", 3 },
    { "events { }\nworker_processes 1 }\n", "unexpected \"}\"", 2 },
    { "events { }\nhttp {\n", "unexpected end of file, expecting \"}\"", 3 },
    { "events { }\n}\n", "unexpected \"}\"", 2 },
    { "events { }\nuser \"nobody;\n", "unexpected end of file", 3 },
    { "events { }\nuser { }\n", "directive \"user\" ", 2 },
    { "events;\n", "directive \"events\" has no opening \"{\"", 1 },
    { "{ }\n", "unexpected \"{\"", 1 },
    { ";\n", "unexpected \";\"", 1 },
    { "events { }\nhttp { include none.conf; }\n", "none.conf\" failed (2: No such file", 2 },
    { "events { }\ninclude conf.d;\n", "conf.d", 0 },
    { "events { }\nuser no-such-user-here;\n", "no-such-user-here", 2 },
    { "http { }\n", "no \"events\" section in configuration", 0 },
};

START_TEST(each_mistake_is_named_with_its_place)
{
    struct server *server = server_new();
    char place[32];

    server_file(server, "conf/conf.d/a.conf", "");
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
        struct run *run = config_test(server, mistakes[i].config);
        ck_assert_msg(run->status == 1, "%s: status %d\n%s", mistakes[i].config, run->status,
                      run->text);
        ck_assert_msg(strstr(run->text, mistakes[i].message) != NULL, "%s: %s", mistakes[i].config,
                      run->text);
        ck_assert_msg(strstr(run->text, "test failed") != NULL, "%s", run->text);
        if (mistakes[i].line == 0)
            continue;
        snprintf(place, sizeof(place), "conf/test.conf:%u", mistakes[i].line);
        ck_assert_msg(strstr(run->text, place) != NULL, "%s: %s", mistakes[i].config, run->text);
    }
    server_stop(server);
}
END_TEST

START_TEST(a_good_file_is_called_good)
{
    struct server *server = server_new();
    struct run *run = config_test(server, "events { }\nhttp { server { listen @port@; } }\n");

    ck_assert_msg(run->status == 0, "%s", run->text);
    ck_assert_ptr_nonnull(strstr(run->text, "syntax is ok"));
    ck_assert_ptr_nonnull(strstr(run->text, "test is successful"));
    run = server_command(
        server, (const char *[]){ "-t", "-q", "-p", "@root@", "-c", "conf/test.conf", NULL });
    ck_assert_int_eq(run->status, 0);
    ck_assert_str_eq(run->text, "");
    server_stop(server);
}
END_TEST

START_TEST(all_mistakes_are_named_at_once)
{
    struct server *server = server_new();
    struct run *run = config_test(server, "worker_process 1;\n"
                                          "events { worker_connections x; }\n"
                                          "http { sendfile perhaps;\n"
                                          "server { rooot html; listen 127.0.0.1:@port@; } }\n");

    ck_assert_int_eq(run->status, 1);
    ck_assert_uint_eq(count_of(run->text, "[emerg]"), 4);
    for (const char *const *place =
             (const char *[]){ "test.conf:1", "test.conf:2", "test.conf:3", "test.conf:4", NULL };
         *place != NULL; place++)
        ck_assert_ptr_nonnull(strstr(run->text, *place));
    server_stop(server);
}
END_TEST

START_TEST(the_line_is_shown_with_a_caret_and_a_suggestion)
{
    struct server *server = server_new();
    struct run *run = config_test(server, "events { }\n"
                                          "http {\n"
                                          "    keepalive_timout 65;\n"
                                          "}\n");

    ck_assert_ptr_nonnull(strstr(run->text, "    keepalive_timout 65;\n"));
    ck_assert_ptr_nonnull(strstr(run->text, "^"));
    ck_assert_ptr_nonnull(strstr(run->text, "keepalive_timeout"));
    server_stop(server);
}
END_TEST

START_TEST(includes_that_cannot_be)
{
    struct server *server = server_new();

    server_file(server, "conf/loop.conf", "include loop.conf;\n");
    struct run *run = config_test(server, "events { }\ninclude loop.conf;\n");
    ck_assert_msg(run->status == 1, "%s", run->text);
    ck_assert_ptr_nonnull(strstr(run->text, "loop.conf"));

    server_file(server, "conf/broken.conf", "sendfile on;\nnonsense;\n");
    run = config_test(server, "events { }\nhttp { include broken.conf; }\n");
    ck_assert_ptr_nonnull(strstr(run->text, "unknown directive \"nonsense\""));
    ck_assert_ptr_nonnull(strstr(run->text, "conf/broken.conf:2"));

    if (geteuid() != 0) { /* nothing is unreadable for root */
        ck_assert_int_eq(chmod(server_path(server, "conf/broken.conf"), 0), 0);
        run = config_test(server, "events { }\nhttp { include broken.conf; }\n");
        ck_assert_ptr_nonnull(strstr(run->text, "(13: Permission denied)"));
    }
    run = config_test(server, "events { }\nhttp { include nothing-*.conf; }\n");
    ck_assert_msg(run->status == 0, "%s", run->text);

    /* It never ends, and is tried once. */
    run = config_test(server, "events { }\ninclude /dev/zero;\ninclude /dev/./zero;\n");
    ck_assert_msg(run->status == 1, "%s", run->text);
    ck_assert_ptr_nonnull(strstr(run->text, "\"/dev/zero\" is too large"));
    ck_assert_ptr_null(strstr(run->text, "\"/dev/./zero\""));
    server_stop(server);
}
END_TEST

START_TEST(a_glob_reads_files_in_order)
{
    struct server *server = server_new();

    server_file(server, "conf/d/b.conf", "return 200 second;");
    server_file(server, "conf/d/a.conf", "listen 127.0.0.1:@port@;\n");
    server_file(server, "conf/d/c.other", "nonsense;");
    struct run *run = config_test(server, "events { }\nhttp { server { include d/*.conf; } }\n");
    ck_assert_ptr_nonnull(strstr(run->text, "d/a.conf:1")); /* "@port@" is no port */
    ck_assert_ptr_null(strstr(run->text, "d/b.conf"));
    ck_assert_ptr_null(strstr(run->text, "c.other"));
    server_stop(server);
}
END_TEST

START_TEST(files_that_are_no_text)
{
    static const char nul[] = "events { }\nuser no\0body;\n";
    struct server *server = server_new();

    struct run *run = config_test_bytes(server, nul, sizeof(nul) - 1);
    ck_assert_msg(run->status == 1, "%s", run->text);
    ck_assert_ptr_nonnull(strstr(run->text, "test failed"));

    run = server_command(server, (const char *[]){ "-t", "-p", "@root@", "-c", "conf", NULL });
    ck_assert_int_eq(run->status, 1);
    ck_assert_msg(strstr(run->text, "Is a directory") != NULL, "%s", run->text);
    run = server_command(server, (const char *[]){ "-t", "-p", "@root@", "-c", "none", NULL });
    ck_assert_int_eq(run->status, 1);
    ck_assert_msg(strstr(run->text, "(2: No such file or directory)") != NULL, "%s", run->text);
    server_stop(server);
}
END_TEST

START_TEST(a_line_of_ten_megabytes)
{
    enum { SIZE = 10 << 20 };
    struct server *server = server_new();
    char *text = server_own(server, malloc(SIZE + 64));

    memset(text, 'a', SIZE); /* one word: too long */
    strcpy(text + SIZE, ";\nevents { }\n");
    struct run *run = config_test_bytes(server, text, strlen(text));
    ck_assert_int_eq(run->status, 1);
    ck_assert_ptr_nonnull(strstr(run->text, "too long parameter"));
    ck_assert_ptr_nonnull(strstr(run->text, "test.conf:1"));
    ck_assert_uint_lt(strlen(run->text), 4096); /* the line is not printed whole */

    for (size_t i = 0; i < SIZE; i++) /* many words: too many arguments */
        text[i] = i % 2 == 0 ? 'a' : ' ';
    strcpy(text + SIZE, ";\nevents { }\n");
    run = config_test_bytes(server, text, strlen(text));
    ck_assert_int_eq(run->status, 1);
    ck_assert_uint_lt(strlen(run->text), 4096);

    memset(text, ' ', SIZE); /* white space: nothing wrong */
    strcpy(text + SIZE, "events { }\n");
    run = config_test_bytes(server, text, strlen(text));
    ck_assert_msg(run->status == 0, "%s", run->text);
    memset(text, '#', SIZE); /* a comment: nothing wrong */
    strcpy(text + SIZE, "\nevents { }\n");
    run = config_test_bytes(server, text, strlen(text));
    ck_assert_msg(run->status == 0, "%s", run->text);
    server_stop(server);
}
END_TEST

START_TEST(blocks_without_end_or_number)
{
    enum { DEPTH = 5000 };
    static char text[DEPTH * 16];
    struct server *server = server_new();

    for (int i = 0; i < DEPTH; i++)
        strcpy(text + i * 15, "location /a/ {\n");
    struct run *run = config_test_bytes(server, text, strlen(text));
    ck_assert_msg(run->status == 1, "%s", run->text);
    for (int i = 0; i < DEPTH; i++)
        strcpy(text + i, "}");
    run = config_test_bytes(server, text, strlen(text));
    ck_assert_int_eq(run->status, 1);
    server_stop(server);
}
END_TEST

START_TEST(words_are_read_as_nginx_reads_them)
{
    struct server *server =
        server_start("server { listen 127.0.0.1:@port@; # a comment; { }\n"
                     "location /a { return 200 \"quoted; { } # \\\"text\\\" \\t|\"; }\n"
                     "location /b { return 200 'single \"quoted\"'; }\n"
                     "location /c { return 200 plain\\ word#no-comment; }\n"
                     "location /d { return 200 \"${uri}x$uri-$arg_a\"; }\n"
                     "location \"/e f\" { return\n    200\n    lines\n    ; }\n"
                     "location /g{return 200 tight;}\n"
                     "location /h { return 200 \"back\\slash \\n\"; } }");

    ck_assert_str_eq(get(server, "/a")->body, "quoted; { } # \"text\" \t|");
    ck_assert_str_eq(get(server, "/b")->body, "single \"quoted\"");
    ck_assert_str_eq(get(server, "/c")->body, "plain\\ word#no-comment");
    ck_assert_str_eq(get(server, "/d?a=b")->body, "/dx/d-b");
    ck_assert_str_eq(get(server, "/e%20f")->body, "lines");
    ck_assert_str_eq(get(server, "/g")->body, "tight");
    ck_assert_str_eq(get(server, "/h")->body, "back\\slash \n");
    server_stop(server);
}
END_TEST

START_TEST(the_shipped_configuration_is_good)
{
    const char *folder = getenv("MUXD_RUN_FOLDER");
    struct server *server = server_new();

    if (folder != NULL) {
        struct run *run =
            server_command(server, (const char *[]){ "-t", "-p", folder, "-c", "muxd.conf", "-g",
                                                     "pid @root@/logs/x.pid;", NULL });
        ck_assert_msg(strstr(run->text, "\"pid\" directive is duplicate") != NULL, "%s", run->text);
        run =
            server_command(server, (const char *[]){ "-t", "-p", folder, "-c", "muxd.conf", NULL });
        ck_assert_msg(run->status == 0, "%s", run->text);
    }
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("config errors", (const TTest *[]){
                                           each_mistake_is_named_with_its_place,
                                           a_good_file_is_called_good,
                                           all_mistakes_are_named_at_once,
                                           the_line_is_shown_with_a_caret_and_a_suggestion,
                                           includes_that_cannot_be,
                                           a_glob_reads_files_in_order,
                                           files_that_are_no_text,
                                           a_line_of_ten_megabytes,
                                           blocks_without_end_or_number,
                                           words_are_read_as_nginx_reads_them,
                                           the_shipped_configuration_is_good,
                                           NULL,
                                       });
}
