/* limit_req: one count of each key for all workers. Rates are so slow that no machine is
 * slow enough to earn a request. */
#include "tests/serve/harness.h"
#include "tests/serve/load.h"

#include <limits.h>
#include <signal.h>

#define SERVER                            \
    "server { listen 127.0.0.1:@port@;\n" \
    "add_header X-Status $limit_req_status always; "

/* Asks `times` times; how many answers had the status. */
static unsigned count_status(struct server *server, const char *path, unsigned times, int status)
{
    unsigned count = 0;

    while (times-- > 0)
        count += get(server, path)->status == status;
    return count;
}

static void expect(struct server *server, const char *path, int status, const char *passed)
{
    struct response *response = get(server, path);
    const char *text = header(response, "X-Status");

    ck_assert_msg(response->status == status, "%s: %d", path, response->status);
    ck_assert_msg(passed == NULL ? text == NULL : text != NULL && strcmp(text, passed) == 0,
                  "%s: %s", path, text != NULL ? text : "(none)");
}

/* All workers count together. */
START_TEST(a_burst_passes_and_no_more)
{
    struct server *server = server_new();

    server_file(server, "html/a", "a");
    server_file(server, "html/b", "b");
    server_run(server, &(struct setup){
                           .http = "limit_req_zone $uri zone=one:1m rate=1r/m;\n" SERVER
                                   "root @root@/html; limit_req zone=one burst=4 nodelay; }" });
    ck_assert_uint_eq(count_status(server, "/a", 5, 200), 5);
    expect(server, "/a", 503, "REJECTED");
    expect(server, "/b", 200, "PASSED");
    server_wait_log(server, "limiting requests, excess: ");
    server_wait_log(server, " by zone \"one\", client: 127.0.0.1, server: , request: \"GET /a ");
    server_stop(server);
}
END_TEST

START_TEST(status_level_and_dry_run)
{
    struct server *server = server_new();

    server_file(server, "html/a/x", "a");
    server_file(server, "html/b/x", "b");
    server_file(server, "html/c/x", "c");
    server_run(server,
               &(struct setup){
                   .http = "limit_req_zone $uri zone=one:1m rate=10r/m;\n" SERVER
                           "root @root@/html; limit_req zone=one;\n"
                           "location /a/ { limit_req_status 429; limit_req_log_level warn; }\n"
                           "location /b/ { limit_req_dry_run on; }\n"
                           "location /c/ { limit_req zone=one burst=1; limit_req_dry_run on;\n"
                           "limit_req_log_level info; } }" });
    expect(server, "/a/x", 200, "PASSED");
    expect(server, "/a/x", 429, "REJECTED");
    server_wait_log(server, "[warn]");
    expect(server, "/b/x", 200, "PASSED");
    expect(server, "/b/x", 200, "REJECTED_DRY_RUN");
    server_wait_log(server, "limiting requests, dry run, excess: ");
    expect(server, "/c/x", 200, "PASSED");
    expect(server, "/c/x", 200, "DELAYED_DRY_RUN");
    server_wait_log(server, "delaying request, dry run, excess: ");
    server_stop(server);
}
END_TEST

/* A request over the rate waits until the bucket has leaked. */
START_TEST(a_burst_is_delayed)
{
    struct server *server = server_new();

    server_file(server, "html/a", "a");
    server_run(server,
               &(struct setup){ .http = "limit_req_zone $uri zone=one:1m rate=4r/s;\n" SERVER
                                        "root @root@/html;\n"
                                        "limit_req zone=one burst=100 delay=1; }" });
    long long before = clock_now();
    struct client *clients[6];
    for (unsigned i = 0; i < 6; i++) {
        clients[i] = client_open(server);
        client_send(clients[i], "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    for (unsigned i = 0; i < 6; i++)
        ck_assert_int_eq(client_read(clients[i])->status, 200);
    /* Six at once: the last one's excess is five, of which four have to leak at 4 r/s, but
     * for what leaked while they arrived. */
    ck_assert_int_ge(clock_now() - before, 900);
    server_wait_log(server, "delaying request, excess: ");
    server_stop(server);
}
END_TEST

/* Who leaves while it waits is not answered. */
START_TEST(a_client_may_leave_meanwhile)
{
    struct server *server = server_new();

    server_file(server, "html/a", "a");
    server_run(server,
               &(struct setup){ .http = "limit_req_zone $uri zone=one:1m rate=1r/m;\n" SERVER
                                        "root @root@/html; limit_req zone=one burst=9; }" });
    expect(server, "/a", 200, "PASSED");
    struct client *client = client_open(server);
    client_send(client, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    server_wait_log(server, "delaying request");
    client_close(client);
    server_wait_log(server, "client prematurely closed connection");
    server_wait_file(server, "logs/access.log", "\" 499 0 ");
    server_stop(server);
}
END_TEST

/* Each limit has to let it pass; an empty key is not limited. */
START_TEST(several_limits_and_empty_keys)
{
    struct server *server = server_new();

    server_file(server, "html/a", "a");
    server_file(server, "html/b", "b");
    server_run(server, &(struct setup){
                           .http = "limit_req_zone $uri zone=uri:1m rate=1r/m;\n"
                                   "limit_req_zone $http_x zone=x:1m rate=1r/m;\n"
                                   "limit_req_zone $host zone=host:1m rate=1r/m;\n" SERVER
                                   "root @root@/html; limit_req zone=host burst=2 nodelay;\n"
                                   "limit_req zone=uri burst=1 nodelay; limit_req zone=x; }" });
    expect(server, "/a", 200, "PASSED");
    expect(server, "/a", 200, "PASSED");
    expect(server, "/a", 503, "REJECTED"); /* uri; host is not charged for it */
    ck_assert_int_eq(get_with(server, "/b", "X: 1\r\n")->status, 200);
    ck_assert_int_eq(get_with(server, "/b", "X: 1\r\n")->status, 503);
    expect(server, "/b", 503, "REJECTED"); /* host */
    server_stop(server);
}
END_TEST

static const char *reloadable(struct server *server, const char *zone)
{
    char text[512];

    snprintf(text, sizeof text,
             "limit_req_zone %s;\n" SERVER "root @root@/html; limit_req zone=one; }", zone);
    return server_expand(server, text);
}

static void reload(struct server *server, const char *zone)
{
    unsigned before = count_of(server_read(server, "logs/error.log"), "reconfigured: ");
    pid_t pids[8];

    server_configure(server, &(struct setup){ .http = reloadable(server, zone) });
    server_signal(server, SIGHUP);
    EVENTUALLY(count_of(server_read(server, "logs/error.log"), "reconfigured: ") > before);
    EVENTUALLY(server_workers(server, pids, 8) == worker_count()); /* the old ones have left */
}

START_TEST(a_zone_survives_a_reload)
{
    struct server *server = server_new();

    server_file(server, "html/a", "a");
    server_run(server, &(struct setup){ .http = reloadable(server, "$uri zone=one:1m rate=1r/m") });
    expect(server, "/a", 200, "PASSED");
    reload(server, "$uri zone=one:1m rate=2r/m"); /* another rate of the same counts */
    expect(server, "/a", 503, "REJECTED");
    reload(server, "$host zone=one:1m rate=1r/m"); /* another key */
    expect(server, "/a", 200, "PASSED");
    reload(server, "$host zone=one:2m rate=1r/m"); /* another size */
    expect(server, "/a", 200, "PASSED");
    expect(server, "/a", 503, "REJECTED");
    server_stop(server);
}
END_TEST

/* A zone that there is no memory for: the old configuration stays, with its counts. */
START_TEST(a_zone_too_large_fails_the_reload)
{
    struct server *server = server_new();

    server_file(server, "html/a", "a");
    server_run(server, &(struct setup){ .http = reloadable(server, "$uri zone=one:1m rate=1r/m") });
    expect(server, "/a", 200, "PASSED");
    server_configure(
        server,
        &(struct setup){ .http = reloadable(server, "$uri zone=one:8796093022207m rate=1r/m") });
    server_allow(server, "[emerg] ");
    server_signal(server, SIGHUP);
    server_wait_log(server, "of zone \"one\" failed (12: Cannot allocate memory)");
    server_wait_log(server, "a shared memory zone cannot be had; the old one stays in force");
    expect(server, "/a", 503, "REJECTED");
    server_stop(server);
}
END_TEST

/* kill -9 under load: the zone stays usable, and counts. */
START_TEST(a_killed_worker_leaves_the_zone_usable)
{
    struct server *server = server_new();

    server_file(server, "html/a", "a");
    server_file(server, "html/x", "x");
    server_run(server,
               &(struct setup){
                   .http = "limit_req_zone $request_uri zone=one:32k rate=1000r/s;\n"
                           "limit_req_zone $uri zone=two:32k rate=1r/m;\n" SERVER
                           "root @root@/html; location / { limit_req zone=one burst=9 nodelay; }\n"
                           "location /a { limit_req zone=one; limit_req zone=two; } }" });
    server_allow(server, "exited on signal 9");
    server_allow(server, "the zone is empty now");
    load_through_kills(server, "/x?", UINT_MAX);
    expect(server, "/a", 200, "PASSED");
    expect(server, "/a", 503, "REJECTED");
    server_stop(server);
}
END_TEST

START_TEST(mistakes_are_reported)
{
    static const struct mistake rows[] = {
        { "limit_req_zone $uri zone=a rate=1r/s;", "invalid zone size \"zone=a\"" },
        { "limit_req_zone $uri zone=a:1k rate=1r/s;", "zone \"zone=a:1k\" is too small" },
        { "limit_req_zone $uri zone=a:1m rate=1;", "invalid rate \"rate=1\"" },
        { "limit_req_zone $uri zone=a:1m rate=0r/s;", "invalid rate \"rate=0r/s\"" },
        { "limit_req_zone $uri zone=a:1m sync;", "invalid parameter \"sync\"" },
        { "limit_req_zone $uri rate=1r/s rate=1r/s;",
          "\"limit_req_zone\" must have \"zone\" parameter" },
        { "limit_req_zone $uri zone=a:1m rate=1r/s; limit_req_zone $host zone=a:1m rate=1r/s;",
          "limit_req_zone \"a\" is already bound to key \"$uri\"" },
        { "limit_req zone=a;", "zero size shared memory zone \"a\"" },
        { "limit_req burst=1;", "\"limit_req\" must have \"zone\" parameter" },
        { "limit_req zone=a burst=0;", "invalid burst value \"burst=0\"" },
        { "limit_req zone=a delay=x;", "invalid delay value \"delay=x\"" },
        { "limit_req zone=a now;", "invalid parameter \"now\"" },
        { "limit_req_zone $uri zone=a:1m rate=1r/s; limit_req zone=a; limit_req zone=a;",
          "\"limit_req\" directive is duplicate" },
        { "limit_req_status 399;", "value must be between 400 and 599" },
        { "limit_req_log_level debug;", "invalid value \"debug\"" },
        { 0 },
    };

    expect_mistakes(rows);
}
END_TEST

int main(void)
{
    return serve_main("limit_req", (const TTest *[]){
                                       a_burst_passes_and_no_more,
                                       status_level_and_dry_run,
                                       a_burst_is_delayed,
                                       a_client_may_leave_meanwhile,
                                       several_limits_and_empty_keys,
                                       a_zone_survives_a_reload,
                                       a_zone_too_large_fails_the_reload,
                                       a_killed_worker_leaves_the_zone_usable,
                                       mistakes_are_reported,
                                       NULL,
                                   });
}
