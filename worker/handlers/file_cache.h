/* file_cache.h: open files, shared by the requests of one worker.
 *
 * A file is opened once and used again as long as one stat(2) of its path says
 * that it is unchanged; small files keep their content in memory. So a changed,
 * replaced, deleted or forbidden file is served changed at the next request,
 * which open_file_cache (nginx's, with its `valid` time) does not promise; with
 * open_file_cache on, nginx's promise holds and the stat is saved too. */
#ifndef MUXD_WORKER_HANDLERS_FILE_CACHE_H
#define MUXD_WORKER_HANDLERS_FILE_CACHE_H

#include "common/slice.h"
#include "worker/http/template.h"
#include "worker/modules.h"

#include <stdint.h>
#include <time.h>

struct request;
struct worker;
struct file_cache;

enum file_kind { FILE_REGULAR, FILE_DIRECTORY, FILE_OTHER };

/* A file or folder, open or only known; counted references. */
struct open_file {
    struct slice path; /* NUL-terminated behind its length */
    enum file_kind kind;
    int fd; /* -1: not a regular file, or a small one that is in memory */
    uint64_t size;
    time_t modified;           /* mtime, seconds: Last-Modified */
    long modified_nanoseconds; /* the rest of it */
    struct timespec changed;   /* ctime: nobody can set it */
    uint64_t inode;
    /* of a file of worker/cache: */
    bool verified;              /* the content that is in memory was looked at */
    struct slice head;          /* its beginning, kept by file_keep_head; at NULL: not kept */
    struct slice content;       /* whole content of a small file; at NULL: not in memory */
    struct slice etag;          /* "\"65a1b2c3-400\"", made once */
    struct slice last_modified; /* HTTP date text, made once */
    unsigned references;
};

/* What disable_symlinks says of symbolic links on the way to a file. */
enum symlinks {
    SYMLINKS_FOLLOWED,
    SYMLINKS_REFUSED,  /* on */
    SYMLINKS_OF_OWNER, /* if_not_owner: a link is followed when it and its target have one owner */
};

/* One open_file_cache directive; its own cache in each worker. */
struct file_cache_limits {
    uint64_t max;      /* entries */
    uint64_t inactive; /* milliseconds an unused entry stays */
};

struct file_cache_settings {
    const struct file_cache_limits *limits; /* NULL: open_file_cache off */
    uint64_t valid;                         /* milliseconds an entry is trusted unseen */
    uint64_t min_uses;                      /* an entry is trusted from this many uses on */
    bool errors;                            /* failures are kept too */
    struct symlinks_value {
        int mode;      /* enum symlinks */
        bool has_from; /* links in the leading part `from` are followed anyway */
        struct template from;
    } symlinks;
};

extern const struct conf_module file_cache_module; /* open_file_cache*, disable_symlinks */

/* Starts a worker's cache: at most `entries` files and `memory` bytes of content.
 * NULL when memory is out. */
struct file_cache *file_cache_open(struct worker *, size_t entries, size_t memory);

/* Closes every file that nobody uses and frees the cache. */
void file_cache_close(struct file_cache *);

/* Looks `path` (absolute; NUL-terminated behind its length) up for the request, under its
 * open_file_cache, disable_symlinks and read_ahead settings. 0 and *file, with
 * a reference that the request's end gives back; or an errno (ENOENT, ENOTDIR,
 * ENAMETOOLONG, EACCES, ELOOP, EMFILE ...). Never waits for what is not a file. */
int file_open(struct request *, struct slice path, struct open_file **file);

/* Likewise for a file of the server's own, whatever the settings say: it is looked at anew. */
int file_open_own(struct request *, struct slice path, struct open_file **file);

/* Likewise, but only asks what stands there (try_files, index): without
 * open_file_cache it never opens. */
int file_test(struct request *, struct slice path, enum file_kind *kind);

/* What `if` asks of a path. */
struct file_facts {
    enum file_kind kind;
    bool executable; /* by its owner */
};

/* Likewise, with more to know: always asks the system. */
int file_facts(struct request *, struct slice path, struct file_facts *);

/* Keeps a copy of a settled file's beginning as long as the file is known: no promise. */
void file_keep_head(struct request *, struct open_file *, struct slice head);

/* The system calls to name in the log when file_open or file_test fails: "open()", "stat()",
 * or with disable_symlinks "openat()". */
const char *file_open_call(const struct request *);
const char *file_test_call(const struct request *);

/* Gives back every reference that the request has taken by file_open. */
void files_release(struct request *);

/* Takes and gives a reference. */
void file_hold(struct open_file *);
void file_release(struct open_file *);

#endif
