/* file_open.h: from a path to an open file, under disable_symlinks' rules.
 *
 * With a guard on, the path is walked a component at a time, each opened
 * relative to the one before, so that no link can slip in between. */
#ifndef MUXD_WORKER_HANDLERS_FILE_OPEN_H
#define MUXD_WORKER_HANDLERS_FILE_OPEN_H

#include "worker/handlers/file_cache.h"

#include <sys/stat.h>

/* Which symbolic links may be followed. */
struct path_guard {
    enum symlinks mode;
    size_t from; /* links in the first `from` bytes of the path are followed anyway */
};

/* stat(2) of a path that is NUL-terminated behind its length; 0 or an errno. */
int guarded_stat(struct slice path, struct path_guard, struct stat *);

/* Opens for reading; the descriptor is >= 0, close-on-exec and never blocks, else
 * -1 with errno. */
int guarded_open(struct slice path, struct path_guard);

/* What was found at a path. */
struct opened {
    enum file_kind kind;
    int fd;        /* -1: not a regular file, or its content was read */
    char *content; /* from malloc; NULL: not read */
    struct stat stat;
};

/* Opens and looks; the content of a regular file of at most `content_max` bytes is read
 * into memory instead of keeping its descriptor. 0 or an errno, then nothing is left
 * open. */
int path_open(struct slice path, struct path_guard, size_t content_max, struct opened *);

/* The kind that a stat tells. */
enum file_kind stat_kind(const struct stat *);

#endif
