/* reader.h: one source being read into a tree, between parser.c and include.c.
 *
 * Functions return nothing: problems are in the tree's messages, and
 * tree->stopped says that nothing more can be read. `last` is where the next
 * directive is hung. */
#ifndef MUXD_CONF_READER_H
#define MUXD_CONF_READER_H

#include "conf/parser.h"

struct reader {
    struct conf_tree *tree;
    const struct reader *outer; /* that includes this one; NULL at the top */
    struct lexer lexer;
    struct token ahead; /* given back, to be read again */
    bool has_ahead;
    bool end_reported; /* the end of the source is said to be too early once */
    unsigned depth;    /* of includes */
};

/* Adds an error. */
void reader_report(const struct reader *, struct position at, struct slice hint,
                   const char *problem);

/* Likewise, of a limit that no sane configuration reaches: reading ends. */
void reader_stop(const struct reader *, struct position at, const char *problem);

/* Reads directives up to the end of the source, or, when `open` is the place of
 * a block's opening brace, up to the brace that closes it; *end is its place. */
void reader_directives(struct reader *, struct conf_node ***last, const struct position *open,
                       struct position *end);

/* Reads a whole source; `outer` is the reader that includes it, or NULL. */
void reader_source(struct conf_tree *, const struct reader *outer, struct source *,
                   struct conf_node ***last);

/* Reads a file; `at` is the place of the include, without source for the first
 * file. `path` is absolute and lives as long as the tree. */
void reader_file(struct conf_tree *, const struct reader *outer, struct position at,
                 const char *path, struct conf_node ***last);

/* Does what an `include` directive says. */
void reader_include(struct reader *, const struct conf_node *, struct conf_node ***last);

/* A path made absolute against the tree's prefix, in the arena; NULL when memory
 * is out. */
const char *conf_tree_path(const struct conf_tree *, struct slice path);

#endif
