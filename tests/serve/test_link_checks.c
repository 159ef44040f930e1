/* valid_referers with $invalid_referer; secure_link, secure_link_md5 and secure_link_secret. */
#include "tests/serve/heads.h"

#define LISTEN "listen 127.0.0.1:@port@; "

struct link_case {
    const char *path, *fields, *body;
};

static void expect_links(struct server *server, const struct link_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_body_with(server, cases[i].path, cases[i].fields, cases[i].body);
}

#define EXPECT_LINKS(server, cases) expect_links(server, cases, sizeof(cases) / sizeof *(cases))

START_TEST(referers_are_valid_or_not)
{
    static const struct link_case cases[] = {
        { "/", "", "valid" },
        { "/", "Referer: hidden\r\n", "valid" },
        { "/", "Referer: http://a.friend.example:80/x\r\n", "valid" },
        { "/", "Referer: https://OWN.example/\r\n", "valid" },
        { "/", "Referer: http://re1.example/\r\n", "valid" },
        { "/", "Referer: http://path.example/in/x\r\n", "valid" },
        { "/", "Referer: http://path.example/out\r\n", "no" },
        { "/", "Referer: http://www.search.example/?q\r\n", "valid" },
        { "/", "Referer: http://other.example/\r\n", "no" },
        { "/strict", "", "no" },
        { "/strict", "Referer: hidden\r\n", "no" },
        { "/strict", "Referer: http://own.example\r\n", "no" },
        { "/strict", "Referer: http://only.example\r\n", "valid" },
    };
    struct server *server = server_start(
        "server { " LISTEN "server_name own.example ~^re\\d\\.example$;\n"
        "valid_referers none blocked server_names *.friend.example;\n"
        "valid_referers path.example/in ~\\.search\\.;\n"
        "referer_hash_max_size 1024; referer_hash_bucket_size 32;\n"
        "location /strict { valid_referers only.example;\n"
        "                   if ($invalid_referer) { return 200 no; } return 200 valid; }\n"
        "location / { if ($invalid_referer) { return 200 no; } return 200 valid; } }");

    EXPECT_LINKS(server, cases);
    server_stop(server);
}
END_TEST

START_TEST(a_referer_with_a_long_host_is_invalid)
{
    struct server *server = server_start(
        "server { " LISTEN "valid_referers ~^h*/$; return 200 \"[$invalid_referer]\"; }");
    char hosts[258];

    memset(hosts, 'h', sizeof hosts);
    for (int len = 256; len <= 257; len++) {
        struct response *response =
            ask(server, "GET / HTTP/1.0\r\nReferer: http://%.*s/\r\n\r\n", len, hosts);
        ck_assert_str_eq(response->body, len == 256 ? "[]" : "[1]");
    }
    server_stop(server);
}
END_TEST

/* The digests are those that openssl md5 makes. */
START_TEST(links_are_those_that_were_signed)
{
    static const struct link_case cases[] = {
        { "/a?md5=aad9uSbFntiHmHuSU9gxtg&end=4102444800", "", "1|4102444800" },
        { "/a?md5=aad9uSbFntiHmHuSU9gxtg==&end=4102444800", "", "1|4102444800" },
        { "/b?md5=aad9uSbFntiHmHuSU9gxtg&end=4102444800", "", "|4102444800" },
        { "/a?md5=aad9uSbFntiHmHuSU9gxtg&end=4102444801", "", "|4102444801" },
        { "/a?md5=aad9uSbFntiHmHuSU9gxt&end=4102444800", "", "|4102444800" },
        { "/a?md5=aad9uSbFntiHmHuSU9gxtgAAAA&end=4102444800", "", "|4102444800" },
        { "/a?md5=!&end=4102444800", "", "|4102444800" },
        { "/a?md5=aad9uSbFntiHmHuSU9gxtg&end=x", "", "|" },
        { "/a?md5=5lBbqI2y8L23tL8mY9zG5A&end=1000000000", "", "0|1000000000" },
        { "/a", "", "|" },
        { "/old/6ea4d39ecec6a4540877ab1376264048/x?y", "", "x?y|" },
        { "/old/6ea4d39ecec6a4540877ab1376264048/z?y", "", "|" },
        { "/old/zz/x", "", "|" },
    };
    struct server *server = server_start(
        "secure_link $arg_md5,$arg_end; secure_link_md5 \"$secure_link_expires$uri secret\";\n"
        "server { " LISTEN "location / { return 200 \"$secure_link|$secure_link_expires\"; }\n"
        "location /old { secure_link_secret word;\n"
        "                return 200 \"$secure_link|$secure_link_expires\"; } }");

    EXPECT_LINKS(server, cases);
    server_stop(server);
}
END_TEST

START_TEST(wrong_uses_are_refused)
{
    const struct mistake mistakes[] = {
        { "server { valid_referers none blocked; }", "without any valid referer" },
        { "server { valid_referers \"\"; }", "invalid referer \"\"" },
        { "server { valid_referers ~; }", "empty regex in \"~\"" },
        { "server { valid_referers ~(; }", "missing closing parenthesis" },
        { "server { valid_referers a A/x; }", "conflicting parameter \"A\"" },
        { "server { valid_referers a*b; }", "invalid hostname or wildcard" },
        { "server { server_name a; valid_referers a server_names; }",
          "conflicting parameter \"a\"" },
        { "server { secure_link x; secure_link_secret y; }",
          "\"secure_link_secret\" cannot be mixed" },
        { 0 },
    };

    expect_mistakes(mistakes);
}
END_TEST

int main(void)
{
    return serve_main("link_checks", (const TTest *[]){
                                         referers_are_valid_or_not,
                                         a_referer_with_a_long_host_is_invalid,
                                         links_are_those_that_were_signed,
                                         wrong_uses_are_refused,
                                         NULL,
                                     });
}
