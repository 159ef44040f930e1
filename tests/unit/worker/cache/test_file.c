#include "worker/cache/file.h"

#include "common/crc32.h"
#include "tests/unit/unit.h"
#include "worker/cache/body.h"

#include <endian.h>

static const struct cache_entry entry = {
    .record = { .date = 1700000000,
                .valid_until = 1700000600,
                .stale_updating = 30,
                .stale_error = 86400,
                .stamp = { 1700000001, 123456789 } },
    .body_size = UINT64_C(5000000000),
    .seed = 0xdeadbeef0badcafe,
    .variant = "0123456789abcde",
    .key = SLICE_INIT("http://h/a"),
    .vary = SLICE_INIT("Accept-Language"),
    .head = SLICE_INIT("HTTP/1.1 200 OK\r\n\r\n"),
};

static size_t write_entry(char bytes[512])
{
    size_t len = cache_file_head_len(&entry);

    ck_assert_uint_le(len, 512);
    cache_file_write(&entry, bytes);
    return len;
}

START_TEST(what_is_written_is_read)
{
    char bytes[512];
    struct cache_entry read;
    size_t len = write_entry(bytes), needed;

    ck_assert_int_eq(cache_file_read(slice_make(bytes, len), &read, &needed), CACHE_FILE_OK);
    ck_assert_uint_eq(needed, len);
    ck_assert_int_eq(read.record.date, entry.record.date);
    ck_assert_int_eq(read.record.valid_until, entry.record.valid_until);
    ck_assert_uint_eq(read.record.stale_updating, 30);
    ck_assert_uint_eq(read.record.stale_error, 86400);
    ck_assert_uint_eq(read.body_size, entry.body_size);
    ck_assert_uint_eq(read.seed, entry.seed);
    ck_assert_mem_eq(read.variant, entry.variant, CACHE_DIGEST);
    ck_assert(slice_equal(read.key, entry.key));
    ck_assert(slice_equal(read.vary, entry.vary));
    ck_assert(slice_equal(read.head, entry.head));
    ck_assert_ptr_nonnull(memmem(bytes, len, "\nKEY: http://h/a\n", 17));
}
END_TEST

/* Files that another version has written are as if they were not there. */
START_TEST(another_version_is_refused)
{
    char bytes[512];
    struct cache_entry read;
    size_t len = write_entry(bytes), needed;

    for (unsigned version = 0; version < 256; version++) {
        bytes[4] = (char)version;
        uint32_t crc = htole32(crc32_add(0, bytes, 44)); /* the record's */
        memcpy(bytes + 44, &crc, sizeof crc);
        enum cache_file_result result = cache_file_read(slice_make(bytes, len), &read, &needed);
        ck_assert_int_eq(result, version == 2 ? CACHE_FILE_OK : CACHE_FILE_BAD);
    }
}
END_TEST

START_TEST(each_bit_counts)
{
    char bytes[512];
    struct cache_entry read;
    size_t len = write_entry(bytes), needed;

    for (size_t i = 0; i < 8 * len; i++) {
        bytes[i / 8] = (char)(bytes[i / 8] ^ 1 << i % 8);
        ck_assert_int_ne(cache_file_read(slice_make(bytes, len), &read, &needed), CACHE_FILE_OK);
        bytes[i / 8] = (char)(bytes[i / 8] ^ 1 << i % 8);
    }
}
END_TEST

START_TEST(a_beginning_asks_for_the_rest)
{
    char bytes[512];
    struct cache_entry read;
    size_t len = write_entry(bytes), needed;

    for (size_t cut = 0; cut < len; cut++) {
        ck_assert_int_eq(cache_file_read(slice_make(bytes, cut), &read, &needed), CACHE_FILE_MORE);
        ck_assert_uint_eq(needed, cut < CACHE_FIXED ? (size_t)CACHE_FIXED : len);
    }
}
END_TEST

START_TEST(a_record_is_written_anew)
{
    char bytes[512];
    struct cache_entry read;
    struct cache_record record = entry.record;
    size_t len = write_entry(bytes), needed;

    record.valid_until += 100;
    cache_file_write_record(&record, bytes);
    ck_assert_int_eq(cache_file_read(slice_make(bytes, len), &read, &needed), CACHE_FILE_OK);
    ck_assert_int_eq(read.record.valid_until, record.valid_until);
}
END_TEST

START_TEST(size_and_time_tell_of_changes)
{
    uint64_t size = cache_file_size(&entry);
    struct timespec stamp = entry.record.stamp, whole = { stamp.tv_sec, 0 },
                    other = { stamp.tv_sec, stamp.tv_nsec + 1 }, later = { stamp.tv_sec + 1, 0 };

    ck_assert_uint_eq(size, cache_file_head_len(&entry) + cache_body_space(entry.body_size));
    ck_assert(cache_file_is_untouched(&entry, size, stamp));
    ck_assert(cache_file_is_untouched(&entry, size, whole));
    ck_assert(!cache_file_is_untouched(&entry, size - 1, stamp));
    ck_assert(!cache_file_is_untouched(&entry, size + 1, stamp));
    ck_assert(!cache_file_is_untouched(&entry, size, other));
    ck_assert(!cache_file_is_untouched(&entry, size, later));
}
END_TEST

int main(void)
{
    return unit_main(unit_suite("cache file", (const TTest *[]){
                                                  what_is_written_is_read,
                                                  another_version_is_refused,
                                                  each_bit_counts,
                                                  a_beginning_asks_for_the_rest,
                                                  a_record_is_written_anew,
                                                  size_and_time_tell_of_changes,
                                                  NULL,
                                              }));
}
