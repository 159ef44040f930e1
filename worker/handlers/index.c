/* The index file of a folder. */
#include "common/log.h"
#include "worker/handlers/file_cache.h"
#include "worker/handlers/handlers.h"
#include "worker/handlers/static.h"
#include "worker/http/core.h"
#include "worker/http/template.h"

#include <errno.h>

struct index_settings {
    struct array files; /* of struct template, in the order they are tried */
};

/* --- the directory --- */

static int not_found(struct request *request, struct slice path, int error)
{
    if (error == EACCES) {
        request_log(request, LOG_LEVEL_ERROR, error, "\"%.*s\" is forbidden", (int)path.len,
                    path.at);
        return 403;
    }
    if (http_settings(request)->log_not_found)
        request_log(request, LOG_LEVEL_ERROR, error, "\"%.*s\" is not found", (int)path.len,
                    path.at);
    return 404;
}

static int test_failed(struct request *request, struct slice path, int error)
{
    request_log(request, LOG_LEVEL_CRIT, error, "%s \"%.*s\" failed", file_test_call(request),
                (int)path.len, path.at);
    return 500;
}

/* The first index file is missing: is the folder there at all? DECLINED when it is. */
static int test_folder(struct request *request, struct slice folder, struct slice file)
{
    enum file_kind kind;

    if (folder.len > 1 && slice_ends(folder, SLICE("/")))
        folder.len--;
    const char *path = arena_cstr(&request->arena, folder);
    if (path == NULL)
        return 500;
    folder.at = path;
    int error = file_test(request, folder, &kind);
    if (error == ELOOP || error == EMLINK)
        return 403;
    if (error == ENOENT)
        return not_found(request, file, error);
    if (error == EACCES) /* it can be searched: the file's absence was told */
        return DECLINED;
    if (error != 0)
        return test_failed(request, folder, error);
    if (kind == FILE_DIRECTORY)
        return DECLINED;
    request_log(request, LOG_LEVEL_ALERT, 0, "\"%.*s\" is not a directory", (int)folder.len,
                folder.at);
    return 500;
}

/* --- the files --- */

/* A walk through the names. */
struct search {
    struct request *request;
    struct slice folder; /* the path of the URI */
    bool folder_tested;
};

/* Goes to the URI of an index file that is there. */
static int found(struct request *request, struct slice name)
{
    struct slice uri = arena_join(&request->arena, request->uri, name);

    return uri.at == NULL ? 500 : request_internal_redirect(request, uri, request->args);
}

/* DECLINED: the next name. */
static int file_missing(struct search *search, struct slice path, int error)
{
    if (error == ELOOP || error == EMLINK)
        return 403;
    if (error == ENOTDIR || error == ENAMETOOLONG || error == EACCES)
        return not_found(search->request, path, error);
    if (!search->folder_tested) {
        int outcome = test_folder(search->request, search->folder, path);
        if (outcome != DECLINED)
            return outcome;
        search->folder_tested = true;
    }
    return error == ENOENT ? DECLINED : test_failed(search->request, path, error);
}

static int try_name(struct search *search, const struct template *name)
{
    struct request *request = search->request;
    struct slice text, path;
    enum file_kind kind;

    if (!template_eval(request, name, &text))
        return 500;
    if (slice_starts(text, SLICE("/")))
        return request_internal_redirect(request, text, request->args);
    if (search->folder.at == NULL && !request_path(request, request->uri, &search->folder))
        return 500;
    path = arena_printf(&request->arena, "%.*s%.*s", (int)search->folder.len, search->folder.at,
                        (int)text.len, text.at);
    if (path.at == NULL)
        return 500;
    int error = file_test(request, path, &kind);
    return error == 0 ? found(request, text) : file_missing(search, path, error);
}

int index_handler(struct request *request)
{
    const struct index_settings *settings = request_settings(request, MODULE_INDEX);
    const struct template *names = settings->files.items;
    struct search search = { .request = request };

    if (!slice_ends(request->uri, SLICE("/")))
        return DECLINED;
    if (request->method != METHOD_GET && request->method != METHOD_HEAD &&
        request->method != METHOD_POST)
        return DECLINED;
    for (size_t i = 0; i < settings->files.count; i++) {
        int outcome = try_name(&search, &names[i]);
        if (outcome != DECLINED)
            return outcome;
    }
    return DECLINED;
}

/* --- the directive --- */

static void set_index(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                      const struct directive *directive, void *value)
{
    struct array *files = value;

    files->item_size = sizeof(struct template);
    for (size_t i = 1; i < node->count; i++) {
        const struct word *word = &node->words[i];
        struct template *file = array_push(files, conf->arena);
        if (file == NULL) {
            conf_error(conf, word->at, "no memory for this directive");
            return;
        }
        if (word->text.len == 0)
            conf_error(conf, word->at, "index \"\" in \"%s\" directive is invalid",
                       directive->name);
        else if (slice_starts(word->text, SLICE("/")) && i + 1 < node->count)
            conf_warn(conf, word->at, "only the last index in \"%s\" directive should be absolute",
                      directive->name);
        template_compile(conf, scope, word->at, word->text, file);
    }
}

static const struct value_type as_index = { "file ...", sizeof(struct array), set_index };

static const struct directive index_directives[] = {
    { "index", IN_HTTP_ALL, ARGS_REPEATED(1, 255), &as_index,
      offsetof(struct index_settings, files), "index.html",
      "files that answer for a folder, the first that is there" },
    { 0 },
};

const struct conf_module index_module = {
    .name = "index",
    .id = MODULE_INDEX,
    .size = sizeof(struct index_settings),
    .directives = index_directives,
};
