#include "worker/http/chunked.h"

#include "worker/http/scan.h"

enum { SIZE_DIGITS_MAX = 16 };

/* What a step came to: the next step, or a result for the caller. */
enum step {
    STEP_ON,
    STEP_MORE,
    STEP_PIECE,
    STEP_LAST,
    STEP_BAD,
};

void chunked_init(struct chunked *chunked)
{
    *chunked = (struct chunked){ .state = CHUNKED_SIZE };
}

/* Passes one byte, and goes on in `next`. */
static enum step pass(struct chunked *chunked, struct slice *in, enum chunked_state next)
{
    *in = slice_from(*in, 1);
    chunked->state = next;
    return STEP_ON;
}

/* One byte that must be `c`. */
static enum step expect(struct chunked *chunked, struct slice *in, char c, enum chunked_state next)
{
    return *in->at == c ? pass(chunked, in, next) : STEP_BAD;
}

/* Passes `len` bytes that no piece of the body is made of; there is an end to them. */
static enum step pass_overhead(struct chunked *chunked, struct slice *in, size_t len)
{
    if (len > CHUNKED_OVERHEAD_MAX - chunked->overhead)
        return STEP_BAD;
    chunked->overhead += (uint32_t)len;
    *in = slice_from(*in, len);
    return in->len == 0 ? STEP_MORE : STEP_ON;
}

/* --- size line --- */

static enum step end_size(struct chunked *chunked, struct slice *in)
{
    if (chunked->digits == 0 || chunked->left > INT64_MAX)
        return STEP_BAD;
    chunked->overhead = 0;
    switch (*in->at) {
    case '\r':
        return pass(chunked, in, CHUNKED_SIZE_LF);
    case ';':
        return pass(chunked, in, CHUNKED_EXTENSION);
    case ' ':
    case '\t':
        return pass(chunked, in, CHUNKED_SIZE_SPACE);
    default:
        return STEP_BAD;
    }
}

static enum step read_size(struct chunked *chunked, struct slice *in)
{
    for (; in->len > 0; *in = slice_from(*in, 1)) {
        int digit = hex_digit(*in->at);
        if (digit < 0)
            return end_size(chunked, in);
        if (++chunked->digits > SIZE_DIGITS_MAX)
            return STEP_BAD;
        chunked->left = chunked->left << 4 | (uint64_t)digit;
    }
    return STEP_MORE;
}

static enum step read_size_space(struct chunked *chunked, struct slice *in)
{
    if (*in->at == ';')
        return pass(chunked, in, CHUNKED_EXTENSION);
    if (*in->at != ' ' && *in->at != '\t')
        return STEP_BAD;
    return pass_overhead(chunked, in, 1);
}

static enum step read_extension(struct chunked *chunked, struct slice *in)
{
    const char *stop = scan_text(in->at, in->at + in->len);
    enum step step = pass_overhead(chunked, in, (size_t)(stop - in->at));

    return step == STEP_ON ? expect(chunked, in, '\r', CHUNKED_SIZE_LF) : step;
}

/* The size line is whole: data follows, or behind the last chunk trailers. */
static enum step end_size_line(struct chunked *chunked, struct slice *in)
{
    chunked->overhead = 0;
    chunked->digits = 0;
    enum step step = expect(chunked, in, '\n', chunked->left == 0 ? CHUNKED_TRAILER : CHUNKED_DATA);
    return step == STEP_ON && chunked->left == 0 ? STEP_LAST : step;
}

/* --- data --- */

static enum step read_data(struct chunked *chunked, struct slice *in, struct slice *data)
{
    size_t len = chunked->left < in->len ? (size_t)chunked->left : in->len;

    *data = slice_first(*in, len);
    *in = slice_from(*in, len);
    chunked->left -= len;
    if (chunked->left == 0)
        chunked->state = CHUNKED_DATA_CR;
    return STEP_PIECE;
}

/* --- trailers --- */

/* The first byte of a trailer line: of the empty one that ends all, or of a name. */
static enum step read_trailer(struct chunked *chunked, struct slice *in)
{
    if (*in->at == '\r')
        return pass(chunked, in, CHUNKED_END_LF);
    if (!is_visible(*in->at) || *in->at == ':')
        return STEP_BAD;
    chunked->state = CHUNKED_TRAILER_NAME;
    return STEP_ON;
}

static enum step read_trailer_name(struct chunked *chunked, struct slice *in)
{
    size_t len = 0;

    while (len < in->len && is_visible(in->at[len]) && in->at[len] != ':')
        len++;
    enum step step = pass_overhead(chunked, in, len);
    return step == STEP_ON ? expect(chunked, in, ':', CHUNKED_TRAILER_VALUE) : step;
}

static enum step read_trailer_value(struct chunked *chunked, struct slice *in)
{
    const char *stop = scan_text(in->at, in->at + in->len);
    enum step step = pass_overhead(chunked, in, (size_t)(stop - in->at));

    return step == STEP_ON ? expect(chunked, in, '\r', CHUNKED_TRAILER_LF) : step;
}

/* --- the machine --- */

/* `in` is not empty. */
static enum step read_state(struct chunked *chunked, struct slice *in, struct slice *data)
{
    switch (chunked->state) {
    case CHUNKED_SIZE:
        return read_size(chunked, in);
    case CHUNKED_SIZE_SPACE:
        return read_size_space(chunked, in);
    case CHUNKED_EXTENSION:
        return read_extension(chunked, in);
    case CHUNKED_SIZE_LF:
        return end_size_line(chunked, in);
    case CHUNKED_DATA:
        return read_data(chunked, in, data);
    case CHUNKED_DATA_CR:
        return expect(chunked, in, '\r', CHUNKED_DATA_LF);
    case CHUNKED_DATA_LF:
        return expect(chunked, in, '\n', CHUNKED_SIZE);
    case CHUNKED_TRAILER:
        return read_trailer(chunked, in);
    case CHUNKED_TRAILER_NAME:
        return read_trailer_name(chunked, in);
    case CHUNKED_TRAILER_VALUE:
        return read_trailer_value(chunked, in);
    case CHUNKED_TRAILER_LF:
        return expect(chunked, in, '\n', CHUNKED_TRAILER);
    case CHUNKED_END_LF:
        return expect(chunked, in, '\n', CHUNKED_DONE);
    case CHUNKED_DONE:
        break;
    }
    return STEP_MORE;
}

enum chunked_result chunked_read(struct chunked *chunked, struct slice *in, struct slice *data)
{
    while (in->len > 0 && chunked->state != CHUNKED_DONE) {
        switch (read_state(chunked, in, data)) {
        case STEP_ON:
        case STEP_MORE:
            break;
        case STEP_PIECE:
            return CHUNKED_PIECE;
        case STEP_LAST:
            return CHUNKED_LAST;
        case STEP_BAD:
            return CHUNKED_BAD;
        }
    }
    return chunked->state == CHUNKED_DONE ? CHUNKED_END : CHUNKED_MORE;
}
