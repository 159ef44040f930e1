/* The counters: stub_status, status, status_zone, and what a reload and a killed worker
 * leave of them. */
#include "harness.h"

#include <signal.h>
#include <unistd.h>

#define STATUS_SERVER                                                             \
    "server { listen 127.0.0.1:@port@;\n"                                         \
    "status_zone site;\n"                                                         \
    "location /ok { return 200 OK; }\n"                                           \
    "location /pid { return 200 $pid; }\n"                                        \
    "location /counted { status_zone part; return 204;\n"                         \
    "    location /counted/within { return 404; } }\n"                            \
    "location /limited { status_zone limited; limit_except GET { deny all; } }\n" \
    "location = /stub { stub_status; }\n"                                         \
    "location = /status { status json; }\n"                                       \
    "location = /prometheus { status prometheus; }\n"                             \
    "location = /page { status html; } }"

/* The number behind `"name":` in the part of a JSON text that begins with `part`. */
static long long number_in(const char *text, const char *part, const char *name)
{
    char key[64];

    const char *at = strstr(text, part);
    ck_assert_msg(at != NULL, "no %s in %s", part, text);
    snprintf(key, sizeof key, "\"%s\":", name);
    at = strstr(at, key);
    ck_assert_msg(at != NULL, "no %s in %s", key, text);
    return strtoll(at + strlen(key), NULL, 10);
}

static long long number(struct server *server, const char *part, const char *name)
{
    struct response *response = get(server, "/status");

    ck_assert_int_eq(response->status, 200);
    return number_in(response->body, part, name);
}

/* nginx's text, with all that is the same in each. */
START_TEST(stub_status_is_nginx_s)
{
    struct server *server = server_start(STATUS_SERVER);
    unsigned long active, accepts, handled, requests, reading, writing, waiting;
    int len = -1;

    struct response *response = get(server, "/stub");
    ck_assert_int_eq(response->status, 200);
    ck_assert_str_eq(header(response, "Content-Type"), "text/plain");
    int fields = sscanf(response->body,
                        "Active connections: %lu \n"
                        "server accepts handled requests\n"
                        " %lu %lu %lu \n"
                        "Reading: %lu Writing: %lu Waiting: %lu \n%n",
                        &active, &accepts, &handled, &requests, &reading, &writing, &waiting, &len);
    ck_assert_int_eq(fields, 7);
    ck_assert_uint_eq((size_t)len, response->body_len);
    char *wanted = NULL;
    ck_assert_int_gt(asprintf(&wanted,
                              "Active connections: %lu \nserver accepts handled requests\n"
                              " %lu %lu %lu \nReading: %lu Writing: %lu Waiting: %lu \n",
                              active, accepts, handled, requests, reading, writing, waiting),
                     0);
    ck_assert_str_eq(response->body, wanted);
    free(wanted);
    ck_assert_uint_ge(active, 1);
    ck_assert_uint_ge(writing, 1);
    ck_assert_uint_ge(accepts, handled);
    server_stop(server);
}
END_TEST

START_TEST(only_get_and_head_are_answered)
{
    static const char *const paths[] = { "/stub", "/status", "/prometheus", "/page" };
    struct server *server = server_start(STATUS_SERVER);

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct client *client = client_open(server);
        ck_assert(client_send(client, "HEAD %s HTTP/1.1\r\nHost: a\r\n\r\n", paths[i]));
        ck_assert_int_eq(client_read_head(client)->status, 200);
        ck_assert(client_send(client, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
                              paths[i]));
        ck_assert_int_eq(client_read(client)->status, 405);
        client_close(client);
    }
    server_stop(server);
}
END_TEST

/* In a server it answers what no location matches; an argument, as old releases wanted
 * one, is taken. */
START_TEST(a_server_can_be_nothing_but_status)
{
    struct server *server = server_start(
        "server { listen 127.0.0.1:@port@; stub_status on; location /a { return 200 A; } }\n"
        "server { listen 127.0.0.1:@port2@; status json; }");

    ck_assert_ptr_nonnull(strstr(get(server, "/other")->body, "Active connections"));
    ck_assert_str_eq(get(server, "/a")->body, "A");
    struct client *client = client_open_port(server, 2);
    ck_assert(client_send(client, "GET /x/y HTTP/1.1\r\nHost: a\r\n\r\n"));
    ck_assert_ptr_nonnull(strstr(client_read(client)->body, "\"connections\""));
    server_stop(server);
}
END_TEST

START_TEST(formats_and_their_types)
{
    struct server *server = server_start(STATUS_SERVER);

    struct response *response = get(server, "/status");
    ck_assert_str_eq(header(response, "Content-Type"), "application/json");
    ck_assert_str_eq(header(response, "Cache-Control"), "no-store");
    response = get(server, "/prometheus");
    ck_assert_str_eq(header(response, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    ck_assert_ptr_nonnull(strstr(response->body, "\nmuxd_requests_total "));
    response = get(server, "/page");
    ck_assert_str_eq(header(response, "Content-Type"), "text/html; charset=utf-8");
    ck_assert_ptr_nonnull(header(response, "Content-Security-Policy"));
    ck_assert_ptr_nonnull(strstr(response->body, "</html>"));
    ck_assert_int_eq(get(server, "/page?format=json")->body[0], '{');
    ck_assert_int_eq(get(server, "/status?a=b&format=prometheus")->body[0], '#');
    ck_assert_int_eq(get(server, "/status?format=other")->body[0], '{');
    server_stop(server);
}
END_TEST

START_TEST(connections_by_what_they_wait_for)
{
    struct server *server = server_start(STATUS_SERVER);

    EVENTUALLY(number(server, "\"connections\"", "active") == 1);
    struct client *idle = client_open(server);
    ck_assert(client_send(idle, "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"));
    ck_assert_int_eq(client_read(idle)->status, 200);
    struct client *half = client_open(server);
    ck_assert(client_send(half, "GET /ok HTTP/1.1\r\nHo"));
    EVENTUALLY(number(server, "\"connections\"", "waiting") == 1);
    EVENTUALLY(number(server, "\"connections\"", "reading") == 1);
    EVENTUALLY(number(server, "\"connections\"", "active") == 3);
    EVENTUALLY(number(server, "\"connections\"", "writing") == 1);
    ck_assert(client_send(half, "st: a\r\n\r\n"));
    ck_assert_int_eq(client_read(half)->status, 200);
    EVENTUALLY(number(server, "\"connections\"", "waiting") == 2);
    EVENTUALLY(number(server, "\"connections\"", "reading") == 0);
    ck_assert(client_send(half, "GET /"));
    EVENTUALLY(number(server, "\"connections\"", "reading") == 1);
    client_reset(half);
    client_close(idle);
    EVENTUALLY(number(server, "\"connections\"", "active") == 1);
    EVENTUALLY(number(server, "\"connections\"", "reading") == 0);
    ck_assert_int_eq(number(server, "\"connections\"", "waiting"), 0);
    server_stop(server);
}
END_TEST

START_TEST(variables_of_connections)
{
    struct server *server = server_start(
        "server { listen 127.0.0.1:@port@; location / { return 200 \"$connections_active "
        "$connections_reading $connections_writing $connections_waiting\"; } }");

    EVENTUALLY(strcmp(get(server, "/")->body, "1 0 1 0") == 0);
    struct client *client = client_open(server);
    ck_assert(client_send(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    ck_assert_int_eq(client_read(client)->status, 200);
    EVENTUALLY(strcmp(get(server, "/")->body, "2 0 1 1") == 0);
    server_stop(server);
}
END_TEST

START_TEST(requests_are_counted_where_they_belong)
{
    struct server *server = server_start(STATUS_SERVER);

    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(get(server, "/ok")->status, 200);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(get(server, "/counted")->status, 204);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(get(server, "/counted/within")->status, 404);
    ck_assert_int_eq(
        ask_status(server, "POST /limited HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"), 403);
    ck_assert_int_eq(ask_status(server, "BROKEN\r\n\r\n"), 400);
    EVENTUALLY(number(server, "\"name\":\"part\"", "total") == 5);
    EVENTUALLY(number(server, "\"name\":\"site\"", "4xx") == 4);
    const char *json = get(server, "/status")->body;
    ck_assert_int_eq(number_in(json, "\"name\":\"part\"", "2xx"), 3);
    ck_assert_int_eq(number_in(json, "\"name\":\"part\"", "4xx"), 2);
    ck_assert_int_eq(number_in(json, "\"name\":\"limited\"", "4xx"), 1);
    ck_assert_int_ge(number_in(json, "\"name\":\"site\"", "2xx"), 8);
    ck_assert_int_ge(number_in(json, "\"requests\"", "2xx"), 8);
    ck_assert_int_eq(number_in(json, "\"requests\"", "4xx"), 4);
    ck_assert_int_ge(number_in(json, "\"requests\"", "begun"), 12);
    ck_assert_int_gt(number_in(json, "\"name\":\"part\"", "received"), 5 * 40);
    ck_assert_int_gt(number_in(json, "\"name\":\"part\"", "sent"), 5 * 60);
    server_stop(server);
}
END_TEST

/* The status of a silent end is nobody's class. */
START_TEST(what_is_closed_without_an_answer_is_counted_apart)
{
    struct server *server =
        server_start("server { listen 127.0.0.1:@port@; location /silent { return 444; }\n"
                     "location /status { status json; } }");

    struct client *client = client_open(server);
    ck_assert(client_send(client, "GET /silent HTTP/1.1\r\nHost: a\r\n\r\n"));
    client_expect_closed(client);
    EVENTUALLY(
        number(server, "\"requests\"", "unanswered") + number(server, "\"requests\"", "4xx") == 1);
    server_stop(server);
}
END_TEST

static bool other_is_counted(const char *text)
{
    return strstr(text, "\"name\":\"other\",\"total\":") != NULL &&
           number_in(text, "\"name\":\"other\"", "total") > 0;
}

START_TEST(totals_survive_reloads)
{
    struct server *server = server_start(STATUS_SERVER);

    for (int i = 0; i < 4; i++)
        get(server, "/counted");
    EVENTUALLY(number(server, "\"name\":\"part\"", "total") == 4);
    long long before = number(server, "\"requests\"", "begun");
    for (int generation = 2; generation <= 4; generation++) {
        server_signal(server, SIGHUP);
        EVENTUALLY(number(server, "{", "generation") == generation);
        get(server, "/counted");
    }
    EVENTUALLY(number(server, "\"name\":\"part\"", "total") == 7);
    ck_assert_int_gt(number(server, "\"requests\"", "begun"), before);
    ck_assert_int_gt(number(server, "{", "reloaded"), 0);
    server_configure(
        server, &(struct setup){ .http = "server { listen 127.0.0.1:@port@;\n"
                                         "location /counted { status_zone other; return 204; }\n"
                                         "location = /status { status json; } }" });
    server_signal(server, SIGHUP);
    EVENTUALLY(number(server, "{", "generation") == 5);
    /* The workers of before may take the first ones. */
    EVENTUALLY(get(server, "/counted")->status == 204 &&
               other_is_counted(get(server, "/status")->body));
    server_stop(server);
}
END_TEST

START_TEST(totals_survive_killed_workers)
{
    struct server *server = server_start(STATUS_SERVER);
    struct workers workers = server_all_workers(server);

    server_allow(server, "exited on signal 9");
    for (int i = 0; i < 10; i++)
        get(server, "/counted");
    EVENTUALLY(number(server, "\"name\":\"part\"", "total") == 10);
    long long begun = number(server, "\"requests\"", "begun");
    for (size_t i = 0; i < worker_count(); i++)
        ck_assert_int_eq(kill(workers.pids[i], SIGKILL), 0);
    EVENTUALLY(number(server, "{", "restarts") == (long long)worker_count());
    get(server, "/counted");
    EVENTUALLY(number(server, "\"name\":\"part\"", "total") == 11);
    ck_assert_int_gt(number(server, "\"requests\"", "begun"), begun);
    EVENTUALLY(number(server, "\"connections\"", "active") == 1);
    server_stop(server);
}
END_TEST

START_TEST(workers_and_their_state)
{
    struct server *server = server_start(STATUS_SERVER);
    struct workers workers = server_all_workers(server);

    EVENTUALLY(count_of(get(server, "/status")->body,
                        "\"state\":\"accepting\",\"in_service\":true") == worker_count());
    const char *json = get(server, "/status")->body;
    for (size_t i = 0; i < worker_count(); i++) {
        char pid[32];
        snprintf(pid, sizeof pid, "\"pid\":%ld,", (long)workers.pids[i]);
        ck_assert_uint_eq(count_of(json, pid), 1);
        ck_assert_int_gt(number_in(json, pid, "memory"), 0);
        ck_assert_int_gt(number_in(json, pid, "longest_us"), 0);
    }
    server_stop(server);
}
END_TEST

/* How many workers have the state, and how many of all are steered to. The master tells,
 * also when no worker is left to ask. */
static void expect_workers(struct server *server, const char *state, size_t count,
                           size_t in_service)
{
    char text[40];

    snprintf(text, sizeof text, ",state=\"%s\"} 1", state);
    EVENTUALLY(count_of(server_status(server), text) == count);
    const char *answer = server_status(server);
    size_t steered = 0;
    for (const char *at = answer; (at = strstr(at, "out muxd_worker_in_service{")) != NULL; at++)
        steered += strncmp(strchr(at, '}'), "} 1\n", 4) == 0;
    ck_assert_uint_eq(steered, in_service);
}

START_TEST(a_stalled_worker_is_seen)
{
    struct server *server = server_start(STATUS_SERVER);
    struct workers workers = server_all_workers(server);

    expect_workers(server, "accepting", worker_count(), worker_count());
    ck_assert_int_eq(kill(workers.pids[0], SIGSTOP), 0);
    expect_workers(server, "stalled", 1, worker_count() - 1);
    if (worker_count() > 1) { /* the others tell as well */
        char text[80];
        snprintf(text, sizeof text,
                 "\"pid\":%ld,\"generation\":1,\"state\":\"stalled\",\"in_service\":false",
                 (long)workers.pids[0]);
        const char *json = get(server, "/status")->body;
        ck_assert_msg(strstr(json, text) != NULL, "no %s in %s", text, json);
    }
    ck_assert_int_eq(kill(workers.pids[0], SIGCONT), 0);
    expect_workers(server, "accepting", worker_count(), worker_count());
    server_stop(server);
}
END_TEST

/* What nobody accepts is seen waiting. */
START_TEST(accept_queues)
{
    struct server *server = server_start("server { listen 127.0.0.1:@port@ backlog=64;\n"
                                         "location = /status { status json; } }\n"
                                         "server { listen unix:@root@/socket; return 200 U; }");

    EVENTUALLY(count_of(get(server, "/status")->body,
                        "{\"waiting\":0,\"room\":64,\"dropped\":0}") == worker_count());
    ck_assert_ptr_nonnull(
        strstr(get(server, "/status")->body,
               "/socket\",\"queues\":[{\"waiting\":0,\"room\":511,\"dropped\":0}]"));
    server_stop(server);
}
END_TEST

/* The sum of a column of `muxd status`, of the listeners that begin so. */
static long waiting_in(const char *text, const char *address)
{
    long sum = 0;

    for (const char *at = strstr(text, address); at != NULL; at = strstr(at + 1, address)) {
        long waiting = 0;
        ck_assert_int_eq(sscanf(at, "%*s %*d %ld", &waiting), 1);
        sum += waiting;
    }
    return sum;
}

START_TEST(connections_that_nobody_accepts)
{
    struct server *server = server_start_with(&(struct setup){
        .main = "control_socket @root@/logs/control.sock;",
        .http = "server { listen 127.0.0.1:@port@; listen unix:@root@/socket; return 200; }" });
    const char *const arguments[] = { "status", NULL };
    struct workers workers = server_all_workers(server);

    get(server, "/");
    for (size_t i = 0; i < worker_count(); i++)
        ck_assert_int_eq(kill(workers.pids[i], SIGSTOP), 0);
    for (int i = 0; i < 3; i++)
        client_open(server);
    for (int i = 0; i < 2; i++)
        client_open_unix(server, "socket");
    EVENTUALLY(waiting_in(server_run_here(server, arguments)->text, "127.0.0.1:") >= 3);
    EVENTUALLY(waiting_in(server_run_here(server, arguments)->text, "unix:") >= 2);
    for (size_t i = 0; i < worker_count(); i++)
        ck_assert_int_eq(kill(workers.pids[i], SIGCONT), 0);
    server_stop(server);
}
END_TEST

/* The counters in the terminal, by way of the control socket. */
START_TEST(status_in_the_terminal)
{
    struct server *server = server_start_with(&(struct setup){
        .main = "control_socket @root@/logs/control.sock;", .http = STATUS_SERVER });
    const char *const arguments[] = { "status", NULL };

    get(server, "/counted");
    EVENTUALLY(number(server, "\"name\":\"part\"", "total") == 1);
    struct run *run = server_run_here(server, arguments);
    ck_assert_msg(run->status == 0, "%s", run->text);
    ck_assert_ptr_nonnull(strstr(run->text, "generation 1, 0 restarts\n"));
    ck_assert_uint_eq(count_of(run->text, " accepting "), worker_count());
    ck_assert_uint_eq(count_of(run->text, "\nserver     site "), 1);
    ck_assert_uint_eq(count_of(run->text, "\nlocation   part "), 1);
    ck_assert_ptr_nonnull(strstr(run->text, "\nLISTENER "));
    const char *const twice[] = { "status", "status", NULL };
    ck_assert_int_eq(server_command(server, twice)->status, 1);
    server_quit(server);
    ck_assert_int_eq(server_run_here(server, arguments)->status, 1);
    server_stop(server);
}
END_TEST

/* It shows what has changed, again and again. */
START_TEST(status_is_watched)
{
    struct server *server = server_start_with(&(struct setup){
        .main = "control_socket @root@/logs/control.sock;", .http = STATUS_SERVER });
    char *command = NULL, line[512];
    unsigned frames = 0;

    ck_assert_int_gt(asprintf(&command, "exec '%s' -p '%s' -c '%s/conf/muxd.conf' status --watch",
                              getenv("MUXD_BINARY"), server->root, server->root),
                     0);
    FILE *watch = popen(command, "r");
    ck_assert_ptr_nonnull(watch);
    while (frames < 2 && fgets(line, sizeof line, watch) != NULL)
        frames += strstr(line, "connections ") == line;
    ck_assert_uint_eq(frames, 2);
    server_quit(server); /* the watch ends with the master */
    while (fgets(line, sizeof line, watch) != NULL)
        ;
    ck_assert_int_ne(pclose(watch), 0);
    free(command);
    server_stop(server);
}
END_TEST

START_TEST(one_process_counts_too)
{
    struct server *server =
        server_start_with(&(struct setup){ .main = "master_process off;", .http = STATUS_SERVER });

    get(server, "/counted");
    EVENTUALLY(number(server, "\"name\":\"part\"", "total") == 1);
    ck_assert_int_eq(number(server, "\"connections\"", "active"), 1);
    server_stop(server);
}
END_TEST

START_TEST(mistakes_are_refused)
{
    struct server *server = server_new();
    static const struct {
        const char *config, *message;
    } rows[] = {
        { "events {} http { server { location / { status yaml; } } }", "invalid value \"yaml\"" },
        { "events {} http { server { location / { status; } } }", "number of arguments" },
        { "events {} http { server { status_zone \"\"; } }", "invalid zone name" },
        { "events {} http { status_zone a; }", "not allowed here" },
        { "events {} http { stub_status; }", "not allowed here" },
        { "events {} http { server { location / { stub_status a b; } } }", "number of arguments" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct run *run = config_test(server, rows[i].config);
        ck_assert_int_eq(run->status, 1);
        ck_assert_msg(strstr(run->text, rows[i].message) != NULL, "%s: %s", rows[i].config,
                      run->text);
    }
    server_stop(server);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        stub_status_is_nginx_s,
        only_get_and_head_are_answered,
        a_server_can_be_nothing_but_status,
        formats_and_their_types,
        connections_by_what_they_wait_for,
        variables_of_connections,
        requests_are_counted_where_they_belong,
        what_is_closed_without_an_answer_is_counted_apart,
        totals_survive_reloads,
        totals_survive_killed_workers,
        workers_and_their_state,
        a_stalled_worker_is_seen,
        accept_queues,
        connections_that_nobody_accepts,
        status_in_the_terminal,
        status_is_watched,
        one_process_counts_too,
        mistakes_are_refused,
        NULL,
    };

    return serve_main("status", tests);
}
