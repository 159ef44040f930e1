#include "common/regex_internal.h"

/* Thompson's simulation with Pike's captures: all threads step over the text
 * together, in the order of their priority, each instruction held by one
 * thread at most, so that a byte costs no more steps than the program has
 * instructions. */

#define UNSET SIZE_MAX

/* Threads that wait for a byte, the preferred one first. A thread is the
 * instruction where it waits; its captures lie at that instruction's place. */
struct threads {
    uint32_t *at;
    size_t count;
    size_t *captures;
};

/* What is still to do: follow the instruction, or put a slot back. */
struct pending {
    uint32_t at; /* or the slot */
    bool restore;
    size_t old;
};

struct simulation {
    const struct regex *regex;
    struct regex_scratch *scratch;
    struct slice text;
    unsigned slots;
    size_t *found;
    size_t *working; /* captures of the thread that is being followed */
    struct threads now, next;
    struct pending *stack;
    uint32_t *marks; /* of instructions followed at this position */
    uint32_t mark;
    bool matched;
};

/* Bytes of all arrays. */
static size_t memory_of(const struct regex *regex, unsigned slots)
{
    size_t captures = (size_t)regex->count * slots;

    return (2 * captures + slots) * sizeof(size_t) + (regex->count + 1) * sizeof(struct pending) +
           3 * regex->count * sizeof(uint32_t);
}

/* The search for states takes less. */
size_t regex_scratch_size(const struct regex *regex)
{
    return memory_of(regex, regex->groups * 2);
}

/* Lays the arrays out in the scratch's memory. */
static bool lay_out(struct simulation *simulation)
{
    size_t count = simulation->regex->count;
    size_t captures = count * simulation->slots;

    if (!regex_scratch_reserve(simulation->scratch,
                               memory_of(simulation->regex, simulation->slots)))
        return false;
    simulation->stack = simulation->scratch->memory;
    simulation->now.captures = (size_t *)(simulation->stack + count + 1);
    simulation->next.captures = simulation->now.captures + captures;
    simulation->working = simulation->next.captures + captures;
    simulation->now.at = (uint32_t *)(simulation->working + simulation->slots);
    simulation->next.at = simulation->now.at + count;
    simulation->marks = simulation->next.at + count;
    simulation->now.count = simulation->next.count = 0;
    memset(simulation->marks, 0, count * sizeof *simulation->marks);
    simulation->mark = 0;
    return true;
}

static void new_position(struct simulation *simulation)
{
    if (++simulation->mark == 0) {
        memset(simulation->marks, 0, simulation->regex->count * sizeof *simulation->marks);
        simulation->mark = 1;
    }
}

static unsigned side_before(struct slice text, size_t position)
{
    return position == 0 ? SIDE_EDGE : side_of((unsigned char)text.at[position - 1]);
}

static unsigned side_after(struct slice text, size_t position)
{
    if (position == text.len)
        return SIDE_EDGE;
    unsigned side = side_of((unsigned char)text.at[position]);
    bool last = position + 1 == text.len;
    return side == SIDE_NEWLINE && last ? SIDE_NEWLINE | SIDE_FINAL_NEWLINE : side;
}

static void add_thread(struct simulation *simulation, struct threads *threads, uint32_t at)
{
    threads->at[threads->count++] = at;
    if (simulation->slots > 0)
        memcpy(threads->captures + (size_t)at * simulation->slots, simulation->working,
               simulation->slots * sizeof(size_t));
}

/* Follows one way from `at` until it waits or ends; puts what is left for
 * later on the stack. Returns the stack's new height. */
static size_t follow_way(struct simulation *simulation, struct threads *threads, uint32_t at,
                         size_t position, size_t height)
{
    while (simulation->marks[at] != simulation->mark) {
        const struct instruction *code = &simulation->regex->program[at];
        simulation->marks[at] = simulation->mark;
        simulation->scratch->steps++;
        switch (code->op) {
        case OP_SPLIT:
            simulation->stack[height++] = (struct pending){ .at = code->other };
            break;
        case OP_SAVE:
            if (code->arg >= simulation->slots)
                break;
            simulation->stack[height++] = (struct pending){ .at = code->arg,
                                                            .restore = true,
                                                            .old = simulation->working[code->arg] };
            simulation->working[code->arg] = position;
            break;
        case OP_ASSERT:
            if (!assertion_holds((enum assertion)code->arg, side_before(simulation->text, position),
                                 side_after(simulation->text, position)))
                return height;
            break;
        default:
            add_thread(simulation, threads, at);
            return height;
        }
        at = code->next;
    }
    return height;
}

/* Adds the threads that `at` leads to without taking a byte. Each instruction
 * is followed once a position and leaves one entry on the stack at most. */
static void follow(struct simulation *simulation, struct threads *threads, uint32_t at,
                   size_t position)
{
    size_t height = follow_way(simulation, threads, at, position, 0);

    while (height > 0) {
        struct pending pending = simulation->stack[--height];
        if (pending.restore)
            simulation->working[pending.at] = pending.old;
        else
            height = follow_way(simulation, threads, pending.at, position, height);
    }
}

/* A new thread at this position, of the least priority. */
static void start_thread(struct simulation *simulation, size_t position)
{
    for (unsigned i = 0; i < simulation->slots; i++)
        simulation->working[i] = UNSET;
    if (simulation->slots > 0)
        simulation->working[0] = position;
    follow(simulation, &simulation->now, 0, position);
}

static void keep_match(struct simulation *simulation, const size_t *captures, size_t position)
{
    simulation->matched = true;
    if (simulation->slots == 0)
        return;
    memcpy(simulation->found, captures, simulation->slots * sizeof(size_t));
    simulation->found[1] = position;
}

/* Steps all threads over the byte at `position`. A thread that matches ends
 * those behind it: they are less preferred. */
static void step(struct simulation *simulation, size_t position)
{
    const struct regex *regex = simulation->regex;
    bool at_end = position == simulation->text.len;
    unsigned char byte = at_end ? 0 : (unsigned char)simulation->text.at[position];

    new_position(simulation);
    simulation->next.count = 0;
    for (size_t i = 0; i < simulation->now.count; i++) {
        uint32_t at = simulation->now.at[i];
        const struct instruction *code = &regex->program[at];
        const size_t *captures = simulation->now.captures + (size_t)at * simulation->slots;
        simulation->scratch->steps++;
        if (code->op == OP_MATCH) {
            keep_match(simulation, captures, position);
            break;
        }
        bool takes =
            code->op == OP_BYTE ? code->arg == byte : set_has(&regex->sets[code->other], byte);
        if (at_end || !takes)
            continue;
        if (simulation->slots > 0)
            memcpy(simulation->working, captures, simulation->slots * sizeof(size_t));
        follow(simulation, &simulation->next, code->next, position + 1);
    }
    struct threads swapped = simulation->now;
    simulation->now = simulation->next;
    simulation->next = swapped;
}

/* Where no thread waits: the next position at which a match may start. */
static size_t skip_to_first(const struct regex *regex, struct slice text, size_t position)
{
    if (regex->has_first)
        while (position < text.len && !set_has(&regex->first, (unsigned char)text.at[position]))
            position++;
    return position;
}

enum regex_answer regex_simulate(const struct regex *regex, struct regex_scratch *scratch,
                                 struct slice text, size_t *found, unsigned slots)
{
    struct simulation simulation = {
        .regex = regex, .scratch = scratch, .text = text, .slots = slots, .found = found
    };

    if (!lay_out(&simulation))
        return REGEX_NO_MEMORY;
    new_position(&simulation);
    for (size_t position = 0; position <= text.len; position++) {
        if (simulation.now.count == 0) {
            if (simulation.matched || (regex->anchored && position > 0))
                break;
            if (!regex->anchored)
                position = skip_to_first(regex, text, position);
            new_position(&simulation);
        }
        if (!simulation.matched && (!regex->anchored || position == 0))
            start_thread(&simulation, position);
        step(&simulation, position);
    }
    return simulation.matched ? REGEX_YES : REGEX_NO;
}
