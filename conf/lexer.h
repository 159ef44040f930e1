/* lexer.h: nginx's configuration text, cut into words.
 *
 * Words are separated by white space; `;`, `{` and `}` stand alone; `#` starts
 * a comment where a word could start; a word in single or double quotes keeps
 * spaces and may be followed only by white space, `;`, `{` or `)`. Backslash
 * escapes \" \' \\ \t \r \n are resolved, any other backslash stays (and keeps
 * the next byte from meaning anything). `${` does not open a block. A NUL byte
 * outside a comment is an error. */
#ifndef MUXD_CONF_LEXER_H
#define MUXD_CONF_LEXER_H

#include "common/arena.h"
#include "common/slice.h"

/* One file (or the text of -g, or a directive's default) being read. */
struct source {
    struct source *next; /* in the order first read: what -T prints */
    const char *name;    /* full path, or "command line" */
    struct slice text;
    bool file;           /* false: places in it are named without a line, as nginx does for -g */
    bool included_twice; /* the file is already in the list: -T prints it once */
};

/* A place in a source. */
struct position {
    const struct source *source;
    uint32_t line;   /* from 1 */
    uint32_t column; /* from 1, in bytes */
    uint32_t len;    /* bytes under the caret: the word's as written; at least 1 */
    uint32_t order;  /* tokens read before it, of all sources: sorts messages as they were read */
};

enum token_kind {
    TOKEN_WORD,
    TOKEN_SEMICOLON,
    TOKEN_OPEN,  /* { */
    TOKEN_CLOSE, /* } */
    TOKEN_END,
    TOKEN_BAD, /* lexer->problem says what */
};

struct token {
    enum token_kind kind;
    struct slice text; /* a word, unescaped (a copy in the arena if it had escapes) */
    bool quoted;
    struct position at;
};

enum { CONF_WORD_MAX = 65536 }; /* bytes of a word; a longer one is "too long parameter" */

struct lexer {
    const struct source *source;
    struct arena *arena;
    size_t offset;
    size_t line_start;
    uint32_t line;
    uint32_t order;      /* of the next token; whoever reads several sources carries it on */
    bool after_quotes;   /* the last token was a quoted word */
    const char *problem; /* of TOKEN_BAD, as nginx words it; NULL: memory is out */
    const char *hint;    /* of TOKEN_BAD: what may help, or NULL */
};

/* Starts at the beginning of the source. */
void lexer_init(struct lexer *, struct arena *, const struct source *);

/* The next token. After TOKEN_BAD, reading may go on: the lexer skips what it
 * could not read, so that later errors are found too. */
struct token lexer_next(struct lexer *);

/* What nginx says when the source ends inside a directive. */
const char *lexer_end_problem(const struct source *);

#endif
