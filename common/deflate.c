#include "common/deflate.h"

#include "common/deflate_internal.h"

#include <stddef.h>
#include <string.h>

enum {
    HASH4_BITS_MIN = 9,
    SPAN_MAX = 512 * 1024, /* bytes of a block: so that some come out even of endless runs */
};

size_t deflate_size(void)
{
    return sizeof(struct deflate);
}

/* Of a short input most of a large table would only be cleared. */
static unsigned hash_bits_for(size_t input)
{
    unsigned bits = HASH4_BITS;

    while (bits > HASH4_BITS_MIN && input <= (size_t)1 << (bits - 1))
        bits--;
    return bits;
}

void deflate_init(struct deflate *d, int level, size_t input)
{
    memset(d, 0, offsetof(struct deflate, code));
    d->effort = deflate_effort(level);
    d->flushed = true;
    d->hash_bits = hash_bits_for(input);
    memset(d->head4, 0, sizeof *d->head4 << d->hash_bits);
    memset(d->head3, 0, sizeof d->head3);
}

/* Moves pending bytes out. */
static void drain(struct deflate *d, char *room, size_t len, size_t *made)
{
    uint32_t pending = d->pending_end - d->pending_start;
    size_t piece = pending < len - *made ? pending : len - *made;

    if (piece > 0)
        memcpy(room + *made, d->pending + d->pending_start, piece);
    *made += piece;
    d->pending_start += (uint32_t)piece;
    if (d->pending_start == d->pending_end)
        d->pending_start = d->pending_end = 0;
}

/* Takes input into the window: afterwards there is enough ahead, or no input left. */
static void fill(struct deflate *d, struct slice *input)
{
    while (input->len > 0 && d->end - d->at < LOOKAHEAD_MIN) {
        if (d->at >= WINDOW - LOOKAHEAD_MIN)
            deflate_slide(d);
        uint32_t space = WINDOW - d->end;
        struct slice piece = slice_first(*input, space);
        memcpy(d->window + d->end, piece.at, piece.len);
        d->end += (uint32_t)piece.len;
        *input = slice_from(*input, piece.len);
        d->flushed = false;
    }
}

/* Makes tokens of what there is, and begins a block when it is time. True when more can be
 * done without input. */
static bool gather(struct deflate *d, struct slice *input, enum deflate_flush flush)
{
    fill(d, input);
    bool ending = flush != DEFLATE_MORE && input->len == 0;
    if (ending) /* what is read behind the last byte is cut off; it is something all the same */
        memset(d->window + d->end, 0, WINDOW_SLACK);
    if (flush == DEFLATE_SYNC && ending && d->flushed)
        return false;
    bool full = deflate_make_tokens(d, ending) || (int64_t)d->at - d->block_start >= SPAN_MAX;
    bool all = ending && !full && d->at == d->end;
    if (full || (all && (flush == DEFLATE_FINISH || d->token_count > 0))) {
        deflate_block_begin(d, all && flush == DEFLATE_FINISH);
        return true;
    }
    if (all) {
        deflate_block_sync(d);
        d->flushed = true;
        return true;
    }
    return input->len > 0;
}

enum deflate_result deflate_run(struct deflate *d, struct slice *input, enum deflate_flush flush,
                                char *room, size_t len, size_t *made)
{
    *made = 0;
    for (;;) {
        drain(d, room, len, made);
        if (d->pending_end > 0)
            return DEFLATE_NEEDS_ROOM;
        switch (d->state) {
        case DEFLATE_GATHER:
            if (!gather(d, input, flush))
                return DEFLATE_NEEDS_INPUT;
            break;
        case DEFLATE_TOKENS:
        case DEFLATE_STORED:
            deflate_block_write(d);
            break;
        case DEFLATE_LEFT:
            return DEFLATE_ENDED;
        }
    }
}
