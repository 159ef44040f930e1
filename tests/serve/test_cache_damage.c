/* Files of a cache that were cut short, changed or deleted: nobody gets what is in them. */
#include "tests/serve/harness_cache.h"
#include "worker/cache/body.h"

#include <dirent.h>
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
#define RANGES "Accept-Ranges: bytes\r\n"
#define TO_UPSTREAM "proxy_pass http://127.0.0.1:@port2@; proxy_cache one;\n"

static const char usual_conf[] =
    PATH CACHE_SHOW "server { " LISTEN "proxy_cache_key $uri; proxy_cache_valid 200 1h;\n"
                    "location / { " TO_UPSTREAM " }\n"
                    "location /renewed { " TO_UPSTREAM "proxy_cache_revalidate on;\n"
                    "  proxy_cache_use_stale updating; proxy_cache_background_update on; } }";

enum {
    IN_MEMORY = 1000,         /* bytes of a body that workers hold in memory */
    ON_DISK = 40000,          /* and of one that they send from the file */
    SEVERAL = 200000,         /* and of one of several blocks */
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

    if (fd >= 0 && at >= 0 && pread(fd, &byte, 1, at) == 1) {
        byte = (char)(byte ^ 1);
        if (pwrite(fd, &byte, 1, at) != 1)
            perror(path);
    }
    close(fd);
}

/* As if the disk had changed it: nothing but the content tells. */
static void change_silently(const char *path, off_t at)
{
    struct stat before;

    if (stat(path, &before) < 0)
        return;
    change_byte(path, at);
    utimensat(AT_FDCWD, path, (struct timespec[]){ before.st_atim, before.st_mtim }, 0);
}

static void change_body_silently(const char *path)
{
    change_silently(path, size_of(path) - CACHE_SUM - 1);
}

static void change_body(const char *path)
{
    change_byte(path, size_of(path) - CACHE_SUM - 1);
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

/* A place of each kind in the file: of the record, its checksum, lengths, the seed, the head's
 * checksum, the variant, the key's mark, the key, the upstream's head. */
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

/* --- what the disk has changed --- */

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

/* The client gets nothing that is wrong; whether it gets all. */
static bool gets_what_is_right(struct client *client, const char *body, size_t size)
{
    bool whole;
    const char *got = read_body(client, size, &whole);
    size_t len = client->len - (size_t)(got - client->received);

    ck_assert_uint_le(len, size);
    ck_assert_int_eq(memcmp(got, body, len), 0);
    return whole;
}

/* Where a byte of a body of this size stands in its file: the last one is followed by a
 * checksum. */
static off_t place_of(const char *path, size_t size, size_t at)
{
    size_t blocks = (size + CACHE_BLOCK - 1) / CACHE_BLOCK;
    off_t from = size_of(path) - (off_t)(size + blocks * CACHE_SUM);

    return from + (off_t)(at + at / CACHE_BLOCK * CACHE_SUM);
}

/* A byte of a body that was served before has changed: who asks gets all of it all the same when
 * it is one of the first block, else what stands before its block. */
static void expect_change_found(struct server *server, int listening, const char *body, size_t size,
                                size_t at)
{
    const char *path = cache_file(server);

    change_silently(path, place_of(path, size, at));
    if (at >= CACHE_BLOCK)
        ck_assert(!gets_what_is_right(cache_ask(server, "GET", "/a", ""), body, size));
    expect_fetch(server, listening, "/a", "", "MISS", body);
    expect_cached(server, "/a", "HIT", body);
}

START_TEST(a_byte_that_the_disk_has_changed_is_never_served)
{
    static const size_t sizes[] = { IN_MEMORY, ON_DISK,     CACHE_BLOCK,
                                    SEVERAL,   1024 * 1024, 8 * 1024 * 1024 };

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const size_t size = sizes[i];
        struct server *server = server_start(usual_conf);
        int listening = upstream_listen(server, 2);
        const char *body = make_body(server, size);
        expect_fetch(server, listening, "/a", "", "MISS", body);
        expect_cached(server, "/a", "HIT", body);
        expect_change_found(server, listening, body, size, size / 2);
        if (size <= SEVERAL) {
            expect_change_found(server, listening, body, size, 0);
            expect_change_found(server, listening, body, size, size - 1);
        }
        server_stop(server);
    }
}
END_TEST

/* A part of the body, which was stored, or is fetched. */
static void expect_part(struct client *client, const char *state, const char *part, size_t len)
{
    const struct response *response = client_read(client);

    ck_assert_int_eq(response->status, 206);
    ck_assert_str_eq(header(response, "X-Cache"), state);
    ck_assert_uint_eq(response->body_len, len);
    ck_assert_int_eq(memcmp(response->body, part, len), 0);
}

/* What is asked for decides which blocks are looked at: those that are sent from. */
START_TEST(a_range_of_a_damaged_body_is_right)
{
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);
    const char *body = make_body(server, SEVERAL);

    expect_fetch(server, listening, "/a", RANGES, "MISS", body);
    for (unsigned round = 0; round < 2; round++) {
        static const char *const ranges[] = { "Range: bytes=150000-150099\r\n",
                                              "Range: bytes=-50000\r\n" };
        const char *path = cache_file(server);
        change_silently(path, place_of(path, SEVERAL, 140000));
        expect_part(cache_ask(server, "GET", "/a", "Range: bytes=0-99\r\n"), "HIT", body, 100);
        expect_part(cache_ask(server, "GET", "/a", "Range: bytes=60000-130000\r\n"), "HIT",
                    body + 60000, 70001);
        struct client *client = cache_ask(server, "GET", "/a", ranges[round]);
        cache_answer(cache_asked(server, listening, NULL), RANGES, body);
        expect_part(client, "MISS", body + 150000, round == 0 ? 100 : 50000);
        EVENTUALLY(cache_find_file(server, "cache") != NULL);
    }
    server_stop(server);
}
END_TEST

/* The second of two ranges: the head has left. */
START_TEST(a_part_that_is_damaged_is_not_sent)
{
    static const char head[] = "bytes 139950-140049/200000\r\n\r\n";
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);
    const char *body = make_body(server, SEVERAL);

    expect_fetch(server, listening, "/a", RANGES, "MISS", body);
    const char *path = cache_file(server);
    change_silently(path, place_of(path, SEVERAL, 140000));
    struct client *client =
        cache_ask(server, "GET", "/a", "Range: bytes=0-49999,139950-140049\r\n");
    const char *part = strstr(client_read_all(client), head);
    ck_assert(part == NULL || strlen(part) == strlen(head));
    expect_fetch(server, listening, "/a", RANGES, "MISS", body);
    server_stop(server);
}
END_TEST

/* --- while it is sent --- */

/* A client that has got the beginning of a large answer out of the cache. */
static struct client *begin_large(struct server *server, int listening, const char *body)
{
    expect_fetch(server, listening, "/large", "", "MISS", body);
    struct client *client = cache_ask(server, "GET", "/large", "");
    ck_assert_ptr_nonnull(strstr(client_read_bytes(client, 1000), "X-Cache: HIT"));
    return client;
}

/* A client can tell that it has not got all; the next one has it fetched. */
START_TEST(a_file_that_is_damaged_while_it_is_sent_is_not_sent_on)
{
    static void (*const kinds[])(const char *) = { change_body, change_body_silently, cut, empty };

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct server *server = server_start(usual_conf);
        const char *body = make_body(server, LARGE);
        int listening = upstream_listen(server, 2);
        struct client *client = begin_large(server, listening, body);
        kinds[i](cache_file(server));
        ck_assert(!gets_what_is_right(client, body, LARGE));
        if (kinds[i] == change_body_silently)
            expect_fetch(server, listening, "/large", "", "MISS", body);
        server_stop(server);
    }
}
END_TEST

/* Neither what waits in the sockets nor what is still to be read gets there changed. */
START_TEST(what_is_under_way_is_not_changed)
{
    static const size_t offsets[] = { 1000, 100000, 1000000, 3000000, LARGE - 1 };
    struct server *server = server_start(usual_conf);
    const char *body = make_body(server, LARGE);
    struct client *client = begin_large(server, upstream_listen(server, 2), body);
    const char *path = cache_file(server);

    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++)
        change_silently(path, place_of(path, LARGE, offsets[i]));
    ck_assert(!gets_what_is_right(client, body, LARGE));
    server_stop(server);
}
END_TEST

/* What is sent is no longer the folder's matter. */
START_TEST(a_file_that_is_deleted_while_it_is_sent_is_sent_on)
{
    struct server *server = server_start(usual_conf);
    const char *body = make_body(server, LARGE), *got;
    struct client *client = begin_large(server, upstream_listen(server, 2), body);
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

/* The path of the only file that is being written; NULL: there is none. */
static const char *temporary_file(struct server *server)
{
    DIR *folder = opendir(server_path(server, "cache/.temp"));
    const struct dirent *entry;
    const char *found = NULL;
    char name[300];

    ck_assert_ptr_nonnull(folder);
    while ((entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.') {
            snprintf(name, sizeof name, "cache/.temp/%s", entry->d_name);
            found = server_path(server, name);
        }
    closedir(folder);
    return found;
}

/* A client that is slower than the upstream reads from the file that is being written. */
START_TEST(a_file_that_is_damaged_while_it_is_written_is_not_sent)
{
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);
    const char *body = make_body(server, LARGE), *path;

    server_allow(server, "a temporary file cannot be read");
    struct client *client = cache_ask(server, "GET", "/a", "");
    struct client *up = cache_asked(server, listening, NULL);
    client_send(up, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%.*s", LARGE, LARGE - 1, body);
    EVENTUALLY((path = temporary_file(server)) != NULL && size_of(path) >= LARGE - 1);
    change_silently(path, LARGE - 100000);
    ck_assert(!gets_what_is_right(client, body, LARGE));
    client_close(up);
    expect_fetch(server, listening, "/a", "", "MISS", body);
    expect_cached(server, "/a", "HIT", body);
    server_stop(server);
}
END_TEST

/* --- all the time --- */

/* Damages the file again and again, with time for a hit in between; never returns. */
static void keep_damaging(const char *path)
{
    const struct timespec pause = { .tv_nsec = 2000000 };

    for (unsigned kind = 0;; kind = (kind + 1) % DAMAGES) {
        nanosleep(&pause, NULL);
        damage(path, kind);
    }
}

static pid_t start_damaging(const char *path)
{
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    keep_damaging(path);
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

    for (size_t i = 0; i < sizeof clients / sizeof *clients; i++)
        clients[i] = cache_ask(server, "GET", "/a", "");
    for (size_t i = 0; i < sizeof clients / sizeof *clients; i++) {
        bool whole = gets_what_is_right(clients[i], body, size);
        bool hit = strstr(clients[i]->received, "X-Cache: HIT") != NULL;
        ck_assert_msg(whole || (hit && size > IN_MEMORY), "%zu bytes", clients[i]->len);
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

    upstream_play(server, "127.0.0.1", 2, body);
    get(server, "/a");
    EVENTUALLY(cache_find_file(server, "cache") != NULL);
    pid_t damaging = start_damaging(cache_file(server));
    while (seen.hits < 50 || seen.fetches < 30)
        ask_many(server, body, &seen);
    kill(damaging, SIGKILL);
    ck_assert_int_eq(waitpid(damaging, NULL, 0), damaging);
    server_stop(server);
}

START_TEST(nobody_gets_what_was_damaged)
{
    damage_under_load(IN_MEMORY);
    damage_under_load(ON_DISK);
    damage_under_load(SEVERAL);
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
                                          a_byte_that_the_disk_has_changed_is_never_served,
                                          a_range_of_a_damaged_body_is_right,
                                          a_part_that_is_damaged_is_not_sent,
                                          what_is_under_way_is_not_changed,
                                          a_file_that_is_damaged_while_it_is_written_is_not_sent,
                                          a_file_that_is_damaged_while_it_is_sent_is_not_sent_on,
                                          a_file_that_is_deleted_while_it_is_sent_is_sent_on,
                                          a_file_that_is_renewed_while_it_is_sent_is_sent_on,
                                          nobody_gets_what_was_damaged,
                                          what_cannot_be_written_is_passed_on,
                                          NULL,
                                      });
}
