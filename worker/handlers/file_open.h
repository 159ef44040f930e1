/* file_open.h: from a path to an open file, under disable_symlinks' rules.
 *
 * With a guard on, the path is walked a component at a time, each opened
 * relative to the one before, so that no link can slip in between. */
#ifndef MUXD_WORKER_HANDLERS_FILE_OPEN_H
#define MUXD_WORKER_HANDLERS_FILE_OPEN_H

#include "worker/handlers/file_cache.h"

#include <limits.h>
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

/* Where a path's last component stands: what is made, replaced and removed there is so below
 * the folder that was found, whatever becomes of the path meanwhile. */
struct place {
    int folder;       /* a descriptor, for openat(2) and its kin */
    const char *name; /* in the text that was given; no link is followed for it */
};

/* Finds the place of a path (absolute; slashes at its end count for nothing), with room for the
 * name in `text`. False with errno: EINVAL when the path is "/". */
bool place_open(struct slice path, struct path_guard, char text[PATH_MAX], struct place *);
void place_close(struct place *);

/* Makes the folders on the way to the place that are missing, with these permissions. False with
 * errno. */
bool place_make_folders(struct slice path, struct path_guard, mode_t);

/* The guard that disable_symlinks sets for a path. False: memory is out. */
bool request_path_guard(struct request *, struct slice path, struct path_guard *);

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
