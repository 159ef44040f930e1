#include "common/deflate_internal.h"

#include <endian.h>
#include <string.h>

enum {
    TOO_FAR = 4096, /* a match of 3 bytes from further back costs more than its literals */
    DISTANCE_MAX = HISTORY - 1,
    BARREN_STEP = 128, /* so many positions without a match let one more be passed over */
    BARREN_SKIP = 8,   /* and so many at most are passed at once */
};

static const struct deflate_effort efforts[] = {
    { 4, 4, 8, 4, false },     { 4, 5, 16, 8, false },       { 4, 6, 32, 32, false },
    { 4, 4, 16, 16, true },    { 8, 16, 32, 32, true },      { 8, 16, 128, 128, true },
    { 8, 32, 128, 256, true }, { 32, 128, 258, 1024, true }, { 32, 258, 258, 4096, true },
};

struct deflate_effort deflate_effort(int level)
{
    return efforts[level - DEFLATE_LEVEL_MIN];
}

static inline uint32_t load32(const uint8_t *at)
{
    uint32_t word;

    memcpy(&word, at, sizeof word);
    return le32toh(word);
}

static inline uint64_t load64(const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

/* --- chains --- */

/* A position and the chains that it joins. */
struct chains {
    uint32_t by_four, by_three; /* the newest positions before it; 0: none */
};

static inline struct chains enter(struct deflate *d, uint32_t at)
{
    uint32_t word = load32(d->window + at);
    uint16_t *four = &d->head4[word * 0x9e3779b1u >> (32 - d->hash_bits)];
    uint16_t *three = &d->head3[(word << 8) * 0x9e3779b1u >> (32 - HASH3_BITS)];
    struct chains chains = { *four, *three };

    d->previous[at & HISTORY_MASK] = *four;
    *four = *three = (uint16_t)at;
    return chains;
}

/* Positions inside a match; those so near the end that their bytes are not all there stay
 * out. */
static inline void enter_all(struct deflate *d, uint32_t from, uint32_t to)
{
    if (to + 4 > d->end + 1)
        to = d->end < 3 ? 0 : d->end - 3;
    for (; from < to; from++)
        enter(d, from);
}

/* Positions of the second half lose their highest bit, those of the first become none; four
 * at a time. */
static void slide_positions(uint16_t *positions, size_t count)
{
    for (size_t i = 0; i < count; i += 4) {
        uint64_t four;
        memcpy(&four, positions + i, sizeof four);
        uint64_t second = four & 0x8000800080008000u;
        four &= second - (second >> 15);
        memcpy(positions + i, &four, sizeof four);
    }
}

void deflate_slide(struct deflate *d)
{
    memcpy(d->window, d->window + HISTORY, HISTORY);
    slide_positions(d->head4, (size_t)1 << d->hash_bits);
    slide_positions(d->head3, (size_t)1 << HASH3_BITS);
    slide_positions(d->previous, HISTORY);
    d->at -= HISTORY;
    d->end -= HISTORY;
    d->block_start -= HISTORY;
}

/* --- matches --- */

struct match {
    unsigned length; /* below MATCH_MIN: none */
    unsigned distance;
};

/* How many bytes are the same at both places, up to `most`. */
static inline unsigned common_length(const uint8_t *a, const uint8_t *b, unsigned most)
{
    unsigned len = 0;

    while (len < most) {
        uint64_t differs = load64(a + len) ^ load64(b + len);
        if (differs != 0) {
            len += (unsigned)__builtin_ctzll(differs) / 8;
            break;
        }
        len += 8;
    }
    return len < most ? len : most;
}

/* The longest of the chain that is longer than match.length (at least 3), else `match`. */
static inline struct match search_chain(const struct deflate *d, uint32_t candidate, unsigned chain,
                                        unsigned most, struct match match)
{
    const uint8_t *here = d->window + d->at;
    uint32_t oldest = d->at > DISTANCE_MAX ? d->at - DISTANCE_MAX : 1;
    unsigned nice = d->effort.nice < most ? d->effort.nice : most;
    uint32_t first = load32(here), last = load32(here + match.length - 3);

    for (; candidate >= oldest && chain > 0; chain--) {
        const uint8_t *there = d->window + candidate;
        if (load32(there + match.length - 3) == last && load32(there) == first) {
            unsigned len = common_length(here, there, most);
            if (len > match.length) {
                match = (struct match){ len, d->at - candidate };
                if (len >= nice)
                    break;
                last = load32(here + len - 3);
            }
        }
        candidate = d->previous[candidate & HISTORY_MASK];
    }
    return match;
}

/* The best match at this position that is longer than `longer`; length 0: none. */
static inline struct match find_match(const struct deflate *d, struct chains chains, unsigned chain,
                                      unsigned longer)
{
    uint32_t ahead = d->end - d->at;
    unsigned most = ahead < MATCH_MAX ? ahead : MATCH_MAX;
    struct match match = { longer < MATCH_MIN ? MATCH_MIN : longer, 0 };

    match = search_chain(d, chains.by_four, chain, most, match);
    if (match.distance > 0)
        return match;
    if (longer < MATCH_MIN && chains.by_three > 0 && d->at - chains.by_three <= TOO_FAR) {
        const uint8_t *there = d->window + chains.by_three;
        unsigned len = common_length(d->window + d->at, there, most);
        if (len >= MATCH_MIN)
            return (struct match){ len, d->at - chains.by_three };
    }
    return (struct match){ 0, 0 };
}

/* --- tokens --- */

static inline void put_literal(struct deflate *d, uint8_t byte)
{
    d->token_lengths[d->token_count] = byte;
    d->token_distances[d->token_count++] = 0;
    d->literal_counts[byte]++;
}

static inline void put_match(struct deflate *d, unsigned length, unsigned distance)
{
    d->token_lengths[d->token_count] = (uint8_t)(length - MATCH_MIN);
    d->token_distances[d->token_count++] = (uint16_t)distance;
    d->length_counts[length - MATCH_MIN]++;
    d->distance_counts[distance_symbol(distance)]++;
}

/* Whether there is enough ahead to decide. */
static inline bool can_decide(const struct deflate *d, bool ending)
{
    uint32_t ahead = d->end - d->at;

    return ending ? ahead > 0 : ahead >= LOOKAHEAD_MIN;
}

/* Enters the position when its four bytes are there. */
static inline struct chains enter_here(struct deflate *d)
{
    return d->end - d->at >= 4 ? enter(d, d->at) : (struct chains){ 0, 0 };
}

/* A literal; where none of many positions before had a match, as in what is compressed
 * already, not every position is looked at. */
static inline void pass_literals(struct deflate *d, unsigned *barren)
{
    unsigned count = 1 + ++*barren / BARREN_STEP;

    if (count > BARREN_SKIP)
        count = BARREN_SKIP;
    while (count-- > 0 && d->at < d->end && d->token_count < TOKENS_MAX)
        put_literal(d, d->window[d->at++]);
}

/* Takes each match as it is found. */
static bool make_greedy(struct deflate *d, bool ending)
{
    unsigned barren = 0;

    while (can_decide(d, ending)) {
        if (d->token_count == TOKENS_MAX)
            return true;
        struct match match = find_match(d, enter_here(d), d->effort.chain, 0);
        if (match.length < MATCH_MIN) {
            pass_literals(d, &barren);
            continue;
        }
        barren = 0;
        put_match(d, match.length, match.distance);
        if (match.length <= d->effort.lazy)
            enter_all(d, d->at + 1, d->at + match.length);
        d->at += match.length;
    }
    return d->token_count == TOKENS_MAX;
}

/* The position, or the match there, becomes a token when the next one is no better. */
static bool make_lazy(struct deflate *d, bool ending)
{
    while (can_decide(d, ending)) {
        if (d->token_count == TOKENS_MAX)
            return true;
        struct chains chains = enter_here(d);
        struct match match = { 0, 0 };
        unsigned chain = d->effort.chain;
        if (d->held_length < d->effort.lazy) {
            if (d->held_length >= d->effort.good)
                chain /= 4;
            match = find_match(d, chains, chain, d->held_length);
        }
        if (d->held_length >= MATCH_MIN && match.length <= d->held_length) {
            uint32_t past = d->at - 1 + d->held_length;
            put_match(d, d->held_length, d->held_distance);
            enter_all(d, d->at + 1, past);
            d->at = past;
            d->held = false;
            d->held_length = 0;
            continue;
        }
        if (d->held)
            put_literal(d, d->window[d->at - 1]);
        d->held = true;
        d->held_length = match.length;
        d->held_distance = match.distance;
        d->at++;
    }
    return d->token_count == TOKENS_MAX;
}

/* What was held back at the end. A match would have reached beyond it. */
static void put_held(struct deflate *d)
{
    if (!d->held)
        return;
    put_literal(d, d->window[d->at - 1]);
    d->held = false;
    d->held_length = 0;
}

bool deflate_make_tokens(struct deflate *d, bool ending)
{
    if (!d->effort.is_lazy)
        return make_greedy(d, ending);
    if (make_lazy(d, ending))
        return true;
    if (ending)
        put_held(d);
    return false;
}
