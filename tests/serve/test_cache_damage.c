/* Files of a cache that were cut short, changed or deleted: nobody gets what is in them. */
#include "tests/serve/harness_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LISTEN "listen 127.0.0.1:@port@; "
#define PATH "proxy_cache_path cache levels=1:2 keys_zone=one:1m inactive=10m;\n"
#define TO_UPSTREAM "proxy_pass http://127.0.0.1:@port2@; proxy_cache one;\n"

static const char usual_conf[] =
    PATH CACHE_SHOW "server { " LISTEN "proxy_cache_key $uri; proxy_cache_valid 200 1h;\n"
                    "location / { " TO_UPSTREAM " } }";

/* --- damaged files --- */

static void cut(const char *path)
{
    struct stat stat_;

    ck_assert_int_eq(stat(path, &stat_), 0);
    ck_assert_int_eq(truncate(path, stat_.st_size - 1), 0);
}

static void change_byte(const char *path, off_t at)
{
    char byte;
    int fd = open(path, O_RDWR);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte = (char)(byte ^ 1);
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void change_record(const char *path)
{
    change_byte(path, 10);
}

static void change_head(const char *path)
{
    change_byte(path, 120);
}

static void change_body(const char *path)
{
    struct stat stat_;

    ck_assert_int_eq(stat(path, &stat_), 0);
    change_byte(path, stat_.st_size - 1);
}

/* As if the disk had changed it: nothing but the content tells. */
static void change_body_silently(const char *path)
{
    struct stat stat_;

    ck_assert_int_eq(stat(path, &stat_), 0);
    change_byte(path, stat_.st_size - 1);
    struct timespec times[2] = { stat_.st_atim, stat_.st_mtim };
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void empty(const char *path)
{
    ck_assert_int_eq(truncate(path, 0), 0);
}

static void remove_file(const char *path)
{
    ck_assert_int_eq(unlink(path), 0);
}

static void make_folder(const char *path)
{
    remove_file(path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

static const char *cache_file(struct server *server)
{
    const char *path = cache_find_file(server, "cache");

    ck_assert_ptr_nonnull(path);
    return path;
}

START_TEST(a_damaged_file_is_fetched_again)
{
    static void (*const damages[])(const char *) = {
        cut, change_record, change_head, change_body, change_body_silently, empty, remove_file,
    };
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);
    char body[40000];

    server_allow(server, "md5 collision");
    expect_fetch(server, listening, "/a", "", "MISS", "small");
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        expect_cached(server, "/a", "HIT", "small");
        damages[i](cache_file(server));
        expect_fetch(server, listening, "/a", "", "MISS", "small");
    }
    remove_file(cache_file(server));
    memset(body, 'x', sizeof body - 1); /* too large to be held in memory */
    body[sizeof body - 1] = '\0';
    expect_fetch(server, listening, "/b", "", "MISS", body);
    change_body(cache_file(server));
    expect_fetch(server, listening, "/b", "", "MISS", body);
    cut(cache_file(server));
    expect_fetch(server, listening, "/b", "", "MISS", body);
    expect_cached(server, "/b", "HIT", body);
    server_stop(server);
}
END_TEST

/* A file that cannot be written costs the client nothing. */
START_TEST(what_cannot_be_written_is_passed_on)
{
    struct server *server = server_start(usual_conf);
    int listening = upstream_listen(server, 2);

    server_allow(server, "failed (");
    expect_fetch(server, listening, "/a", "", "MISS", "one");
    make_folder(cache_file(server));
    expect_fetch(server, listening, "/a", "", "MISS", "two");
    expect_fetch(server, listening, "/a", "", "MISS", "three");
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("cache_damage",
                      (const TTest *[]){ a_damaged_file_is_fetched_again,
                                         what_cannot_be_written_is_passed_on, NULL });
}
