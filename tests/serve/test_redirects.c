/* How a redirect names scheme, host and port. */
#include "tests/serve/heads.h"

#define LISTEN "listen 127.0.0.1:@port@; "

/* Of a redirect to "/to", and of one to a folder. */
static void expect_locations(const char *settings, const char *prefix)
{
    struct server *server = server_new();
    char http[1024], expected[256];

    server_file(server, "html/folder/a", "");
    snprintf(http, sizeof http,
             "%s server { " LISTEN " server_name first.name second.name; root @root@/html;\n"
             "location /return { return 302 /to; } location / { } }",
             settings);
    server_run(server, &(struct setup){ .http = http });
    prefix = server_expand(server, prefix);
    snprintf(expected, sizeof expected, "%s/to", prefix);
    ck_assert_str_eq(header(get(server, "/return"), "Location"), expected);
    snprintf(expected, sizeof expected, "%s/folder/", prefix);
    ck_assert_int_eq(get(server, "/folder")->status, 301);
    ck_assert_str_eq(header(get(server, "/folder"), "Location"), expected);
    server_stop(server);
}

START_TEST(host_and_port_are_named)
{
    expect_locations("", "http://localhost:@port@");
}
END_TEST

START_TEST(absolute_redirect_off_leaves_the_path)
{
    expect_locations("absolute_redirect off;", "");
}
END_TEST

START_TEST(port_in_redirect_off_names_no_port)
{
    expect_locations("port_in_redirect off;", "http://localhost");
}
END_TEST

START_TEST(server_name_in_redirect_names_the_server)
{
    expect_locations("server_name_in_redirect on;", "http://first.name:@port@");
}
END_TEST

START_TEST(host_is_that_of_the_request)
{
    struct server *server = server_start("server { " LISTEN "return 301 /to?$args; }");
    struct response *response =
        ask(server, "GET /?a=b HTTP/1.1\r\nHost: OTHER.name:1\r\nConnection: close\r\n\r\n");

    ck_assert_str_eq(header(response, "Location"),
                     server_expand(server, "http://other.name:@port@/to?a=b"));
    response = ask(server, "GET / HTTP/1.0\r\n\r\n");
    ck_assert_str_eq(header(response, "Location"),
                     server_expand(server, "http://127.0.0.1:@port@/to?"));
    server_stop(server);
}
END_TEST

START_TEST(a_completed_location_stands_before_connection)
{
    struct server *server =
        server_start("server { " LISTEN "add_header X-A a; location /a { return 301 /b; }\n"
                     "location /r { absolute_redirect off; return 301 /b; } }");

    ck_assert_str_eq(header_names(get(server, "/a")),
                     "Server Date Content-Type Content-Length Location Connection X-A");
    ck_assert_str_eq(header_names(get(server, "/r")),
                     "Server Date Content-Type Content-Length Connection Location X-A");
    ck_assert_str_eq(header_names(ask_method(server, "HEAD", "/a", "")),
                     "Server Date Content-Type Content-Length Location Connection X-A");
    server_stop(server);
}
END_TEST

START_TEST(a_location_that_lacks_its_slash_redirects)
{
    struct server *server = server_start("server { " LISTEN "location /a/ { return 200 a; } }");

    ck_assert_str_eq(get(server, "/a/")->body, "a");
    ck_assert_int_eq(get(server, "/a")->status, 404); /* only handlers such as proxy_pass do it */
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("redirects", (const TTest *[]){
                                       host_and_port_are_named,
                                       absolute_redirect_off_leaves_the_path,
                                       port_in_redirect_off_names_no_port,
                                       server_name_in_redirect_names_the_server,
                                       host_is_that_of_the_request,
                                       a_completed_location_stands_before_connection,
                                       a_location_that_lacks_its_slash_redirects,
                                       NULL,
                                   });
}
