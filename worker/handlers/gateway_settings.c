/* What the directives of FastCGI, uwsgi and SCGI have alike. */
#include "worker/handlers/gateway.h"

/* --- fastcgi_param --- */

static void set_param(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                      const struct directive *directive, void *value)
{
    struct array *params = value;
    bool conditional = node->count == 4;

    (void)directive;
    params->item_size = sizeof(struct gateway_param);
    if (conditional && !slice_is(node->words[3].text, "if_not_empty")) {
        conf_error(conf, node->words[3].at, "invalid parameter \"%.*s\"",
                   (int)node->words[3].text.len, node->words[3].text.at);
        return;
    }
    struct gateway_param *param = array_push(params, conf->arena);
    if (param == NULL) {
        conf_error(conf, node->words[0].at, "no memory for this parameter");
        return;
    }
    param->name = node->words[1].text;
    param->if_not_empty = conditional;
    template_compile(conf, scope, node->words[2].at, node->words[2].text, &param->value);
}

const struct value_type as_gateway_params = { "name value [if_not_empty]", sizeof(struct array),
                                              set_param };

/* --- fastcgi_pass --- */

bool gateway_has_port(struct slice address)
{
    ptrdiff_t colon = slice_find_last(address, ':');

    return slice_starts(address, SLICE("unix:")) ||
           (colon >= 0 && colon > slice_find_last(address, ']'));
}

void gateway_set_pass(struct conf *conf, struct conf_scope *scope, const struct word *word,
                      struct slice address, struct gateway_settings *settings,
                      content_handler *handler)
{
    struct location *location = scope->owner;

    if (!template_compile(conf, scope, word->at, address, &settings->pass))
        return;
    http_set_handler(conf, scope, handler);
    settings->passes = true;
    settings->at = word->at;
    if (scope->context == IN_LOCATION && slice_ends(location->name, SLICE("/")))
        location->auto_redirect = true;
}

/* --- all together --- */

/* `if` in a location passes to where the location does. */
static void inherit_pass(struct conf_scope *scope, const struct conf_module *module,
                         struct gateway_settings *settings)
{
    if (settings->passes || (scope->context != IN_LOCATION_IF && scope->context != IN_LIMIT_EXCEPT))
        return;
    const struct gateway_settings *outer = conf_settings(scope->parent, module);
    settings->passes = outer->passes;
    settings->pass = outer->pass;
    settings->group = outer->group;
    settings->at = outer->at;
}

void gateway_check(struct conf *conf, struct conf_scope *scope, const struct conf_module *module,
                   struct gateway_settings *settings, const char *prefix)
{
    exchange_settings_check(conf, scope, &settings->exchange, prefix);
    inherit_pass(scope, module, settings);
    if (!settings->passes || !settings->pass.constant || settings->group != NULL)
        return;
    struct slice address = settings->pass.literal;
    settings->group = group_find(http_of(scope)->upstreams, address);
    if (settings->group == NULL && !gateway_has_port(address))
        conf_error(conf, settings->at, "no port in upstream \"%.*s\"", (int)address.len,
                   address.at);
    else if (settings->group == NULL)
        settings->group = group_of_address(conf, scope, settings->at, address, 0);
}
