#include "common/log.h"
#include "conf/values.h"
#include "worker/handlers/handlers.h"
#include "worker/http/satisfy.h"

#include <sys/socket.h>

/* One allow or deny. */
struct access_rule {
    bool deny;
    bool all;            /* everybody, whatever the network */
    struct cidr network; /* or all unix sockets */
};

struct access_settings {
    struct array rules; /* of struct access_rule, in the order of the text */
};

/* --- reading the configuration --- */

/* "192.168.0.0/16", "::1", "unix:", "all"; false, with an error reported, when it is none. */
static bool read_rule(struct conf *conf, const struct word *word, struct access_rule *rule)
{
    rule->all = slice_is(word->text, "all");
    rule->network = (struct cidr){ .family = AF_UNIX };
    if (rule->all || slice_is(word->text, "unix:"))
        return true;
    if (value_network(conf, word, &rule->network))
        return true;
    conf_error(conf, word->at, "invalid parameter \"%.*s\"", (int)word->text.len, word->text.at);
    return false;
}

static void set_rule(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    struct array *rules = value;
    struct access_rule own = { .deny = strcmp(directive->name, "deny") == 0 };
    const struct word *word = &node->words[1];

    (void)scope;
    if (!read_rule(conf, word, &own))
        return;
    rules->item_size = sizeof own;
    struct access_rule *rule = array_push(rules, conf->arena);
    if (rule == NULL)
        conf_error(conf, word->at, "no memory for a rule");
    else
        *rule = own;
}

/* --- checking a client --- */

int access_handler(struct request *request)
{
    const struct access_settings *settings = request_settings(request, MODULE_ACCESS);
    const struct access_rule *rules = settings->rules.items;

    for (size_t i = 0; i < settings->rules.count; i++) {
        if (!rules[i].all && !cidr_contains(&rules[i].network, request->client))
            continue;
        if (!rules[i].deny)
            return ALLOWED;
        if (!access_any(request))
            request_log(request, LOG_LEVEL_ERROR, 0, "access forbidden by rule");
        return 403;
    }
    return DECLINED;
}

/* --- the table --- */

static const struct value_type as_rules = { "address[/bits] | unix: | all", sizeof(struct array),
                                            set_rule };

static const struct directive access_directives[] = {
    { "allow", IN_HTTP_ALL | IN_LIMIT_EXCEPT, ARGS_REPEATED(1, 1), &as_rules,
      offsetof(struct access_settings, rules), NULL, "let clients of an address or network in" },
    { "deny", IN_HTTP_ALL | IN_LIMIT_EXCEPT, ARGS_REPEATED(1, 1), &as_rules,
      offsetof(struct access_settings, rules), NULL, "answer clients of an address with 403" },
    { 0 },
};

const struct conf_module access_module = {
    .name = "access",
    .id = MODULE_ACCESS,
    .size = sizeof(struct access_settings),
    .directives = access_directives,
};
