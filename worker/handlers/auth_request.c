/* auth_request: a subrequest says whether a client is let in. */
#include "common/log.h"
#include "conf/values.h"
#include "worker/handlers/handlers.h"
#include "worker/http/subrequest.h"
#include "worker/http/template.h"
#include "worker/http/variables.h"

#include <limits.h>

/* One auth_request_set. */
struct answer_variable {
    variable_setter *set; /* of a built-in variable that can be set: $args ...; or NULL */
    unsigned index;
    struct template value;
};

struct auth_request_settings {
    struct slice uri;       /* empty: off */
    struct array variables; /* of struct answer_variable */
};

/* --- the answer --- */

/* What of a WWW-Authenticate the client needs to know; the values must outlive what the
 * subrequest's handler holds. */
static bool copy_challenges(struct request *request, const struct response *answer)
{
    const struct response_field *fields = answer->fields.items;

    for (size_t i = 0; i < answer->fields.count; i++) {
        if (!slice_is_nocase(fields[i].name, "WWW-Authenticate"))
            continue;
        struct slice value = arena_copy(&request->arena, fields[i].value);
        if (value.at == NULL || !response_add(request, SLICE("WWW-Authenticate"), value))
            return false;
    }
    return true;
}

static bool assign(struct request *request, const struct answer_variable *variable,
                   struct slice value)
{
    return variable->set != NULL ? variable->set(request, value)
                                 : request_set_variable(request, variable->index, value);
}

/* The variables are those of both requests; their values are the subrequest's. */
static bool set_variables(struct request *request, struct request *answer)
{
    const struct auth_request_settings *settings = request_settings(request, MODULE_AUTH_REQUEST);
    const struct answer_variable *variables = settings->variables.items;
    struct slice value;

    for (size_t i = 0; i < settings->variables.count; i++) {
        if (!template_eval(answer, &variables[i].value, &value))
            return false;
        value = arena_copy(&request->arena, value);
        if (value.at == NULL || !assign(request, &variables[i], value))
            return false;
    }
    return true;
}

static int judge(struct request *request, struct request *answer)
{
    unsigned status = answer->response.status;

    if (answer->silent) /* 444: the client is not answered either */
        return (int)status;
    if (!set_variables(request, answer))
        return 500;
    if (status == 401 && !copy_challenges(request, &answer->response))
        return 500;
    if (status == 401 || status == 403)
        return (int)status;
    if (status >= 200 && status < 300)
        return ALLOWED;
    request_log(request, LOG_LEVEL_ERROR, 0, "auth request unexpected status: %u", status);
    return 500;
}

/* --- the question --- */

static void answered(struct request *subrequest)
{
    request_resume(subrequest->subrequest->parent);
}

static bool ask(struct request *request, struct slice uri)
{
    request->authorization =
        subrequest_start(request, &(struct subrequest_wish){ .uri = uri, .done = answered });
    return request->authorization != NULL;
}

int auth_request_handler(struct request *request)
{
    const struct auth_request_settings *settings = request_settings(request, MODULE_AUTH_REQUEST);

    if (settings->uri.len == 0)
        return DECLINED;
    if (request->authorization == NULL && !ask(request, settings->uri))
        return 500;
    if (!subrequest_is_done(request->authorization))
        return AGAIN;
    int outcome = judge(request, request->authorization);
    subrequest_end(request->authorization);
    return outcome;
}

/* --- the directives --- */

/* auth_request uri | off */
static void set_uri(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                    const struct directive *directive, void *value)
{
    struct slice *uri = value;

    (void)conf;
    (void)scope;
    (void)directive;
    if (!slice_is(node->words[1].text, "off"))
        *uri = node->words[1].text;
}

/* auth_request_set $variable value */
static void set_variable(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                         const struct directive *directive, void *value)
{
    struct array *variables = value;
    struct answer_variable own;
    const struct word *words = node->words;

    (void)directive;
    struct slice name = variable_name_of(conf, &words[1]);
    if (name.len == 0)
        return;
    own.set = variable_find_setter(name);
    own.index = own.set != NULL ? 0 : variable_index(conf, scope, words[1].at, name, true);
    if (own.index == UINT_MAX ||
        !template_compile(conf, scope, words[2].at, words[2].text, &own.value))
        return;
    variables->item_size = sizeof own;
    struct answer_variable *variable = array_push(variables, conf->arena);
    if (variable == NULL)
        conf_error(conf, words[0].at, "no memory for a variable");
    else
        *variable = own;
}

static const struct value_type as_uri_or_off = { "uri | off", sizeof(struct slice), set_uri };
static const struct value_type as_variables = { "$variable value", sizeof(struct array),
                                                set_variable };

static const struct directive auth_request_directives[] = {
    { "auth_request", IN_HTTP_ALL, ARGS(1), &as_uri_or_off,
      offsetof(struct auth_request_settings, uri), "off",
      "let clients in when a subrequest to this URI is answered with 2xx" },
    { "auth_request_set", IN_HTTP_ALL, ARGS_REPEATED(2, 2), &as_variables,
      offsetof(struct auth_request_settings, variables), NULL,
      "give a variable a value made of that subrequest's answer" },
    { 0 },
};

const struct conf_module auth_request_module = {
    .name = "auth_request",
    .id = MODULE_AUTH_REQUEST,
    .size = sizeof(struct auth_request_settings),
    .directives = auth_request_directives,
};
