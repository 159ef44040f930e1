#include "worker/handlers/autoindex.h"

#include "common/anchor.h"
#include "common/log.h"
#include "conf/values.h"
#include "worker/context.h"
#include "worker/handlers/file_open.h"
#include "worker/handlers/handlers.h"
#include "worker/handlers/static.h"
#include "worker/http/uri.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

struct autoindex_settings {
    bool enabled;
    int format; /* enum list_format */
    bool exact_size;
    bool localtime;
};

enum { CALLBACK_MAX = 128 };

/* --- reading the folder --- */

/* A folder that is being read. */
struct reader {
    struct request *request;
    struct folder_list *list;
    struct slice path;
    DIR *folder;
};

static void stat_failed(const struct reader *reader, const char *name, int error)
{
    request_log(reader->request, LOG_LEVEL_CRIT, error, "stat() \"%.*s/%s\" failed",
                (int)reader->path.len, reader->path.at, name);
}

/* What a link leads to, or the link itself when that is not there. 0 or an errno. */
static int stat_entry(const struct reader *reader, const char *name, struct stat *stat)
{
    int folder = dirfd(reader->folder);

    if (fstatat(folder, name, stat, 0) == 0)
        return 0;
    if (errno != ENOENT && errno != ELOOP)
        return errno;
    return fstatat(folder, name, stat, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
}

/* False when the folder cannot be listed at all. */
static bool add_entry(const struct reader *reader, const char *name)
{
    struct arena *arena = &reader->request->arena;
    struct slice text = slice_of(name);
    struct stat stat;
    int error = stat_entry(reader, name, &stat);

    if (error == ENOENT) /* removed in this moment */
        return true;
    if (error != 0) {
        stat_failed(reader, name, error);
        return error == EACCES;
    }
    struct list_entry *entry = array_push(&reader->list->entries, arena);
    if (entry == NULL)
        return false;
    *entry = (struct list_entry){
        .name = arena_copy(arena, text),
        .kind = stat_kind(&stat),
        .size = (uint64_t)stat.st_size,
        .modified = stat.st_mtim.tv_sec,
    };
    return entry->name.at != NULL;
}

/* Folders first, then by the bytes of the name. */
static int compare_entries(const void *a, const void *b)
{
    const struct list_entry *first = a, *second = b;
    int order = (second->kind == FILE_DIRECTORY) - (first->kind == FILE_DIRECTORY);

    return order != 0 ? order : slice_compare(first->name, second->name);
}

/* Everything but names that begin with a dot. */
static bool read_folder(const struct reader *reader)
{
    struct array *entries = &reader->list->entries;
    const struct dirent *found;

    while (errno = 0, (found = readdir(reader->folder)) != NULL)
        if (found->d_name[0] != '.' && !add_entry(reader, found->d_name))
            return false;
    if (errno != 0) {
        request_log(reader->request, LOG_LEVEL_CRIT, errno, "readdir() \"%.*s\" failed",
                    (int)reader->path.len, reader->path.at);
        return false;
    }
    if (entries->count > 1)
        qsort(entries->items, entries->count, entries->item_size, compare_entries);
    return true;
}

static int open_failed(struct request *request, const char *path, int error)
{
    int level = LOG_LEVEL_ERROR, status = 404;

    if (error == EACCES) {
        status = 403;
    } else if (error != ENOENT && error != ENOTDIR && error != ENAMETOOLONG) {
        level = LOG_LEVEL_CRIT;
        status = 500;
    }
    request_log(request, level, error, "opendir() \"%s\" failed", path);
    return status;
}

/* --- the answer --- */

/* The name of the function that JSONP calls; false when it is not one. */
static bool read_callback(struct request *request, struct slice *callback)
{
    if (!query_argument(request->args, SLICE("callback"), callback)) {
        *callback = SLICE("");
        return true;
    }
    bool valid = callback->len <= CALLBACK_MAX;
    for (size_t i = 0; valid && i < callback->len; i++) {
        char c = ascii_lower(callback->at[i]);
        valid = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    }
    if (!valid)
        request_log(request, LOG_LEVEL_INFO, 0, "client sent %s callback name: \"%.*s\"",
                    callback->len > CALLBACK_MAX ? "too long" : "invalid", (int)callback->len,
                    callback->at);
    return valid;
}

static struct slice content_type(int format, struct slice callback)
{
    if (format == LIST_XML)
        return SLICE("text/xml; charset=utf-8");
    if (format == LIST_HTML)
        return SLICE("text/html");
    return callback.len > 0 ? SLICE("application/javascript") : SLICE("application/json");
}

/* Seconds that local time is ahead of UTC now; nginx applies it to all times. */
static long local_offset(const struct request *request)
{
    struct tm local;

    return localtime_r(&request->worker->clock.wall, &local) == NULL ? 0 : local.tm_gmtoff;
}

static struct slice list_text(struct request *request, const struct folder_list *list, int format)
{
    switch (format) {
    case LIST_HTML:
        return list_html(&request->arena, list);
    case LIST_XML:
        return list_xml(&request->arena, list);
    default:
        return list_json(&request->arena, list);
    }
}

static int answer(const struct reader *reader)
{
    struct request *request = reader->request;
    const struct autoindex_settings *settings = request_settings(request, MODULE_AUTOINDEX);

    request->response.status = 200;
    request->response.content_type = content_type(settings->format, reader->list->callback);
    if (request->head_only)
        return DONE;
    if (!read_folder(reader))
        return 500;
    struct slice text = list_text(request, reader->list, settings->format);
    return text.at != NULL && response_memory(request, text) ? DONE : 500;
}

static int list_folder(struct request *request, struct folder_list *list)
{
    struct reader reader = { .request = request, .list = list };

    if (!request_path(request, request->uri, &reader.path))
        return 500;
    if (reader.path.len > 1 && slice_ends(reader.path, SLICE("/")))
        reader.path.len--;
    const char *name = arena_cstr(&request->arena, reader.path);
    if (name == NULL)
        return 500;
    reader.folder = anchored_open_folder(name);
    if (reader.folder == NULL)
        return open_failed(request, name, errno);
    int outcome = answer(&reader);
    closedir(reader.folder);
    return outcome;
}

int autoindex_handler(struct request *request)
{
    const struct autoindex_settings *settings = request_settings(request, MODULE_AUTOINDEX);
    struct folder_list list = { .uri = request->uri,
                                .entries = { .item_size = sizeof(struct list_entry) },
                                .exact_size = settings->exact_size };

    if (!settings->enabled || !slice_ends(request->uri, SLICE("/")) ||
        (request->method != METHOD_GET && request->method != METHOD_HEAD))
        return DECLINED;
    if (settings->format == LIST_JSONP && !read_callback(request, &list.callback))
        return 400;
    if (settings->localtime)
        list.offset = local_offset(request);
    return list_folder(request, &list);
}

/* --- the table --- */

static const struct enum_choice format_choices[] = {
    { "html", LIST_HTML }, { "json", LIST_JSON }, { "jsonp", LIST_JSONP },
    { "xml", LIST_XML },   { NULL, 0 },
};
static const struct enum_type as_format = { { "html | json | jsonp | xml", sizeof(int), enum_set },
                                            format_choices };

#define FIELD(name) offsetof(struct autoindex_settings, name)

static const struct directive autoindex_directives[] = {
    { "autoindex", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(enabled), "off",
      "list a folder that has no index file" },
    { "autoindex_format", IN_HTTP_ALL, ARGS(1), &as_format.type, FIELD(format), "html",
      "the format of lists" },
    { "autoindex_exact_size", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(exact_size), "on",
      "show sizes in bytes, not rounded to K, M and G" },
    { "autoindex_localtime", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(localtime), "off",
      "show times in the server's time zone, not in UTC" },
    { 0 },
};

const struct conf_module autoindex_module = {
    .name = "autoindex",
    .id = MODULE_AUTOINDEX,
    .size = sizeof(struct autoindex_settings),
    .directives = autoindex_directives,
};
