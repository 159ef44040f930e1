/* What is known of a path, whether it is still true, and what is found when it is not. */
#include "common/date.h"
#include "worker/context.h"
#include "worker/handlers/file_cache_internal.h"
#include "worker/handlers/static.h"
#include "worker/http/request.h"
#include "worker/net/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CONTENT_MAX = 16 * 1024, /* bytes of a file that is kept in memory */
    SETTLED_AFTER = 2000,    /* ms after which a change must show in a file's times */
    SETTLED_FINELY = 20,     /* and where these have fractions of seconds */
    HEAD_MAX = 8 * 1024,     /* bytes of a file's beginning that are kept */
    ETAG_MAX = 2 * 16 + 4,   /* two quoted hexadecimal numbers */
};

/* --- a look-up --- */

struct lookup {
    struct request *request;
    const struct file_cache_settings *settings;
    struct file_cache *cache;
    struct file_table *table;
    struct slice path;
    struct path_guard guard;
    uint64_t hash;
    uint64_t now;
    uint64_t uses; /* of the entry that was found untrue */
};

/* The part of the path in which links are followed in any case (nginx's rules for from=). */
static bool find_guard(struct request *request, const struct symlinks_value *symlinks,
                       struct slice path, struct path_guard *guard)
{
    struct slice from;

    *guard = (struct path_guard){ .mode = (enum symlinks)symlinks->mode };
    if (guard->mode == SYMLINKS_FOLLOWED || !symlinks->has_from)
        return true;
    if (!template_eval(request, &symlinks->from, &from))
        return false;
    if (from.len == 0 || !slice_starts(path, from))
        return true;
    if (from.len == path.len)
        guard->mode = SYMLINKS_FOLLOWED;
    else if (path.at[from.len] == '/')
        guard->from = from.len;
    else if (path.at[from.len - 1] == '/')
        guard->from = from.len - 1;
    return true;
}

bool request_path_guard(struct request *request, struct slice path, struct path_guard *guard)
{
    const struct file_cache_settings *settings = request_settings(request, MODULE_FILE_CACHE);

    return find_guard(request, &settings->symlinks, path, guard);
}

/* Multiplies and folds eight bytes at a time; seeded, good enough for a bounded table. */
static uint64_t hash_path(uint64_t seed, struct slice path)
{
    uint64_t hash = seed ^ path.len;

    while (path.len > 0) {
        uint64_t word = 0;
        size_t taken = path.len < sizeof word ? path.len : sizeof word;
        memcpy(&word, path.at, taken);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
        path = slice_from(path, taken);
    }
    hash *= UINT64_C(0xbf58476d1ce4e5b9);
    return hash ^ hash >> 32;
}

/* Of files that are the server's own. */
static const struct file_cache_settings own_settings = { .limits = NULL };

static bool lookup_start_by(struct request *request, struct slice path,
                            const struct file_cache_settings *settings, struct lookup *lookup)
{
    struct file_cache *cache = request->worker->files;

    *lookup = (struct lookup){
        .request = request,
        .settings = settings,
        .cache = cache,
        .path = path,
        .hash = hash_path(cache->seed, path),
        .now = request->worker->clock.now,
    };
    lookup->table = file_cache_table(cache, lookup->settings->limits);
    return lookup->table != NULL && request_path_guard(request, path, &lookup->guard);
}

static bool lookup_start(struct request *request, struct slice path, struct lookup *lookup)
{
    return lookup_start_by(request, path, request_settings(request, MODULE_FILE_CACHE), lookup);
}

/* --- what is known --- */

static struct file_identity identity_of(const struct stat *stat)
{
    return (struct file_identity){ stat->st_dev, stat->st_ino, stat->st_size, stat->st_mtim,
                                   stat->st_ctim };
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_identity(const struct file_identity *a, const struct file_identity *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           same_time(a->modified, b->modified) && same_time(a->changed, b->changed);
}

/* open_file_cache's promise: no look at all for the `valid` time. */
static bool trusted(const struct lookup *lookup, const struct file_entry *entry)
{
    const struct file_cache_settings *settings = lookup->settings;

    return settings->limits != NULL && entry->uses >= settings->min_uses &&
           lookup->now - entry->checked < settings->valid;
}

/* Whoever could have changed the file since has not spoken yet: the same request has tested it for
 * index or try_files, or it was looked at for another one that was read together with this one. */
static bool is_fresh(const struct lookup *lookup, const struct file_entry *entry)
{
    return lookup->settings != &own_settings &&
           entry->checked_when == lookup->request->worker->heard;
}

static void mark_checked(const struct lookup *lookup, struct file_entry *entry)
{
    entry->checked = lookup->now;
    entry->checked_when = lookup->request->worker->heard;
}

/* The entry tells the truth; else it is to be taken out. */
static bool still_true(const struct lookup *lookup, struct file_entry *entry)
{
    struct stat stat;

    if (trusted(lookup, entry))
        return true;
    if (entry->error != 0)
        return false;
    if (is_fresh(lookup, entry))
        return true;
    if (entry->unsettled || guarded_stat(lookup->path, lookup->guard, &stat) != 0)
        return false;
    struct file_identity identity = identity_of(&stat);
    if (!same_identity(&identity, &entry->identity))
        return false;
    mark_checked(lookup, entry);
    return true;
}

/* The entry that may be used as it is, or NULL. */
static struct file_entry *find_known(struct lookup *lookup)
{
    struct file_entry *entry =
        file_table_find(lookup->table, lookup->hash, lookup->path, lookup->guard);

    if (entry == NULL)
        return NULL;
    if (!still_true(lookup, entry)) {
        lookup->uses = entry->uses;
        file_table_remove(lookup->table, entry);
        return NULL;
    }
    entry->uses++;
    file_table_touch(lookup->table, entry, lookup->now);
    return entry;
}

/* --- what is new --- */

/* An entry and its texts in one piece of memory: path, date, ETag. */
static struct file_entry *entry_new(const struct lookup *lookup)
{
    size_t path_room = lookup->path.len + 1;
    struct file_entry *entry = calloc(1, sizeof *entry + path_room + HTTP_DATE_LEN + ETAG_MAX);

    if (entry == NULL)
        return NULL;
    char *text = (char *)(entry + 1);
    memcpy(text, lookup->path.at, lookup->path.len);
    entry->file.path = slice_make(text, lookup->path.len);
    entry->file.fd = -1;
    entry->hash = lookup->hash;
    entry->guard = lookup->guard;
    entry->uses = lookup->uses + 1;
    mark_checked(lookup, entry);
    return entry;
}

static void fill_texts(struct open_file *file)
{
    char *date = (char *)(uintptr_t)file->path.at + file->path.len + 1;
    char *etag = date + HTTP_DATE_LEN;

    date_format(date, file->modified);
    file->last_modified = slice_make(date, HTTP_DATE_LEN);
    int len = snprintf(etag, ETAG_MAX, "\"%llx-%llx\"", (unsigned long long)file->modified,
                       (unsigned long long)file->size);
    file->etag = slice_make(etag, (size_t)len);
}

/* Times of files have a coarse grain: content that was read right after a change may
 * change again without any sign of it, and is not to be used twice. */
static int64_t milliseconds_since(const struct request *request, struct timespec changed)
{
    const struct clock *clock = &request->worker->clock;
    int64_t now = (int64_t)clock->wall * 1000 + clock->milliseconds;

    return now - ((int64_t)changed.tv_sec * 1000 + changed.tv_nsec / 1000000);
}

/* The file has not changed for so long that another change must show in its times. */
static bool is_settled(const struct request *request, const struct open_file *file)
{
    int64_t wanted = file->changed.tv_nsec != 0 ? SETTLED_FINELY : SETTLED_AFTER;

    return milliseconds_since(request, file->changed) >= wanted;
}

static void entry_fill(const struct lookup *lookup, struct file_entry *entry,
                       const struct opened *opened)
{
    struct open_file *file = &entry->file;

    file->kind = opened->kind;
    file->fd = opened->fd;
    file->size = (uint64_t)opened->stat.st_size;
    file->modified = opened->stat.st_mtim.tv_sec;
    file->modified_nanoseconds = opened->stat.st_mtim.tv_nsec;
    file->changed = opened->stat.st_ctim;
    file->inode = opened->stat.st_ino;
    if (opened->content != NULL)
        file->content = slice_make(opened->content, (size_t)file->size);
    entry->identity = identity_of(&opened->stat);
    entry->unsettled = opened->content != NULL &&
                       milliseconds_since(lookup->request, file->changed) < SETTLED_AFTER;
    fill_texts(file);
}

/* A file that is read in sequence from its start is worth reading ahead. */
static void announce_reading(const struct request *request, const struct opened *opened)
{
    uint64_t from = static_settings(request)->read_ahead;

    if (opened->fd >= 0 && from > 0 && (uint64_t)opened->stat.st_size >= from)
        posix_fadvise(opened->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
}

static int open_path(const struct lookup *lookup, struct opened *opened)
{
    int error = path_open(lookup->path, lookup->guard, CONTENT_MAX, opened);

    if ((error == EMFILE || error == ENFILE) && file_cache_shrink(lookup->cache))
        error = path_open(lookup->path, lookup->guard, CONTENT_MAX, opened);
    if (error == 0)
        announce_reading(lookup->request, opened);
    return error;
}

/* Without open_file_cache only files are worth an entry; with it, folders and, if so set,
 * failures too. */
static bool worth_keeping(const struct lookup *lookup, const struct file_entry *entry)
{
    if (entry->error != 0)
        return lookup->settings->limits != NULL && lookup->settings->errors;
    return entry->file.kind == FILE_REGULAR ||
           (entry->file.kind == FILE_DIRECTORY && lookup->settings->limits != NULL);
}

/* Opens the path; *entry has one reference, which is the caller's, also when it keeps a failure.
 * 0 or an errno when there is no entry. */
static int open_new(const struct lookup *lookup, struct file_entry **result)
{
    struct opened opened = { .fd = -1 };
    struct file_entry *entry = entry_new(lookup);

    if (entry == NULL)
        return ENOMEM;
    entry->error = open_path(lookup, &opened);
    if (entry->error == 0)
        entry_fill(lookup, entry, &opened);
    file_hold(&entry->file);
    if (worth_keeping(lookup, entry))
        file_table_add(lookup->table, entry, lookup->now);
    *result = entry;
    return 0;
}

/* --- the face --- */

static int open_found(struct lookup *lookup, struct open_file **file)
{
    struct file_entry *entry = find_known(lookup);
    int error;

    if (entry != NULL)
        file_hold(&entry->file);
    else if ((error = open_new(lookup, &entry)) != 0)
        return error;
    error = entry->error;
    if (error == 0 && !file_hold_for_request(lookup->request, &entry->file))
        error = ENOMEM;
    *file = &entry->file;
    file_release(&entry->file);
    return error;
}

int file_open(struct request *request, struct slice path, struct open_file **file)
{
    struct lookup lookup;

    return lookup_start(request, path, &lookup) ? open_found(&lookup, file) : ENOMEM;
}

int file_open_own(struct request *request, struct slice path, struct open_file **file)
{
    struct lookup lookup;

    return lookup_start_by(request, path, &own_settings, &lookup) ? open_found(&lookup, file)
                                                                  : ENOMEM;
}

void file_keep_head(struct request *request, struct open_file *file, struct slice head)
{
    const struct file_entry *entry = (const struct file_entry *)file;

    if (!entry->listed || file->head.at != NULL || head.len > HEAD_MAX ||
        !is_settled(request, file))
        return;
    char *copy = malloc(head.len);
    if (copy == NULL)
        return;
    memcpy(copy, head.at, head.len);
    file->head = slice_make(copy, head.len);
    request->worker->files->budget.content += head.len;
}

/* With open_file_cache a test leaves an entry, so that the next one costs nothing. */
static int test_cached(const struct lookup *lookup, enum file_kind *kind)
{
    struct file_entry *entry;
    int error = open_new(lookup, &entry);

    if (error != 0)
        return error;
    *kind = entry->file.kind;
    error = entry->error;
    file_release(&entry->file);
    return error;
}

int file_test(struct request *request, struct slice path, enum file_kind *kind)
{
    struct lookup lookup;
    struct stat stat;

    if (!lookup_start(request, path, &lookup))
        return ENOMEM;
    const struct file_entry *entry = find_known(&lookup);
    if (entry != NULL) {
        *kind = entry->file.kind;
        return entry->error;
    }
    if (lookup.settings->limits != NULL)
        return test_cached(&lookup, kind);
    int error = guarded_stat(path, lookup.guard, &stat);
    if (error == 0)
        *kind = stat_kind(&stat);
    return error;
}

int file_facts(struct request *request, struct slice path, struct file_facts *facts)
{
    struct lookup lookup;
    struct stat stat;

    if (!lookup_start(request, path, &lookup))
        return ENOMEM;
    int error = guarded_stat(path, lookup.guard, &stat);
    if (error == 0)
        *facts = (struct file_facts){ stat_kind(&stat), (stat.st_mode & S_IXUSR) != 0 };
    return error;
}

static bool follows_links(const struct request *request)
{
    const struct file_cache_settings *settings = request_settings(request, MODULE_FILE_CACHE);

    return settings->symlinks.mode == SYMLINKS_FOLLOWED;
}

const char *file_open_call(const struct request *request)
{
    return follows_links(request) ? "open()" : "openat()";
}

const char *file_test_call(const struct request *request)
{
    return follows_links(request) ? "stat()" : "openat()";
}
