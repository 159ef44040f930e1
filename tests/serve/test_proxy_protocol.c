/* listen ... proxy_protocol: the header before the first request, and what it says. */
#include "tests/serve/heads.h"

#define LISTEN "listen 127.0.0.1:@port@ proxy_protocol; "
#define SHOW                                                                              \
    "return 200 \"$proxy_protocol_addr|$proxy_protocol_port|$proxy_protocol_server_addr|" \
    "$proxy_protocol_server_port|$scheme|$https|$remote_addr\";"
#define REQUEST "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

/* Version 2, from 192.0.2.1:1234 to 192.0.2.2:8443 over TLS 1.3 with ALPN. */
static const char over_tls[] =
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x23\xc0\0\2\1\xc0\0\2\2\x04\xd2\x20\xfb"
    "\x01\0\2h2\x20\0\x0f\1\0\0\0\0\x21\0\x07TLSv1.3";

static struct response *ask_bytes(struct server *server, const void *header, size_t len,
                                  const char *request)
{
    struct client *client = client_open(server);

    ck_assert(client_send_bytes(client, header, len));
    client_send(client, "%s", request);
    return client_read(client);
}

START_TEST(version_1_names_the_client)
{
    struct server *server = server_start("server { " LISTEN SHOW " }");

    ck_assert_str_eq(ask(server, "PROXY TCP4 192.0.2.1 192.0.2.2 1234 8080\r\n" REQUEST)->body,
                     "192.0.2.1|1234|192.0.2.2|8080|http||127.0.0.1");
    ck_assert_str_eq(ask(server, "PROXY TCP6 2001:db8::1 ::1 1 2\r\n" REQUEST)->body,
                     "2001:db8::1|1|::1|2|http||127.0.0.1");
    ck_assert_str_eq(ask(server, "PROXY UNKNOWN\r\n" REQUEST)->body, "||||http||127.0.0.1");
    server_stop(server);
}
END_TEST

START_TEST(version_2_names_the_client_and_tls)
{
    struct server *server = server_start(
        "server { " LISTEN "location / { " SHOW " }\n"
        "location /tlv { return 200 \"$proxy_protocol_tlv_alpn|$proxy_protocol_tlv_ssl_version|"
        "$proxy_protocol_tlv_0x01|$proxy_protocol_tlv_ssl_verify|$proxy_protocol_tlv_authority|"
        "$proxy_protocol_tlv_none\"; }\n"
        "location /to { return 301 /there; } }");

    ck_assert_str_eq(ask_bytes(server, over_tls, sizeof over_tls - 1, REQUEST)->body,
                     "192.0.2.1|1234|192.0.2.2|8443|https|on|127.0.0.1");
    ck_assert_str_eq(
        ask_bytes(server, over_tls, sizeof over_tls - 1, "GET /tlv HTTP/1.0\r\nHost: h\r\n\r\n")
            ->body,
        "h2|TLSv1.3|h2|0||");
    ck_assert_str_eq(header(ask_bytes(server, over_tls, sizeof over_tls - 1,
                                      "GET /to HTTP/1.0\r\nHost: h\r\n\r\n"),
                            "Location"),
                     "https://h:8443/there");
    server_stop(server);
}
END_TEST

/* As it may come over a slow network; and it is told once, not before each request. */
START_TEST(a_header_may_come_byte_by_byte)
{
    struct server *server = server_start("server { " LISTEN SHOW " }");
    struct client *client = client_open(server);

    ck_assert(client_send_slowly(client, "PROXY TCP4 192.0.2.1 192.0.2.2 1234 8080\r\n"));
    for (int i = 0; i < 3; i++) {
        ck_assert(client_send(client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
        ck_assert_str_eq(client_read(client)->body,
                         "192.0.2.1|1234|192.0.2.2|8080|http||127.0.0.1");
    }
    client = client_open(server);
    for (size_t i = 0; i < sizeof over_tls - 1; i++)
        ck_assert(client_send_bytes(client, over_tls + i, 1));
    ck_assert(client_send(client, REQUEST));
    ck_assert_str_eq(client_read(client)->body, "192.0.2.1|1234|192.0.2.2|8443|https|on|127.0.0.1");
    server_stop(server);
}
END_TEST

START_TEST(who_does_not_speak_it_is_cut_off)
{
    static const char *const texts[] = { REQUEST, ("PROXY TCP9 1 2 3 4\r\n" REQUEST),
                                         "\r\n\r\nGET / HTTP/1.0\r\n\r\n" };
    struct server *server = server_start("server { " LISTEN SHOW " }");

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_int_eq(ask(server, "%s", texts[i])->status, 0);
    server_wait_log(server, "broken header while reading PROXY protocol, client: 127.0.0.1");
    struct client *client = client_open(server);
    client_send(client, "PROXY TCP4 192");
    client_finish(client);
    client_expect_closed(client);
    client_open(server); /* says nothing */
    server_stop(server);
}
END_TEST

START_TEST(one_that_does_not_go_on_is_closed_in_time)
{
    struct server *server = server_start("client_header_timeout 100ms; server { " LISTEN SHOW " }");
    struct client *silent = client_open(server), *slow = client_open(server);

    client_send(slow, "PROXY TCP4 192");
    client_expect_closed(silent);
    client_expect_closed(slow);
    server_stop(server);
}
END_TEST

/* It is a matter of the address: one server that says so says it for all. */
START_TEST(it_goes_for_all_servers_of_an_address)
{
    struct server *server =
        server_start("server { listen 127.0.0.1:@port@ backlog=20; return 200 first; }\n"
                     "server { listen 127.0.0.1:@port@ proxy_protocol; server_name h; "
                     "return 200 $proxy_protocol_addr; }\n"
                     "server { listen 127.0.0.1:@port2@; return 200 \"$proxy_protocol_addr|"
                     "$proxy_protocol_port|$proxy_protocol_tlv_alpn\"; }");
    struct client *plain = client_open_port(server, 2);

    ck_assert_str_eq(ask(server, "PROXY TCP4 192.0.2.1 192.0.2.2 1234 8080\r\n" REQUEST)->body,
                     "192.0.2.1");
    client_send(plain, REQUEST);
    ck_assert_str_eq(client_read(plain)->body, "||");
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("proxy_protocol", (const TTest *[]){
                                            version_1_names_the_client,
                                            version_2_names_the_client_and_tls,
                                            a_header_may_come_byte_by_byte,
                                            who_does_not_speak_it_is_cut_off,
                                            one_that_does_not_go_on_is_closed_in_time,
                                            it_goes_for_all_servers_of_an_address,
                                            NULL,
                                        });
}
