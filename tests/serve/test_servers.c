/* Which server answers: addresses that are listened on, and names. */
#include "tests/serve/harness.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOST "Host: localhost\r\n"
#define LISTEN "listen 127.0.0.1:@port@"

/* The body that a GET for this host is answered with. */
static const char *body_of(struct server *server, const char *host)
{
    return ask(server, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host)->body;
}

static const char *read_and_close(struct client *client)
{
    client_send(client, "GET / HTTP/1.1\r\n" HOST "\r\n");
    const char *body = client_read(client)->body;
    client_close(client);
    return body;
}

/* ---- names ---- */

START_TEST(names_choose_the_server)
{
    static const struct {
        const char *host, *server;
    } cases[] = {
        { "exact.example.org", "exact" },
        { "EXACT.Example.ORG", "exact" },
        { "exact.example.org.", "exact" },
        { "exact.example.org:8080", "exact" },
        { "second.example.org", "exact" },
        { "other.example.org", "wildcard" },
        { "a.b.example.org", "wildcard" },
        { "example.org", "default" },
        { "deep.a.example.org", "longer" },
        { "dotted.net", "dotted" },
        { "www.dotted.net", "dotted" },
        { "mail.example.com", "trailing" },
        { "mail.a.b", "trailing" },
        { "mail.example.org", "wildcard" },
        { "user-joe.example.net", "regex joe" },
        { "USER-ann.example.net", "regex ann" },
        { "nobody", "default" },
        { "127.0.0.1", "default" },
    };
    struct server *server =
        server_start("server { " LISTEN "; server_name wrong; return 200 wrong; }\n"
                     "server { " LISTEN " default_server; server_name _; return 200 default; }\n"
                     "server { " LISTEN "; server_name exact.example.org second.example.org;\n"
                     "         return 200 exact; }\n"
                     "server { " LISTEN "; server_name *.example.org; return 200 wildcard; }\n"
                     "server { " LISTEN "; server_name *.a.example.org; return 200 longer; }\n"
                     "server { " LISTEN "; server_name .dotted.net; return 200 dotted; }\n"
                     "server { " LISTEN "; server_name mail.*; return 200 trailing; }\n"
                     "server { " LISTEN "; server_name \"~^user-(?<who>[a-z]{1,5})\\.\";\n"
                     "         return 200 \"regex $who\"; }\n");

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        ck_assert_msg(strcmp(body_of(server, cases[i].host), cases[i].server) == 0, "%s: %s",
                      cases[i].host, body_of(server, cases[i].host));
    server_stop(server);
}
END_TEST

START_TEST(the_first_server_is_the_default)
{
    struct server *server = server_start("server { " LISTEN "; return 200 first; }\n"
                                         "server { " LISTEN "; server_name b; return 200 b; }");

    ck_assert_str_eq(body_of(server, "a"), "first");
    ck_assert_str_eq(body_of(server, "b"), "b");
    ck_assert_str_eq(ask(server, "GET / HTTP/1.0\r\n\r\n")->body, "first");
    server_stop(server);
}
END_TEST

START_TEST(an_empty_name_stands_for_no_host)
{
    struct server *server =
        server_start("server { " LISTEN "; server_name a; return 200 a; }\n"
                     "server { " LISTEN "; server_name \"\"; return 200 none; }");

    ck_assert_str_eq(ask(server, "GET / HTTP/1.0\r\n\r\n")->body, "none");
    ck_assert_str_eq(body_of(server, "other"), "a");
    server_stop(server);
}
END_TEST

START_TEST(many_names_are_told_apart)
{
    enum { NAMES = 300 };
    static char text[NAMES * 100];
    char host[32];
    int len = sprintf(text, "server_names_hash_max_size 2048; server_names_hash_bucket_size 64;\n");

    for (int i = 0; i < NAMES; i++)
        len += sprintf(text + len,
                       "server { " LISTEN "; server_name h%d.org; return 200 h%d.org; }\n", i, i);
    struct server *server = server_start(text);
    for (int i = 0; i < NAMES; i += 23) {
        sprintf(host, "h%d.org", i);
        ck_assert_str_eq(body_of(server, host), host);
    }
    server_stop(server);
}
END_TEST

START_TEST(a_kept_connection_changes_servers)
{
    struct server *server = server_start("server { " LISTEN "; server_name a; return 200 a; }\n"
                                         "server { " LISTEN "; server_name b; return 200 b; }");
    struct client *client = client_open(server);

    for (int i = 0; i < 6; i++) {
        const char *name = i % 2 == 0 ? "a" : "b";
        client_send(client, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", name);
        ck_assert_str_eq(client_read(client)->body, name);
    }
    server_stop(server);
}
END_TEST

/* ---- addresses ---- */

START_TEST(every_form_of_listen)
{
    struct server *server = server_start("server { listen 127.0.0.1:@port@; return 200 address; }\n"
                                         "server { listen @port2@; return 200 port; }\n"
                                         "server { listen *:@port3@; return 200 star; }\n"
                                         "server { listen localhost:@port4@; return 200 name; }\n"
                                         "server { listen @port5@; listen @port6@;\n"
                                         "         return 200 $server_port; }");
    char port[8];

    ck_assert_str_eq(read_and_close(client_open_port(server, 1)), "address");
    ck_assert_str_eq(read_and_close(client_open_port(server, 2)), "port");
    ck_assert_str_eq(read_and_close(client_open_port(server, 3)), "star");
    ck_assert_str_eq(read_and_close(client_open_port(server, 4)), "name");
    for (unsigned i = 5; i <= 6; i++) {
        sprintf(port, "%d", server->ports[i - 1]);
        ck_assert_str_eq(read_and_close(client_open_port(server, i)), port);
    }
    server_stop(server);
}
END_TEST

START_TEST(an_address_goes_before_its_wildcard)
{
    struct server *server =
        server_start("server { listen @port@; return 200 \"all $server_addr\"; }\n"
                     "server { listen 127.0.0.1:@port@; return 200 one; }");

    ck_assert_str_eq(get(server, "/")->body, "one");
    server_stop(server);
}
END_TEST

START_TEST(socket_options_of_listen)
{
    struct server *server = server_start(
        "server { listen 127.0.0.1:@port@ default_server backlog=64 rcvbuf=64k\n"
        "    sndbuf=64k fastopen=3 so_keepalive=30m::10 reuseport bind;\n"
        "    return 200 one; }\n"
        "server { listen 127.0.0.1:@port2@ deferred so_keepalive=on; return 200 two; }\n"
        "server { listen 127.0.0.1:@port3@ so_keepalive=off; return 200 three; }");

    ck_assert_str_eq(read_and_close(client_open_port(server, 1)), "one");
    ck_assert_str_eq(read_and_close(client_open_port(server, 2)), "two");
    ck_assert_str_eq(read_and_close(client_open_port(server, 3)), "three");
    server_stop(server);
}
END_TEST

static bool machine_has_ipv6(void)
{
    struct sockaddr_in6 loopback = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)&loopback, sizeof(loopback)) == 0;

    if (fd >= 0)
        close(fd);
    return has;
}

START_TEST(ipv6_addresses)
{
    if (!machine_has_ipv6())
        return;
    struct server *server =
        server_start("server { listen [::1]:@port@; return 200 \"$remote_addr $server_addr\"; }\n"
                     "server { listen [::]:@port2@ ipv6only=off; return 200 $remote_addr; }\n"
                     "server { listen [::]:@port3@; listen @port3@; return 200 $remote_addr; }");

    ck_assert_str_eq(read_and_close(client_open_ipv6(server, 1)), "::1 ::1");
    ck_assert_str_eq(read_and_close(client_open_ipv6(server, 2)), "::1");
    ck_assert_str_eq(read_and_close(client_open_port(server, 2)), "::ffff:127.0.0.1");
    ck_assert_str_eq(read_and_close(client_open_ipv6(server, 3)), "::1");
    ck_assert_str_eq(read_and_close(client_open_port(server, 3)), "127.0.0.1");
    struct client *client = client_open_ipv6(server, 1);
    client_send(client, "GET / HTTP/1.1\r\nHost: [::1]:%d\r\n\r\n", server->ports[0]);
    ck_assert_int_eq(client_read(client)->status, 200);
    server_stop(server);
}
END_TEST

START_TEST(unix_sockets)
{
    struct server *server =
        server_start("server { listen unix:@root@/http.sock; listen 127.0.0.1:@port@;\n"
                     "         return 200 \"$remote_addr $server_addr\"; }");
    char expected[128];

    snprintf(expected, sizeof(expected), "unix: unix:%s/http.sock", server->root);
    ck_assert_str_eq(read_and_close(client_open_unix(server, "http.sock")), expected);
    struct client *client = client_open_unix(server, "http.sock");
    for (int i = 0; i < 3; i++) {
        client_send(client, "GET / HTTP/1.1\r\n" HOST "\r\n");
        ck_assert_str_eq(client_read(client)->body, expected);
    }
    ck_assert_str_eq(get(server, "/")->body, "127.0.0.1 127.0.0.1");
    server_quit(server);
    ck_assert_int_ne(access(server_path(server, "http.sock"), F_OK), 0);
    server_stop(server);
}
END_TEST

START_TEST(addresses_are_in_variables)
{
    struct server *server = server_start(
        "server { " LISTEN "; server_name first second;\n"
        "return 200 \"$remote_addr $remote_port $server_addr $server_port $server_name $host\"; }");
    struct client *client = client_open(server);
    struct sockaddr_in own;
    socklen_t len = sizeof(own);
    char expected[128];

    ck_assert_int_eq(getsockname(client->fd, (struct sockaddr *)&own, &len), 0);
    snprintf(expected, sizeof(expected), "127.0.0.1 %d 127.0.0.1 %d first second",
             ntohs(own.sin_port), server->ports[0]);
    client_send(client, "GET / HTTP/1.1\r\nHost: SECOND:80\r\n\r\n");
    ck_assert_str_eq(client_read(client)->body, expected);
    server_stop(server);
}
END_TEST

START_TEST(a_taken_address_refuses_to_start)
{
    struct server *server = server_start("server { " LISTEN "; return 200; }");
    int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(address);
    char config[512];

    ck_assert_int_eq(bind(taken, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(taken, 1), 0);
    getsockname(taken, (struct sockaddr *)&address, &len);
    snprintf(config, sizeof(config),
             "daemon off; pid @root@/logs/other.pid; error_log stderr;\n"
             "events { } http { access_log off; server { listen 127.0.0.1:%d; } }",
             ntohs(address.sin_port));
    server_file(server, "conf/taken.conf", server_expand(server, config));
    struct run *run = server_command(
        server, (const char *[]){ "-p", "@root@", "-c", "@root@/conf/taken.conf", NULL });
    ck_assert_int_eq(run->status, 1);
    ck_assert_ptr_nonnull(strstr(run->text, "Address already in use"));
    close(taken);
    server_stop(server);
}
END_TEST

/* ---- redirects name the server ---- */

START_TEST(redirects_name_host_and_port)
{
    struct server *server = server_new();
    char expected[64];

    server_file(server, "html/dir/index.html", "index");
    server_run(server, &(struct setup){ .http = "root @root@/html;\n"
                                                "server { " LISTEN "; server_name first; }\n"
                                                "server { " LISTEN
                                                "; server_name bare; port_in_redirect off; }\n"
                                                "server { " LISTEN "; server_name own .own.org;\n"
                                                "         server_name_in_redirect on; }\n"
                                                "server { " LISTEN
                                                "; server_name rel; absolute_redirect off; }" });
    snprintf(expected, sizeof(expected), "http://first:%d/dir/", server->ports[0]);
    struct response *response = ask(server, "GET /dir HTTP/1.1\r\nHost: first\r\n\r\n");
    ck_assert_int_eq(response->status, 301);
    ck_assert_str_eq(header(response, "Location"), expected);
    response = ask(server, "GET /dir?a=b HTTP/1.1\r\nHost: bare\r\n\r\n");
    ck_assert_str_eq(header(response, "Location"), "http://bare/dir/?a=b");
    snprintf(expected, sizeof(expected), "http://own:%d/dir/", server->ports[0]);
    response = ask(server, "GET /dir HTTP/1.1\r\nHost: www.own.org\r\n\r\n");
    ck_assert_str_eq(header(response, "Location"), expected);
    response = ask(server, "GET /dir HTTP/1.1\r\nHost: rel\r\n\r\n");
    ck_assert_str_eq(header(response, "Location"), "/dir/");
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("servers", (const TTest *[]){
                                     names_choose_the_server,
                                     the_first_server_is_the_default,
                                     an_empty_name_stands_for_no_host,
                                     many_names_are_told_apart,
                                     a_kept_connection_changes_servers,
                                     every_form_of_listen,
                                     an_address_goes_before_its_wildcard,
                                     socket_options_of_listen,
                                     ipv6_addresses,
                                     unix_sockets,
                                     addresses_are_in_variables,
                                     a_taken_address_refuses_to_start,
                                     redirects_name_host_and_port,
                                     NULL,
                                 });
}
