/* The methods that change files: PUT, DELETE, MKCOL, COPY, MOVE. */
#include "worker/handlers/dav.h"

#include "common/log.h"
#include "conf/values.h"
#include "worker/handlers/file_tree.h"
#include "worker/handlers/handlers.h"
#include "worker/handlers/static.h"
#include "worker/http/body.h"
#include "worker/http/uri.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* --- what they share --- */

bool dav_map(struct request *request, struct slice uri, struct dav_target *target)
{
    target->uri = uri;
    target->collection = slice_ends(uri, SLICE("/"));
    target->place.folder = -1;
    return request_path(request, uri, &target->path) &&
           request_path_guard(request, target->path, &target->guard);
}

int dav_look(struct dav_target *target, struct stat *stat)
{
    if (!place_open(target->path, target->guard, target->text, &target->place)) {
        target->place.folder = -1;
        return errno;
    }
    if (fstatat(target->place.folder, target->place.name, stat, AT_SYMLINK_NOFOLLOW) != 0)
        return errno;
    return 0;
}

int dav_find(struct dav_target *target, struct stat *stat)
{
    int error = dav_look(target, stat);

    return error == 0 && target->collection && !S_ISDIR(stat->st_mode) ? ENOTDIR : error;
}

void dav_close(struct dav_target *target)
{
    if (target->place.folder >= 0)
        place_close(&target->place);
    target->place.folder = -1;
}

int dav_failed(struct request *request, int error, int missing, const char *call, struct slice path)
{
    int level = LOG_LEVEL_ERROR, status = missing;

    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
        break;
    case EACCES:
    case EPERM:
    case ELOOP: /* disable_symlinks */
        status = 403;
        break;
    case EEXIST:
        status = 405;
        break;
    case ENOSPC:
    case EDQUOT:
        level = LOG_LEVEL_CRIT;
        status = 507;
        break;
    default:
        level = LOG_LEVEL_CRIT;
        status = 500;
    }
    request_log(request, level, error, "%s \"%.*s\" failed", call, (int)path.len, path.at);
    return status;
}

int dav_created(struct request *request)
{
    struct response *response = &request->response;

    response->location = uri_escape(&request->arena, request->uri, ESCAPE_URI);
    response->status = 201;
    response->length = 0;
    response->length_known = true;
    return response->location.at == NULL ? 500 : DONE;
}

bool dav_has_body(struct request *request, const char *what)
{
    const struct body *body = request->body;

    if (body == NULL || (body->framing == FRAMING_LENGTH && body->length == 0))
        return false;
    request_log(request, LOG_LEVEL_ERROR, 0, "%s unsupported", what);
    return true;
}

enum dav_depth dav_depth(struct request *request, enum dav_depth missing)
{
    static const struct {
        const char *text;
        enum dav_depth depth;
    } depths[] = { { "0", DEPTH_0 }, { "1", DEPTH_1 }, { "infinity", DEPTH_INFINITY } };
    const struct field *field = head_known(&request->head, FIELD_DEPTH);

    if (field == NULL)
        return missing;
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++)
        if (slice_is(field->value, depths[i].text))
            return depths[i].depth;
    request_log(request, LOG_LEVEL_ERROR, 0, "client sent invalid \"Depth\" header: \"%.*s\"",
                (int)field->value.len, field->value.at);
    return DEPTH_INVALID;
}

mode_t dav_folder_mode(mode_t mode)
{
    return mode | (mode & 0444) >> 2;
}

/* --- DELETE --- */

/* min_delete_depth: as many slashes of the URI have something behind them. */
static bool is_deep_enough(struct request *request)
{
    uint64_t least = dav_settings(request)->min_delete_depth, depth = 0;

    if (least == 0)
        return true;
    for (size_t i = 0; i < request->uri.len; i++)
        if (request->uri.at[i] == '/' && ++depth >= least && i + 1 < request->uri.len)
            return true;
    request_log(request, LOG_LEVEL_ERROR, 0, "insufficient URI depth:%llu to DELETE",
                (unsigned long long)depth);
    return false;
}

static int remove_folder(struct request *request, const struct dav_target *target)
{
    if (!target->collection) {
        request_log(request, LOG_LEVEL_ERROR, EISDIR, "DELETE \"%.*s\" failed",
                    (int)target->path.len, target->path.at);
        return 409;
    }
    if (dav_depth(request, DEPTH_INFINITY) != DEPTH_INFINITY) {
        request_log(request, LOG_LEVEL_ERROR, 0, "\"Depth\" header must be infinity");
        return 400;
    }
    if (tree_remove(&target->place))
        return 204;
    return dav_failed(request, errno, 404, "rmdir()", target->path);
}

static int remove_file(struct request *request, const struct dav_target *target)
{
    enum dav_depth depth = dav_depth(request, DEPTH_0);

    if (depth != DEPTH_0 && depth != DEPTH_INFINITY) {
        request_log(request, LOG_LEVEL_ERROR, 0, "\"Depth\" header must be 0 or infinity");
        return 400;
    }
    if (unlinkat(target->place.folder, target->place.name, 0) == 0)
        return 204;
    return dav_failed(request, errno, 404, "unlink()", target->path);
}

static int delete (struct request *request)
{
    struct dav_target target;
    struct stat stat;

    if (dav_has_body(request, "DELETE with body is"))
        return 415;
    if (!is_deep_enough(request))
        return 409;
    if (!dav_map(request, request->uri, &target))
        return 500;
    int error = dav_find(&target, &stat), status;
    if (error != 0)
        status = dav_failed(request, error, error == ENOTDIR ? 409 : 404, "lstat()", target.path);
    else
        status =
            S_ISDIR(stat.st_mode) ? remove_folder(request, &target) : remove_file(request, &target);
    dav_close(&target);
    return status;
}

/* --- MKCOL --- */

static int make_collection(struct request *request)
{
    struct dav_target target;
    mode_t mode = dav_folder_mode(dav_settings(request)->access);

    if (dav_has_body(request, "MKCOL with body is"))
        return 415;
    if (!slice_ends(request->uri, SLICE("/"))) {
        request_log(request, LOG_LEVEL_ERROR, 0, "MKCOL can create a collection only");
        return 409;
    }
    if (!dav_map(request, request->uri, &target))
        return 500;
    if (!place_open(target.path, target.guard, target.text, &target.place))
        return dav_failed(request, errno, 409, "mkdir()", target.path);
    bool made = mkdirat(target.place.folder, target.place.name, mode) == 0 &&
                fchmodat(target.place.folder, target.place.name, mode, 0) == 0;
    place_close(&target.place);
    return made ? dav_created(request) : dav_failed(request, errno, 409, "mkdir()", target.path);
}

/* --- the handler --- */

int dav_handler(struct request *request)
{
    if ((dav_settings(request)->methods & 1U << request->method) == 0)
        return DECLINED;
    switch (request->method) {
    case METHOD_PUT:
        return dav_put(request);
    case METHOD_DELETE:
        return delete (request);
    case METHOD_MKCOL:
        return make_collection(request);
    case METHOD_COPY:
    case METHOD_MOVE:
        return dav_copy_or_move(request);
    default:
        return DECLINED;
    }
}

/* --- the directives --- */

/* dav_methods off | method ... */
static void set_methods(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                        const struct directive *directive, void *value)
{
    static const enum method known[] = { METHOD_PUT, METHOD_DELETE, METHOD_MKCOL, METHOD_COPY,
                                         METHOD_MOVE };
    uint32_t *methods = value;

    (void)scope;
    (void)directive;
    for (size_t i = 1; i < node->count; i++) {
        const struct word *word = &node->words[i];
        size_t place = 0;
        while (place < sizeof known / sizeof *known &&
               !slice_is_nocase(word->text, method_name(known[place])))
            place++;
        if (place < sizeof known / sizeof *known)
            *methods |= 1U << known[place];
        else if (!slice_is_nocase(word->text, "off"))
            conf_error(conf, word->at, "invalid value \"%.*s\"", (int)word->text.len,
                       word->text.at);
    }
}

static bool read_access(struct slice text, uint32_t *access, bool *has_user)
{
    static const struct {
        const char *who;
        unsigned shift;
    } whose[] = { { "user:", 6 }, { "group:", 3 }, { "all:", 0 } };

    for (size_t i = 0; i < sizeof whose / sizeof *whose; i++) {
        struct slice who = slice_of(whose[i].who);
        if (!slice_starts(text, who))
            continue;
        struct slice rights = slice_from(text, who.len);
        if (!slice_is(rights, "rw") && !slice_is(rights, "r"))
            return false;
        *access |= (rights.len == 2 ? 6U : 4U) << whose[i].shift;
        *has_user = *has_user || i == 0;
        return true;
    }
    return false;
}

/* dav_access users:permissions ...: the user may read and write if nothing else is said. */
static void set_access(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                       const struct directive *directive, void *value)
{
    uint32_t *access = value;
    bool has_user = false;

    (void)scope;
    (void)directive;
    *access = 0;
    for (size_t i = 1; i < node->count; i++)
        if (!read_access(node->words[i].text, access, &has_user))
            conf_error(conf, node->words[i].at, "invalid value \"%.*s\"",
                       (int)node->words[i].text.len, node->words[i].text.at);
    if (!has_user)
        *access |= 0600;
}

static const struct value_type as_methods = { "off | method ...", sizeof(uint32_t), set_methods };
static const struct value_type as_access = { "users:permissions ...", sizeof(uint32_t),
                                             set_access };

#define FIELD(name) offsetof(struct dav_settings, name)

static const struct directive dav_directives[] = {
    { "dav_methods", IN_HTTP_ALL, ARGS_FROM(1), &as_methods, FIELD(methods), "off",
      "methods that change files: PUT, DELETE, MKCOL, COPY, MOVE" },
    { "create_full_put_path", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(create_full_put_path), "off",
      "have PUT make the folders that are missing" },
    { "min_delete_depth", IN_HTTP_ALL, ARGS(1), &as_number, FIELD(min_delete_depth), "0",
      "names that the path of a DELETE must have at least" },
    { "dav_access", IN_HTTP_ALL, ARGS_BETWEEN(1, 3), &as_access, FIELD(access), "user:rw",
      "permissions of files and folders that are made" },
    { 0 },
};

#undef FIELD

const struct conf_module dav_module = {
    .name = "dav",
    .id = MODULE_DAV,
    .size = sizeof(struct dav_settings),
    .directives = dav_directives,
};
