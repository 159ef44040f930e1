/* Any bytes from a client, cut anywhere, into a whole worker: sockets, heads, bodies, every
 * family of handlers, filters, and an upstream, which is the same worker.
 *
 * The first byte chooses how the bytes are cut, the second whether the client reads, and whether
 * it closes, half-closes or resets; what is left is what it sends. Whatever comes back
 * must begin as an answer does, and when the client has gone nothing of it may be left. */
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
};

static const char configuration[] =
    "events { worker_connections 64; }\n"
    "http {\n"
    "  access_log off; client_body_temp_path temp; proxy_temp_path temp;\n"
    "  client_body_buffer_size 64; client_header_buffer_size 64;\n"
    "  large_client_header_buffers 2 512; client_max_body_size 2k;\n"
    "  limit_req_zone $arg_k zone=l:64k rate=1000r/s; types { text/html html; }\n"
    "  map $arg_m $mapped { default d; ~^a(?<rest>.*)$ $rest; *.x wild; }\n"
    "  upstream behind { server unix:%s/socket; keepalive 2; }\n"
    "  server { listen unix:%s/socket; client_body_read on; root html;\n"
    "    location /up { return 200 \"$request_body$http_x\"; }\n"
    "    location /chunks { addition_types *; add_after_body /up; return 200 $uri; }\n"
    "    location /file { try_files /large.html =404; } }\n"
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
    fprintf(file, configuration, all.folder, all.folder, all.folder);
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

static void remove_folder(void)
{
    static const char *const names[] = {
        "html/folder/index.html",
        "html/index.html",
        "html/missing.html",
        "html/large.html",
        "users",
        "conf",
        "socket",
        "front",
        "html/folder",
        "html",
        "temp",
    };

    worker_end(all.worker);
    board_close(all.setup.board);
    worker_conf_release(all.setup.conf, NULL);
    arena_free(&all.arena);
    if (chdir(all.folder) < 0)
        return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove(names[i]);
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
    while (times-- > 0)
        expect(worker_turn(all.worker), "the loop goes on");
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
    if ((how & 6) == 2) {
        shutdown(client->fd, SHUT_WR);
        turn(client, 8);
    }
    if ((how & 6) == 4)
        shutdown(client->fd, SHUT_RD);
    close(client->fd);
    client->reads = false;
    for (int i = 0; i < TURNS_MOST && all.worker->connection_count > 0; i++)
        turn(client, 1);
    connections_close(all.worker);
    expect(all.worker->connection_count == 0, "nothing of the client is left");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ip_address peer = { .family = AF_UNIX };
    int pair[2];

    if (size < 2)
        return 0;
    expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
    expect(fcntl(pair[1], F_SETFL, O_NONBLOCK) == 0, "fcntl");
    struct client client = { .fd = pair[0], .reads = (data[1] & 1) == 0 };
    struct acceptor *front = &all.worker->acceptors[all.setup.listener_count - 1];
    expect(connection_start(front, pair[1], &peer), "a connection starts");
    say(&client, data + 2, size - 2, data[0]);
    leave(&client, data[1]);
    size_t known = client.got < sizeof client.first ? client.got : sizeof client.first;
    expect(memcmp(client.first, "HTTP/1.1 ", known) == 0, "what comes is an answer");
    return 0;
}
