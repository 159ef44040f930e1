/* Any bytes from a client, cut anywhere, into a whole worker: sockets, heads, bodies, every
 * family of handlers, filters, and upstreams: the same worker, and one that says what it is told.
 *
 * The first byte chooses how the bytes are cut, the second (enum how) what the two do at
 * the end; what is left is what the client sends and, after a separator, what the upstream
 * answers. Whatever comes back must begin as an answer does, and when the client has gone nothing
 * of it may be left. */
#include "tests/fuzz/backend.h"
#include "worker/context.h"
#include "worker/folders.h"
#include "worker/modules.h"
#include "worker/net/accept.h"
#include "worker/net/connection.h"
#include "worker/net/listener.h"
#include "worker/status/board.h"
#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    TURNS_MOST = 400, /* of the loop, until nothing of a client may be left */
    LARGE = 100000,   /* bytes of a file that is sent from its descriptor */
    SWEEP = 2000,     /* inputs until what was uploaded is removed */
};

enum how {
    CLIENT_DEAF = 1,      /* reads nothing */
    CLIENT_HALF = 2,      /* closes its sending side first */
    CLIENT_GONE = 4,      /* its receiving side */
    CLIENT_PROXIED = 8,   /* begins with a header of the PROXY protocol */
    BACKEND_KEEPS = 16,   /* the connection, when it has answered */
    BACKEND_EARLY = 32,   /* answers before it is asked */
    BACKEND_CRUMBLES = 64 /* sends a byte a turn */
};

/* Between what the client sends and what the upstream answers. */
static const uint8_t separator[] = { 0xff, 0x00, 0xff, 0x00 };

static const char configuration_behind[] =
    "events { worker_connections 64; }\n"
    "http {\n"
    "  access_log off; client_body_temp_path temp; proxy_temp_path temp;\n"
    "  client_body_buffer_size 64; client_header_buffer_size 64;\n"
    "  large_client_header_buffers 2 512; client_max_body_size 2k;\n"
    "  limit_req_zone $arg_k zone=l:64k rate=1000r/s; types { text/html html; }\n"
    "  proxy_cache_path cache levels=1:2 keys_zone=c:64k max_size=256k inactive=1s;\n"
    "  geo $arg_ip $geo { default 0; 10.0.0.0/8 1; ::/1 2; }\n"
    "  charset_map koi8-r utf-8 { C0 D18E; C1 D0B0; }\n"
    "  split_clients $arg_n $part { 50%% a; * b; }\n"
    "  map $arg_m $mapped { default d; ~^a(?<rest>.*)$ $rest; *.x wild; }\n"
    "  upstream behind { server unix:%s/socket; keepalive 2; }\n"
    "  upstream told { server unix:%s/backend max_fails=0; keepalive 2; }\n"
    "  fastcgi_temp_path temp; scgi_temp_path temp; uwsgi_temp_path temp;\n"
    "  server { listen unix:%s/socket; client_body_read on; root html;\n"
    "    location /up { return 200 \"$request_body$http_x\"; }\n"
    "    location /chunks { addition_types *; add_after_body /up; return 200 $uri; }\n"
    "    location /file { try_files /large.html =404; } }\n";

static const char configuration_front[] =
    "  server { listen unix:%s/proxied proxy_protocol; set_real_ip_from unix:;\n"
    "    real_ip_header proxy_protocol; location / { return 200 $remote_addr$geo$part; } }\n"
    "  server { listen unix:%s/front; root html; gzip_types *; gzip_min_length 1; gzip on;\n"
    "    error_page 404 /missing.html; error_page 403 =302 http://h$uri; absolute_redirect off;\n"
    "    if ($arg_i ~ ^(a|b)+c$) { set $v $1; }\n"
    "    location / { index index.html; add_header X-A $arg_a$uri; expires $arg_e; }\n"
    "    location /list/ { alias html/; autoindex on; autoindex_format json; }\n"
    "    location /r { return 200 \"$mapped $cookie_a $http_x $request_uri $args $v\\n\"; }\n"
    "    location /m { return 301 $scheme://$host$uri; }\n"
    "    location /w { rewrite ^/w/(\\w+)/(.*)$ /$2?a=$1 last; rewrite ^ /index.html break; }\n"
    "    location /t { try_files $uri /$arg_t /large.html =418; }\n"
    "    location /s { sub_filter_once off; sub_filter_types *; sub_filter a $arg_s;\n"
    "      try_files /large.html =404; }\n"
    "    location /b { client_body_read on; return 200 $request_body; }\n"
    "    location /p { proxy_pass http://behind; proxy_http_version 1.1;\n"
    "      proxy_set_header Connection ''; proxy_set_header X $arg_x; }\n"
    "    location /q { proxy_pass http://behind/up; proxy_request_buffering off;\n"
    "      proxy_http_version 1.1; proxy_buffering off; }\n"
    "    location /c { rewrite ^ /chunks break; proxy_pass http://behind; }\n"
    "    location /f { proxy_pass http://behind/file; proxy_buffers 4 1k; proxy_busy_buffers_size "
    "2k;\n"
    "      proxy_buffer_size 1k; proxy_max_temp_file_size 8k; }\n"
    "    location /a { auth_basic x; auth_basic_user_file users; auth_delay 1ms; }\n"
    "    location /z { auth_request /up2; mirror /r; return 200 $uri; }\n"
    "    location /up2 { internal; proxy_pass http://behind/up; }\n"
    "    location /l { limit_req zone=l burst=2 nodelay; return 200; }\n"
    "    location /G { proxy_pass http://told; proxy_http_version 1.1; gunzip on;\n"
    "      proxy_set_header Connection ''; proxy_redirect http://a/ /b/; charset utf-8;\n"
    "      source_charset koi8-r; proxy_cookie_path /a /b; proxy_intercept_errors on; }\n"
    "    location /U { proxy_pass http://told; proxy_http_version 1.1;\n"
    "      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }\n"
    "    location /K { proxy_pass http://told; proxy_cache c; proxy_cache_valid any 1s;\n"
    "      proxy_cache_use_stale error updating; proxy_cache_methods GET HEAD POST;\n"
    "      proxy_cache_purge $arg_purge; proxy_cache_revalidate on; proxy_cache_lock on;\n"
    "      proxy_cache_key $uri$arg_k; proxy_cache_bypass $arg_b; }\n"
    "    location /F { fastcgi_pass told; fastcgi_keep_conn on; fastcgi_index i.php;\n"
    "      fastcgi_split_path_info ^(.+\\.php)(.*)$; fastcgi_param A $arg_a;\n"
    "      fastcgi_param PATH_INFO $fastcgi_path_info; fastcgi_cache c;\n"
    "      fastcgi_cache_key f$uri; fastcgi_catch_stderr PHP; }\n"
    "    location /S { scgi_pass told; scgi_param A $arg_a; scgi_buffering off; }\n"
    "    location /V { uwsgi_pass told; uwsgi_param A $arg_a; uwsgi_buffer_size 1k; }\n"
    "    location /D { root temp; dav_methods PUT DELETE MKCOL COPY MOVE; min_delete_depth 1;\n"
    "      create_full_put_path on; }\n"
    "    location /E { empty_gif; } location /L { limit_rate 1k; limit_rate_after 1k;\n"
    "      try_files /large.html =404; } location /N { valid_referers none ~a.b *.c; \n"
    "      if ($invalid_referer) { return 403; } return 204; }\n"
    "    location /x { status html; } location /y { stub_status; } location /h { healthz; }\n"
    "    location /d { deny all; } location /e { secure_link $arg_md5,$arg_ex;\n"
    "      secure_link_md5 $uri; return 200 $secure_link; } } }\n";

static struct {
    char folder[64];
    struct arena arena;
    struct worker_slot shared;
    struct worker_setup setup;
    struct log log;
    struct worker *worker;
    struct backend backend;
    struct acceptor *front, *proxied;
    size_t inputs;
} all;

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "not so: %s (%s)\n", what, strerror(errno));
    abort();
}

static void write_file(const char *path, size_t len)
{
    FILE *file = fopen(path, "we");

    expect(file != NULL, path);
    for (size_t i = 0; i < len; i++)
        fputc(i % 64 == 63 ? '\n' : (int)('a' + i % 23), file);
    fclose(file);
}

static void make_folder(void)
{
    strcpy(all.folder, "/tmp/muxd-fuzz-XXXXXX");
    expect(mkdtemp(all.folder) != NULL && chdir(all.folder) == 0, "mkdtemp");
    expect(mkdir("html", 0755) == 0 && mkdir("html/folder", 0755) == 0, "mkdir");
    write_file("html/index.html", 40);
    write_file("html/folder/index.html", 10);
    write_file("html/missing.html", 7);
    write_file("html/large.html", LARGE);
    write_file("users", 0);
    FILE *file = fopen("conf", "we");
    expect(file != NULL, "fopen");
    fprintf(file, configuration_behind, all.folder, all.folder, all.folder);
    fprintf(file, configuration_front, all.folder, all.folder);
    fclose(file);
}

static struct conf *load(void)
{
    char path[100];
    char prefix[100];

    snprintf(path, sizeof path, "%s/conf", all.folder);
    snprintf(prefix, sizeof prefix, "%s/", all.folder);
    struct conf *conf = conf_load(
        &all.arena, &(struct conf_request){ .path = path,
                                            .prefix = arena_cstr(&all.arena, slice_of(prefix)),
                                            .error_log = "/dev/null",
                                            .modules = worker_modules,
                                            .module_count = WORKER_MODULES });
    expect(conf != NULL, "the configuration is loaded");
    for (const struct conf_message *one = conf->messages.first; one != NULL; one = one->next)
        fprintf(stderr, "%s\n", arena_cstr(&all.arena, conf_message_text(&all.arena, one)));
    expect(conf->messages.errors == 0 && worker_open_logs(conf, NULL) &&
               worker_make_folders(conf, (uid_t)-1) && worker_open_zones(conf, NULL),
           "the configuration is good");
    return conf;
}

static void open_listeners(struct worker_setup *setup)
{
    setup->listeners = http_listeners(setup->conf, &setup->listener_count);
    for (size_t i = 0; i < setup->listener_count; i++) {
        struct listener *listener = &setup->listeners[i];
        const struct address *address = &listener->options.address;
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        expect(fd >= 0 && bind(fd, &address->name.any, address->len) == 0 && listen(fd, 64) == 0,
               "listening");
        listener->sockets = arena_zalloc(&all.arena, sizeof(int));
        listener->sockets[0] = fd;
        listener->socket_count = listener->socket_total = 1;
    }
}

static struct acceptor *acceptor_of(const char *name)
{
    for (size_t i = 0; i < all.setup.listener_count; i++) {
        struct acceptor *acceptor = &all.worker->acceptors[i];
        const struct address *address = &acceptor->listener->options.address;
        if (strstr(((const struct sockaddr_un *)&address->name)->sun_path, name) != NULL)
            return acceptor;
    }
    expect(false, name);
    return NULL;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status;
    (void)kind;
    if (at->level > 0)
        remove(path);
    return 0;
}

/* What PUT and the like have left. */
static void sweep(void)
{
    char path[100];

    snprintf(path, sizeof path, "%s/temp", all.folder);
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void remove_folder(void)
{
    worker_end(all.worker);
    board_close(all.setup.board);
    worker_conf_release(all.setup.conf, NULL);
    arena_free(&all.arena);
    backend_close(&all.backend);
    nftw(all.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    remove(all.folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    sigset_t none;
    char *here = getcwd(NULL, 0);

    (void)argc;
    (void)argv;
    arena_init(&all.arena, NULL);
    make_folder();
    all.setup = (struct worker_setup){
        .slots = 1, .generation = 1, .conf = load(), .log = &all.log, .shared = &all.shared
    };
    all.setup.board = board_open();
    expect(all.setup.board != NULL, "the board is opened");
    all.setup.lane = board_take(all.setup.board);
    open_listeners(&all.setup);
    sigemptyset(&all.setup.signals);
    all.worker = worker_start(&all.setup);
    expect(all.worker != NULL, "the worker starts");
    all.front = acceptor_of("/front");
    all.proxied = acceptor_of("/proxied");
    expect(backend_open(&all.backend, "backend"), "the upstream listens");
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    expect(here != NULL && chdir(here) == 0, "chdir");
    free(here);
    atexit(remove_folder);
    return 0;
}

struct client {
    int fd;
    bool reads;
    char first[9]; /* of what it got */
    size_t got;
};

static void take(struct client *client)
{
    char bytes[4096];
    ssize_t got;

    while (client->reads && (got = recv(client->fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        for (ssize_t i = 0; i < got; i++, client->got++)
            if (client->got < sizeof client->first)
                client->first[client->got] = bytes[i];
}

static void turn(struct client *client, int times)
{
    while (times-- > 0) {
        backend_turn(&all.backend);
        expect(worker_turn(all.worker), "the loop goes on");
    }
    take(client);
}

static void say(struct client *client, const uint8_t *at, size_t len, uint8_t cut)
{
    uint32_t state = cut;

    while (len > 0) {
        state = state * 1103515245 + 12345;
        size_t piece = cut == 0 ? len : 1 + (state >> 16) % cut;
        if (piece > len)
            piece = len;
        if (send(client->fd, at, piece, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            return;
        at += piece;
        len -= piece;
        turn(client, 1);
    }
}

static void leave(struct client *client, uint8_t how)
{
    turn(client, 8);
    if ((how & CLIENT_HALF) != 0) {
        shutdown(client->fd, SHUT_WR);
        turn(client, 8);
    }
    if ((how & CLIENT_GONE) != 0)
        shutdown(client->fd, SHUT_RD);
    close(client->fd);
    client->reads = false;
    for (int i = 0; i < TURNS_MOST && all.worker->connection_count > 0; i++)
        turn(client, 1);
    connections_close(all.worker);
    expect(all.worker->connection_count == 0, "nothing of the client is left");
}

static void script(const uint8_t *answer, const uint8_t *end, uint8_t how)
{
    backend_script(&all.backend, answer, (size_t)(end - answer));
    all.backend.piece = (how & BACKEND_CRUMBLES) != 0 ? 1 : SIZE_MAX;
    all.backend.early = (how & BACKEND_EARLY) != 0;
    all.backend.closes = (how & BACKEND_KEEPS) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ip_address peer = { .family = AF_UNIX };
    int pair[2];

    if (size < 2)
        return 0;
    if (++all.inputs % SWEEP == 0)
        sweep();
    uint8_t cut = data[0], how = data[1];
    const uint8_t *said = data + 2, *end = data + size;
    const uint8_t *mark = memmem(said, size - 2, separator, sizeof separator);
    script(mark == NULL ? end : mark + sizeof separator, end, how);
    expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
    expect(fcntl(pair[1], F_SETFL, O_NONBLOCK) == 0, "fcntl");
    struct client client = { .fd = pair[0], .reads = (how & CLIENT_DEAF) == 0 };
    struct acceptor *acceptor = (how & CLIENT_PROXIED) != 0 ? all.proxied : all.front;
    struct connection *connection = connection_open(acceptor, pair[1], &peer);
    expect(connection != NULL && connection_start(connection), "a connection starts");
    say(&client, said, (size_t)((mark == NULL ? end : mark) - said), cut);
    leave(&client, how);
    size_t known = client.got < sizeof client.first ? client.got : sizeof client.first;
    expect(memcmp(client.first, "HTTP/1.1 ", known) == 0, "what comes is an answer");
    return 0;
}
