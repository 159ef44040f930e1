#include "worker/cache/body.h"

#include "common/read_write.h"
#include "tests/unit/unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { FROM = 123, MOST = 3 * CACHE_BLOCK };

static char source[MOST];
static struct cache_block *room; /* of each test's own */

static struct cache_body begin(void)
{
    FILE *file = tmpfile();

    ck_assert_ptr_nonnull(file);
    for (size_t i = 0; i < sizeof source; i++)
        source[i] = (char)(i * 2654435761u >> 11);
    room = calloc(1, sizeof *room);
    int fd = dup(fileno(file));
    fclose(file);
    return (struct cache_body){ .fd = fd, .from = FROM, .seed = 7, .open = true };
}

static void end(struct cache_body *body)
{
    close(body->fd);
    free(room);
}

/* Adds up to `size` bytes, in pieces. */
static void add_up_to(struct cache_body *body, size_t size, size_t piece)
{
    while (body->size < size) {
        size_t left = size - (size_t)body->size;
        ck_assert(
            cache_body_add(body, slice_make(source + body->size, left < piece ? left : piece)));
    }
}

static void expect_all(const struct cache_body *body)
{
    for (uint64_t at = 0; at < body->size;) {
        struct slice bytes = cache_body_read(body, at, room);
        ck_assert_uint_gt(bytes.len, 0);
        ck_assert_uint_le(at + bytes.len, body->size);
        ck_assert_int_eq(memcmp(bytes.at, source + at, bytes.len), 0);
        at += bytes.len;
    }
}

START_TEST(what_is_written_is_read)
{
    static const size_t sizes[] = {
        0, 1, CACHE_BLOCK - 1, CACHE_BLOCK, CACHE_BLOCK + 1, 2 * CACHE_BLOCK, MOST - 5,
    };
    static const size_t pieces[] = { 1000, CACHE_BLOCK, MOST };

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t j = 0; j < sizeof pieces / sizeof *pieces; j++) {
            struct cache_body body = begin();
            add_up_to(&body, sizes[i], pieces[j]);
            expect_all(&body); /* also while it is written */
            ck_assert(cache_body_end(&body));
            cache_block_forget(room, &body);
            expect_all(&body);
            uint64_t space = cache_body_space(sizes[i]);
            ck_assert_int_eq(lseek(body.fd, 0, SEEK_END), space == 0 ? 0 : FROM + (off_t)space);
            end(&body);
        }
}
END_TEST

START_TEST(a_place_within_a_block_is_read)
{
    struct cache_body body = begin();

    add_up_to(&body, 2 * CACHE_BLOCK + 10, MOST);
    struct slice bytes = cache_body_read(&body, CACHE_BLOCK + 100, room);
    ck_assert_uint_eq(bytes.len, CACHE_BLOCK - 100);
    ck_assert_int_eq(memcmp(bytes.at, source + CACHE_BLOCK + 100, bytes.len), 0);
    ck_assert_uint_eq(cache_body_read(&body, 2 * CACHE_BLOCK + 9, room).len, 1);
    end(&body);
}
END_TEST

static void flip(const struct cache_body *body, uint64_t at)
{
    char byte;

    ck_assert(read_exactly(body->fd, &byte, 1, at));
    byte ^= 1;
    ck_assert(write_exactly(body->fd, slice_make(&byte, 1), at));
}

/* Of the body and of its checksums, written and still to be. */
START_TEST(any_changed_byte_is_found)
{
    for (int open = 0; open < 2; open++) {
        struct cache_body body = begin();
        add_up_to(&body, CACHE_BLOCK + 1000, 777);
        ck_assert(open || cache_body_end(&body));
        uint64_t space = open ? CACHE_BLOCK + CACHE_SUM + 1000 : cache_body_space(body.size);
        for (uint64_t place = 0; place < space; place += place < CACHE_BLOCK - 10 ? 5001 : 1) {
            bool second = place >= CACHE_BLOCK + CACHE_SUM;
            flip(&body, FROM + place);
            cache_block_forget(room, &body);
            ck_assert_uint_eq(cache_body_read(&body, 0, room).len, second ? CACHE_BLOCK : 0);
            ck_assert_uint_eq(cache_body_read(&body, CACHE_BLOCK, room).len, second ? 0 : 1000);
            flip(&body, FROM + place);
        }
        cache_block_forget(room, &body);
        expect_all(&body);
        end(&body);
    }
}
END_TEST

/* A disk may bring up what was written to another place, or by another file. */
START_TEST(a_block_of_another_place_is_found)
{
    struct cache_body body = begin(), other = body;
    static char block[CACHE_BLOCK + CACHE_SUM];

    add_up_to(&body, 2 * CACHE_BLOCK, MOST);
    ck_assert(read_exactly(body.fd, block, sizeof block, FROM));
    ck_assert(write_exactly(body.fd, slice_make(block, sizeof block), FROM + sizeof block));
    ck_assert_uint_eq(cache_body_read(&body, 0, room).len, CACHE_BLOCK);
    ck_assert_uint_eq(cache_body_read(&body, CACHE_BLOCK, room).len, 0);
    other.size = body.size;
    other.seed++;
    ck_assert_uint_eq(cache_body_read(&other, 0, room).len, 0);
    end(&body);
}
END_TEST

START_TEST(a_file_that_is_cut_short_is_found)
{
    struct cache_body body = begin();

    add_up_to(&body, CACHE_BLOCK + 1000, MOST);
    ck_assert(cache_body_end(&body));
    ck_assert_int_eq(ftruncate(body.fd, FROM + (off_t)cache_body_space(body.size) - 1), 0);
    ck_assert_uint_eq(cache_body_read(&body, CACHE_BLOCK, room).len, 0);
    ck_assert_uint_eq(cache_body_read(&body, 0, room).len, CACHE_BLOCK);
    end(&body);
}
END_TEST

/* What was looked at is a copy: it stays as it was, and is not read twice. */
START_TEST(what_was_read_stays)
{
    struct cache_body body = begin();

    add_up_to(&body, 1000, MOST);
    ck_assert_uint_eq(cache_body_read(&body, 0, room).len, 1000);
    flip(&body, FROM + 500);
    expect_all(&body);
    ck_assert_uint_eq(cache_body_read(&body, 999, room).len, 1);
    cache_block_forget(room, &body);
    ck_assert_uint_eq(cache_body_read(&body, 0, room).len, 0);
    end(&body);
}
END_TEST

START_TEST(a_body_that_cannot_be_added_to_is_as_it_was)
{
    struct cache_body body = begin();
    const struct rlimit limit = { CACHE_BLOCK + 2000, RLIM_INFINITY };

    signal(SIGXFSZ, SIG_IGN);
    add_up_to(&body, 1000, MOST);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert(!cache_body_add(&body, slice_make(source + 1000, CACHE_BLOCK + 5000)));
    ck_assert_uint_eq(body.size, 1000);
    expect_all(&body);
    end(&body);
}
END_TEST

START_TEST(a_small_body_in_memory_is_looked_at)
{
    struct cache_body body = begin();
    char bytes[1000 + CACHE_SUM];

    add_up_to(&body, 1000, MOST);
    ck_assert(cache_body_end(&body));
    ck_assert(read_exactly(body.fd, bytes, sizeof bytes, FROM));
    ck_assert(cache_body_is_sound(&body, bytes));
    bytes[999] ^= 1;
    ck_assert(!cache_body_is_sound(&body, bytes));
    body.size = 0;
    ck_assert(cache_body_is_sound(&body, NULL));
    body.size = CACHE_BLOCK + 1;
    ck_assert(!cache_body_is_sound(&body, bytes));
    end(&body);
}
END_TEST

int main(void)
{
    return unit_main(unit_suite("cache body", (const TTest *[]){
                                                  what_is_written_is_read,
                                                  a_place_within_a_block_is_read,
                                                  any_changed_byte_is_found,
                                                  a_block_of_another_place_is_found,
                                                  a_file_that_is_cut_short_is_found,
                                                  what_was_read_stays,
                                                  a_body_that_cannot_be_added_to_is_as_it_was,
                                                  a_small_body_in_memory_is_looked_at,
                                                  NULL,
                                              }));
}
