/* dav.h: what the parts of WebDAV's methods share: PUT (dav_put.c), DELETE and MKCOL (dav.c), COPY
 * and MOVE (dav_copy.c).
 *
 * Nothing is changed but below folders that were found under disable_symlinks' rules, and files
 * are replaced at once, when they are whole. */
#ifndef MUXD_WORKER_HANDLERS_DAV_H
#define MUXD_WORKER_HANDLERS_DAV_H

#include "worker/handlers/file_open.h"
#include "worker/http/request.h"

struct dav_settings {
    uint32_t methods; /* bit 1 << enum method: those that are answered */
    bool create_full_put_path;
    uint64_t min_delete_depth;
    uint32_t access; /* permissions of new files */
};

/* A URI's place among the files. */
struct dav_target {
    struct slice uri;
    struct slice path; /* NUL-terminated behind its length */
    struct path_guard guard;
    bool collection; /* the URI ends in '/' */
    struct place place;
    char text[PATH_MAX]; /* the place's name stands in it */
};

/* Maps the URI. False: memory is out. */
bool dav_map(struct request *, struct slice uri, struct dav_target *);

/* Opens its place, and looks at what stands there, without following a link. 0 or an errno; the
 * place is open unless its `folder` is -1. */
int dav_look(struct dav_target *, struct stat *);

/* Likewise, for what has to be there: what a URI that ends in '/' is for is a folder (ENOTDIR). */
int dav_find(struct dav_target *, struct stat *);

void dav_close(struct dav_target *);

/* Logs a failed call, and says which status answers for it: `missing` when there is no such
 * file. */
int dav_failed(struct request *, int error, int missing, const char *call, struct slice path);

/* 201, with the request's URI as its Location. */
int dav_created(struct request *);

/* A body came along with a method that has none: logged, with the method's name. */
bool dav_has_body(struct request *, const char *what);

enum dav_depth { DEPTH_0, DEPTH_1, DEPTH_INFINITY, DEPTH_INVALID };

/* The Depth field; `missing` when there is none. */
enum dav_depth dav_depth(struct request *, enum dav_depth missing);

/* Permissions of folders by those of files: who may read may go in. */
mode_t dav_folder_mode(mode_t mode);

int dav_put(struct request *);
int dav_copy_or_move(struct request *);

static inline const struct dav_settings *dav_settings(const struct request *request)
{
    return request->settings[MODULE_DAV];
}

#endif
