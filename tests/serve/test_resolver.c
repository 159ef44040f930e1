/* Names of upstreams that are looked up while requests are answered. */
#include "tests/serve/harness_dns.h"
#include "tests/serve/harness_upstream.h"

#define LISTEN "listen 127.0.0.1:@port@; "

static const char resolver_conf[] =
    "resolver 127.0.0.1:@port3@ valid=1h ipv4=on ipv6=off; resolver_timeout 20s;\n"
    "server { " LISTEN "add_header X-Addr $upstream_addr always;\n"
    "location / { proxy_pass http://$arg_host:@port2@; }\n"
    "location /silent/ { resolver 127.0.0.1:@port4@; resolver_timeout 100ms;\n"
    "  proxy_pass http://$arg_host; } }";

static struct response *ask_host(struct client *client, int listening, const char *host)
{
    client_send(client, "GET /?host=%s HTTP/1.1\r\nHost: h\r\n\r\n", host);
    struct client *up = upstream_accept(client->server, listening);
    upstream_request(up, NULL);
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    struct response *response = client_read(client);
    client_close(up);
    return response;
}

START_TEST(names_in_variables_are_looked_up)
{
    struct server *server = server_start(resolver_conf);
    int listening = upstream_listen(server, 2);
    struct name_server *dns =
        name_server_start(server, 3, "a.example A 1 127.0.0.1\nb.example CNAME 1 a.example\n");
    struct client *client = client_open(server); /* of one worker, which keeps what it has learnt */

    struct response *response = ask_host(client, listening, "a.example");
    ck_assert_str_eq(response->body, "ok");
    ck_assert_str_eq(header(response, "X-Addr"), server_expand(server, "127.0.0.1:@port2@"));
    ck_assert_str_eq(ask_host(client, listening, "b.example")->body, "ok");
    name_server_set(dns, "");
    for (int i = 0; i < 5; i++)
        ck_assert_str_eq(ask_host(client, listening, i % 2 == 0 ? "A.Example" : "b.example")->body,
                         "ok");
    ck_assert_str_eq(ask_host(client, listening, "127.0.0.1")->body, "ok");
    server_stop(server);
}
END_TEST

START_TEST(names_that_are_none)
{
    struct server *server = server_start(resolver_conf);

    name_server_start(server, 3, "a.example A 1 127.0.0.1\n");
    ck_assert_int_eq(get(server, "/?host=no.example")->status, 502);
    server_wait_log(server, "no.example could not be resolved (3: Host not found)");
    ck_assert_int_eq(get(server, "/?host=a..b")->status, 502);
    ck_assert_int_eq(get(server, "/?host=999.0.0.1")->status, 502); /* no address, but a name */
    server_wait_log(server, "999.0.0.1 could not be resolved (3: Host not found)");
    ck_assert_int_eq(get(server, "/silent/?host=a:1:")->status, 500);
    ck_assert_int_eq(get(server, "/silent/?host=slow.example")->status, 502);
    server_wait_log(server, "slow.example could not be resolved (110: Operation timed out)");
    server_stop(server);
}
END_TEST

/* Clients that do not wait, and a server that leaves meanwhile. */
START_TEST(questions_end_with_their_requests)
{
    struct server *server = server_start(resolver_conf);

    for (int i = 0; i < 20; i++) {
        struct client *client = client_open(server);
        client_send(client, "GET /silent/?host=h%d.example HTTP/1.1\r\nHost: h\r\n\r\n", i % 3);
        if (i % 2 == 0)
            client_reset(client);
    }
    ck_assert_int_eq(get(server, "/silent/?host=h0.example")->status, 502);
    server_stop(server);
}
END_TEST

/* Bodies that arrive while the name is looked up, and requests made for others. */
START_TEST(everything_waits_for_a_name)
{
    struct server *server = server_new();

    server_run(server, &(struct setup){
                           .http = "resolver 127.0.0.1:@port3@ ipv6=off;\n"
                                   "server { " LISTEN "proxy_http_version 1.1;\n"
                                   "location / { proxy_pass http://$http_to:@port2@; }\n"
                                   "location /stream { proxy_request_buffering off;\n"
                                   "  proxy_pass http://$http_to:@port2@; }\n"
                                   "location /asks { auth_request /ask; root @root@/html; }\n"
                                   "location /ask { proxy_pass http://$http_to:@port2@; } }" });
    int listening = upstream_listen(server, 2);
    server_file(server, "html/asks", "in");
    struct client *clients[] = { client_open(server), client_open(server), client_open(server) };
    client_send(clients[0],
                "POST / HTTP/1.1\r\nHost: h\r\nTo: a.example\r\nContent-Length: 4\r\n\r\nbo");
    client_send(clients[1], "POST /stream HTTP/1.1\r\nHost: h\r\nTo: b.example\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n");
    client_send(clients[2], "GET /asks HTTP/1.1\r\nHost: h\r\nTo: c.example\r\n\r\n");
    name_server_start(server, 3,
                      "a.example A 1 127.0.0.1\nb.example A 1 127.0.0.1\n"
                      "c.example A 1 127.0.0.1\n");
    client_send(clients[0], "dy");
    client_send(clients[1], "2\r\ndy\r\n0\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        struct client *up = upstream_accept(server, listening);
        const char *head = upstream_request(up, NULL);
        for (size_t len = 1; strncmp(head, "POST", 4) == 0; len = up->len + 1)
            if (strstr(client_read_bytes(up, len), "dy") != NULL) /* in one piece or two */
                break;
        client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        client_close(up);
    }
    for (int i = 0; i < 3; i++)
        ck_assert_str_eq(client_read(clients[i])->body, i == 2 ? "in" : "ok");
    server_stop(server);
}
END_TEST

START_TEST(without_a_resolver)
{
    struct server *server =
        server_start("server { " LISTEN "location / { proxy_pass http://$arg_host; }\n"
                     "location /known/ { proxy_pass http://localhost:@port2@; } }");
    int listening = upstream_listen(server, 2);

    ck_assert_int_eq(get(server, "/?host=a.example:80")->status, 502);
    server_wait_log(server, "no resolver defined to resolve a.example");
    struct client *client = client_open(server);
    client_send(client, "%s",
                server_expand(server, "GET /?host=localhost:@port2@ HTTP/1.1\r\nHost: h\r\n\r\n"));
    struct client *up = upstream_accept(server, listening);
    upstream_request(up, NULL);
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    ck_assert_str_eq(client_read(client)->body, "ok");
    server_stop(server);
}
END_TEST

START_TEST(configurations_that_are_refused)
{
    static const struct mistake rows[] = {
        { "resolver 127.0.0.1 valid=x;", "invalid parameter: valid=x" },
        { "resolver 127.0.0.1 ipv6=x;", "invalid parameter: ipv6=x" },
        { "resolver 127.0.0.1:99999;", "invalid port in resolver \"127.0.0.1:99999\"" },
        { "resolver valid=1s;", "no name servers defined" },
        { "resolver 127.0.0.1; resolver 127.0.0.1;", "\"resolver\" directive is duplicate" },
        { "resolver 127.0.0.1 ipv4=off ipv6=off;", "cannot both be \"off\"" },
        { "resolver unix:/x;", "in resolver \"unix:/x\"" },
        { 0 },
    };

    expect_mistakes(rows);
}
END_TEST

int main(void)
{
    return serve_main("resolver",
                      (const TTest *[]){ names_in_variables_are_looked_up, names_that_are_none,
                                         questions_end_with_their_requests,
                                         everything_waits_for_a_name, without_a_resolver,
                                         configurations_that_are_refused, NULL });
}
