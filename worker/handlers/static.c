#include "worker/handlers/static.h"

#include "common/log.h"
#include "conf/values.h"
#include "worker/handlers/file_cache.h"
#include "worker/http/core.h"
#include "worker/http/uri.h"

#include <errno.h>

/* --- the answer --- */

/* Why a file cannot be sent, as nginx maps and logs it. */
static int file_failed(struct request *request, struct slice path, int error)
{
    int level = LOG_LEVEL_ERROR, status = 404;

    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
        if (!http_settings(request)->log_not_found)
            return 404;
        break;
    case EACCES:
    case EMLINK:
    case ELOOP:
        status = 403;
        break;
    default:
        level = LOG_LEVEL_CRIT;
        status = 500;
    }
    request_log(request, level, error, "%s \"%.*s\" failed", file_open_call(request), (int)path.len,
                path.at);
    return status;
}

/* A folder's own URI ends in '/': relative links in its index would not work otherwise. */
static int redirect_to_folder(struct request *request)
{
    struct slice uri = uri_escape(&request->arena, request->uri, ESCAPE_URI);

    if (uri.at == NULL)
        return 500;
    struct slice target =
        arena_printf(&request->arena, "%.*s/%s%.*s", (int)uri.len, uri.at,
                     request->args.len > 0 ? "?" : "", (int)request->args.len, request->args.at);
    if (target.at == NULL)
        return 500;
    request->response.location = target;
    return 301;
}

static bool add_content(struct request *request, struct open_file *file)
{
    request->response.length = file->size;
    request->response.length_known = true;
    if (file->content.at != NULL)
        return response_memory(request, file->content);
    return response_file(request, file, 0, file->size);
}

bool static_respond(struct request *request, struct open_file *file)
{
    const struct static_settings *settings = static_settings(request);
    struct response *response = &request->response;

    response->status = 200;
    response->content_type = request_content_type(request);
    response->last_modified = file->modified;
    response->last_modified_text = file->last_modified;
    if (settings->etag)
        response->etag = file->etag;
    response->ranges = settings->max_ranges > 0;
    return add_content(request, file);
}

int static_send(struct request *request, struct slice path)
{
    struct open_file *file;
    int error = file_open(request, path, &file);

    if (error != 0)
        return file_failed(request, path, error);
    if (file->kind == FILE_DIRECTORY)
        return redirect_to_folder(request);
    if (file->kind == FILE_OTHER) {
        request_log(request, LOG_LEVEL_CRIT, 0, "\"%.*s\" is not a regular file", (int)path.len,
                    path.at);
        return 404;
    }
    if (request->method == METHOD_POST)
        return 405;
    return static_respond(request, file) ? DONE : 500;
}

int static_handler(struct request *request)
{
    struct slice path;

    if (request->method != METHOD_GET && request->method != METHOD_HEAD &&
        request->method != METHOD_POST)
        return 405;
    if (slice_ends(request->uri, SLICE("/")))
        return DECLINED;
    return request_path(request, request->uri, &path) ? static_send(request, path) : 500;
}

/* --- the table --- */

static const struct enum_choice if_modified_since_choices[] = {
    { "off", IF_MODIFIED_SINCE_OFF },
    { "exact", IF_MODIFIED_SINCE_EXACT },
    { "before", IF_MODIFIED_SINCE_BEFORE },
    { NULL, 0 },
};
static const struct enum_type as_if_modified_since = {
    { "off | exact | before", sizeof(int), enum_set }, if_modified_since_choices
};

/* A block that is inherited, and whose repetitions add up. */
#define TYPES_BLOCK                          \
    {                                        \
        0, 0, MANNER_BLOCK | MANNER_REPEATED \
    }

#define FIELD(name) offsetof(struct static_settings, name)

static const struct directive static_directives[] = {
    { "root", IN_HTTP_ALL | IN_LOCATION_IF, ARGS(1), &as_root, FIELD(root), "html",
      "the folder that URIs are looked up in" },
    { "alias", IN_LOCATION, ARGS(1), &as_alias, FIELD(root), NULL,
      "the path that stands for the location's name" },
    { "types", IN_HTTP_ALL, TYPES_BLOCK, &as_types, FIELD(types), NULL,
      "MIME types by file name extension" },
    { "default_type", IN_HTTP_ALL, ARGS(1), &as_text, FIELD(default_type), "text/plain",
      "the MIME type of files whose extension has none" },
    { "types_hash_bucket_size", IN_HTTP_ALL, ARGS(1), &as_size, FIELD(types_hash_bucket_size), "64",
      "accepted; muxd's tables size themselves" },
    { "types_hash_max_size", IN_HTTP_ALL, ARGS(1), &as_number, FIELD(types_hash_max_size), "1024",
      "accepted; muxd's tables size themselves" },
    { "sendfile", IN_HTTP_ALL | IN_LOCATION_IF, ARGS(1), &as_flag, FIELD(sendfile), "off",
      "send large files by sendfile(2), without copying them" },
    { "sendfile_max_chunk", IN_HTTP_ALL, ARGS(1), &as_size, FIELD(sendfile_max_chunk), "2m",
      "bytes of a file that a connection sends in one turn; 0: no limit of its own" },
    { "read_ahead", IN_HTTP_ALL, ARGS(1), &as_size, FIELD(read_ahead), "0",
      "tell the kernel that files from this size on are read in sequence; 0: do not" },
    { "etag", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(etag), "on",
      "send an ETag made of a file's time and size" },
    { "if_modified_since", IN_HTTP_ALL, ARGS(1), &as_if_modified_since.type,
      FIELD(if_modified_since), "exact", "how If-Modified-Since is compared" },
    { "max_ranges", IN_HTTP_ALL, ARGS(1), &as_number, FIELD(max_ranges), "2147483647",
      "ranges that one request may ask for; 0: none" },
    { 0 },
};

const struct conf_module static_module = {
    .name = "static",
    .id = MODULE_STATIC,
    .size = sizeof(struct static_settings),
    .directives = static_directives,
};
