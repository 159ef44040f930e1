/* What muxd -t warns of: traps that are no errors; and --strict, which takes none. */
#include "tests/serve/heads.h"

/* What stands in the http block, from line 3 of the file on. */
struct trap {
    const char *trapped;
    const char *place; /* "line:column" */
    const char *warning;
    const char *hint;
    const char *clean; /* just beside it */
};

#define SERVER(text) "server { listen 127.0.0.1:@port@;\n" text " }"
#define PLAIN "location / { return 200 x; }"

static const struct trap traps[] = {
    /* alias */
    { SERVER("location /files { alias @root@/html/; }"), "4:10",
      "\"/files../\" leads out of the alias", "write \"/files/\"",
      SERVER("location /files/ { alias @root@/html/; }") },
    { SERVER("location /files/ { alias @root@/html; }"), "4:26",
      "\"/files/x\" is looked for in \"@root@/htmlx\"", "write \"@root@/html/\"",
      SERVER("location = /files { alias @root@/html/; }\n"
             "location /o { alias @root@/html; }\n"
             "location /$/ { alias @root@/$host; }\n"
             "location ~ ^/r/(.*)$ { alias @root@/html/$1; }") },
    /* add_header */
    { SERVER("add_header X-A a; add_header X-B b;\nlocation / { add_header X-A c; }"), "5:14",
      "\"add_header\" takes the inherited \"X-B\" of line 4 away", "repeat \"add_header X-B ...\"",
      SERVER("add_header X-A a; add_header X-B b;\n"
             "location / { add_header x-a c; add_header X-B d; add_header X-C e; }\n"
             "location /none { }") },
    { "add_header X-A a;\n" SERVER("add_header X-B b;" PLAIN), "5:1",
      "takes the inherited \"X-A\" of line 3 away", "repeat", "add_header X-A a;\n" SERVER(PLAIN) },
    { SERVER("proxy_set_header Host $host; proxy_set_header X-A a;\n"
             "location / { proxy_pass http://127.0.0.1:1; proxy_set_header X-A b; }"),
      "5:45", "\"proxy_set_header\" takes the inherited \"Host\" of line 4 away",
      "repeat \"proxy_set_header Host ...\"",
      SERVER("proxy_set_header X-A a;\n"
             "location / { proxy_pass http://127.0.0.1:1; proxy_set_header X-A b; }") },
    { SERVER("fastcgi_param A a;\n"
             "location / { fastcgi_pass 127.0.0.1:1; fastcgi_param B b; }"),
      "5:40", "\"fastcgi_param\" takes the inherited \"A\" of line 4 away", "repeat",
      SERVER("location / { fastcgi_pass 127.0.0.1:1; fastcgi_param A a; }") },
    /* root in location / only */
    { SERVER("location / { root @root@/www; }\nlocation /js/ { expires 1h; }"), "4:14",
      "only location \"/\" has this root: location \"/js/\" looks for files in \"@root@/html\"",
      "write it in the server block",
      SERVER("location / { root @root@/www; } location = /ok { return 200 ok; }\n"
             "location /p/ { proxy_pass http://127.0.0.1:1; } location ~ /\\.ht { deny all; }\n"
             "location /i/ { root @root@/www; } location @n { } location /s/ { stub_status; }\n"
             "location /a/ { alias @root@/html/; } location /r/ { rewrite ^ /x last; }") },
    { SERVER("location / { root @root@/www; }\nlocation /js/ { expires 1h; }"), "4:14",
      "only location \"/\" has this root", "server block",
      SERVER("root @root@/html; location / { root @root@/www; } location /js/ { }") },
    /* if */
    { SERVER("location / { if ($arg_a) { root @root@/www; } }"), "4:28",
      "\"root\" in an \"if\" of a location", "use \"map\"",
      SERVER("if ($arg_b) { set $x 1; }\n"
             "location / { if ($arg_a) { set $x 1; break; } if ($arg_b) { return 403; }\n"
             "             if ($arg_c) { rewrite ^ /x last; access_log off; } }") },
    { SERVER("location / { try_files $uri =404; if ($arg_a) { set $x 1; } }"), "4:35",
      "where this \"if\" holds, \"try_files\" of the location is not used", "use \"map\"",
      SERVER("location / { try_files $uri =404; if ($arg_a) { return 403; }\n"
             "             if ($arg_b) { rewrite ^ /x last; } }") },
    /* $uri in a redirect */
    { SERVER("location / { return 301 https://h$uri; }"), "4:34", "\"$uri\" is decoded",
      "write \"$request_uri\"",
      SERVER("location / { return 301 https://h$request_uri; }\n"
             "location /t { return 200 $uri; } location /u { return 404 $uri; }\n"
             "location /v { return 301 https://h$uri_x; set $uri_x 1; }\n"
             "location /w { rewrite ^ /x$uri last; }") },
    { SERVER("return 302 \"/a${document_uri}b\";"), "4:15", "\"${document_uri}\" is decoded",
      "write \"$request_uri\"", SERVER("return 302 \"/a${request_uri}b\";") },
    { SERVER("location / { return https://h$uri; }"), "4:30", "\"$uri\" is decoded", "write",
      SERVER("location / { return https://h; }") },
    { SERVER("if ($arg_a) { rewrite ^ /x$uri permanent; } " PLAIN), "4:27", "\"$uri\" is decoded",
      "write", SERVER("if ($arg_a) { rewrite ^/(.*)$ /x/$1 permanent; } " PLAIN) },
    { SERVER("location / { rewrite ^ $scheme://h$uri; }"), "4:35", "\"$uri\" is decoded", "write",
      SERVER("location / { rewrite ^ $scheme://h$request_uri?; }") },
    /* a regex before a prefix */
    { SERVER("location /up/ { alias @root@/html/; }\nlocation ~ \\.php$ { root @root@/www; }"),
      "4:10",
      "location \"/up/\" with its alias does not get \"/up/x.php\": regex location \"\\.php$\" "
      "goes",
      "write \"location ^~ /up/\"",
      SERVER("location ^~ /up/ { alias @root@/html/; } location /plain/ { }\n"
             "location = /x.php { alias @root@/html/; } location / { root @root@/html; }\n"
             "location ~ \\.php$ { root @root@/html; }") },
    { SERVER("location /admin/ { auth_basic x; auth_basic_user_file u; }\n"
             "location ~ \\.php$ { proxy_pass http://127.0.0.1:1; }"),
      "4:10", "location \"/admin/\" with its auth_basic does not get \"/admin/x.php\"",
      "write \"location ^~ /admin/\"",
      SERVER("location /admin/ { auth_basic x; auth_basic_user_file u;\n"
             "                   location ~ \\.php$ { proxy_pass http://127.0.0.1:1; } }\n"
             "location ~ \\.php$ { proxy_pass http://127.0.0.1:1; }") },
    { SERVER("location /in/ { internal; }\nlocation ~ \\.js$ { expires 1h; }"), "4:10",
      "location \"/in/\" with its internal does not get \"/in/x.js\"", "write",
      SERVER("location /in/ { internal; } location ~ \\.js$ { internal; }") },
    { SERVER(
          "location /api/ { proxy_pass http://127.0.0.1:1; }\nlocation ~ \\.gz$ { expires 1h; }"),
      "4:10", "location \"/api/\" with its handler does not get \"/api/x.gz\"", "write",
      SERVER("location /api/ { proxy_pass http://127.0.0.1:1; }\n"
             "location ~ \\.gz$ { deny all; } location ~ \\.zip$ { return 404; }") },
    { SERVER("location /api/ { return 200 x; }\nlocation ~ ^/api { return 403; }"), "4:10",
      "location \"/api/\" is never reached: regex location \"^/api\" goes before it",
      "write \"location ^~ /api/\"",
      SERVER("location /api/ { return 200 x; } location ~ ^/api/v\\d { return 403; }") },
    { SERVER("location / { return 200 x; }\nlocation ~ /.* { return 403; }"), "4:10",
      "location \"/\" is never reached", "write \"location ^~ /\"",
      SERVER("location / { return 200 x; } location ~ /.+/ { return 403; }") },
    /* server names */
    { SERVER("server_name a.example;" PLAIN) "\n" SERVER("server_name b a.example;" PLAIN), "6:15",
      "conflicting server name \"a.example\" on 127.0.0.1:@port@, ignored", "remove it",
      SERVER("server_name a.example;" PLAIN) "\n" SERVER("server_name *.a.example;" PLAIN) },
    /* regexes of file types */
    { SERVER("location ~ \\.php { return 403; } " PLAIN), "4:12",
      "regex \"\\.php\" matches the file type anywhere", "write \"\\.php$\"",
      SERVER("location ~ \\.php$ { return 403; } location ~ \\.php(/|$) { return 403; }\n"
             "location ~ /\\.ht { return 403; } location ~ ^/v1\\.(0|1) { return 403; } " PLAIN) },
    { SERVER("location ~* \\.(gif|jpe?g) { return 403; } " PLAIN), "4:13",
      "regex \"\\.(gif|jpe?g)\" matches the file type", "write \"\\.(gif|jpe?g)$\"",
      SERVER("location ~* \\.(gif|jpe?g)$ { return 403; } " PLAIN) },
    /* locations that are never reached */
    { SERVER("location ~ ^/a { return 200 x; }\nlocation ~ ^/a { return 403; }"), "5:12",
      "location \"^/a\" is never reached: \"^/a\" in line 4 goes before it", "remove it",
      SERVER("location ~ ^/a { return 200 x; } location ~* ^/a { return 403; }") },
    { SERVER("location ~ . { return 200 x; }\nlocation ~ ^/a { return 403; }"), "5:12",
      "location \"^/a\" is never reached: \".\" in line 4 goes before it", "move it up",
      SERVER("location ~ ^/a { return 200 x; } location ~ . { return 403; }") },
    { SERVER("return 301 https://$host$request_uri;\nlocation /.well-known/ { }"), "4:1",
      "the server answers every request here: location \"/.well-known/\" is never reached",
      "put it into \"location / { ... }\"",
      SERVER("if ($arg_a) { break; } return 301 https://$host$request_uri;\n"
             "location /.well-known/ { }") "\n"
                                           "server { listen 127.0.0.1:@port2@; error_page 404 @n; "
                                           "return 404; location @n { } }" },
    /* a folder that anybody may write to */
    { SERVER("root @root@/open; " PLAIN), "4:6", "anybody on this machine may write to",
      "chmod o-w @root@/open", SERVER("root @root@/html; " PLAIN) },
};

enum { TRAPS = sizeof traps / sizeof *traps };

static struct run *check(struct server *server, const char *http, const char *option)
{
    char config[4096];

    snprintf(
        config, sizeof config,
        "pid logs/p.pid; error_log logs/error.log;\nevents { } http { access_log off;\n%s\n}\n",
        http);
    server_file(server, "conf/test.conf", server_expand(server, config));
    return server_command(
        server, (const char *[]){ "-p", "@root@", "-c", "conf/test.conf", "-t", option, NULL });
}

START_TEST(each_trap_is_shown_with_its_way_out)
{
    struct server *server = server_new();
    char place[256];

    server_file(server, "open/a.txt", "");
    ck_assert_int_eq(chmod(server_path(server, "open"), 0777), 0);
    for (size_t i = 0; i < TRAPS; i++) {
        const struct run *run = check(server, traps[i].trapped, NULL);
        snprintf(place, sizeof place, " in @root@/conf/test.conf:%s\n", traps[i].place);
        ck_assert_msg(run->status == 0 && count_of(run->text, "[warn]") == 1 &&
                          strstr(run->text, server_expand(server, traps[i].warning)) != NULL &&
                          strstr(run->text, server_expand(server, place)) != NULL &&
                          strstr(run->text, server_expand(server, traps[i].hint)) != NULL,
                      "%s: %d %s", traps[i].trapped, run->status, run->text);
        ck_assert_int_eq(check(server, traps[i].trapped, "--strict")->status, 1);
    }
    server_stop(server);
}
END_TEST

START_TEST(what_is_just_beside_a_trap_is_clean)
{
    struct server *server = server_new();

    for (size_t i = 0; i < TRAPS; i++) {
        const struct run *run = check(server, traps[i].clean, "--strict");
        ck_assert_msg(run->status == 0 && strstr(run->text, "[warn]") == NULL, "%s: %d %s",
                      traps[i].clean, run->status, run->text);
    }
    server_stop(server);
}
END_TEST

START_TEST(the_shipped_configuration_is_clean)
{
    struct server *server = server_new();
    const struct run *run =
        server_command(server, (const char *[]){ "-t", "--strict", "-p", "@root@", "-c",
                                                 MUXD_SOURCE "/conf/muxd.conf", NULL });

    ck_assert_msg(run->status == 0 && strstr(run->text, "[warn]") == NULL, "%s", run->text);
    server_stop(server);
}
END_TEST

START_TEST(only_t_is_strict)
{
    struct server *server = server_new();
    const struct run *run = check(server, SERVER("location ~ \\.php { return 403; }"), "--strict");

    ck_assert_ptr_nonnull(strstr(run->text, "1 warning, and --strict takes none"));
    run = server_command(server, (const char *[]){ "--strict", NULL });
    ck_assert_int_eq(run->status, 1);
    ck_assert_ptr_nonnull(strstr(run->text, "option \"--strict\" requires \"-t\""));
    server_stop(server);
}
END_TEST

START_TEST(a_start_does_not_warn)
{
    struct server *server =
        server_start("server { listen 127.0.0.1:@port@; location ~ \\.php { return 403; } }");

    ck_assert_int_eq(get(server, "/x.php")->status, 403);
    server_quit(server);
    ck_assert_ptr_null(strstr(server_read(server, "logs/error.log"), "[warn]"));
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("lint", (const TTest *[]){
                                  each_trap_is_shown_with_its_way_out,
                                  what_is_just_beside_a_trap_is_clean,
                                  the_shipped_configuration_is_clean,
                                  only_t_is_strict,
                                  a_start_does_not_warn,
                                  NULL,
                              });
}
