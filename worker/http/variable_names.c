#include "common/log.h"
#include "worker/http/core.h"
#include "worker/http/name_map.h"
#include "worker/http/variables.h"

#include <limits.h>

struct user_variable {
    struct slice name;
    struct position at; /* of the first use */
    unsigned index;
    bool defined;
    bool every_time;            /* is computed anew for each use */
    variable_computer *compute; /* NULL: has only the value that a request was given */
    const void *data;
    const struct variable *builtin; /* by prefix, where no user defines the name */
    struct slice argument;          /* of the builtin */
};

/* User variables of one http block. */
struct variable_names {
    struct name_map by_name;
    struct array list; /* of struct user_variable *, by index */
};

struct variable_names *variable_names_new(struct arena *arena)
{
    struct variable_names *names = arena_zalloc(arena, sizeof *names);

    if (names != NULL)
        names->list.item_size = sizeof(struct user_variable *);
    return names;
}

/* A copy of the name in lower case. */
static struct slice lower_copy(struct arena *arena, struct slice name)
{
    char *copy = arena_text(arena, name.len);

    if (copy == NULL)
        return (struct slice){ NULL, 0 };
    for (size_t i = 0; i < name.len; i++)
        copy[i] = ascii_lower(name.at[i]);
    return slice_make(copy, name.len);
}

static struct user_variable *add(struct arena *arena, struct variable_names *names,
                                 struct slice name, struct position at)
{
    struct user_variable *variable = arena_zalloc(arena, sizeof *variable);
    struct user_variable **place =
        variable == NULL ? NULL : array_push(&names->list, arena); /* which has no holes */

    if (place == NULL)
        return NULL;
    *variable =
        (struct user_variable){ .name = name, .at = at, .index = (unsigned)names->list.count - 1 };
    *place = variable;
    if (!name_map_put(&names->by_name, arena, name_hash(name), name, variable))
        return NULL;
    return variable;
}

/* Only variables that may be set can be defined again; the capture is then as
 * invisible as it is in nginx. */
static bool may_define(struct slice name)
{
    struct slice argument;
    const struct variable *builtin = variable_find(name, &argument);

    return builtin == NULL || argument.len > 0 || slice_is(name, "args") ||
           slice_is(name, "limit_rate");
}

/* The variable of the name in lower case, made on first use. NULL when memory is out or,
 * reported, outside of http. */
static struct user_variable *find_or_add(struct conf *conf, struct conf_scope *scope,
                                         struct position at, struct slice lower)
{
    struct http *http = http_of(scope);

    if (http == NULL) {
        conf_error(conf, at, "unknown \"%.*s\" variable", (int)lower.len, lower.at);
        return NULL;
    }
    struct user_variable *variable = name_map_get(&http->names->by_name, name_hash(lower), lower);
    return variable != NULL ? variable : add(conf->arena, http->names, lower, at);
}

static struct user_variable *define(struct conf *conf, struct conf_scope *scope, struct position at,
                                    struct slice lower)
{
    if (!may_define(lower)) {
        conf_error(conf, at, "the duplicate \"%.*s\" variable", (int)lower.len, lower.at);
        return NULL;
    }
    struct user_variable *variable = find_or_add(conf, scope, at, lower);
    if (variable != NULL)
        variable->defined = true;
    return variable;
}

unsigned variable_index(struct conf *conf, struct conf_scope *scope, struct position at,
                        struct slice name, bool defined)
{
    struct slice lower = lower_copy(conf->arena, name);

    if (lower.at == NULL)
        return UINT_MAX;
    struct user_variable *variable =
        defined ? define(conf, scope, at, lower) : find_or_add(conf, scope, at, lower);
    return variable == NULL ? UINT_MAX : variable->index;
}

bool variable_define(struct conf *conf, struct conf_scope *scope, struct position at,
                     struct slice name, variable_computer *compute, const void *data,
                     bool every_time)
{
    struct slice lower = lower_copy(conf->arena, name);

    if (lower.at == NULL)
        return false;
    struct user_variable *variable = define(conf, scope, at, lower);
    if (variable == NULL)
        return false;
    variable->compute = compute;
    variable->data = data;
    variable->every_time = every_time;
    return true;
}

unsigned variable_settable(struct conf *conf, struct conf_scope *scope, struct position at,
                           struct slice name, variable_computer *compute, const void *data)
{
    struct slice lower = lower_copy(conf->arena, name);

    if (lower.at == NULL)
        return UINT_MAX;
    struct user_variable *variable = define(conf, scope, at, lower);
    if (variable == NULL)
        return UINT_MAX;
    if (variable->compute == NULL) {
        variable->compute = compute;
        variable->data = data;
    }
    return variable->index;
}

const struct user_variable *variable_user(struct conf *conf, struct conf_scope *scope,
                                          struct position at, struct slice name,
                                          const struct variable *builtin, struct slice argument)
{
    struct user_variable *variable = find_or_add(conf, scope, at, name);

    if (variable != NULL) {
        variable->builtin = builtin;
        variable->argument = argument;
    }
    return variable;
}

/* Variables may be computed from each other in a circle. */
static bool compute(struct request *request, const struct user_variable *variable,
                    struct slice *value)
{
    if (request->variable_depth == VARIABLE_DEPTH_MAX) {
        request_log(request, LOG_LEVEL_ERROR, 0, "cycle while evaluating variable \"%.*s\"",
                    (int)variable->name.len, variable->name.at);
        return false;
    }
    request->variable_depth++;
    bool has_value = variable->compute(request, variable->data, value);
    request->variable_depth--;
    return has_value &&
           (variable->every_time || request_set_variable(request, variable->index, *value));
}

bool variable_user_value(struct request *request, const struct user_variable *variable,
                         struct slice *value)
{
    if (request->user_set != NULL && request->user_set[variable->index]) {
        *value = request->user_values[variable->index];
        return true;
    }
    if (variable->compute != NULL)
        return compute(request, variable, value);
    return variable->builtin != NULL && !variable->defined &&
           variable->builtin->get(request, variable->argument, value);
}

unsigned variable_count(const struct request *request)
{
    return (unsigned)request->server->http->names->list.count;
}

const struct user_variable *variable_names_find(const struct variable_names *names,
                                                struct slice name)
{
    return name_map_get(&names->by_name, name_hash(name), name);
}

void variables_check(struct conf *conf, struct conf_scope *scope)
{
    const struct http *http = http_of(scope);
    struct user_variable *const *variables = http->names->list.items;

    for (size_t i = 0; i < http->names->list.count; i++) {
        const struct user_variable *variable = variables[i];
        if (variable->defined || variable->builtin != NULL)
            continue;
        conf_error_hint(conf, variable->at, variable_suggest(variable->name),
                        "unknown \"%.*s\" variable", (int)variable->name.len, variable->name.at);
    }
}
