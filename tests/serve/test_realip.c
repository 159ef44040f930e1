/* set_real_ip_from, real_ip_header and real_ip_recursive. */
#include "tests/serve/heads.h"

#define LISTEN "listen 127.0.0.1:@port@; "
#define SHOW "return 200 \"$remote_addr|$remote_port|$realip_remote_addr\";"

START_TEST(a_trusted_proxy_names_the_client)
{
    struct server *server = server_start(
        "server { " LISTEN "set_real_ip_from 127.0.0.0/8; set_real_ip_from 10.0.0.0/8;\n"
        "location / { return 200 $remote_addr|$realip_remote_addr; }\n"
        "location /none { set_real_ip_from 10.0.0.0/8; return 200 $remote_addr; }\n"
        "location /port { " SHOW " } }");

    expect_body_with(server, "/", "X-Real-IP: 192.0.2.1\r\n", "192.0.2.1|127.0.0.1");
    expect_body_with(server, "/", "X-Real-IP: 192.0.2.1\r\nX-Real-IP: 192.0.2.2\r\n",
                     "192.0.2.1|127.0.0.1");
    expect_body_with(server, "/", "", "127.0.0.1|127.0.0.1");
    expect_body_with(server, "/", "X-Real-IP: nobody\r\n", "127.0.0.1|127.0.0.1");
    expect_body_with(server, "/", "X-Forwarded-For: 192.0.2.1\r\n", "127.0.0.1|127.0.0.1");
    expect_body_with(server, "/port", "X-Real-IP: 192.0.2.1:99\r\n", "192.0.2.1|99|127.0.0.1");
    expect_body_with(server, "/port", "X-Real-IP: 192.0.2.1\r\n", "192.0.2.1||127.0.0.1");
    /* the server has believed it before the location was looked at, as in nginx */
    expect_body_with(server, "/none", "X-Real-IP: 192.0.2.1\r\n", "192.0.2.1");
    server_stop(server);
}
END_TEST

START_TEST(nobody_else_is_believed)
{
    struct server *server = server_start("set_real_ip_from 10.0.0.0/8; set_real_ip_from ::/0;\n"
                                         "set_real_ip_from unix:;\n"
                                         "server { " LISTEN SHOW " }");

    ck_assert_ptr_nonnull(
        strstr(get_with(server, "/", "X-Real-IP: 192.0.2.1\r\n")->body, "127.0.0.1|"));
    server_stop(server);
}
END_TEST

START_TEST(a_list_is_read_from_its_end)
{
    struct server *server = server_start(
        "real_ip_header X-Forwarded-For; set_real_ip_from localhost; set_real_ip_from 10.0.0.0/8;\n"
        "server { " LISTEN "return 200 $remote_addr; }\n"
        "server { listen 127.0.0.1:@port2@; real_ip_recursive on; return 200 $remote_addr; }\n"
        "server { listen 127.0.0.1:@port3@; real_ip_header Client; return 200 $remote_addr; }");
    static const struct {
        unsigned port;
        const char *fields, *body;
    } cases[] = {
        { 1, "X-Forwarded-For: 192.0.2.1, 10.0.0.1", "10.0.0.1" },
        { 2, "X-Forwarded-For: 192.0.2.1, 10.0.0.1", "192.0.2.1" },
        { 2, "X-Forwarded-For: 192.0.2.9, 192.0.2.1, 10.0.0.1, 10.0.0.2", "192.0.2.1" },
        { 2, "X-Forwarded-For: 192.0.2.9, 192.0.2.1\r\nX-Forwarded-For: 10.0.0.1", "192.0.2.1" },
        { 2, "X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-For: x, 10.0.0.1", "10.0.0.1" },
        { 1, "X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-For: 10.0.0.1", "10.0.0.1" },
        { 3, "client: 192.0.2.1", "192.0.2.1" },
        { 3, "X-Forwarded-For: 192.0.2.1", "127.0.0.1" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct client *client = client_open_port(server, cases[i].port);
        client_send(client, "GET / HTTP/1.0\r\nHost: h\r\n%s\r\n\r\n", cases[i].fields);
        const char *body = client_read(client)->body;
        ck_assert_msg(strcmp(body, cases[i].body) == 0, "%s: %s", cases[i].fields, body);
    }
    server_stop(server);
}
END_TEST

START_TEST(the_proxy_protocol_names_the_client)
{
    struct server *server =
        server_start("real_ip_header proxy_protocol; set_real_ip_from 127.0.0.1;\n"
                     "set_real_ip_from unix:;\n"
                     "server { listen 127.0.0.1:@port@ proxy_protocol;\n"
                     "listen unix:@root@/socket proxy_protocol;" SHOW " }\n"
                     "server { listen 127.0.0.1:@port2@ proxy_protocol; server_name h;\n"
                     "location / { set_real_ip_from 10.0.0.0/8; deny 192.0.2.1; } }");
    struct client *client = client_open_unix(server, "socket");

    ck_assert_str_eq(
        ask(server, "PROXY TCP4 192.0.2.1 192.0.2.2 12 34\r\nGET / HTTP/1.0\r\n\r\n")->body,
        "192.0.2.1|12|127.0.0.1");
    client_send(client, "PROXY TCP4 192.0.2.1 192.0.2.2 12 34\r\nGET / HTTP/1.0\r\n\r\n");
    ck_assert_str_eq(client_read(client)->body, "192.0.2.1|12|unix:");
    server_stop(server);
}
END_TEST

/* Who is let in, and what is logged, go by the client that was found; a location may find it
 * too, and the next request of the connection begins anew. */
START_TEST(access_and_logs_go_by_it)
{
    struct server *server = server_start(
        "log_format own '$remote_addr $realip_remote_addr $uri'; access_log logs/own own;\n"
        "server { " LISTEN "location /in { set_real_ip_from 127.0.0.1; deny 192.0.2.1; }\n"
        "location / { return 200 $remote_addr; } }");
    struct client *client = client_open(server);

    client_send(client, "GET /in HTTP/1.1\r\nHost: h\r\nX-Real-IP: 192.0.2.1\r\n\r\n"
                        "GET /out HTTP/1.1\r\nHost: h\r\nX-Real-IP: 192.0.2.1\r\n\r\n");
    ck_assert_int_eq(client_read(client)->status, 403);
    ck_assert_str_eq(client_read(client)->body, "127.0.0.1");
    server_wait_log(server, "access forbidden by rule, client: 192.0.2.1, ");
    server_wait_file(server, "logs/own", "192.0.2.1 127.0.0.1 /in\n127.0.0.1 127.0.0.1 /out\n");
    server_stop(server);
}
END_TEST

START_TEST(wrong_uses_are_refused)
{
    const struct mistake mistakes[] = {
        { "set_real_ip_from 127.0.0.1/33;", "invalid parameter \"127.0.0.1/33\"" },
        { "set_real_ip_from no.such.host.invalid;",
          "host not found in set_real_ip_from \"no.such.host.invalid\"" },
        { "real_ip_header a; real_ip_header b;", "is duplicate" },
        { "real_ip_recursive maybe;", "invalid value \"maybe\"" },
        { 0 },
    };
    struct server *server = server_new();

    expect_mistakes(mistakes);
    struct run *run = config_test(server, "events { }\nhttp { set_real_ip_from 10.1.2.3/8; }\n");
    ck_assert_int_eq(run->status, 0);
    ck_assert_ptr_nonnull(strstr(run->text, "low address bits of 10.1.2.3/8 are meaningless"));
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("realip", (const TTest *[]){
                                    a_trusted_proxy_names_the_client,
                                    nobody_else_is_believed,
                                    a_list_is_read_from_its_end,
                                    the_proxy_protocol_names_the_client,
                                    access_and_logs_go_by_it,
                                    wrong_uses_are_refused,
                                    NULL,
                                });
}
