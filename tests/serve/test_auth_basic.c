/* auth_basic and auth_basic_user_file, with allow, deny, auth_request and satisfy. */
#include "tests/serve/harness.h"

/* The password of all is "secret". */
static const char users[] =
    "# users\n"
    "plain:{PLAIN}secret\n"
    "sha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n"
    "ssha:{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0:with a comment\n"
    "apr1:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/\n"
    "crypt:$6$saltstring$AIsRs/Ee56G/tC8MEHhvReZTfx8u3rXXMl6eYrjCG9ibix19DxoMBLogdTET5Ukw9Sf7eZTI"
    "Tsuk0Ry5qulYz.\n"
    "bad:{SHA}*\n";

/* Authorization fields: user:password in base64. */
#define FIELD(base64) "Authorization: Basic " base64 "\r\n"
#define PLAIN FIELD("cGxhaW46c2VjcmV0")
#define WRONG FIELD("cGxhaW46U2VjcmV0")
#define UNKNOWN FIELD("bm9ib2R5OnNlY3JldA==")

static struct server *start(const char *http)
{
    struct server *server = server_new();

    server_file(server, "html/x", "text");
    server_file(server, "html/any/x", "text");
    server_file(server, "html/all/x", "text");
    server_file(server, "html/off/x", "text");
    server_file(server, "conf/users", users);
    server_run(server, &(struct setup){ .http = http });
    return server;
}

#define SERVER(more)                                             \
    "server { listen 127.0.0.1:@port@; root @root@/html;\n" more \
    "location = /yes { return 204; } location = /who { return 401; } }"

#define REALM "auth_basic \"closed site\"; auth_basic_user_file users;\n"

START_TEST(passwords_of_all_schemes)
{
    static const struct {
        const char *field;
        int status;
    } cases[] = {
        { "", 401 },
        { PLAIN, 200 },
        { WRONG, 401 },
        { UNKNOWN, 401 },
        { FIELD("c2hhOnNlY3JldA=="), 200 },     /* sha:secret */
        { FIELD("c2hhOlNlY3JldA=="), 401 },     /* sha:Secret */
        { FIELD("c3NoYTpzZWNyZXQ="), 200 },     /* ssha:secret */
        { FIELD("c3NoYTo="), 401 },             /* ssha: */
        { FIELD("YXByMTpzZWNyZXQ="), 200 },     /* apr1:secret */
        { FIELD("YXByMTpzZWNyZXQx"), 401 },     /* apr1:secret1 */
        { FIELD("YmFkOnNlY3JldA=="), 401 },     /* bad:secret */
        { FIELD("cGxhaW46c2VjcmV0AA=="), 401 }, /* plain:secret\0 */
        { "authorization: bASIC   cGxhaW46c2VjcmV0\r\n", 200 },
        { "Authorization: Digest cGxhaW46c2VjcmV0\r\n", 401 },
        { FIELD("cGxhaW4="), 401 },     /* plain */
        { FIELD("OnNlY3JldA=="), 401 }, /* :secret */
        { FIELD("*"), 401 },
        { FIELD(""), 401 },
    };
    struct server *server = start(SERVER(REALM));

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct response *response = get_with(server, "/x", cases[i].field);
        ck_assert_msg(response->status == cases[i].status, "%s: %d", cases[i].field,
                      response->status);
        const char *challenge = header(response, "WWW-Authenticate");
        if (response->status == 401)
            ck_assert_str_eq(challenge, "Basic realm=\"closed site\"");
        else
            ck_assert_ptr_null(challenge);
    }
    const char *log = server_read(server, "logs/error.log");
    ck_assert_ptr_nonnull(strstr(log, "no user/password was provided for basic authentication"));
    ck_assert_ptr_nonnull(strstr(log, "user \"plain\": password mismatch"));
    ck_assert_ptr_nonnull(strstr(log, "user \"nobody\" was not found in \""));
    server_stop(server);
}
END_TEST

/* crypt(3), where the system has it; else the refusal says why. */
START_TEST(passwords_of_crypt)
{
    struct server *server = start(SERVER(REALM));
    const char *field = FIELD("Y3J5cHQ6c2VjcmV0"); /* crypt:secret */

    if (get_with(server, "/x", field)->status == 200) {
        ck_assert_int_eq(get_with(server, "/x", field)->status, 200);
        ck_assert_int_eq(get_with(server, "/x", FIELD("Y3J5cHQ6U2VjcmV0"))->status, 401);
    } else {
        ck_assert_int_eq(get_with(server, "/x", field)->status, 500);
        server_allow(server, "libcrypt cannot be loaded: ");
        server_wait_log(server, "libcrypt cannot be loaded: ");
    }
    server_stop(server);
}
END_TEST

START_TEST(files_that_cannot_be_read)
{
    struct server *server = start(SERVER("location /none/ { auth_basic x; auth_basic_user_file\n"
                                         "none; } location /folder/ { auth_basic x;\n"
                                         "auth_basic_user_file @root@/html; }"));

    ck_assert_int_eq(get(server, "/none/")->status, 401);
    ck_assert_int_eq(get_with(server, "/none/", PLAIN)->status, 403);
    ck_assert_ptr_null(header(get_with(server, "/none/", PLAIN), "WWW-Authenticate"));
    server_allow(server, "html\" failed");
    ck_assert_int_eq(get_with(server, "/folder/", PLAIN)->status, 500);
    server_stop(server);
}
END_TEST

START_TEST(a_changed_file_counts_at_once)
{
    struct server *server = start(SERVER(REALM));
    const char *field = FIELD("bmV3OnNlY3JldA=="); /* new:secret */

    ck_assert_int_eq(get_with(server, "/x", field)->status, 401);
    server_file(server, "conf/users", "new:{PLAIN}secret");
    ck_assert_int_eq(get_with(server, "/x", field)->status, 200);
    ck_assert_int_eq(get_with(server, "/x", PLAIN)->status, 401);
    server_stop(server);
}
END_TEST

START_TEST(blocks_inherit_and_turn_it_off)
{
    struct server *server = start(
        REALM SERVER("location /off/ { auth_basic off; }\n"
                     "location /own { auth_basic own; return 200 $remote_user; }\n"
                     "location /empty { auth_basic_user_file none; }\n"
                     "location /var { auth_basic $arg_realm; auth_basic_user_file $arg_file; }\n"
                     "location /half { location /half/x { auth_basic \"half $host\"; } }\n"
                     "location /except { limit_except GET { auth_basic except; }\n"
                     "auth_basic off; }\n"));

    ck_assert_int_eq(get(server, "/off/x")->status, 200);
    ck_assert_int_eq(get_with(server, "/empty", PLAIN)->status, 403);
    ck_assert_str_eq(header(get(server, "/half/x"), "WWW-Authenticate"),
                     "Basic realm=\"half localhost\"");
    ck_assert_int_eq(get(server, "/var?realm=off")->status, 404);
    ck_assert_int_eq(get_with(server, "/var?realm=a&file=users", PLAIN)->status, 404);
    ck_assert_int_eq(get_with(server, "/var?realm=a&file=none", PLAIN)->status, 403);
    ck_assert_str_eq(header(get(server, "/var?realm=a+b"), "WWW-Authenticate"),
                     "Basic realm=\"a+b\"");
    ck_assert_int_eq(get(server, "/except")->status, 404);
    ck_assert_int_eq(ask(server, "DELETE /except HTTP/1.1\r\nHost: a\r\n\r\n")->status, 401);
    server_stop(server);
}
END_TEST

START_TEST(with_others_in_the_access_phase)
{
    struct server *server =
        start(SERVER(REALM "location /any/ { satisfy any; allow 127.0.0.1; deny all; }\n"
                           "location /asked/ { satisfy any; auth_request /yes;\n"
                           "alias @root@/html/; }\n"
                           "location /either/ { satisfy any; deny all; alias @root@/html/; }\n"
                           "location /all/ { deny all; }\n"
                           "location /delayed/ { auth_delay 200ms; }\n"));
    long long before;

    ck_assert_int_eq(get(server, "/any/x")->status, 200);
    /* Refused by one, then let in by another: nobody is asked for a password. */
    struct response *response = get(server, "/asked/x");
    ck_assert_int_eq(response->status, 200);
    ck_assert_int_eq(header_count(response, "WWW-Authenticate"), 0);
    ck_assert_int_eq(get(server, "/either/x")->status, 401);
    ck_assert_int_eq(get_with(server, "/either/x", PLAIN)->status, 200);
    ck_assert_int_eq(get_with(server, "/all/x", PLAIN)->status, 403);
    before = clock_now();
    ck_assert_int_eq(get(server, "/delayed/x")->status, 401);
    ck_assert_int_ge(clock_now() - before, 190);
    server_stop(server);
}
END_TEST

START_TEST(the_page_of_a_401_keeps_the_challenge)
{
    struct server *server = start(SERVER(REALM "error_page 401 /page;\n"
                                               "location = /page { auth_basic off;\n"
                                               "return 200 login; }"));
    struct response *response = get(server, "/x");

    ck_assert_int_eq(response->status, 401);
    ck_assert_str_eq(response->body, "login");
    ck_assert_str_eq(header(response, "WWW-Authenticate"), "Basic realm=\"closed site\"");
    server_stop(server);
}
END_TEST

/* Hashing takes time by the length of what a client sends. */
START_TEST(a_password_without_end_is_wrong)
{
    struct server *server = start(SERVER(REALM));
    char field[3000] = "Authorization: Basic cGxhaW46"; /* plain: */
    size_t len = strlen(field);

    memset(field + len, 'A', 2800);
    strcpy(field + len + 2800, "\r\n");
    ck_assert_int_eq(get_with(server, "/x", field)->status, 401);
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("auth_basic", (const TTest *[]){
                                        passwords_of_all_schemes,
                                        passwords_of_crypt,
                                        files_that_cannot_be_read,
                                        a_changed_file_counts_at_once,
                                        blocks_inherit_and_turn_it_off,
                                        with_others_in_the_access_phase,
                                        the_page_of_a_401_keeps_the_challenge,
                                        a_password_without_end_is_wrong,
                                        NULL,
                                    });
}
