/* parser.h: words become a tree of directives, includes resolved.
 *
 * The tree knows nothing of what directives mean; directive.h applies it.
 * Nothing stops at the first error: problems are collected with their place,
 * and conf_messages_print shows each with its line and a caret. */
#ifndef MUXD_CONF_PARSER_H
#define MUXD_CONF_PARSER_H

#include "conf/lexer.h"

struct word {
    struct slice text;
    bool quoted;
    struct position at;
};

/* `name argument ... ;` or `name argument ... { children }`. */
struct conf_node {
    struct conf_node *next; /* sibling */
    struct conf_node *children;
    struct word *words; /* words[0] is the directive's name */
    size_t count;       /* name included */
    bool block;
    struct position end; /* of the closing ; or } */
};

/* Whether one of these directives, or one inside of them, has one of the names (up to a NULL). */
bool conf_nodes_name(const struct conf_node *first, const char *const names[]);

enum conf_severity { CONF_EMERG, CONF_WARN, CONF_NOTICE };

struct conf_message {
    struct conf_message *next;
    enum conf_severity severity;
    struct position at; /* source NULL: no place */
    struct slice text;  /* as nginx words it, without the place */
    struct slice hint;  /* "did you mean ...": shown at the caret; may be empty */
};

/* Everything that was said about one configuration, in the order of the text. */
struct conf_messages {
    struct arena *arena;
    struct conf_message *first, **last;
    unsigned errors, warnings;
};

enum {
    CONF_INCLUDE_DEPTH_MAX = 32,
    CONF_INCLUDES_MAX = 200000, /* files read in all, a file read twice counted twice */
    CONF_BLOCK_DEPTH_MAX = 64,
    CONF_WORDS_MAX = 65536,       /* of one directive */
    CONF_BYTES_MAX = 256 << 20,   /* of all files, each counted once */
    CONF_PIPE_MAX = 16 << 20,     /* of one that is no regular file */
    CONF_MESSAGES_MAX = 100,      /* that are kept; the last one then says so */
    CONF_MESSAGE_TEXT_MAX = 1024, /* bytes; the rest is cut off */
};

/* Starts an empty list. */
void conf_messages_init(struct conf_messages *, struct arena *);

/* No further message would be kept: making a hint for it is not worth while. */
bool conf_messages_full(const struct conf_messages *);

/* Sorts the messages by where they were read; those without a place come last. */
void conf_messages_sort(struct conf_messages *);

/* Adds a message; `at` may have a NULL source. `hint` is shown as it is. Control
 * characters become \xXX. After an error the caller goes on as if the directive
 * were not there. */
void conf_message_add(struct conf_messages *, enum conf_severity, struct position at,
                      struct slice hint, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void conf_message_vadd(struct conf_messages *, enum conf_severity, struct position at,
                       struct slice hint, const char *format, va_list);

/* One message as text: `[emerg] unknown directive "x" in FILE:LINE:COLUMN`, and,
 * when it has a place, two more lines: the line of the file (a long one is cut
 * around the place) and the caret with the hint. Ends without a newline. In the
 * arena. */
struct slice conf_message_text(struct arena *, const struct conf_message *);

/* The trees of one configuration. */
struct conf_tree {
    struct arena *arena;
    struct conf_messages *messages;
    struct source *sources, **last_source;
    const char *prefix; /* folder that relative includes start from, with a trailing '/' */
    struct conf_node *root, **last_node;
    struct source_table *files; /* by name: a file is read from disk once */
    struct array words;         /* of the directive being read */
    unsigned block_depth, includes;
    uint32_t order; /* of the next token */
    bool stopped;   /* a limit was reached: nothing more is read */
};

/* Starts an empty tree; `prefix` is the folder of the configuration file. */
void conf_tree_init(struct conf_tree *, struct arena *, struct conf_messages *, const char *prefix);

/* Reads a file (made absolute against the prefix) and appends its directives to
 * the tree's root; `include` (globs too, sorted) is resolved in place. False
 * when there were errors; they are in the messages. */
bool conf_tree_read_file(struct conf_tree *, const char *path);

/* Likewise for a text: -g, and tests. */
bool conf_tree_read_text(struct conf_tree *, const char *name, struct slice text);

#endif
