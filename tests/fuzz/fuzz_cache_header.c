/* Any bytes as the beginning of a cache's file: what is taken is what would be written, and
 * no text reaches beyond what was read.
 *
 * The first byte says whether the checksums are made good first: nothing would be found behind
 * them else. */
#include "worker/cache/file.h"

#include "common/crc32.h"

#include <stdio.h>
#include <stdlib.h>

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "not so: %s\n", what);
    abort();
}

static bool is_inside(struct slice text, struct slice bytes)
{
    return text.at >= bytes.at && text.at + text.len <= bytes.at + bytes.len;
}

static void put_word(char *at, uint32_t word)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (char)(word >> 8 * i);
}

/* The magic, the version, and both checksums, as file.c places them. */
static uint32_t get_word(const char *at)
{
    uint32_t word = 0;

    for (unsigned i = 0; i < 4; i++)
        word |= (uint32_t)(unsigned char)at[i] << 8 * i;
    return word;
}

static void make_good(char *bytes, size_t len)
{
    enum { MARKS = 7 }; /* around the key */

    if (len < CACHE_FIXED)
        return;
    memcpy(bytes, "muxd\2\0\0\0", 8);
    put_word(bytes + 44, crc32_add(0, bytes, 44));
    uint64_t head_len = (uint64_t)CACHE_FIXED + MARKS + get_word(bytes + 64) +
                        get_word(bytes + 68) + get_word(bytes + 72);
    if (head_len > len)
        return;
    uint32_t crc = crc32_add(0, bytes + CACHE_RECORD, 76 - CACHE_RECORD);
    put_word(bytes + 76, crc32_add(crc, bytes + 80, (size_t)head_len - 80));
}

static void check_taken(struct slice bytes, const struct cache_entry *entry, size_t head_len)
{
    char *again = malloc(head_len);

    expect(head_len <= bytes.len, "the head ends behind what was read");
    expect(is_inside(entry->key, bytes) && is_inside(entry->vary, bytes) &&
               is_inside(entry->head, bytes),
           "texts are parts of the bytes");
    expect(again != NULL, "there is memory");
    expect(cache_file_head_len(entry) == head_len, "lengths add up");
    expect(cache_file_size(entry) >= head_len + entry->body_size, "the body is behind the head");
    cache_file_write(entry, again);
    expect(memcmp(again, bytes.at, head_len) == 0, "it would be written so again");
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cache_entry entry;
    size_t needed;

    if (size == 0)
        return 0;
    size_t len = size - 1;
    char *bytes = malloc(len + 1);
    expect(bytes != NULL, "there is memory");
    memcpy(bytes, data + 1, len);
    if ((data[0] & 1) != 0)
        make_good(bytes, len);
    struct slice all = slice_make(bytes, len);
    switch (cache_file_read(all, &entry, &needed)) {
    case CACHE_FILE_OK:
        check_taken(all, &entry, needed);
        break;
    case CACHE_FILE_MORE:
        expect(needed > len && needed < CACHE_HEAD_MAX + CACHE_KEY_MAX + 1024,
               "no more is asked for than an entry may have");
        break;
    case CACHE_FILE_BAD:
        break;
    }
    free(bytes);
    return 0;
}
