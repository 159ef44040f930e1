/* regex_internal.h: what the rooms of common/regex share.
 *
 * A pattern is parsed into a tree of nodes (regex_parse.c and the rooms it
 * leads to: group, quantifier, class, escape, set, node); the tree becomes a
 * program (regex_compile.c, regex_level.c, regex_analyse.c); the program is run
 * by a simulation of its threads, which finds captures (regex_match.c), or by a
 * DFA built from it as the text asks, which only says yes or no (regex_dfa.c).
 * Plain text needs neither (regex_literal.c). regex.c is the face: it chooses. */
#ifndef MUXD_COMMON_REGEX_INTERNAL_H
#define MUXD_COMMON_REGEX_INTERNAL_H

#include "common/regex.h"

enum {
    REGEX_NESTING_MAX = 250,  /* groups inside groups */
    REGEX_REPEAT_MAX = 65535, /* the largest n or m of {n,m} */
};

#define REGEX_FOREVER UINT32_MAX /* the max of *, + and {n,} */
#define REGEX_NONE UINT32_MAX    /* no instruction, no set */

/* --- sets of bytes --- */

struct byte_set {
    uint64_t bits[4];
};

static inline bool set_has(const struct byte_set *set, unsigned char byte)
{
    return (set->bits[byte >> 6] >> (byte & 63) & 1) != 0;
}

static inline void set_add(struct byte_set *set, unsigned char byte)
{
    set->bits[byte >> 6] |= UINT64_C(1) << (byte & 63);
}

static inline void set_invert(struct byte_set *set)
{
    for (unsigned i = 0; i < 4; i++)
        set->bits[i] = ~set->bits[i];
}

static inline void set_join(struct byte_set *set, const struct byte_set *other)
{
    for (unsigned i = 0; i < 4; i++)
        set->bits[i] |= other->bits[i];
}

/* Adds the bytes from `first` to `last`. */
void set_add_range(struct byte_set *, unsigned char first, unsigned char last);

/* A letter of either case brings in the other. */
void set_fold(struct byte_set *);

/* The set of a POSIX name such as "alpha"; false when there is none. */
bool set_posix(struct byte_set *, struct slice name);

/* The set of \d, \s, \w, \h, \v or one of their capitals; false for others. */
bool set_letter(struct byte_set *, char letter);

static inline bool ascii_letter(char c)
{
    return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

/* --- assertions --- */

/* What lies on one side of a position between two bytes. */
enum {
    SIDE_EDGE = 1,          /* the start or end of the text */
    SIDE_NEWLINE = 2,       /* a newline ... */
    SIDE_FINAL_NEWLINE = 4, /* ... that ends the text */
    SIDE_WORD = 8,          /* a letter, digit or underscore */
};

enum assertion {
    ASSERT_TEXT_START,    /* \A, ^ */
    ASSERT_TEXT_END,      /* \z */
    ASSERT_LAST_LINE_END, /* \Z, $ */
    ASSERT_LINE_START,    /* (?m)^ */
    ASSERT_LINE_END,      /* (?m)$ */
    ASSERT_WORD_EDGE,     /* \b */
    ASSERT_WORD_INSIDE,   /* \B */
};

/* The side that a byte makes: SIDE_NEWLINE, SIDE_WORD or nothing. */
static inline unsigned side_of(unsigned char byte)
{
    if (byte == '\n')
        return SIDE_NEWLINE;
    bool word = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
                (byte >= 'a' && byte <= 'z');
    return word ? SIDE_WORD : 0;
}

static inline bool assertion_holds(enum assertion assertion, unsigned before, unsigned after)
{
    switch (assertion) {
    case ASSERT_TEXT_START:
        return (before & SIDE_EDGE) != 0;
    case ASSERT_TEXT_END:
        return (after & SIDE_EDGE) != 0;
    case ASSERT_LAST_LINE_END:
        return (after & (SIDE_EDGE | SIDE_FINAL_NEWLINE)) != 0;
    case ASSERT_LINE_START: /* no line starts behind the last newline */
        return (before & SIDE_EDGE) != 0 || ((before & SIDE_NEWLINE) != 0 && after != SIDE_EDGE);
    case ASSERT_LINE_END:
        return (after & (SIDE_EDGE | SIDE_NEWLINE)) != 0;
    case ASSERT_WORD_EDGE:
        return ((before ^ after) & SIDE_WORD) != 0;
    case ASSERT_WORD_INSIDE:
        return ((before ^ after) & SIDE_WORD) == 0;
    }
    return false;
}

/* --- the tree --- */

enum node_kind {
    NODE_EMPTY,     /* matches nothing, everywhere */
    NODE_FLAGS,     /* was "(?i)": not even an empty match, nothing repeats it */
    NODE_BYTE,      /* `byte`, or either case of it when `set` is not REGEX_NONE */
    NODE_SET,       /* one byte of `set` */
    NODE_ASSERT,    /* `assertion` */
    NODE_CONCAT,    /* the children, one after the other */
    NODE_ALTERNATE, /* the first child that leads to a match */
    NODE_REPEAT,    /* the child, `min` to `max` times */
    NODE_GROUP,     /* the child, captured as `group` */
};

struct node {
    enum node_kind kind;
    bool nullable; /* may match without taking a byte */
    bool lazy;
    unsigned char byte;
    enum assertion assertion;
    uint32_t set; /* index into parsed.sets */
    uint32_t group;
    uint32_t min, max;
    struct node *child; /* the first */
    struct node *next;  /* sibling */
};

/* A parsed pattern. */
struct parsed {
    struct node *root;
    struct array sets;  /* struct byte_set */
    struct array names; /* struct slice, one a group; [0] is the whole match */
};

enum {
    FLAG_NOCASE = 1,
    FLAG_DOT_ALL = 2,
    FLAG_LINES = 4,
    FLAG_EXTENDED = 8,
};

struct parser {
    struct slice pattern;
    size_t at;
    unsigned flags;
    bool quoting; /* between \Q and \E */
    unsigned nesting;
    uint64_t least_octal;  /* \10 and up are octal unless there are that many groups: */
    size_t least_octal_at; /* known at the end */
    struct parsed *parsed;
    struct arena *nodes; /* dies with the tree */
    struct arena *kept;  /* lives with the regex */
    struct regex_error *error;
};

/* What a backslash and what follows it stand for. */
struct escape {
    enum { ESCAPE_BYTE, ESCAPE_SET, ESCAPE_ASSERT } kind;
    unsigned char byte;
    struct byte_set set;
    enum assertion assertion;
};

/* Notes the error, the first one only; returns false. */
bool parser_fail(struct parser *, size_t at, const char *message);

/* What is left of the pattern begins with `text`. */
bool parser_sees(const struct parser *, const char *text);

/* Makers of nodes: NULL, with the error noted, when memory is out. */
struct node *node_new(struct parser *, enum node_kind);
struct node *node_assert(struct parser *, enum assertion);
struct node *node_set(struct parser *, const struct byte_set *);
struct node *node_byte(struct parser *, unsigned char byte);
struct node *node_repeat(struct parser *, struct node *atom, uint32_t min, uint32_t max, bool lazy);

/* A node for `count` siblings from `first` on, of which one may stand alone. */
struct node *node_join(struct parser *, enum node_kind, struct node *first, size_t count);

/* As parser_fail; returns NULL. */
struct node *node_refuse(struct parser *, size_t at, const char *message);

/* Skips what stands for nothing: \Q, \E, comments, and with (?x) white space.
 * False for a comment without end. */
bool parse_nothings(struct parser *);

/* Reads an escape at the backslash; false when it is refused. */
bool parse_escape(struct parser *, bool in_class, struct escape *);

/* Reads a class at its opening bracket; false when it is refused. */
bool parse_class(struct parser *, struct byte_set *);

enum quantifier { QUANTIFIER_NONE, QUANTIFIER_READ, QUANTIFIER_BAD };

/* Reads the quantifier that begins here, if any, without what follows it. */
enum quantifier parse_quantifier(struct parser *, uint32_t *min, uint32_t *max);

/* The atom with the quantifier behind it, if any. NULL: refused. */
struct node *parse_repeat(struct parser *, struct node *atom);

/* A group, or flags, at the opening parenthesis. NULL: refused. */
struct node *parse_group(struct parser *);

/* Alternatives, up to a closing parenthesis or the pattern's end. NULL: refused. */
struct node *parse_alternation(struct parser *);

/* Parses the whole pattern. `nodes` takes the tree and sets, `kept` the groups'
 * names. False with *error filled in. */
bool regex_parse(struct parsed *, struct arena *nodes, struct arena *kept, struct slice pattern,
                 bool nocase, struct regex_error *error);

/* --- the program --- */

enum op {
    OP_BYTE,   /* takes the byte `arg` */
    OP_SET,    /* takes a byte of set `other` */
    OP_SPLIT,  /* tries `next` first, then `other` */
    OP_SAVE,   /* notes the position in slot `arg` */
    OP_ASSERT, /* goes on where the assertion `arg` holds */
    OP_MATCH,
    /* Only while compiling: */
    OP_JUMP,
    OP_SPLIT_LAZY, /* tries `other` first */
    OP_ENTER,      /* an iteration that may take nothing begins */
    OP_CHECK,      /* it ends: to `next` when it took a byte, else to `other` */
};

struct instruction {
    uint8_t op;
    uint8_t arg;
    uint16_t depth; /* iterations entered here; only while compiling */
    uint32_t next;
    uint32_t other;
};

/* A pattern that is nothing but text, perhaps anchored: compared, not run. */
struct literal {
    bool usable;
    bool nocase; /* `text` is in lower case then */
    bool at_start;
    bool at_end;
    bool before_newline; /* the end may be before a final newline */
    struct slice text;
};

/* Classes of bytes that no instruction tells apart; two more than bytes give:
 * the newline that ends the text, and the end itself. */
enum { REGEX_CLASSES_MAX = 256 + 2 };

struct regex {
    const struct instruction *program; /* execution starts at 0 */
    uint32_t count;
    const struct byte_set *sets;
    uint32_t set_count;
    unsigned groups;
    const struct slice *names;
    bool anchored;  /* matches at the text's start or not at all */
    bool has_first; /* every match begins with a byte of `first` */
    struct byte_set first;
    unsigned sides;       /* SIDE_*: what its assertions ask about the byte before */
    uint64_t fingerprint; /* of pattern and flags */
    uint32_t classes;     /* of bytes, without the two special ones */
    uint8_t class_of[256];
    uint8_t sample[256]; /* a byte of each class */
    struct literal literal;
};

/* Turns what was emitted into the regex's program, in the order in which its
 * instructions are met. Returns what went wrong, or NULL. */
const char *level_program(struct regex *, struct arena *, struct arena *scratch,
                          const struct array *source);

/* Finds out what helps matching: anchors, first bytes, classes of bytes. False
 * when memory is out. */
bool regex_analyse(struct regex *, const struct node *root, struct arena *scratch);

/* Fills in program and all that is known from it. False with *error filled in. */
bool regex_build(struct regex *, struct arena *, const struct parsed *, struct arena *scratch,
                 struct regex_error *error);

/* Finds out whether the pattern is a literal; `longest`: of its text. False
 * when memory is out. */
bool literal_find(struct literal *, struct arena *, const struct node *root, size_t longest);

/* Is the literal in the text, and where does it begin? */
bool literal_match(const struct literal *, struct slice text, size_t *start);

enum regex_answer { REGEX_NO, REGEX_YES, REGEX_NO_MEMORY };

/* Runs the threads of the program; `slots` positions go to `found`. */
enum regex_answer regex_simulate(const struct regex *, struct regex_scratch *, struct slice text,
                                 size_t *found, unsigned slots);

/* Is there a match? By the states that scratch->states keeps. */
enum regex_answer regex_dfa_run(const struct regex *, struct regex_scratch *, struct slice text);

/* Bytes that the states take; never above the limit of a few MiB. */
size_t regex_dfa_size(const struct regex_states *);

void regex_dfa_free(struct regex_states *);

#endif
