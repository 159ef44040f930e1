/* COPY and MOVE: from the request's URI to that of its Destination. */
#include "common/log.h"
#include "worker/handlers/dav.h"
#include "worker/handlers/file_tree.h"
#include "worker/handlers/static.h"
#include "worker/http/core.h"
#include "worker/http/uri.h"
#include "worker/net/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* One COPY or MOVE. */
struct transfer {
    struct request *request;
    struct dav_target from, to;
    struct stat from_stat, to_stat;
    bool to_exists;
};

/* --- the Destination --- */

static int bad_destination(struct request *request, struct slice text)
{
    request_log(request, LOG_LEVEL_ERROR, 0, "client sent invalid \"Destination\" header: \"%.*s\"",
                (int)text.len, text.at);
    return 400;
}

/* What follows scheme and host, which have to be our own. 0 or a status. */
static int skip_origin(struct request *request, struct slice text, struct slice *path)
{
    bool tls = connection_is_tls(request->connection);
    struct slice scheme = tls ? SLICE("https://") : SLICE("http://"), rest = text;

    *path = text;
    if (slice_starts(text, SLICE("/")))
        return 0;
    if (request->host.len == 0) {
        request_log(request, LOG_LEVEL_ERROR, 0, "client sent no \"Host\" header");
        return 400;
    }
    if (!slice_starts(rest, scheme))
        return bad_destination(request, text);
    rest = slice_from(rest, scheme.len);
    if (!slice_equal_nocase(slice_first(rest, request->host.len), request->host)) {
        request_log(request, LOG_LEVEL_ERROR, 0,
                    "\"Destination\" URI \"%.*s\" is handled by different repository than the "
                    "source URI",
                    (int)text.len, text.at);
        return 400;
    }
    rest = slice_from(rest, request->host.len); /* a port may follow */
    ptrdiff_t slash = slice_find(rest, '/');
    if (slash < 0)
        return bad_destination(request, text);
    *path = slice_from(rest, (size_t)slash);
    return 0;
}

/* An alias stands for the location's own URIs only; that of a regex, for one of them. */
static bool is_within_alias(const struct request *request, struct slice uri)
{
    switch (static_settings(request)->root.kind) {
    case ROOT_ALIAS:
        return slice_starts(uri, request->location->name);
    case ROOT_ALIAS_WHOLE:
        return false;
    default:
        return true;
    }
}

/* The Destination as a normalised path. 0 or a status. */
static int read_destination(struct request *request, struct slice *uri)
{
    const struct field *field = head_known(&request->head, FIELD_DESTINATION);
    struct slice path;

    if (field == NULL) {
        request_log(request, LOG_LEVEL_ERROR, 0, "client sent no \"Destination\" header");
        return 400;
    }
    int status = skip_origin(request, field->value, &path);
    if (status != 0)
        return status;
    ptrdiff_t mark = slice_find(path, '?');
    if (mark >= 0)
        path = slice_first(path, (size_t)mark);
    if (uri_normalize(&request->arena, path, true, uri) != URI_OK)
        return bad_destination(request, field->value);
    if (slice_ends(*uri, SLICE("/")) != slice_ends(request->uri, SLICE("/"))) {
        request_log(request, LOG_LEVEL_ERROR, 0,
                    "both URI \"%.*s\" and \"Destination\" URI \"%.*s\" should be either "
                    "collections or non-collections",
                    (int)request->uri.len, request->uri.at, (int)field->value.len, field->value.at);
        return 409;
    }
    if (is_within_alias(request, *uri))
        return 0;
    request_log(request, LOG_LEVEL_ERROR, 0, "\"Destination\" URI \"%.*s\" is not below the alias",
                (int)field->value.len, field->value.at);
    return 403;
}

/* --- Depth and Overwrite --- */

/* 0 or a status. */
static int check_depth(struct request *request)
{
    enum dav_depth depth = dav_depth(request, DEPTH_INFINITY);
    bool copy = request->method == METHOD_COPY;

    if (depth == DEPTH_INFINITY || (depth == DEPTH_0 && copy))
        return 0;
    request_log(request, LOG_LEVEL_ERROR, 0, "\"Depth\" header must be %sinfinity",
                copy ? "0 or " : "");
    return 400;
}

/* 0 or a status. */
static int read_overwrite(struct request *request, bool *overwrite)
{
    const struct field *field = head_known(&request->head, FIELD_OVERWRITE);

    *overwrite = field == NULL || slice_is_nocase(field->value, "t");
    if (*overwrite || slice_is_nocase(field->value, "f"))
        return 0;
    request_log(request, LOG_LEVEL_ERROR, 0, "client sent invalid \"Overwrite\" header: \"%.*s\"",
                (int)field->value.len, field->value.at);
    return 400;
}

/* --- files --- */

static int failed(const struct transfer *transfer, int error)
{
    int status = dav_failed(transfer->request, error, 500, method_name(transfer->request->method),
                            transfer->to.path);

    return status == 507 || status == 403 ? status : 500;
}

/* Links are followed as disable_symlinks says, which is as a GET would. */
static int copy_file(const struct transfer *transfer)
{
    int from = guarded_open(transfer->from.path, transfer->from.guard);

    if (from < 0)
        return failed(transfer, errno);
    struct stat stat;
    int error = 0;
    if (fstat(from, &stat) != 0)
        error = errno;
    else if (!S_ISREG(stat.st_mode))
        error = EINVAL;
    else if (!tree_copy_file(from, &transfer->to.place, dav_settings(transfer->request)->access))
        error = errno;
    close(from);
    return error == 0 ? 204 : failed(transfer, error);
}

/* As rename(2), across file systems too. 0 or an errno. */
static int move_file(const struct transfer *transfer)
{
    const struct place *from = &transfer->from.place, *to = &transfer->to.place;

    if (renameat(from->folder, from->name, to->folder, to->name) == 0)
        return 0;
    if (errno != EXDEV || !S_ISREG(transfer->from_stat.st_mode))
        return errno;
    int fd = openat(from->folder, from->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno;
    bool moved = tree_copy_file(fd, to, transfer->from_stat.st_mode & 07777) &&
                 unlinkat(from->folder, from->name, 0) == 0;
    int error = moved ? 0 : errno;
    close(fd);
    return error;
}

/* --- folders --- */

static int transfer_folder(const struct transfer *transfer)
{
    struct request *request = transfer->request;
    const struct place *from = &transfer->from.place, *to = &transfer->to.place;

    if (transfer->to_exists && !tree_remove(to))
        return dav_failed(request, errno, 404, "rmdir()", transfer->to.path);
    if (request->method == METHOD_MOVE &&
        renameat(from->folder, from->name, to->folder, to->name) == 0)
        return 201;
    if (request->method == METHOD_MOVE && errno != EXDEV)
        return dav_failed(request, errno, 404, "rename()", transfer->from.path);
    if (!tree_copy(from, to))
        return dav_failed(request, errno, 404, "mkdir()", transfer->to.path);
    if (request->method == METHOD_MOVE && !tree_remove(from))
        return dav_failed(request, errno, 404, "rmdir()", transfer->from.path);
    return 201;
}

/* --- both --- */

/* Where to: what stands there, and whether it may go. 0 or a status. */
static int look_at_destination(struct transfer *transfer, bool overwrite)
{
    struct request *request = transfer->request;
    struct dav_target *to = &transfer->to;
    int error = dav_look(to, &transfer->to_stat);

    if (error == ENOENT)
        return 0;
    if (error != 0)
        return dav_failed(request, error, 404, "lstat()", to->path);
    if (S_ISDIR(transfer->to_stat.st_mode) && !to->collection) {
        request_log(request, LOG_LEVEL_ERROR, 0, "\"%.*s\" could not be %s to collection \"%.*s\"",
                    (int)request->uri.len, request->uri.at,
                    request->method == METHOD_COPY ? "COPYed" : "MOVEed", (int)to->uri.len,
                    to->uri.at);
        return 409;
    }
    transfer->to_exists = true;
    if (overwrite)
        return 0;
    request_log(request, LOG_LEVEL_ERROR, EEXIST, "\"%.*s\" could not be created",
                (int)to->path.len, to->path.at);
    return 412;
}

/* A folder cannot become a part of itself, nor make room for itself. */
static bool is_inside_itself(const struct transfer *transfer)
{
    if (!slice_starts(transfer->to.uri, transfer->from.uri) &&
        !slice_starts(transfer->from.uri, transfer->to.uri))
        return false;
    request_log(transfer->request, LOG_LEVEL_ERROR, 0,
                "\"%.*s\" and its \"Destination\" are one in the other",
                (int)transfer->from.uri.len, transfer->from.uri.at);
    return true;
}

static int transfer_file(struct transfer *transfer)
{
    struct request *request = transfer->request;
    mode_t folders = dav_folder_mode(dav_settings(request)->access);

    if (transfer->to.place.folder < 0 && request->method == METHOD_MOVE) {
        if (!place_make_folders(transfer->to.path, transfer->to.guard, folders))
            return failed(transfer, errno);
        dav_look(&transfer->to, &transfer->to_stat);
    }
    if (transfer->to.place.folder < 0)
        return failed(transfer, ENOENT);
    if (request->method == METHOD_COPY)
        return copy_file(transfer);
    int error = move_file(transfer);
    return error == 0 ? 204 : failed(transfer, error);
}

static int run(struct transfer *transfer, bool overwrite)
{
    struct request *request = transfer->request;
    int status = look_at_destination(transfer, overwrite);

    if (status != 0)
        return status;
    int error = dav_find(&transfer->from, &transfer->from_stat);
    if (error != 0)
        return dav_failed(request, error, 404, "lstat()", transfer->from.path);
    if (!S_ISDIR(transfer->from_stat.st_mode))
        return transfer_file(transfer);
    if (!transfer->from.collection) {
        request_log(request, LOG_LEVEL_ERROR, 0, "\"%.*s\" is collection", (int)request->uri.len,
                    request->uri.at);
        return 400;
    }
    if (is_inside_itself(transfer))
        return 403;
    if (transfer->to.place.folder < 0)
        return dav_failed(request, ENOENT, 404, "mkdir()", transfer->to.path);
    return transfer_folder(transfer);
}

int dav_copy_or_move(struct request *request)
{
    struct slice uri;
    bool overwrite;
    int status;

    if (dav_has_body(request, "COPY and MOVE with body are"))
        return 415;
    if ((status = read_destination(request, &uri)) != 0 || (status = check_depth(request)) != 0 ||
        (status = read_overwrite(request, &overwrite)) != 0)
        return status;
    struct transfer transfer = { .request = request };
    if (!dav_map(request, request->uri, &transfer.from) || !dav_map(request, uri, &transfer.to))
        return 500;
    status = run(&transfer, overwrite);
    dav_close(&transfer.from);
    dav_close(&transfer.to);
    return status;
}
