#include "worker/http/capture.h"

#include "conf/values.h"
#include "worker/context.h"
#include "worker/http/request.h"
#include "worker/http/variables.h"

#include <limits.h>

/* The variables of the named groups; NULL when no group has a name. */
static bool name_groups(struct conf *conf, struct conf_scope *scope, struct position at,
                        struct capture_regex *compiled)
{
    unsigned groups = regex_groups(compiled->regex);

    compiled->variables = NULL;
    for (unsigned group = 1; group < groups; group++) {
        struct slice name = regex_group_name(compiled->regex, group);
        if (name.len == 0)
            continue;
        if (compiled->variables == NULL) {
            compiled->variables = arena_alloc(conf->arena, groups * sizeof(unsigned));
            if (compiled->variables == NULL)
                return false;
            memset(compiled->variables, 0xff, groups * sizeof(unsigned));
        }
        compiled->variables[group] = variable_index(conf, scope, at, name, true);
    }
    return true;
}

/* What to write instead of what no regex of ours can do. */
static struct slice way_round(const struct regex_error *error)
{
    if (error->message != NULL && slice_starts(slice_of(error->message), SLICE("look-")))
        return SLICE("match what it leaves out in a location or rule before this one");
    return SLICE("");
}

bool capture_compile(struct conf *conf, struct conf_scope *scope, struct position at,
                     struct slice pattern, bool nocase, struct capture_regex *compiled)
{
    struct regex_error error = { 0 };

    *compiled = (struct capture_regex){ 0 };
    compiled->regex = conf_regex(conf, pattern, nocase, &error);
    if (compiled->regex == NULL) {
        conf_message_add(&conf->messages, CONF_EMERG, at, way_round(&error),
                         "%s in regex \"%.*s\" at byte %zu",
                         error.message != NULL ? error.message : "no memory", (int)pattern.len,
                         pattern.at, error.at + 1);
        return false;
    }
    return name_groups(conf, scope, at, compiled);
}

static bool keep_captures(struct request *request, const struct slice *found, unsigned groups)
{
    if (groups <= 1) {
        request->captures = NULL;
        return true;
    }
    if (request->captures == NULL) {
        request->captures =
            arena_alloc(&request->arena, REQUEST_CAPTURES_MAX * sizeof *request->captures);
        if (request->captures == NULL)
            return false;
    }
    for (unsigned i = 0; i < REQUEST_CAPTURES_MAX; i++)
        request->captures[i] = i < groups ? found[i] : (struct slice){ NULL, 0 };
    return true;
}

enum capture_result capture_match(struct request *request, const struct capture_regex *compiled,
                                  struct slice text)
{
    struct slice found[REGEX_GROUPS_MAX];
    unsigned groups = regex_groups(compiled->regex);
    bool wanted = groups > 1;

    if (!regex_match(compiled->regex, &request->worker->regex, text, wanted ? found : NULL,
                     wanted ? groups : 0))
        return CAPTURE_NO_MATCH;
    if (!keep_captures(request, found, groups))
        return CAPTURE_NO_MEMORY;
    if (compiled->variables == NULL)
        return CAPTURE_MATCH;
    for (unsigned group = 1; group < groups; group++) {
        unsigned index = compiled->variables[group];
        if (index != UINT_MAX && !request_set_variable(request, index, found[group]))
            return CAPTURE_NO_MEMORY;
    }
    return CAPTURE_MATCH;
}
