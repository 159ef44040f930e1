/* static.h: files under root or alias. */
#ifndef MUXD_WORKER_HANDLERS_STATIC_H
#define MUXD_WORKER_HANDLERS_STATIC_H

#include "worker/http/request.h"
#include "worker/http/template.h"

enum root_kind {
    ROOT_FOLDER,      /* root: the whole URI is looked up below the path */
    ROOT_ALIAS,       /* alias: the path stands for the location's name */
    ROOT_ALIAS_WHOLE, /* alias in a regex location: the path is the file's */
};

/* root or alias: one setting. */
struct root_value {
    int kind;             /* enum root_kind */
    struct template path; /* constant: absolute; else made absolute against the prefix */
    size_t replaced;      /* ROOT_ALIAS: bytes of the URI that the path stands for */
};

struct open_file;  /* file_cache.h */
struct type_table; /* extension -> MIME type: types.c */

struct static_settings {
    struct root_value root;
    struct type_table *types;
    struct slice default_type;
    uint64_t types_hash_bucket_size, types_hash_max_size; /* accepted, not needed */
    bool sendfile;
    uint64_t sendfile_max_chunk;
    bool etag;
    int if_modified_since; /* enum if_modified_since */
    uint64_t max_ranges;   /* 0: no ranges */
    uint64_t read_ahead;   /* files from this size on are announced as read in sequence; 0: none */
};

enum if_modified_since {
    IF_MODIFIED_SINCE_OFF,    /* the header is ignored */
    IF_MODIFIED_SINCE_EXACT,  /* 304 when the times are equal */
    IF_MODIFIED_SINCE_BEFORE, /* 304 when the file is not younger */
};

extern const struct conf_module static_module;

extern const struct value_type as_root, as_alias; /* struct root_value: path.c */
extern const struct value_type as_types;          /* struct type_table *: types.c */

/* The type of a file name extension (compared without case); false when the table has
 * none. A NULL table has nginx's defaults: html, gif, jpg. */
bool type_find(const struct type_table *, struct slice extension, struct slice *type);

/* The path that a URI maps to by root or alias: root + URI, NUL-terminated
 * behind its length, in the request's arena. False when memory is out, or, logged, when the URI
 * is no longer one that the alias could stand for. */
bool request_path(struct request *, struct slice uri, struct slice *path);

/* $document_root: root or alias as configured, made absolute. False when memory is out. */
bool request_document_root(struct request *, struct slice *root);

/* $realpath_root: the same with its symbolic links resolved. False when memory is out, or
 * when realpath(3) failed (which is logged). */
bool request_realpath_root(struct request *, struct slice *root);

/* MIME type by the extension of the request's URI, else default_type. */
struct slice request_content_type(const struct request *);

/* Content phase: answers GET and HEAD with the file that the URI maps to; a folder by a
 * redirect to its path with a '/'. DECLINED for URIs that end in '/'. */
int static_handler(struct request *);

/* The same for a path (NUL-terminated behind its length) that another handler has found. */
int static_send(struct request *, struct slice path);

/* Fills the response with an open regular file, under the URI's type. False: memory is
 * out. */
bool static_respond(struct request *, struct open_file *);

static inline const struct static_settings *static_settings(const struct request *request)
{
    return request->settings[MODULE_STATIC];
}

#endif
