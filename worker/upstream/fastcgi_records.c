#include "worker/upstream/fastcgi_records.h"

/* Places in a header (3.3), and in the content of FCGI_END_REQUEST (5.5). */
enum {
    AT_VERSION,
    AT_TYPE,
    AT_REQUEST,
    AT_LENGTH = 4,
    AT_PADDING = 6,
    AT_PROTOCOL_STATUS = 4,
    END_LEN = 8,
};

void fastcgi_records_init(struct fastcgi_records *records)
{
    *records = (struct fastcgi_records){ .state = FASTCGI_IN_HEADER };
}

static unsigned number_at(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static enum fastcgi_type type_of(const struct fastcgi_records *records)
{
    return (enum fastcgi_type)records->header[AT_TYPE];
}

/* FASTCGI_MORE: the header is good. */
static enum fastcgi_result check_header(struct fastcgi_records *records)
{
    const uint8_t *header = records->header;

    if (header[AT_VERSION] != FASTCGI_VERSION)
        return FASTCGI_BAD_VERSION;
    if (header[AT_TYPE] != FASTCGI_STDOUT && header[AT_TYPE] != FASTCGI_STDERR &&
        header[AT_TYPE] != FASTCGI_END_REQUEST)
        return FASTCGI_BAD_TYPE;
    if (number_at(header + AT_REQUEST) != FASTCGI_REQUEST_ID)
        return FASTCGI_BAD_REQUEST;
    records->left = number_at(header + AT_LENGTH);
    records->padding = header[AT_PADDING];
    records->read = 0;
    if (header[AT_TYPE] == FASTCGI_END_REQUEST && records->left < END_LEN)
        return FASTCGI_BAD_END;
    return FASTCGI_MORE;
}

static enum fastcgi_result read_header(struct fastcgi_records *records, struct slice *in)
{
    while (records->header_len < FASTCGI_HEADER) {
        if (in->len == 0)
            return FASTCGI_MORE;
        records->header[records->header_len++] = (uint8_t)*in->at;
        *in = slice_from(*in, 1);
    }
    enum fastcgi_result result = check_header(records);
    if (result != FASTCGI_MORE) /* and stays so */
        return result;
    records->header_len = 0;
    records->state = FASTCGI_IN_CONTENT;
    return FASTCGI_MORE;
}

static void note_end(struct fastcgi_records *records, struct slice content)
{
    uint32_t before = records->read;

    if (before <= AT_PROTOCOL_STATUS && AT_PROTOCOL_STATUS < before + content.len)
        records->protocol_status = (uint8_t)content.at[AT_PROTOCOL_STATUS - before];
}

/* FASTCGI_MORE: nothing of it is for the caller. */
static enum fastcgi_result read_content(struct fastcgi_records *records, struct slice *in,
                                        struct slice *piece)
{
    enum fastcgi_type type = type_of(records);

    if (records->left == 0) {
        records->state = FASTCGI_IN_PADDING;
        return type == FASTCGI_STDERR && records->read > 0 ? FASTCGI_ERR_END : FASTCGI_MORE;
    }
    *piece = slice_first(*in, records->left);
    *in = slice_from(*in, piece->len);
    if (type == FASTCGI_END_REQUEST)
        note_end(records, *piece);
    records->read += (uint32_t)piece->len;
    records->left -= (uint32_t)piece->len;
    if (piece->len == 0 || type == FASTCGI_END_REQUEST)
        return FASTCGI_MORE;
    return type == FASTCGI_STDOUT ? FASTCGI_OUT : FASTCGI_ERR;
}

static void skip_padding(struct fastcgi_records *records, struct slice *in)
{
    size_t len = in->len < records->padding ? in->len : records->padding;

    *in = slice_from(*in, len);
    records->padding -= (uint32_t)len;
    if (records->padding > 0)
        return;
    records->state = type_of(records) == FASTCGI_END_REQUEST ? FASTCGI_ENDED : FASTCGI_IN_HEADER;
}

/* The next step needs no more bytes. */
static bool is_ready(const struct fastcgi_records *records)
{
    return (records->state == FASTCGI_IN_CONTENT && records->left == 0) ||
           (records->state == FASTCGI_IN_PADDING && records->padding == 0) ||
           records->state == FASTCGI_ENDED;
}

enum fastcgi_result fastcgi_read(struct fastcgi_records *records, struct slice *in,
                                 struct slice *piece)
{
    enum fastcgi_result result = FASTCGI_MORE;

    do {
        switch (records->state) {
        case FASTCGI_IN_HEADER:
            result = read_header(records, in);
            break;
        case FASTCGI_IN_CONTENT:
            result = read_content(records, in, piece);
            break;
        case FASTCGI_IN_PADDING:
            skip_padding(records, in);
            break;
        case FASTCGI_ENDED:
            return records->protocol_status == 0 ? FASTCGI_DONE : FASTCGI_REFUSED;
        }
    } while (result == FASTCGI_MORE && (in->len > 0 || is_ready(records)));
    return result;
}

unsigned fastcgi_put_header(char header[static FASTCGI_HEADER], enum fastcgi_type type, size_t len)
{
    unsigned padding = (unsigned)(-len & 7);

    header[AT_VERSION] = FASTCGI_VERSION;
    header[AT_TYPE] = (char)type;
    header[AT_REQUEST] = 0;
    header[AT_REQUEST + 1] = FASTCGI_REQUEST_ID;
    header[AT_LENGTH] = (char)(len >> 8);
    header[AT_LENGTH + 1] = (char)len;
    header[AT_PADDING] = (char)padding;
    header[AT_PADDING + 1] = 0;
    return padding;
}
