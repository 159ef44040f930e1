/* regex.h: Perl's patterns as people write them in configurations, matched in
 * linear time whatever the pattern and the input.
 *
 * A pattern is compiled once, at load, into a program that a simulation of all
 * its threads runs (Thompson, Pike): time is O(program * text), never
 * exponential, and the meaning is Perl's leftmost-first. A DFA, built as texts
 * ask for it and kept in the scratch, says first whether there is a match; plain
 * text is compared. Bytes from 0x80 on are just bytes. Back-references,
 * look-around, atomic groups and possessive quantifiers cannot be matched so
 * and are refused. Where Perl and PCRE differ the result is PCRE's, as in nginx:
 * a group in a loop keeps its last capture.
 */
#ifndef MUXD_COMMON_REGEX_H
#define MUXD_COMMON_REGEX_H

#include "common/arena.h"
#include "common/slice.h"

enum {
    REGEX_GROUPS_MAX = 32,     /* capture groups, the whole match included */
    REGEX_PROGRAM_MAX = 20000, /* instructions; a larger pattern is refused */
    REGEX_PATTERN_MAX = 65536, /* bytes of a pattern */
};

struct regex;
struct regex_states;

/* What is wrong with a pattern: the byte where it was noticed and a message
 * such as "missing closing parenthesis" (a literal or arena text). */
struct regex_error {
    size_t at;
    const char *message;
};

/* Compiles `pattern`; the result and all it needs live in the arena (a group's
 * name is a copy there). `nocase`: as (?i) in front. NULL on a bad pattern or
 * when memory is out, with *error filled in. */
struct regex *regex_compile(struct arena *, struct slice pattern, bool nocase,
                            struct regex_error *error);

/* Number of capture groups, the whole match (group 0) included. */
unsigned regex_groups(const struct regex *);

/* Name of capture group `group`, or an empty slice when it has none. */
struct slice regex_group_name(const struct regex *, unsigned group);

/* Memory of a matcher, reused from match to match: one a thread of execution
 * (a worker needs one). Grows to the largest program it has run; freed by
 * regex_scratch_free. Zero-initialise. */
struct regex_scratch {
    void *memory;
    size_t size;
    struct regex_states *states; /* cache of DFA states of all regexes, bounded */
    uint64_t steps;              /* thread steps made since init: tests count, never time */
};

/* Searches `text` (any bytes, NUL too) for the leftmost match. True when there
 * is one. `captures`, unless NULL, has room for `count` slices and gets the
 * whole match and the groups; a group that took no part is {NULL, 0}. False
 * also when scratch memory is out (scratch->memory stays valid). */
bool regex_match(const struct regex *, struct regex_scratch *, struct slice text,
                 struct slice *captures, unsigned count);

/* The memory that a match of this one takes of a scratch at most. */
size_t regex_scratch_size(const struct regex *);

/* Makes room for so much at once, so that no match fails later for want of it. False when memory
 * is out: what was there stays. */
bool regex_scratch_reserve(struct regex_scratch *, size_t size);

/* Frees the scratch's memory. */
void regex_scratch_free(struct regex_scratch *);

#endif
