#include "worker/upstream/store.h"

#include "common/anchor.h"
#include "common/date.h"
#include "common/read_write.h"
#include "worker/context.h"
#include "worker/handlers/static.h"
#include "worker/temp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

struct store {
    char *path; /* what the file will be named */
    int file;   /* -1: none any more */
    uint64_t written;
    time_t modified; /* -1: not said */
    char temporary[PATH_MAX];
};

static void log_failure(struct exchange *x, const char *call, const char *path)
{
    request_log(x->request, LOG_LEVEL_CRIT, errno, "%s \"%s\" failed", call, path);
}

/* The path that proxy_store names, or root and alias. NULL: memory is out. */
static char *choose_path(struct exchange *x)
{
    const struct store_value *value = &x->settings->store;
    struct request *request = x->request;
    struct slice path;

    if (value->has_path) {
        if (!template_eval(request, &value->path, &path))
            return NULL;
        if (!slice_starts(path, SLICE("/")))
            path = arena_join(&request->arena, slice_of(request->worker->conf->prefix), path);
    } else if (!request_path(request, request->uri, &path)) {
        return NULL;
    }
    return path.at == NULL ? NULL : arena_cstr(&request->arena, path);
}

/* nginx's conditions. */
static bool is_wanted(const struct exchange *x)
{
    bool redirected = answer_known(&x->head, ANSWER_X_ACCEL_REDIRECT) != NULL &&
                      (x->settings->ignore & IGNORE_X_ACCEL_REDIRECT) == 0;

    return x->settings->store.on && x->head.status == 200 && !x->to_head && !redirected;
}

bool store_begin(struct exchange *x)
{
    const struct answer_field *modified = answer_known(&x->head, ANSWER_LAST_MODIFIED);
    struct store *store;

    if (!is_wanted(x))
        return true;
    store = arena_alloc(&x->request->arena, sizeof *store);
    if (store == NULL || (store->path = choose_path(x)) == NULL)
        return false;
    store->written = 0;
    store->modified = modified == NULL ? -1 : date_parse(modified->value);
    store->file = temp_file_named(x->settings->temp_path, store->temporary);
    if (store->file < 0)
        log_failure(x, "creating a temporary file in", x->settings->temp_path);
    else
        x->store = store;
    return true;
}

void store_write(struct exchange *x, const char *data, size_t len)
{
    struct store *store = x->store;

    if (write_exactly(store->file, slice_make(data, len), store->written)) {
        store->written += len;
        return;
    }
    log_failure(x, "write()", store->temporary);
    store_drop(x);
}

/* --- its name --- */

/* Folders on the way to a file; those who may read files may enter them. */
static bool make_folders(char *path, mode_t mode)
{
    mode_t enter = mode | (mode & 0444) >> 2;

    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool made = mkdir(path, enter) == 0 || errno == EEXIST;
        *slash = '/';
        if (!made)
            return false;
    }
    return true;
}

static bool copy_bytes(int from, int to)
{
    off_t offset = 0;
    ssize_t sent;

    do
        sent = sendfile(to, from, &offset, 1 << 20);
    while (sent > 0 || (sent < 0 && errno == EINTR));
    return sent == 0;
}

static bool set_attributes(int file, const struct store *store, mode_t mode)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_NOW }, { .tv_sec = store->modified } };

    return fchmod(file, mode) == 0 && (store->modified == -1 || futimens(file, times) == 0);
}

/* Into another file system, where a rename does not lead: by a copy beside the place. */
static bool move_over(const struct store *store, mode_t mode)
{
    char near[PATH_MAX];
    int len = snprintf(near, sizeof near, "%s.%d", store->path, (int)getpid());

    if (len < 0 || (size_t)len >= sizeof near) {
        errno = ENAMETOOLONG;
        return false;
    }
    int copy = anchored_open(near, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (copy < 0)
        return false;
    bool moved = copy_bytes(store->file, copy) && set_attributes(copy, store, mode) &&
                 rename(near, store->path) == 0;
    int error = errno;
    close(copy);
    if (!moved)
        unlink(near);
    errno = error;
    return moved;
}

static bool take_name(const struct store *store, mode_t mode)
{
    if (!set_attributes(store->file, store, mode) || !make_folders(store->path, mode))
        return false;
    if (rename(store->temporary, store->path) == 0)
        return true;
    if (errno != EXDEV || !move_over(store, mode))
        return false;
    unlink(store->temporary);
    return true;
}

void store_finish(struct exchange *x)
{
    struct store *store = x->store;

    if (store == NULL)
        return;
    if (!take_name(store, x->settings->store_access)) {
        log_failure(x, "storing", store->path);
        store_drop(x);
        return;
    }
    worker_heard(x->request->worker);
    close(store->file);
    x->store = NULL;
}

void store_drop(struct exchange *x)
{
    if (x->store == NULL)
        return;
    unlink(x->store->temporary);
    close(x->store->file);
    x->store = NULL;
}
