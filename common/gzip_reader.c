#include "common/crc32.h"
#include "common/gzip.h"

enum {
    HEAD = 10,
    TAIL = 8,
    METHOD_DEFLATE = 8,
    /* What stands between the head and the data (RFC 1952 2.3.1). */
    FLAG_CHECK = 2,
    FLAG_EXTRA = 4,
    FLAG_NAME = 8,
    FLAG_COMMENT = 16,
    FLAGS_RESERVED = 0xe0,
};

enum gzip_state {
    READ_HEAD,
    READ_EXTRA_LENGTH,
    READ_EXTRA,
    READ_NAME,
    READ_COMMENT,
    READ_CHECK,
    READ_DATA,
    READ_TAIL,
    READ_BAD,
};

struct gzip_reader {
    enum gzip_state state;
    bool any; /* a file was begun */
    uint8_t flags;
    uint32_t head_crc;
    uint32_t crc, length; /* of what was decoded */
    unsigned extra_left;
    unsigned field_len; /* bytes read of the field in turn */
    uint8_t field[HEAD];
    /* Bytes behind the data that the decompressor had taken: fewer than the tail has. */
    char unread[INFLATE_UNREAD_MAX];
    struct slice rest;
    /* the decompressor follows, aligned */
};

static size_t head_size(void)
{
    return (sizeof(struct gzip_reader) + 15) / 16 * 16;
}

static struct inflate *decompressor(struct gzip_reader *reader)
{
    return (struct inflate *)((char *)reader + head_size());
}

size_t gzip_reader_size(void)
{
    return head_size() + inflate_size();
}

void gzip_reader_init(struct gzip_reader *reader)
{
    *reader = (struct gzip_reader){ .state = READ_HEAD };
}

/* --- fields of a fixed length --- */

static bool read_byte(struct gzip_reader *reader, struct slice *input, uint8_t *byte)
{
    struct slice *from = reader->rest.len > 0 ? &reader->rest : input;

    if (from->len == 0)
        return false;
    *byte = (uint8_t)*from->at;
    *from = slice_from(*from, 1);
    if (reader->state != READ_TAIL && reader->state != READ_CHECK)
        reader->head_crc = crc32_add(reader->head_crc, byte, 1);
    return true;
}

/* True when `len` bytes are in `field`; they are counted anew then. */
static bool read_field(struct gzip_reader *reader, struct slice *input, unsigned len)
{
    for (; reader->field_len < len; reader->field_len++)
        if (!read_byte(reader, input, &reader->field[reader->field_len]))
            return false;
    reader->field_len = 0;
    return true;
}

static uint32_t little(const uint8_t *at, unsigned bytes)
{
    uint32_t number = 0;

    while (bytes-- > 0)
        number = number << 8 | at[bytes];
    return number;
}

/* --- states: each says whether there was enough input --- */

static bool read_head(struct gzip_reader *reader, struct slice *input)
{
    const uint8_t *head = reader->field;

    if (reader->field_len == 0)
        reader->head_crc = 0;
    if (!read_field(reader, input, HEAD))
        return false;
    reader->flags = head[3];
    reader->state = READ_EXTRA_LENGTH;
    if (head[0] != 0x1f || head[1] != 0x8b || head[2] != METHOD_DEFLATE ||
        (reader->flags & FLAGS_RESERVED) != 0)
        reader->state = READ_BAD;
    return true;
}

static bool read_extra_length(struct gzip_reader *reader, struct slice *input)
{
    reader->extra_left = 0;
    if ((reader->flags & FLAG_EXTRA) != 0) {
        if (!read_field(reader, input, 2))
            return false;
        reader->extra_left = little(reader->field, 2);
    }
    reader->state = READ_EXTRA;
    return true;
}

static bool skip_extra(struct gzip_reader *reader, struct slice *input)
{
    uint8_t byte;

    for (; reader->extra_left > 0; reader->extra_left--)
        if (!read_byte(reader, input, &byte))
            return false;
    reader->state = READ_NAME;
    return true;
}

/* The name or the comment: text that ends with a NUL. */
static bool skip_text(struct gzip_reader *reader, struct slice *input, unsigned flag,
                      enum gzip_state next)
{
    uint8_t byte = (reader->flags & flag) != 0;

    while (byte != 0)
        if (!read_byte(reader, input, &byte))
            return false;
    reader->state = next;
    return true;
}

static bool read_check(struct gzip_reader *reader, struct slice *input)
{
    if ((reader->flags & FLAG_CHECK) != 0 && !read_field(reader, input, 2))
        return false;
    reader->state = READ_DATA;
    if ((reader->flags & FLAG_CHECK) != 0 &&
        little(reader->field, 2) != (reader->head_crc & 0xffff))
        reader->state = READ_BAD;
    reader->crc = reader->length = 0;
    inflate_init(decompressor(reader));
    return true;
}

static bool read_tail(struct gzip_reader *reader, struct slice *input)
{
    if (!read_field(reader, input, TAIL))
        return false;
    reader->state = READ_HEAD;
    if (little(reader->field, 4) != reader->crc || little(reader->field + 4, 4) != reader->length)
        reader->state = READ_BAD;
    return true;
}

/* --- the data --- */

static bool read_data(struct gzip_reader *reader, struct slice *input, char *room, size_t len,
                      size_t *made)
{
    size_t here;
    enum inflate_result result =
        inflate_run(decompressor(reader), input, room + *made, len - *made, &here);

    reader->crc = crc32_add(reader->crc, room + *made, here);
    reader->length += (uint32_t)here;
    *made += here;
    switch (result) {
    case INFLATE_NEEDS_INPUT:
    case INFLATE_NEEDS_ROOM:
        return false;
    case INFLATE_BAD:
        reader->state = READ_BAD;
        return true;
    case INFLATE_ENDED:
        break;
    }
    size_t unread = inflate_unread(decompressor(reader), reader->unread);
    reader->rest = slice_make(reader->unread, unread);
    reader->state = READ_TAIL;
    return true;
}

static bool read_step(struct gzip_reader *reader, struct slice *input, char *room, size_t len,
                      size_t *made)
{
    switch (reader->state) {
    case READ_HEAD:
        return read_head(reader, input);
    case READ_EXTRA_LENGTH:
        return read_extra_length(reader, input);
    case READ_EXTRA:
        return skip_extra(reader, input);
    case READ_NAME:
        return skip_text(reader, input, FLAG_NAME, READ_COMMENT);
    case READ_COMMENT:
        return skip_text(reader, input, FLAG_COMMENT, READ_CHECK);
    case READ_CHECK:
        return read_check(reader, input);
    case READ_DATA:
        return read_data(reader, input, room, len, made);
    case READ_TAIL:
        return read_tail(reader, input);
    case READ_BAD:
        break;
    }
    return false;
}

enum gzip_result gzip_read(struct gzip_reader *reader, struct slice *input, char *room, size_t len,
                           size_t *made)
{
    *made = 0;
    reader->any = reader->any || input->len > 0;
    while (reader->state != READ_BAD && read_step(reader, input, room, len, made))
        ;
    if (reader->state == READ_BAD)
        return GZIP_BAD;
    if (reader->state == READ_DATA && *made == len)
        return GZIP_NEEDS_ROOM;
    return reader->state == READ_HEAD && reader->field_len == 0 && reader->any ? GZIP_COMPLETE
                                                                               : GZIP_NEEDS_INPUT;
}
