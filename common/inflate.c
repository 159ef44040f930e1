#include "common/inflate.h"

#include "common/inflate_internal.h"

#include <endian.h>

enum {
    HISTORY = 32 * 1024,
    WINDOW = 2 * HISTORY,
    WINDOW_SLACK = 8, /* copies run over by so much */
    MATCH_MAX = 258,
    FAST_INPUT = 8, /* bytes of input at least that the fast loop goes on with */
};

enum inflate_state {
    BLOCK_HEAD,
    STORED_HEAD,
    STORED,
    CODE_HEAD,    /* how many lengths follow */
    CODE_CODE,    /* the code that they are told in */
    CODE_LENGTHS, /* they themselves */
    SYMBOLS,
    BLOCK_END,
    ENDED,
    BAD,
};

struct inflate {
    enum inflate_state state;
    bool last;
    uint64_t bits; /* taken from the input and not used yet; those above bit_count are zero */
    unsigned bit_count;
    uint32_t at;    /* where the next byte goes in the window */
    uint32_t given; /* what of it was written out */
    uint32_t stored_left;
    unsigned literal_count, distance_count, code_count; /* lengths told */
    unsigned told;                                      /* of them so far */
    uint8_t lengths[INFLATE_LITERALS + INFLATE_DISTANCES];
    struct inflate_entry literals[INFLATE_LITERAL_ENTRIES];
    struct inflate_entry distances[INFLATE_DISTANCE_ENTRIES];
    struct inflate_entry codes[1 << INFLATE_CODE_ROOT];
    uint8_t window[WINDOW + WINDOW_SLACK];
};

/* What a step has come to. */
enum step { STEP_ON, STEP_INPUT, STEP_FULL };

size_t inflate_size(void)
{
    return sizeof(struct inflate);
}

void inflate_init(struct inflate *in)
{
    memset(in, 0, offsetof(struct inflate, lengths));
}

/* --- bits --- */

/* At least 56 bits, or all that there are. */
static void refill(struct inflate *in, struct slice *input)
{
    while (in->bit_count < 56 && input->len > 0) {
        in->bits |= (uint64_t)(uint8_t)*input->at << in->bit_count;
        in->bit_count += 8;
        *input = slice_from(*input, 1);
    }
}

static void drop_bits(struct inflate *in, unsigned count)
{
    in->bits >>= count;
    in->bit_count -= count;
}

static unsigned take_bits(struct inflate *in, unsigned count)
{
    unsigned value = (unsigned)(in->bits & ((1ULL << count) - 1));

    drop_bits(in, count);
    return value;
}

static enum step bad(struct inflate *in)
{
    in->state = BAD;
    return STEP_ON;
}

/* --- heads of blocks --- */

static void use_fixed(struct inflate *in)
{
    for (unsigned i = 0; i < INFLATE_LITERALS; i++)
        in->lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    inflate_table(in->literals, INFLATE_LITERAL_ENTRIES, INFLATE_LITERAL_ROOT, in->lengths,
                  INFLATE_LITERALS, inflate_literal, INFLATE_ONE_WORD);
    memset(in->lengths, 5, INFLATE_DISTANCES);
    inflate_table(in->distances, INFLATE_DISTANCE_ENTRIES, INFLATE_DISTANCE_ROOT, in->lengths,
                  INFLATE_DISTANCES, inflate_distance, INFLATE_NO_WORD);
}

static enum step read_block_head(struct inflate *in)
{
    if (in->bit_count < 3)
        return STEP_INPUT;
    in->last = take_bits(in, 1);
    switch (take_bits(in, 2)) {
    case 0:
        drop_bits(in, in->bit_count % 8);
        in->state = STORED_HEAD;
        return STEP_ON;
    case 1:
        use_fixed(in);
        in->state = SYMBOLS;
        return STEP_ON;
    case 2:
        in->state = CODE_HEAD;
        return STEP_ON;
    default:
        return bad(in);
    }
}

static enum step read_stored_head(struct inflate *in)
{
    if (in->bit_count < 32)
        return STEP_INPUT;
    unsigned len = take_bits(in, 16);
    if (take_bits(in, 16) != (len ^ 0xffff))
        return bad(in);
    in->stored_left = len;
    in->state = STORED;
    return STEP_ON;
}

static enum step read_code_head(struct inflate *in)
{
    if (in->bit_count < 14)
        return STEP_INPUT;
    in->literal_count = take_bits(in, 5) + 257;
    in->distance_count = take_bits(in, 5) + 1;
    in->code_count = take_bits(in, 4) + 4;
    if (in->literal_count > 286 || in->distance_count > 30)
        return bad(in);
    in->told = 0;
    memset(in->lengths, 0, INFLATE_CODES);
    in->state = CODE_CODE;
    return STEP_ON;
}

static enum step read_code_code(struct inflate *in)
{
    static const uint8_t order[INFLATE_CODES] = { 16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                  11, 4,  12, 3, 13, 2, 14, 1, 15 };

    while (in->told < in->code_count) {
        if (in->bit_count < 3)
            return STEP_INPUT;
        in->lengths[order[in->told++]] = (uint8_t)take_bits(in, 3);
    }
    if (!inflate_table(in->codes, 1 << INFLATE_CODE_ROOT, INFLATE_CODE_ROOT, in->lengths,
                       INFLATE_CODES, inflate_code_length, INFLATE_COMPLETE))
        return bad(in);
    in->told = 0;
    in->state = CODE_LENGTHS;
    return STEP_ON;
}

static enum step make_tables(struct inflate *in)
{
    if (in->lengths[256] == 0 ||
        !inflate_table(in->literals, INFLATE_LITERAL_ENTRIES, INFLATE_LITERAL_ROOT, in->lengths,
                       in->literal_count, inflate_literal, INFLATE_ONE_WORD) ||
        !inflate_table(in->distances, INFLATE_DISTANCE_ENTRIES, INFLATE_DISTANCE_ROOT,
                       in->lengths + in->literal_count, in->distance_count, inflate_distance,
                       INFLATE_NO_WORD))
        return bad(in);
    in->state = SYMBOLS;
    return STEP_ON;
}

/* A length, or a run of one. */
static enum step read_length(struct inflate *in)
{
    static const struct {
        uint8_t bits, least;
    } runs[] = { { 2, 3 }, { 3, 3 }, { 7, 11 } };
    struct inflate_entry entry = in->codes[in->bits & ((1 << INFLATE_CODE_ROOT) - 1)];
    unsigned total = in->literal_count + in->distance_count;

    if (entry.bits > in->bit_count)
        return STEP_INPUT;
    if (entry.kind != INFLATE_LITERAL)
        return bad(in);
    if (entry.value < 16) {
        drop_bits(in, entry.bits);
        in->lengths[in->told++] = (uint8_t)entry.value;
        return STEP_ON;
    }
    unsigned kind = entry.value - 16U;
    if (entry.bits + runs[kind].bits > (int)in->bit_count)
        return STEP_INPUT;
    drop_bits(in, entry.bits);
    unsigned run = runs[kind].least + take_bits(in, runs[kind].bits);
    if (run > total - in->told || (kind == 0 && in->told == 0))
        return bad(in);
    memset(in->lengths + in->told, kind == 0 ? in->lengths[in->told - 1] : 0, run);
    in->told += run;
    return STEP_ON;
}

/* --- contents of blocks --- */

static enum step copy_stored(struct inflate *in, struct slice *input)
{
    while (in->stored_left > 0 && in->bit_count > 0) {
        if (in->at == WINDOW)
            return STEP_FULL;
        in->window[in->at++] = (uint8_t)take_bits(in, 8);
        in->stored_left--;
    }
    struct slice piece = slice_first(*input, in->stored_left);
    piece = slice_first(piece, WINDOW - in->at);
    if (piece.len > 0)
        memcpy(in->window + in->at, piece.at, piece.len);
    in->at += (uint32_t)piece.len;
    in->stored_left -= (uint32_t)piece.len;
    *input = slice_from(*input, piece.len);
    if (in->stored_left == 0)
        in->state = BLOCK_END;
    else
        return in->at == WINDOW ? STEP_FULL : STEP_INPUT;
    return STEP_ON;
}

/* Looks a word up; its bits include both its parts. */
static inline struct inflate_entry look_up(const struct inflate_entry *table, unsigned root,
                                           uint64_t bits)
{
    struct inflate_entry entry = table[bits & ((1U << root) - 1)];

    if (entry.kind == INFLATE_SUBTABLE) {
        entry = table[entry.value + (bits >> root & ((1U << entry.extra) - 1))];
        entry.bits = (uint8_t)(entry.bits + root);
    }
    return entry;
}

static inline unsigned with_extra(struct inflate_entry entry, uint64_t bits)
{
    return entry.value + (unsigned)(bits >> entry.bits & ((1U << entry.extra) - 1));
}

/* Copies a match, eight bytes at a time where it does not overlap itself; it may write up
 * to WINDOW_SLACK bytes more. */
static inline void copy_match(uint8_t *to, unsigned distance, unsigned length)
{
    const uint8_t *from = to - distance;

    if (distance >= 8) {
        for (unsigned done = 0; done < length; done += 8)
            memcpy(to + done, from + done, 8);
        return;
    }
    for (unsigned done = 0; done < length; done++)
        to[done] = from[done];
}

/* One literal, match or end; with too few bits nothing is changed. */
static enum step read_symbol(struct inflate *in)
{
    struct inflate_entry length = look_up(in->literals, INFLATE_LITERAL_ROOT, in->bits);
    unsigned used = length.bits + length.extra;

    if (used > in->bit_count)
        return STEP_INPUT;
    switch ((enum inflate_kind)length.kind) {
    case INFLATE_LITERAL:
        in->window[in->at++] = (uint8_t)length.value;
        drop_bits(in, used);
        return STEP_ON;
    case INFLATE_END:
        drop_bits(in, used);
        in->state = BLOCK_END;
        return STEP_ON;
    case INFLATE_BASE:
        break;
    case INFLATE_SUBTABLE:
    case INFLATE_INVALID:
        return bad(in);
    }
    uint64_t rest = in->bits >> used;
    struct inflate_entry distance = look_up(in->distances, INFLATE_DISTANCE_ROOT, rest);
    if (used + distance.bits + distance.extra > in->bit_count)
        return STEP_INPUT;
    unsigned back = with_extra(distance, rest), count = with_extra(length, in->bits);
    if (distance.kind != INFLATE_BASE || back > in->at)
        return bad(in);
    copy_match(in->window + in->at, back, count);
    in->at += count;
    drop_bits(in, used + distance.bits + distance.extra);
    return STEP_ON;
}

/* Symbols while there is enough input and room for any: without a look at how much is left
 * of either in between. */
static void read_fast(struct inflate *in, struct slice *input)
{
    const char *end = input->at + input->len;
    const char *at = input->at;

    while (in->state == SYMBOLS && end - at >= FAST_INPUT && in->at <= WINDOW - MATCH_MAX) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        in->bits |= le64toh(word) << in->bit_count;
        at += (63 - in->bit_count) / 8;
        in->bit_count |= 56;
        in->bits &= (1ULL << in->bit_count) - 1;
        read_symbol(in);
    }
    *input = slice_make(at, (size_t)(end - at));
}

static enum step read_symbols(struct inflate *in, struct slice *input)
{
    read_fast(in, input);
    while (in->state == SYMBOLS) {
        if (in->at > WINDOW - MATCH_MAX)
            return STEP_FULL;
        refill(in, input);
        if (read_symbol(in) == STEP_INPUT)
            return STEP_INPUT;
        if (input->len >= FAST_INPUT)
            break;
    }
    return STEP_ON;
}

/* --- the whole --- */

static enum step read_lengths(struct inflate *in, struct slice *input)
{
    while (in->told < in->literal_count + in->distance_count) {
        refill(in, input);
        if (read_length(in) == STEP_INPUT)
            return STEP_INPUT;
        if (in->state == BAD)
            return STEP_ON;
    }
    return make_tables(in);
}

static enum step run_step(struct inflate *in, struct slice *input)
{
    if (in->state != STORED && in->state != SYMBOLS)
        refill(in, input);
    switch (in->state) {
    case BLOCK_HEAD:
        return read_block_head(in);
    case STORED_HEAD:
        return read_stored_head(in);
    case STORED:
        return copy_stored(in, input);
    case CODE_HEAD:
        return read_code_head(in);
    case CODE_CODE:
        return read_code_code(in);
    case CODE_LENGTHS:
        return read_lengths(in, input);
    case SYMBOLS:
        return read_symbols(in, input);
    case BLOCK_END:
        in->state = in->last ? ENDED : BLOCK_HEAD;
        if (in->last)
            drop_bits(in, in->bit_count % 8);
        return STEP_ON;
    case ENDED:
    case BAD:
        break;
    }
    return STEP_INPUT;
}

/* Writes decoded bytes out; true when all of them have left. */
static bool deliver(struct inflate *in, char *room, size_t len, size_t *made)
{
    size_t left = in->at - in->given;
    size_t piece = left < len - *made ? left : len - *made;

    if (piece > 0)
        memcpy(room + *made, in->window + in->given, piece);
    *made += piece;
    in->given += (uint32_t)piece;
    return in->given == in->at;
}

/* Everything was written out: only the history is needed. */
static void slide(struct inflate *in)
{
    memmove(in->window, in->window + in->at - HISTORY, HISTORY);
    in->at = in->given = HISTORY;
}

enum inflate_result inflate_run(struct inflate *in, struct slice *input, char *room, size_t len,
                                size_t *made)
{
    *made = 0;
    for (;;) {
        enum step step = STEP_ON;
        while (step == STEP_ON && in->state != ENDED && in->state != BAD)
            step = run_step(in, input);
        if (!deliver(in, room, len, made))
            return INFLATE_NEEDS_ROOM;
        if (in->state == BAD)
            return INFLATE_BAD;
        if (in->state == ENDED)
            return INFLATE_ENDED;
        if (step == STEP_INPUT)
            return INFLATE_NEEDS_INPUT;
        slide(in);
    }
}

size_t inflate_unread(struct inflate *in, char bytes[INFLATE_UNREAD_MAX])
{
    size_t count = 0;

    while (in->bit_count >= 8)
        bytes[count++] = (char)take_bits(in, 8);
    return count;
}
