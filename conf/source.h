/* source.h: files of a configuration, each read from disk once.
 *
 * Only the parser uses this. A file that is included many times has one text;
 * each reading of it is a source of its own, since places point to sources. */
#ifndef MUXD_CONF_SOURCE_H
#define MUXD_CONF_SOURCE_H

#include "conf/lexer.h"

struct source_table;

/* An empty table; NULL when memory is out. */
struct source_table *source_table_new(struct arena *);

enum source_result {
    SOURCE_OK,
    SOURCE_FAILED,    /* errno says why, *call which system call */
    SOURCE_TOO_LARGE, /* over CONF_BYTES_MAX, with what was read before, or CONF_PIPE_MAX */
    SOURCE_NO_MEMORY,
};

/* A source of the file, whose path must live as long as the arena; its text is
 * the table's when it has been read before (then source->included_twice). */
enum source_result source_read(struct source_table *, struct arena *, const char *path,
                               struct source **source, const char **call);

#endif
