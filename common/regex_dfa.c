#include "common/regex_internal.h"

#include <stdlib.h>

/* A state is the set of instructions that threads go on from, before they are
 * followed to where they wait: what an assertion says depends on the byte
 * ahead, so that following belongs to the transition. A match is noticed one
 * byte late for the same reason.
 *
 * States of all regexes share one pool, which grows to a limit and is then
 * emptied. They are found by a hash of the regex's fingerprint and the set. */

enum {
    POOL_FIRST = 64 * 1024,
    POOL_LIMIT = 4 * 1024 * 1024,
    BUCKETS = 1024,
};

/* Values of a transition that are no state: places in the pool are larger. */
enum { UNKNOWN, MATCHES, DEAD, POOL_START };

/* Places in the pool count units of this size. */
union unit {
    uint64_t number;
    void *pointer;
};

struct state {
    const struct regex *owner;
    uint64_t hash;
    uint32_t chain; /* next state of the bucket, or 0 */
    uint32_t count;
    unsigned before;        /* SIDE_* of the byte before, as far as the regex asks */
    uint32_t transitions[]; /* one a class, then `count` instructions */
};

struct regex_states {
    union unit *pool;
    size_t size, used; /* units */
    uint64_t emptied;  /* times */
    uint32_t buckets[BUCKETS];
};

/* The arrays that a transition is worked out in. */
struct builder {
    const struct regex *regex;
    struct regex_scratch *scratch;
    uint32_t *marks, mark;
    uint32_t *stack;
    uint32_t *waiting; /* instructions that wait for a byte */
    size_t waiting_count;
    uint32_t *set; /* the next state's */
    uint32_t set_count;
};

static struct state *state_at(const struct regex_states *states, uint32_t place)
{
    return (struct state *)(states->pool + place);
}

static uint32_t transition_count(const struct regex *regex)
{
    return regex->classes + 2;
}

static uint32_t *set_of(struct state *state)
{
    return state->transitions + transition_count(state->owner);
}

/* --- the pool --- */

static void forget(struct regex_states *states)
{
    memset(states->buckets, 0, sizeof states->buckets);
    states->used = POOL_START;
    states->emptied++;
}

static bool pool_grow(struct regex_states *states, size_t size)
{
    union unit *pool = realloc(states->pool, size * sizeof *pool);

    if (pool == NULL)
        return false;
    states->pool = pool;
    states->size = size;
    return true;
}

/* Room for one more state. At the limit, and where memory is out, all states
 * are forgotten; the largest state there can be fits then. 0: no memory. */
static uint32_t pool_take(struct regex_states *states, size_t size)
{
    size_t units = (size + sizeof(union unit) - 1) / sizeof(union unit);

    while (states->size - states->used < units) {
        size_t grown = states->size * 2;
        bool may_grow = grown * sizeof(union unit) <= POOL_LIMIT;
        if (may_grow && pool_grow(states, grown))
            continue;
        if (states->used == POOL_START)
            return 0;
        forget(states);
    }
    uint32_t place = (uint32_t)states->used;
    states->used += units;
    return place;
}

static struct regex_states *states_of(struct regex_scratch *scratch)
{
    struct regex_states *states = scratch->states;

    if (states != NULL)
        return states;
    states = calloc(1, sizeof *states);
    if (states == NULL || !pool_grow(states, POOL_FIRST / sizeof(union unit))) {
        free(states);
        return NULL;
    }
    forget(states);
    scratch->states = states;
    return states;
}

size_t regex_dfa_size(const struct regex_states *states)
{
    return states == NULL ? 0 : states->size * sizeof(union unit) + sizeof *states;
}

void regex_dfa_free(struct regex_states *states)
{
    if (states != NULL)
        free(states->pool);
    free(states);
}

/* --- states --- */

static uint64_t hash_of(const struct regex *regex, unsigned before, const uint32_t *set,
                        uint32_t count)
{
    uint64_t hash = (regex->fingerprint ^ before) * UINT64_C(0x9e3779b97f4a7c15);

    for (uint32_t i = 0; i < count; i++)
        hash = ((hash ^ set[i]) * UINT64_C(0x9e3779b97f4a7c15)) ^ hash >> 32;
    return hash ^ hash >> 29;
}

/* The place of the state of this set, made when there is none; 0: no memory. */
static uint32_t find_state(struct regex_states *states, const struct regex *regex, unsigned before,
                           const uint32_t *set, uint32_t count)
{
    uint64_t hash = hash_of(regex, before, set, count);
    size_t set_size = count * sizeof *set;
    struct state *state;

    for (uint32_t at = states->buckets[hash % BUCKETS]; at != 0; at = state->chain) {
        state = state_at(states, at);
        if (state->hash == hash && state->owner == regex && state->count == count &&
            state->before == before && memcmp(set_of(state), set, set_size) == 0)
            return at;
    }
    size_t transitions = transition_count(regex) * sizeof *state->transitions;
    uint32_t place = pool_take(states, sizeof *state + transitions + set_size);
    if (place == 0)
        return 0;
    state = state_at(states, place);
    *state = (struct state){
        .owner = regex,
        .hash = hash,
        .chain = states->buckets[hash % BUCKETS],
        .count = count,
        .before = before,
    };
    memset(state->transitions, 0, transitions);
    memcpy(set_of(state), set, set_size);
    states->buckets[hash % BUCKETS] = place;
    return place;
}

/* --- transitions --- */

static bool builder_init(struct builder *builder, const struct regex *regex,
                         struct regex_scratch *scratch)
{
    size_t count = regex->count;

    if (!regex_scratch_reserve(scratch, (4 * count + 1) * sizeof(uint32_t)))
        return false;
    *builder = (struct builder){ .regex = regex, .scratch = scratch };
    builder->marks = scratch->memory;
    builder->waiting = builder->marks + count;
    builder->set = builder->waiting + count;
    builder->stack = builder->set + count;
    memset(builder->marks, 0, count * sizeof *builder->marks);
    return true;
}

static void builder_mark(struct builder *builder)
{
    if (++builder->mark == 0) {
        memset(builder->marks, 0, builder->regex->count * sizeof *builder->marks);
        builder->mark = 1;
    }
}

/* Follows `at` to where it waits; true when it matches. */
static bool follow(struct builder *builder, uint32_t at, unsigned before, unsigned after)
{
    size_t height = 0;

    builder->stack[height++] = at;
    while (height > 0) {
        at = builder->stack[--height];
        if (builder->marks[at] == builder->mark)
            continue;
        const struct instruction *code = &builder->regex->program[at];
        builder->marks[at] = builder->mark;
        builder->scratch->steps++;
        if (code->op == OP_MATCH)
            return true;
        if (code->op == OP_BYTE || code->op == OP_SET) {
            builder->waiting[builder->waiting_count++] = at;
            continue;
        }
        if (code->op == OP_ASSERT && !assertion_holds((enum assertion)code->arg, before, after))
            continue;
        if (code->op == OP_SPLIT && builder->marks[code->other] != builder->mark)
            builder->stack[height++] = code->other;
        builder->stack[height++] = code->next;
    }
    return false;
}

static void set_put(struct builder *builder, uint32_t at)
{
    if (builder->marks[at] == builder->mark)
        return;
    builder->marks[at] = builder->mark;
    builder->set[builder->set_count++] = at;
}

/* The set of the next state: where the waiting instructions go over `byte`,
 * and the start, for a match may begin at any byte. */
static void step(struct builder *builder, unsigned char byte)
{
    const struct regex *regex = builder->regex;

    builder_mark(builder);
    builder->set_count = 0;
    for (size_t i = 0; i < builder->waiting_count; i++) {
        const struct instruction *code = &regex->program[builder->waiting[i]];
        builder->scratch->steps++;
        if (code->op == OP_BYTE ? code->arg == byte : set_has(&regex->sets[code->other], byte))
            set_put(builder, code->next);
    }
    if (!regex->anchored)
        set_put(builder, 0);
}

/* Class `classes` is a newline that ends the text, `classes` + 1 the end. */
static unsigned side_after(const struct regex *regex, uint32_t class)
{
    if (class == regex->classes + 1)
        return SIDE_EDGE;
    return class == regex->classes ? SIDE_NEWLINE | SIDE_FINAL_NEWLINE
                                   : side_of(regex->sample[class]);
}

/* Works out where the state at `place` goes over the class; 0: no memory. */
static uint32_t transition(struct builder *builder, uint32_t place, uint32_t class)
{
    const struct regex *regex = builder->regex;
    struct regex_states *states = builder->scratch->states;
    struct state *state = state_at(states, place);
    unsigned after = side_after(regex, class);

    builder_mark(builder);
    builder->waiting_count = 0;
    for (uint32_t i = 0; i < state->count; i++)
        if (follow(builder, set_of(state)[i], state->before, after))
            return state->transitions[class] = MATCHES;
    if (after == SIDE_EDGE)
        return state->transitions[class] = DEAD;

    unsigned char byte = class == regex->classes ? '\n' : regex->sample[class];
    step(builder, byte);
    if (builder->set_count == 0)
        return state->transitions[class] = DEAD;
    unsigned before = side_of(byte) & regex->sides;
    uint64_t emptied = states->emptied;
    uint32_t next = find_state(states, regex, before, builder->set, builder->set_count);
    if (next != 0 && states->emptied == emptied) /* else `place` is gone */
        state_at(states, place)->transitions[class] = next;
    return next;
}

/* --- running --- */

struct run {
    const struct regex *regex;
    struct regex_scratch *scratch;
    struct builder builder;
    bool ready; /* the builder is */
};

/* A transition that is not known yet. */
static uint32_t learn(struct run *run, uint32_t place, uint32_t class)
{
    if (!run->ready && !builder_init(&run->builder, run->regex, run->scratch))
        return 0;
    run->ready = true;
    return transition(&run->builder, place, class);
}

static uint32_t cross(struct run *run, uint32_t place, uint32_t class)
{
    uint32_t next = state_at(run->scratch->states, place)->transitions[class];

    run->scratch->steps++;
    return next == UNKNOWN ? learn(run, place, class) : next;
}

/* Crosses the bytes of `text`; the state they lead to, or what ended the way. */
static uint32_t cross_bytes(struct run *run, uint32_t place, struct slice text)
{
    const uint8_t *class_of = run->regex->class_of;
    const union unit *pool = run->scratch->states->pool;

    for (size_t i = 0; i < text.len; i++) {
        uint32_t class = class_of[(unsigned char)text.at[i]];
        uint32_t next = ((const struct state *)(pool + place))->transitions[class];
        if (next < POOL_START) {
            next = cross(run, place, class);
            if (next < POOL_START) {
                run->scratch->steps += i;
                return next;
            }
            pool = run->scratch->states->pool;
        }
        place = next;
    }
    run->scratch->steps += text.len;
    return place;
}

static uint32_t cross_all(struct run *run, uint32_t place, struct slice text)
{
    const struct regex *regex = run->regex;
    bool newline = text.len > 0 && text.at[text.len - 1] == '\n';

    place = cross_bytes(run, place, slice_first(text, text.len - newline));
    if (newline && place >= POOL_START)
        place = cross(run, place, regex->classes);
    if (place >= POOL_START)
        place = cross(run, place, regex->classes + 1);
    return place;
}

enum regex_answer regex_dfa_run(const struct regex *regex, struct regex_scratch *scratch,
                                struct slice text)
{
    static const uint32_t start[] = { 0 };
    struct regex_states *states = states_of(scratch);
    struct run run = { .regex = regex, .scratch = scratch };

    if (states == NULL)
        return REGEX_NO_MEMORY;
    uint32_t place = find_state(states, regex, SIDE_EDGE & regex->sides, start, 1);
    if (place == 0)
        return REGEX_NO_MEMORY;
    switch (cross_all(&run, place, text)) {
    case MATCHES:
        return REGEX_YES;
    case DEAD:
        return REGEX_NO;
    default:
        return REGEX_NO_MEMORY;
    }
}
