/* Files of a cache that were cut short, changed or deleted: nobody gets what is in them. */
#include "tests/serve/harness_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LISTEN "listen 127.0.0.1:@port@; "
#define PATH "proxy_cache_path cache levels=1:2 keys_zone=one:1m inactive=10m;\n"
#define TO_UPSTREAM "proxy_pass http://127.0.0.1:@port2@; proxy_cache one;\n"

static const char usual_conf[] =
    PATH CACHE_SHOW "server { " LISTEN "proxy_cache_key $uri; proxy_cache_valid 200 1h;\n"
                    "location / { " TO_UPSTREAM " }\n"
                    "location /renewed { " TO_UPSTREAM "proxy_cache_revalidate on;\n"
                    "  proxy_cache_use_stale updating; proxy_cache_background_update on; } }";

enum {
    IN_MEMORY = 1000,         /* bytes of a body that workers hold in memory */
    ON_DISK = 40000,          /* and of one that they send from the file */
    LARGE = 12 * 1024 * 1024, /* and of one that no client's window takes at once */
};

static char *make_body(struct server *server, size_t size)
{
    char *body = server_own(server, malloc(size + 1));

    for (size_t i = 0; i < size; i++)
        body[i] = (char)('a' + i % 26 + i / 4096 % 3);
    body[size] = '\0';
    return body;
}

/* --- what happens to files --- */

static off_t size_of(const char *path)
{
    struct stat found;

    return stat(path, &found) == 0 ? found.st_size : 0;
}

/* The file may be gone, or shorter. */
static void resize(const char *path, off_t size)
{
    if (truncate(path, size) < 0 && errno != ENOENT)
        perror(path);
}

static void change_byte(const char *path, off_t at)
{
    char byte;
    int fd = open(path, O_RDWR);

    if (fd >= 0 && pread(fd, &byte, 1, at) == 1) {
        byte = (char)(byte ^ 1);
        if (pwrite(fd, &byte, 1, at) != 1)
            perror(path);
    }
    close(fd);
}

/* As if the disk had changed it: nothing but the content tells. */
static void change_body_silently(const char *path)
{
    struct stat before;

    if (stat(path, &before) < 0)
        return;
    change_byte(path, before.st_size - 1);
    utimensat(AT_FDCWD, path, (struct timespec[]){ before.st_atim, before.st_mtim }, 0);
}

static void change_body(const char *path)
{
    change_byte(path, size_of(path) - 1);
}

static void cut(const char *path)
{
    resize(path, size_of(path) - 1);
}

static void lengthen(const char *path)
{
    resize(path, size_of(path) + 1);
}

static void empty(const char *path)
{
    resize(path, 0);
}

static void remove_file(const char *path)
{
    unlink(path);
}

/* A place of each kind in the file: of the record, its checksum, lengths, the head's checksum, the
 * variant, the key's mark, the key, the upstream's head. */
static const off_t places[] = { 0, 10, 44, 50, 60, 64, 76, 80, 98, 103, 108, 125 };

enum { PLACES = sizeof places / sizeof *places };

static void (*const damages[])(const char *) = {
    change_body, change_body_silently, cut, lengthen, empty, remove_file,
};

enum { DAMAGES = PLACES + sizeof damages / sizeof *damages };

static void damage(const char *path, unsigned kind)
{
    if (kind < PLACES)
        change_byte(path, places[kind]);
    else
        damages[kind - PLACES](path);
}

static const char *cache_file(struct server *server)
{
    const char *path = cache_find_file(server, "cache");

    ck_assert_ptr_nonnull(path);
    return path;
}

/* --- between two requests --- */

static void damage_between(size_t size)
{
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);
    const char *body = make_body(server, size);

    expect_fetch(server, listening, "/a", "", "MISS", body);
    for (unsigned kind = 0; kind < DAMAGES; kind++) {
        expect_cached(server, "/a", "HIT", body);
        damage(cache_file(server), kind);
        expect_fetch(server, listening, "/a", "", "MISS", body);
    }
    for (off_t len = 0; len < 200; len += 7) {
        resize(cache_file(server), len);
        expect_fetch(server, listening, "/a", "", "MISS", body);
    }
    expect_cached(server, "/a", "HIT", body);
    server_stop(server);
}

START_TEST(a_damaged_file_is_fetched_again)
{
    damage_between(IN_MEMORY);
    damage_between(ON_DISK);
}
END_TEST

/* --- while it is sent --- */

/* A client that has got the beginning of a large answer out of the cache. */
static struct client *begin_large(struct server *server, const char *body)
{
    int listening = upstream_listen(server, 2);

    expect_fetch(server, listening, "/large", "", "MISS", body);
    struct client *client = cache_ask(server, "GET", "/large", "");
    ck_assert_ptr_nonnull(strstr(client_read_bytes(client, 1000), "X-Cache: HIT"));
    return client;
}

/* All that the client gets of a body; *whole: it has got all that was promised. */
static const char *read_body(struct client *client, size_t promised, bool *whole)
{
    const char *text = client_read_all(client), *end = strstr(text, "\r\n\r\n");
    char length[64];

    snprintf(length, sizeof length, "Content-Length: %zu\r\n", promised);
    ck_assert_ptr_nonnull(end);
    ck_assert_int_eq(memcmp(text, "HTTP/1.1 200 OK\r\n", 17), 0);
    ck_assert_ptr_nonnull(strstr(text, length));
    *whole = client->len - (size_t)(end + 4 - text) == promised;
    return end + 4;
}

/* A client can tell that it has not got all. */
START_TEST(a_file_that_is_damaged_while_it_is_sent_is_not_sent_on)
{
    static void (*const kinds[])(const char *) = { change_body, cut, empty };
    bool whole;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct server *server = server_start(usual_conf);
        const char *body = make_body(server, LARGE);
        server_allow(server, "was truncated while being sent");
        struct client *client = begin_large(server, body);
        kinds[i](cache_file(server));
        read_body(client, LARGE, &whole);
        ck_assert(!whole);
        server_stop(server);
    }
}
END_TEST

/* What is sent is no longer the folder's matter. */
START_TEST(a_file_that_is_deleted_while_it_is_sent_is_sent_on)
{
    struct server *server = server_start(usual_conf);
    const char *body = make_body(server, LARGE), *got;
    struct client *client = begin_large(server, body);
    bool whole;

    remove_file(cache_file(server));
    got = read_body(client, LARGE, &whole);
    ck_assert(whole);
    ck_assert_int_eq(memcmp(got, body, LARGE), 0);
    server_stop(server);
}
END_TEST

/* A revalidation writes to the file, too. */
START_TEST(a_file_that_is_renewed_while_it_is_sent_is_sent_on)
{
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);
    const char *body = make_body(server, LARGE), *got;
    bool whole;

    expect_fetch(server, listening, "/renewed", "ETag: \"e\"\r\nX-Accel-Expires: @1\r\n", "MISS",
                 body);
    struct client *client = cache_ask(server, "GET", "/renewed", "");
    struct client *up = cache_asked(server, listening, &got);
    ck_assert_ptr_nonnull(strstr(got, "If-None-Match: \"e\"\r\n"));
    ck_assert_ptr_nonnull(strstr(client_read_bytes(client, 1000), "X-Cache: STALE"));
    client_send(up, "HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\n\r\n");
    EVENTUALLY(strcmp(header(get_with(server, "/renewed", "Range: bytes=0-1\r\n"), "X-Cache"),
                      "HIT") == 0);
    got = read_body(client, LARGE, &whole);
    ck_assert(whole);
    ck_assert_int_eq(memcmp(got, body, LARGE), 0);
    server_stop(server);
}
END_TEST

/* --- all the time --- */

/* Damages the file again and again, with time for a hit in between; never returns. */
static void keep_damaging(const char *path, bool in_memory)
{
    const struct timespec pause = { .tv_nsec = 2000000 };

    for (unsigned kind = 0;; kind = (kind + 1) % DAMAGES) {
        nanosleep(&pause, NULL);
        if (kind < PLACES || in_memory)
            damage(path, kind);
        else if (kind % 2 == 0)
            remove_file(path);
        else
            resize(path, 4096); /* whole pages: what is under way is not changed */
    }
}

static pid_t start_damaging(const char *path, bool in_memory)
{
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    keep_damaging(path, in_memory);
    _exit(0);
}

struct seen {
    unsigned hits, fetches;
};

/* Each of some clients at once gets what was stored, or sees that it has not got all. */
static void ask_many(struct server *server, const char *body, struct seen *seen)
{
    struct client *clients[6];
    size_t size = strlen(body);
    bool whole;

    for (size_t i = 0; i < sizeof clients / sizeof *clients; i++)
        clients[i] = cache_ask(server, "GET", "/a", "");
    for (size_t i = 0; i < sizeof clients / sizeof *clients; i++) {
        const char *got = read_body(clients[i], size, &whole);
        size_t len = clients[i]->len - (size_t)(got - clients[i]->received);
        ck_assert_int_eq(memcmp(got, body, len), 0);
        bool hit = strstr(clients[i]->received, "X-Cache: HIT") != NULL;
        ck_assert_msg(whole || (hit && size == ON_DISK), "%zu bytes", len);
        seen->hits += hit;
        seen->fetches += !hit;
        client_close(clients[i]);
    }
}

static void damage_under_load(size_t size)
{
    struct server *server = server_start(usual_conf);
    const char *body = make_body(server, size);
    struct seen seen = { 0 };

    server_allow(server, "was truncated while being sent");
    upstream_play(server, "127.0.0.1", 2, body);
    get(server, "/a");
    EVENTUALLY(cache_find_file(server, "cache") != NULL);
    pid_t damaging = start_damaging(cache_file(server), size == IN_MEMORY);
    while (seen.hits < 100 || seen.fetches < 60)
        ask_many(server, body, &seen);
    kill(damaging, SIGKILL);
    ck_assert_int_eq(waitpid(damaging, NULL, 0), damaging);
    server_stop(server);
}

START_TEST(nobody_gets_what_was_damaged)
{
    damage_under_load(IN_MEMORY);
    damage_under_load(ON_DISK);
}
END_TEST

/* --- what cannot be written --- */

/* A file that cannot be written costs the client nothing. */
START_TEST(what_cannot_be_written_is_passed_on)
{
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);

    server_allow(server, "failed (");
    expect_fetch(server, listening, "/a", "", "MISS", "one");
    const char *path = cache_file(server);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    expect_fetch(server, listening, "/a", "", "MISS", "two");
    expect_fetch(server, listening, "/a", "", "MISS", "three");
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("cache_damage", (const TTest *[]){
                                          a_damaged_file_is_fetched_again,
                                          a_file_that_is_damaged_while_it_is_sent_is_not_sent_on,
                                          a_file_that_is_deleted_while_it_is_sent_is_sent_on,
                                          a_file_that_is_renewed_while_it_is_sent_is_sent_on,
                                          nobody_gets_what_was_damaged,
                                          what_cannot_be_written_is_passed_on,
                                          NULL,
                                      });
}
