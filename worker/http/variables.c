#include "worker/http/variables.h"

#include "conf/suggest.h"
#include "worker/http/core.h"

static const struct variable *const tables[] = {
    core_variables,     connection_variables, header_variables,    response_variables,
    gzip_variables,     status_variables,     limit_req_variables, limit_conn_variables,
    upstream_variables, referer_variables,    cache_variables,     secure_link_variables,
    fastcgi_variables
};

enum { TABLES = sizeof tables / sizeof *tables, NAME_MAX_LEN = 256 };

static bool is_prefix(const struct variable *variable)
{
    return variable->name[strlen(variable->name) - 1] == '_';
}

/* A whole name goes before a prefix: $http_cookie is not found among $http_*. */
const struct variable *variable_find(struct slice name, struct slice *argument)
{
    const struct variable *prefixed = NULL;

    *argument = (struct slice){ NULL, 0 };
    for (size_t i = 0; i < TABLES; i++)
        for (const struct variable *variable = tables[i]; variable->name != NULL; variable++) {
            struct slice known = slice_of(variable->name);
            if (slice_equal(known, name))
                return variable;
            if (is_prefix(variable) && name.len > known.len && slice_starts(name, known))
                prefixed = variable;
        }
    if (prefixed != NULL)
        *argument = slice_from(name, strlen(prefixed->name));
    return prefixed;
}

variable_setter *variable_find_setter(struct slice name)
{
    for (const struct settable_variable *variable = settable_variables; variable->name != NULL;
         variable++)
        if (slice_is_nocase(name, variable->name))
            return variable->set;
    return NULL;
}

struct slice variable_known(size_t index)
{
    for (size_t i = 0; i < TABLES; i++)
        for (const struct variable *variable = tables[i]; variable->name != NULL; variable++)
            if (index-- == 0)
                return slice_of(variable->name);
    return (struct slice){ NULL, 0 };
}

static struct slice name_at(const void *context, size_t index)
{
    (void)context;
    return variable_known(index);
}

static size_t name_count(void)
{
    size_t count = 0;

    for (size_t i = 0; i < TABLES; i++)
        for (const struct variable *variable = tables[i]; variable->name != NULL; variable++)
            count++;
    return count;
}

struct slice variable_suggest(struct slice name)
{
    return suggest_nearest(name, name_count(), name_at, NULL);
}

static bool name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

enum variable_name_result variable_name_read(struct slice text, size_t *at, struct slice *name)
{
    size_t i = *at + 1;
    bool brace = i < text.len && text.at[i] == '{';
    size_t start = brace ? i + 1 : i;

    for (i = start; i < text.len && name_byte(text.at[i]); i++)
        ;
    *name = slice_make(text.at + start, i - start);
    if (brace && start == text.len)
        return VARIABLE_NAME_MISSING;
    if (brace && (i == text.len || text.at[i] != '}'))
        return VARIABLE_BRACE_MISSING;
    *at = brace ? i + 1 : i;
    return name->len == 0 ? VARIABLE_NAME_MISSING : VARIABLE_NAME;
}

struct slice variable_name_of(struct conf *conf, const struct word *word)
{
    if (slice_starts(word->text, SLICE("$")))
        return slice_from(word->text, 1);
    conf_error(conf, word->at, "invalid variable name \"%.*s\"", (int)word->text.len,
               word->text.at);
    return (struct slice){ NULL, 0 };
}

bool variable_resolve(struct conf *conf, struct conf_scope *scope, struct position at,
                      struct slice name, struct variable_use *use)
{
    char *lower = arena_text(conf->arena, name.len);
    struct slice argument;

    *use = (struct variable_use){ 0 };
    if (lower == NULL)
        goto no_memory;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = ascii_lower(name.at[i]);
    struct slice known = slice_make(lower, name.len);
    const struct variable *builtin = variable_find(known, &argument);
    if (builtin != NULL && argument.len == 0) {
        use->get = builtin->get;
        return true;
    }
    /* A name that users define goes before a prefix: (?<arg_x>...) hides ?x=. */
    use->user = variable_user(conf, scope, at, known, builtin, argument);
    if (use->user != NULL)
        return true;
    if (http_of(scope) == NULL)
        return false;

no_memory:
    conf_error(conf, at, "no memory for this variable");
    return false;
}

bool variable_value(struct request *request, const struct variable_use *use, struct slice *value)
{
    if (use->get != NULL)
        return use->get(request, (struct slice){ NULL, 0 }, value);
    return variable_user_value(request, use->user, value);
}

bool variable_get(struct request *request, struct slice name, struct slice *value)
{
    char lower[NAME_MAX_LEN];
    struct slice argument;

    if (name.len > sizeof lower)
        return false;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = ascii_lower(name.at[i]);
    struct slice known = slice_make(lower, name.len);
    const struct user_variable *user = variable_names_find(request->server->http->names, known);
    if (user != NULL)
        return variable_user_value(request, user, value);
    const struct variable *builtin = variable_find(known, &argument);
    return builtin != NULL && builtin->get(request, argument, value);
}
