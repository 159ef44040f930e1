/* access_log, log_format and error_log. */
#include "tests/serve/harness.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN "listen 127.0.0.1:@port@"
#define HOST "Host: localhost\r\n"

/* ---- formats ---- */

START_TEST(the_default_format_is_combined)
{
    struct server *server = server_start("server { " LISTEN "; location / { return 200 hello; } }");
    char month[4];
    int number, year, hour, minute, second, zone, end = 0;

    get_with(server, "/a?b=c", "User-Agent: test/1.0\r\nReferer: http://x/\r\n");
    const char *line = server_wait_file(server, "logs/access.log", "\n");
    ck_assert_msg(sscanf(line, "127.0.0.1 - - [%d/%3s/%d:%d:%d:%d %d] %n", &number, month, &year,
                         &hour, &minute, &second, &zone, &end) == 7 &&
                      end > 0,
                  "%s", line);
    ck_assert_str_eq(line + end, "\"GET /a?b=c HTTP/1.1\" 200 5 \"http://x/\" \"test/1.0\"\n");
    server_stop(server);
}
END_TEST

/* What one request for `target` with `more` header lines is logged as. */
static const char *logged(const char *format, const char *target, const char *more)
{
    char http[1024];

    snprintf(http, sizeof(http),
             "log_format test %s;\n"
             "server { " LISTEN "; access_log @root@/logs/test.log test;\n"
             "location / { return 200 hello; } }",
             format);
    struct server *server = server_start(http);
    get_with(server, target, more);
    const char *line = server_wait_file(server, "logs/test.log", "\n");
    static char copy[4096];
    snprintf(copy, sizeof(copy), "%s", line);
    server_stop(server);
    return copy;
}

START_TEST(the_method_of_a_refused_head)
{
    ck_assert_str_eq(logged("'$request_method $status'", "/", "X: a\x7f\r\n"), "GET 400\n");
}
END_TEST

START_TEST(variables_of_the_request)
{
    ck_assert_str_eq(
        logged("'$remote_addr $remote_user $request_method $scheme $server_protocol '\n"
               "'$uri $args $is_args $request_uri $arg_b $host $http_x_y $status '\n"
               "'$body_bytes_sent $request_completion $connection_requests $pipe'",
               "/a/%41?b=c", "X-Y: z\r\n"),
        "127.0.0.1 - GET http HTTP/1.1 /a/A b=c ? /a/%41?b=c c localhost z 200 5 OK 1 .\n");
    ck_assert_str_eq(logged("'$sent_http_content_length|$sent_http_nothing|$http_nothing|'\n"
                            "'$content_length|$cookie_c|$document_uri|$query_string'",
                            "/?q", "Cookie: a=b; c=d\r\n"),
                     "5|-|-|-|d|/|q\n");
}
END_TEST

START_TEST(numbers_and_times_look_like_themselves)
{
    static char line[4096];
    double time, seconds;
    long bytes, length, pid, connection;
    char iso[40], local[40], zone[8];

    snprintf(line, sizeof(line), "%s",
             logged("'$request_time $msec $bytes_sent $request_length $pid $connection "
                    "$time_iso8601 $time_local'",
                    "/", ""));
    ck_assert_msg(sscanf(line, "%lf %lf %ld %ld %ld %ld %39s %39s %7s", &time, &seconds, &bytes,
                         &length, &pid, &connection, iso, local, zone) == 9,
                  "%s", line);
    ck_assert(time >= 0 && time < 60);
    ck_assert(seconds > 1.6e9);
    ck_assert_int_gt(bytes, 100);
    ck_assert_int_eq(length, strlen("GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"));
    ck_assert_int_gt(pid, 1);
    ck_assert_int_ge(connection, 1);
    ck_assert_uint_eq(strlen(iso), strlen("2024-01-01T00:00:00+00:00"));
    ck_assert_uint_eq(strlen(local), strlen("01/Jan/2024:00:00:00"));
}
END_TEST

START_TEST(escape_is_for_who_reads_the_log)
{
    const char *more = "X: a\"b\\c\td\xc3\xa9\r\n";

    ck_assert_str_eq(logged("'[$http_x]'", "/", more), "[a\\x22b\\x5Cc\\x09d\\xC3\\xA9]\n");
    ck_assert_str_eq(logged("escape=default '[$http_x|$http_y]'", "/", more),
                     "[a\\x22b\\x5Cc\\x09d\\xC3\\xA9|-]\n");
    ck_assert_str_eq(logged("escape=json '{\"x\":\"$http_x\",\"y\":\"$http_y\"}'", "/", more),
                     "{\"x\":\"a\\\"b\\\\c\\td\xc3\xa9\",\"y\":\"\"}\n");
    ck_assert_str_eq(logged("escape=none '[$http_x|$http_y]'", "/", more),
                     "[a\"b\\c\td\xc3\xa9|]\n");
}
END_TEST

/* ---- where lines go ---- */

START_TEST(logs_may_be_several_off_and_conditional)
{
    struct server *server =
        server_start("log_format short $uri;\n"
                     "server { " LISTEN "; access_log @root@/logs/one.log short;\n"
                     "         access_log @root@/logs/two.log short;\n"
                     "location / { return 200; }\n"
                     "location /off { access_log off; return 200; }\n"
                     "location /own { access_log @root@/logs/own.log short; return 200; }\n"
                     "location /if { access_log @root@/logs/if.log short if=$arg_log;\n"
                     "               return 200; } }");

    get(server, "/off");
    get(server, "/own");
    get(server, "/if/no");
    get(server, "/if/zero?log=0");
    get(server, "/if/yes?log=1");
    get(server, "/last");
    server_quit(server);
    ck_assert_str_eq(server_read(server, "logs/one.log"), "/last\n");
    ck_assert_str_eq(server_read(server, "logs/two.log"), "/last\n");
    ck_assert_str_eq(server_read(server, "logs/own.log"), "/own\n");
    ck_assert_str_eq(server_read(server, "logs/if.log"), "/if/yes\n");
    server_stop(server);
}
END_TEST

START_TEST(buffered_lines_are_all_written)
{
    enum { REQUESTS = 200 };
    struct server *server =
        server_start("log_format short $uri;\n"
                     "server { " LISTEN "; access_log @root@/logs/buffered.log short buffer=1k;\n"
                     "location / { return 200; } }");
    struct client *client = client_open(server);
    char line[32];

    for (int i = 0; i < REQUESTS; i++) {
        client_send(client, "GET /%d HTTP/1.1\r\n" HOST "\r\n", i);
        ck_assert_int_eq(client_read(client)->status, 200);
    }
    server_quit(server);
    const char *text = server_read(server, "logs/buffered.log");
    ck_assert_uint_eq(count_of(text, "\n"), REQUESTS);
    for (int i = 0; i < REQUESTS; i++) {
        sprintf(line, "/%d\n", i);
        ck_assert_int_eq(strncmp(text, line, strlen(line)), 0);
        text += strlen(line);
    }
    server_stop(server);
}
END_TEST

START_TEST(a_buffer_is_flushed_in_time)
{
    struct server *server =
        server_start("log_format short $uri;\n"
                     "server { " LISTEN ";\n"
                     "access_log @root@/logs/timed.log short buffer=64k flush=100ms;\n"
                     "location / { return 200; } }");

    get(server, "/in-time");
    server_wait_file(server, "logs/timed.log", "/in-time\n");
    server_stop(server);
}
END_TEST

START_TEST(a_line_longer_than_the_buffer_is_whole)
{
    struct server *server =
        server_start("log_format short $request_uri;\n"
                     "server { " LISTEN "; access_log @root@/logs/long.log short buffer=256;\n"
                     "location / { return 200; } }");
    char path[4000];

    memset(path, 'a', sizeof(path));
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    get(server, "/first");
    get(server, path);
    get(server, "/last");
    server_quit(server);
    const char *text = server_read(server, "logs/long.log");
    ck_assert_uint_eq(strlen(text), strlen("/first\n") + sizeof(path) + strlen("/last\n"));
    ck_assert_ptr_nonnull(strstr(text, path));
    server_stop(server);
}
END_TEST

START_TEST(a_path_may_have_variables)
{
    struct server *server =
        server_start("log_format short $uri; open_log_file_cache max=10 inactive=10s;\n"
                     "server { " LISTEN "; access_log @root@/logs/by-$arg_to.log short;\n"
                     "location / { return 200; } }");

    /* A path that is made for each request is opened by the worker itself. */
    ck_assert_int_eq(chmod(server_path(server, "logs"), 0777), 0);
    get(server, "/x?to=a");
    get(server, "/y?to=b");
    get(server, "/z?to=a");
    server_wait_file(server, "logs/by-b.log", "/y\n");
    ck_assert_str_eq(server_wait_file(server, "logs/by-a.log", "/z"), "/x\n/z\n");
    server_stop(server);
}
END_TEST

/* ---- syslog ---- */

static int syslog_socket(struct server *server)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    struct timeval patience = { .tv_sec = DEADLINE / 1000 };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    snprintf(name.sun_path, sizeof(name.sun_path), "%s/syslog", server->root);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    ck_assert_int_eq(chmod(name.sun_path, 0777), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return fd;
}

/* The next message that contains `text`. */
static const char *receive_message(int fd, const char *text)
{
    static char message[4096];

    do {
        ssize_t got = recv(fd, message, sizeof(message) - 1, 0);
        ck_assert_msg(got > 0, "no message with \"%s\"", text);
        message[got] = '\0';
    } while (strstr(message, text) == NULL);
    return message;
}

START_TEST(lines_go_to_syslog)
{
    struct server *server = server_new();
    int fd = syslog_socket(server);

    server_run(server,
               &(struct setup){
                   .main = "error_log syslog:server=unix:@root@/syslog,facility=local0,tag=errors "
                           "error; error_log @root@/logs/error.log info;",
                   .http = "log_format short $uri;\n"
                           "access_log syslog:server=unix:@root@/syslog,tag=test,severity=debug,"
                           "facility=local7,nohostname short;\n"
                           "server { " LISTEN "; root @root@/html;\n"
                           "location /ok { return 200; } }" });
    get(server, "/ok");
    const char *message = receive_message(fd, "/ok");
    ck_assert_msg(strncmp(message, "<191>", 5) == 0, "%s", message); /* local7.debug */
    ck_assert_msg(strcmp(strstr(message, " test: "), " test: /ok") == 0, "%s", message);
    get(server, "/missing");
    message = receive_message(fd, "errors: ");
    ck_assert_msg(strncmp(message, "<131>", 5) == 0, "%s", message); /* local0.err */
    ck_assert_ptr_nonnull(strstr(message, "html/missing"));
    close(fd);
    unlink(server_path(server, "syslog"));
    for (int i = 0; i < 5; i++) /* nobody listens any more: serving goes on */
        ck_assert_int_eq(get(server, "/ok")->status, 200);
    server_allow(server, "syslog");
    server_allow(server, "connect() failed");
    server_allow(server, "send() failed");
    server_stop(server);
}
END_TEST

/* ---- error_log ---- */

START_TEST(error_log_has_levels_and_places)
{
    struct server *server =
        server_start_with(&(struct setup){ .main = "error_log @root@/logs/error.log info;\n"
                                                   "error_log @root@/logs/crit.log crit;",
                                           .http = "root @root@/html;\n"
                                                   "server { " LISTEN ";\n"
                                                   "location /own {\n"
                                                   "    error_log @root@/logs/own.log; }\n"
                                                   "location /quiet { log_not_found off; } }" });

    get_with(server, "/missing", "Referer: http://from/\r\n");
    get(server, "/own/missing");
    get(server, "/quiet/missing");
    const char *text = server_wait_log(server, "/missing\"");
    const char *line = strstr(text, "[error]");
    ck_assert_ptr_nonnull(line);
    ck_assert_ptr_nonnull(strstr(line, "html/missing\" failed (2: No such file or directory)"));
    ck_assert_ptr_nonnull(strstr(line, "client: 127.0.0.1, server: , request: \"GET /missing "
                                       "HTTP/1.1\", host: \"localhost\", referrer: "
                                       "\"http://from/\""));
    server_quit(server);
    ck_assert_ptr_null(strstr(server_read(server, "logs/error.log"), "/own/"));
    ck_assert_ptr_null(strstr(server_read(server, "logs/error.log"), "/quiet/"));
    ck_assert_ptr_nonnull(strstr(server_read(server, "logs/own.log"), "/own/missing"));
    ck_assert_str_eq(server_read(server, "logs/crit.log"), "");
    server_stop(server);
}
END_TEST

START_TEST(error_log_may_be_stderr)
{
    struct server *server = server_start_with(&(struct setup){
        .main = "error_log stderr error;", .http = "server { " LISTEN "; root @root@/html; }" });

    get(server, "/missing");
    server_wait_file(server, "logs/output.txt", "html/missing\" failed");
    server_stop(server);
}
END_TEST

/* ---- reopening, and full disks ---- */

START_TEST(usr1_reopens_without_losing_a_line)
{
    enum { ROTATIONS = 5, REQUESTS = 40 };
    struct server *server = server_start("log_format short $uri;\n"
                                         "server { " LISTEN ";\n"
                                         "access_log @root@/logs/rotated.log short;\n"
                                         "location / { return 200; } }");
    const char *path = server_path(server, "logs/rotated.log");
    unsigned lines = 0, sent = 0;
    char old[32];

    for (int i = 0; i < ROTATIONS; i++) {
        struct client *client = client_open(server);
        for (int j = 0; j < REQUESTS; j++)
            client_send(client, "GET /%u HTTP/1.1\r\n" HOST "\r\n", sent++);
        sprintf(old, "logs/rotated.%d", i);
        ck_assert_int_eq(rename(path, server_path(server, old)), 0);
        server_signal(server, SIGUSR1);
        for (int j = 0; j < REQUESTS; j++)
            ck_assert_int_eq(client_read(client)->status, 200);
        /* A worker that is still busy with the last signal may not create the next file. */
        EVENTUALLY(count_of(server_read(server, "logs/error.log"), ": reopening logs") ==
                   (unsigned)(i + 1) * (worker_count() + 1));
        ck_assert_int_eq(access(path, F_OK), 0);
    }
    server_quit(server);
    for (int i = 0; i < ROTATIONS; i++) {
        sprintf(old, "logs/rotated.%d", i);
        lines += count_of(server_read(server, old), "\n");
    }
    lines += count_of(server_read(server, "logs/rotated.log"), "\n");
    ck_assert_uint_eq(lines, sent);
    server_stop(server);
}
END_TEST

START_TEST(usr1_makes_new_lines_go_to_the_new_file)
{
    struct server *server = server_start("server { " LISTEN "; root @root@/html; }");

    get(server, "/before");
    server_wait_log(server, "/before");
    server_wait_file(server, "logs/access.log", "/before");
    rename(server_path(server, "logs/error.log"), server_path(server, "logs/error.old"));
    rename(server_path(server, "logs/access.log"), server_path(server, "logs/access.old"));
    server_signal(server, SIGUSR1);
    for (unsigned looks = 0; strstr(server_read(server, "logs/error.log"), "/after") == NULL ||
                             strstr(server_read(server, "logs/access.log"), "/after") == NULL;) {
        get(server, "/after");
        wait_a_little(&looks, "new lines in new files", __FILE__, __LINE__);
    }
    ck_assert_ptr_nonnull(strstr(server_read(server, "logs/access.old"), "/before"));
    ck_assert_ptr_null(strstr(server_read(server, "logs/access.log"), "/before"));
    server_stop(server);
}
END_TEST

START_TEST(a_full_disk_never_stops_serving)
{
    struct server *server =
        server_start_with(&(struct setup){ .main = "error_log /dev/full info;\n"
                                                   "error_log @root@/logs/error.log error;",
                                           .http = "access_log /dev/full;\n"
                                                   "access_log /dev/full combined buffer=1k;\n"
                                                   "access_log @root@/logs/access.log;\n"
                                                   "server { " LISTEN "; root @root@/html; }" });
    struct client *client = client_open(server);

    for (int i = 0; i < 100; i++) {
        client_send(client, "GET /missing HTTP/1.1\r\n" HOST "\r\n");
        ck_assert_int_eq(client_read(client)->status, 404);
    }
    ck_assert_int_eq(get(server, "/")->status, 200);
    ck_assert_uint_eq(count_of(server_wait_file(server, "logs/access.log", " 200 "), "\n"), 101);
    server_allow(server, "/dev/full");
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("logs", (const TTest *[]){
                                  the_default_format_is_combined,
                                  the_method_of_a_refused_head,
                                  variables_of_the_request,
                                  numbers_and_times_look_like_themselves,
                                  escape_is_for_who_reads_the_log,
                                  logs_may_be_several_off_and_conditional,
                                  buffered_lines_are_all_written,
                                  a_buffer_is_flushed_in_time,
                                  a_line_longer_than_the_buffer_is_whole,
                                  a_path_may_have_variables,
                                  lines_go_to_syslog,
                                  error_log_has_levels_and_places,
                                  error_log_may_be_stderr,
                                  usr1_reopens_without_losing_a_line,
                                  usr1_makes_new_lines_go_to_the_new_file,
                                  a_full_disk_never_stops_serving,
                                  NULL,
                              });
}
