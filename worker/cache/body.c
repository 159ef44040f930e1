#include "worker/cache/body.h"

#include "common/crc32.h"
#include "common/read_write.h"

#include <endian.h>

/* A block's checksum before its first byte. */
static uint32_t first_sum(uint64_t seed, uint64_t index)
{
    const uint64_t place[] = { htole64(seed), htole64(index) };

    return crc32_add(0, place, sizeof place);
}

/* Where a byte of the body stands in the file; that of a block's end is its checksum's place. */
static uint64_t place_of(const struct cache_body *body, uint64_t index, size_t offset)
{
    return body->from + index * (CACHE_BLOCK + CACHE_SUM) + offset;
}

uint64_t cache_body_space(uint64_t size)
{
    return size + (size + CACHE_BLOCK - 1) / CACHE_BLOCK * CACHE_SUM;
}

/* --- writing --- */

static bool write_sum(const struct cache_body *body, uint64_t index, size_t len)
{
    uint32_t sum = htole32(body->sum);

    _Static_assert(sizeof sum == CACHE_SUM, "a checksum is a CRC-32");
    return write_exactly(body->fd, slice_make((const char *)&sum, sizeof sum),
                         place_of(body, index, len));
}

/* Adds to one block, which may be whole then. */
static bool add_to_block(struct cache_body *body, struct slice bytes)
{
    uint64_t index = body->size / CACHE_BLOCK;
    size_t before = (size_t)(body->size % CACHE_BLOCK);

    if (before == 0)
        body->sum = first_sum(body->seed, index);
    if (!write_exactly(body->fd, bytes, place_of(body, index, before)))
        return false;
    body->sum = crc32_add(body->sum, bytes.at, bytes.len);
    body->size += bytes.len;
    return before + bytes.len < CACHE_BLOCK || write_sum(body, index, CACHE_BLOCK);
}

bool cache_body_add(struct cache_body *body, struct slice bytes)
{
    const struct cache_body as_it_was = *body;

    while (bytes.len > 0) {
        size_t room = CACHE_BLOCK - (size_t)(body->size % CACHE_BLOCK);
        struct slice piece = slice_first(bytes, room);
        if (!add_to_block(body, piece)) {
            *body = as_it_was;
            return false;
        }
        bytes = slice_from(bytes, piece.len);
    }
    return true;
}

bool cache_body_end(struct cache_body *body)
{
    size_t last = (size_t)(body->size % CACHE_BLOCK);

    if (last > 0 && !write_sum(body, body->size / CACHE_BLOCK, last))
        return false;
    body->open = false;
    return true;
}

/* --- reading --- */

/* Its checksum is in the file: all have one but the last of a body that is being written. */
static bool has_sum(const struct cache_body *body, size_t len)
{
    return !body->open || len == CACHE_BLOCK;
}

static bool is_sound(const struct cache_body *body, uint64_t index, const char *bytes, size_t len)
{
    uint32_t sum = crc32_add(first_sum(body->seed, index), bytes, len), written;

    memcpy(&written, bytes + len, sizeof written);
    return sum == (has_sum(body, len) ? le32toh(written) : body->sum);
}

static bool read_block(const struct cache_body *body, uint64_t start, struct cache_block *room)
{
    uint64_t index = start / CACHE_BLOCK, left = body->size - start;
    size_t len = left < CACHE_BLOCK ? (size_t)left : CACHE_BLOCK;

    room->body = NULL;
    if (!read_exactly(body->fd, room->bytes, len + (has_sum(body, len) ? CACHE_SUM : 0),
                      place_of(body, index, 0)) ||
        !is_sound(body, index, room->bytes, len))
        return false;
    room->body = body;
    room->start = start;
    room->len = len;
    return true;
}

struct slice cache_body_read(const struct cache_body *body, uint64_t at, struct cache_block *room)
{
    uint64_t start = at - at % CACHE_BLOCK;
    size_t offset = (size_t)(at - start);
    bool is_there = room->body == body && room->start == start && offset < room->len;

    if (!is_there && !read_block(body, start, room))
        return SLICE("");
    return slice_make(room->bytes + offset, room->len - offset);
}

void cache_block_forget(struct cache_block *room, const struct cache_body *body)
{
    if (room != NULL && room->body == body)
        room->body = NULL;
}

bool cache_body_is_sound(const struct cache_body *body, const char *bytes)
{
    if (body->size == 0)
        return true;
    return body->size <= CACHE_BLOCK && is_sound(body, 0, bytes, (size_t)body->size);
}
