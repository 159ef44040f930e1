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
static void make_good(char *bytes, size_t len)
{
    uint32_t body_at = 0;

    if (len < CACHE_FIXED)
        return;
    memcpy(bytes, "muxd\1\0\0\0", 8);
    put_word(bytes + 44, crc32_add(0, bytes, 44));
    for (unsigned i = 0; i < 4; i++)
        body_at |= (uint32_t)(unsigned char)bytes[60 + i] << 8 * i;
    if (body_at < CACHE_FIXED || body_at > len)
        return;
    uint32_t crc = crc32_add(0, bytes + CACHE_RECORD, 76 - CACHE_RECORD);
    put_word(bytes + 76, crc32_add(crc, bytes + 80, body_at - 80));
}

static void check_taken(struct slice bytes, const struct cache_entry *entry, size_t body_at)
{
    char *again = malloc(body_at);

    expect(body_at <= bytes.len, "the body begins behind what was read");
    expect(is_inside(entry->key, bytes) && is_inside(entry->vary, bytes) &&
               is_inside(entry->head, bytes),
           "texts are parts of the bytes");
    expect(again != NULL, "there is memory");
    expect(cache_file_body_at(entry) == body_at, "lengths add up");
    cache_file_write(entry, again);
    expect(memcmp(again, bytes.at, body_at) == 0, "it would be written so again");
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cache_entry entry;
    size_t body_at;

    if (size == 0)
        return 0;
    size_t len = size - 1;
    char *bytes = malloc(len + 1);
    expect(bytes != NULL, "there is memory");
    memcpy(bytes, data + 1, len);
    if ((data[0] & 1) != 0)
        make_good(bytes, len);
    struct slice all = slice_make(bytes, len);
    switch (cache_file_read(all, &entry, &body_at)) {
    case CACHE_FILE_OK:
        check_taken(all, &entry, body_at);
        break;
    case CACHE_FILE_MORE:
        expect(body_at > len && body_at < CACHE_HEAD_MAX + CACHE_KEY_MAX + 1024,
               "no more is asked for than an entry may have");
        break;
    case CACHE_FILE_BAD:
        break;
    }
    free(bytes);
    return 0;
}
