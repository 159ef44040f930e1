#include "common/crc32.h"
#include "common/gzip.h"

#include <stdlib.h>

enum {
    HEAD = 10,
    TAIL = 8,
    METHOD_DEFLATE = 8,
    EXTRA_SMALLEST = 2,
    EXTRA_FASTEST = 4,
    SYSTEM_UNIX = 3,
};

struct gzip_writer {
    uint32_t crc;
    uint64_t taken, made;
    bool ended;                 /* the data is whole */
    unsigned edge_len, edge_at; /* of the head, or the tail */
    uint8_t edge[HEAD > TAIL ? HEAD : TAIL];
    /* the compressor follows, aligned */
};

static size_t head_size(void)
{
    return (sizeof(struct gzip_writer) + 15) / 16 * 16;
}

static struct deflate *compressor(struct gzip_writer *writer)
{
    return (struct deflate *)((char *)writer + head_size());
}

size_t gzip_writer_size(void)
{
    return head_size() + deflate_size();
}

void gzip_writer_init(struct gzip_writer *writer, int level, size_t input)
{
    *writer = (struct gzip_writer){
        .edge = { 0x1f, 0x8b, METHOD_DEFLATE, 0, 0, 0, 0, 0,
                  level == DEFLATE_LEVEL_MAX   ? EXTRA_SMALLEST
                  : level == DEFLATE_LEVEL_MIN ? EXTRA_FASTEST
                                               : 0,
                  SYSTEM_UNIX },
        .edge_len = HEAD,
    };
    deflate_init(compressor(writer), level, input);
}

static void put_little(uint8_t *at, uint32_t number)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(number >> 8 * i);
}

static void begin_tail(struct gzip_writer *writer)
{
    writer->ended = true;
    put_little(writer->edge, writer->crc);
    put_little(writer->edge + 4, (uint32_t)writer->taken);
    writer->edge_len = TAIL;
    writer->edge_at = 0;
}

/* Writes the head or the tail; true when it is out. */
static bool write_edge(struct gzip_writer *writer, char *room, size_t len, size_t *made)
{
    size_t left = writer->edge_len - writer->edge_at;
    size_t piece = left < len - *made ? left : len - *made;

    if (piece > 0)
        memcpy(room + *made, writer->edge + writer->edge_at, piece);
    writer->edge_at += (unsigned)piece;
    *made += piece;
    return writer->edge_at == writer->edge_len;
}

static enum deflate_result write_data(struct gzip_writer *writer, struct slice *input,
                                      enum deflate_flush flush, char *room, size_t len,
                                      size_t *made)
{
    const char *from = input->at;
    size_t here;
    enum deflate_result result =
        deflate_run(compressor(writer), input, flush, room + *made, len - *made, &here);
    size_t taken = (size_t)(input->at - from);

    writer->crc = crc32_add(writer->crc, from, taken);
    writer->taken += taken;
    *made += here;
    return result;
}

enum deflate_result gzip_write(struct gzip_writer *writer, struct slice *input,
                               enum deflate_flush flush, char *room, size_t len, size_t *made)
{
    enum deflate_result result = DEFLATE_NEEDS_ROOM;

    *made = 0;
    if (write_edge(writer, room, len, made)) {
        result = DEFLATE_ENDED;
        if (!writer->ended)
            result = write_data(writer, input, flush, room, len, made);
        if (result == DEFLATE_ENDED && !writer->ended) {
            begin_tail(writer);
            if (!write_edge(writer, room, len, made))
                result = DEFLATE_NEEDS_ROOM;
        }
    }
    writer->made += *made;
    return result;
}

uint64_t gzip_written_from(const struct gzip_writer *writer)
{
    return writer->taken;
}

uint64_t gzip_written(const struct gzip_writer *writer)
{
    return writer->made;
}
