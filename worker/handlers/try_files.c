/* The first of several files that is there. */
#include "common/log.h"
#include "worker/handlers/file_cache.h"
#include "worker/handlers/handlers.h"
#include "worker/handlers/static.h"
#include "worker/http/core.h"
#include "worker/http/template.h"
#include "worker/http/uri.h"

#include <errno.h>

/* A file or folder to look for. */
struct candidate {
    struct template name;
    bool folder; /* it ended in '/' */
};

struct try_files_settings {
    struct try_files_value {
        struct array candidates;  /* of struct candidate; item_size 0: no try_files */
        struct template fallback; /* where to when none is there: "@name" or a URI */
        int status;               /* or "=status"; 0: the fallback */
    } files;
};

enum { STATUS_MAX = 999 };

/* --- the search --- */

/* The name of a candidate or of the fallback. With alias, a name that begins with the
 * location's is one of $uri's kind: the alias stands for that part. */
static bool eval_name(struct request *request, const struct template *template, struct slice *name)
{
    const struct root_value *root = &static_settings(request)->root;

    if (!template_eval(request, template, name))
        return false;
    if (root->kind != ROOT_ALIAS || template->constant)
        return true;
    struct slice replaced = slice_first(request->uri, root->replaced);
    if (slice_starts(*name, replaced))
        *name = slice_from(*name, replaced.len);
    return true;
}

enum presence { ABSENT, THERE, UNKNOWN };

/* What is refused counts as absent; where the machine cannot look (memory, descriptors, a disk
 * that fails) another candidate would be somebody else's answer. */
static enum presence look(struct request *request, const struct candidate *candidate,
                          struct slice path)
{
    enum file_kind kind;
    int error = file_test(request, path, &kind);

    switch (error) {
    case 0:
        return (kind == FILE_DIRECTORY) == candidate->folder ? THERE : ABSENT;
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
        return ABSENT;
    default:
        request_log(request, LOG_LEVEL_CRIT, error, "%s \"%.*s\" failed", file_test_call(request),
                    (int)path.len, path.at);
        return error == ENOMEM || error == EMFILE || error == ENFILE || error == EIO ? UNKNOWN
                                                                                     : ABSENT;
    }
}

/* The URI becomes the one of the file that was found. */
static int take(struct request *request, struct slice name)
{
    const struct root_value *root = &static_settings(request)->root;
    struct slice uri = name;

    if (root->kind == ROOT_ALIAS)
        uri = arena_join(&request->arena, slice_first(request->uri, root->replaced), name);
    if (uri.at == NULL)
        return 500;
    request->uri = uri;
    request->below_alias = root->kind == ROOT_ALIAS_WHOLE;
    return DECLINED;
}

/* DECLINED with request->uri changed, or a status; *next: it is not there. */
static int try_candidate(struct request *request, const struct candidate *candidate,
                         struct slice root, bool *next)
{
    struct slice name;

    *next = false;
    if (!eval_name(request, &candidate->name, &name))
        return 500;
    struct slice path =
        arena_printf(&request->arena, "%.*s%.*s", (int)root.len, root.at, (int)name.len, name.at);
    if (path.at == NULL)
        return 500;
    enum presence presence = uri_goes_up(name) ? ABSENT : look(request, candidate, path);
    if (presence == THERE)
        return take(request, name);
    *next = presence == ABSENT;
    return presence == ABSENT ? DECLINED : 500;
}

static int fall_back(struct request *request, const struct try_files_value *files)
{
    struct slice target, args = SLICE("");

    if (files->status != 0)
        return files->status;
    if (!eval_name(request, &files->fallback, &target))
        return 500;
    if (slice_starts(target, SLICE("@")))
        return request_named_location(request, target);
    ptrdiff_t question = slice_find(target, '?');
    if (question >= 0) {
        args = slice_from(target, (size_t)question + 1);
        target.len = (size_t)question;
    }
    return request_internal_redirect(request, target, args);
}

int try_files_handler(struct request *request)
{
    const struct try_files_settings *settings = request_settings(request, MODULE_TRY_FILES);
    const struct try_files_value *files = &settings->files;
    const struct candidate *candidates = files->candidates.items;
    struct slice root;
    bool next;

    if (files->candidates.item_size == 0)
        return DECLINED;
    if (!request_document_root(request, &root))
        return 500;
    for (size_t i = 0; i < files->candidates.count; i++) {
        int outcome = try_candidate(request, &candidates[i], root, &next);
        if (!next)
            return outcome;
    }
    return fall_back(request, files);
}

/* --- the directive --- */

static bool add_candidate(struct conf *conf, struct conf_scope *scope, const struct word *word,
                          struct array *candidates)
{
    struct candidate *candidate = array_push(candidates, conf->arena);
    struct slice text = word->text;

    if (candidate == NULL)
        return false;
    candidate->folder = slice_ends(text, SLICE("/"));
    if (candidate->folder)
        text.len--;
    template_compile(conf, scope, word->at, text, &candidate->name);
    return true;
}

static void set_fallback(struct conf *conf, struct conf_scope *scope, const struct word *word,
                         struct try_files_value *files)
{
    uint64_t status = 0;

    if (!slice_starts(word->text, SLICE("="))) {
        template_compile(conf, scope, word->at, word->text, &files->fallback);
        return;
    }
    if (!slice_to_number(slice_from(word->text, 1), STATUS_MAX, &status) || status == 0)
        conf_error(conf, word->at, "invalid code \"%.*s\"", (int)word->text.len, word->text.at);
    files->status = (int)status;
}

/* try_files file ... uri | =code */
static void set_try_files(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                          const struct directive *directive, void *value)
{
    struct try_files_value *files = value;

    (void)directive;
    files->candidates.item_size = sizeof(struct candidate);
    for (size_t i = 1; i + 1 < node->count; i++)
        if (!add_candidate(conf, scope, &node->words[i], &files->candidates)) {
            conf_error(conf, node->words[i].at, "no memory for this directive");
            return;
        }
    set_fallback(conf, scope, &node->words[node->count - 1], files);
}

static const struct value_type as_try_files = { "file ... uri | =code",
                                                sizeof(struct try_files_value), set_try_files };

static const struct directive try_files_directives[] = {
    { "try_files",
      IN_SERVER | IN_LOCATION,
      { 2, 255, MANNER_LOCAL },
      &as_try_files,
      offsetof(struct try_files_settings, files),
      NULL,
      "the first of these files that is there answers; else the last one's URI or code" },
    { 0 },
};

const struct conf_module try_files_module = {
    .name = "try_files",
    .id = MODULE_TRY_FILES,
    .size = sizeof(struct try_files_settings),
    .directives = try_files_directives,
};
