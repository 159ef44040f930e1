#include "worker/handlers/limits.h"

#include "common/log.h"
#include "worker/http/request.h"
#include "worker/http/template.h"

enum { STATUS_MIN = 400, STATUS_MAX = 599 };

static void set_status(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                       const struct directive *directive, void *value)
{
    uint64_t *status = value;

    as_number.set(conf, scope, node, directive, value);
    if (*status < STATUS_MIN || *status > STATUS_MAX)
        conf_error(conf, node->words[1].at, "value must be between %d and %d", STATUS_MIN,
                   STATUS_MAX);
}

const struct value_type as_limit_status = { "code", sizeof(uint64_t), set_status };

const struct enum_type as_limit_level = {
    { "info | notice | warn | error", sizeof(int), enum_set },
    (const struct enum_choice[]){ { "info", LOG_LEVEL_INFO },
                                  { "notice", LOG_LEVEL_NOTICE },
                                  { "warn", LOG_LEVEL_WARN },
                                  { "error", LOG_LEVEL_ERROR },
                                  { 0 } },
};

bool limit_key(struct request *request, const struct template *template, size_t most,
               struct slice *key)
{
    if (!template_eval(request, template, key))
        return false;
    if (key->len <= most)
        return true;
    request_log(request, LOG_LEVEL_ERROR, 0,
                "the value of the \"%.*s\" key is more than %zu bytes: \"%.*s\"",
                (int)template->literal.len, template->literal.at, most, (int)key->len, key->at);
    key->len = 0;
    return true;
}

void limit_invalid(struct conf *conf, const struct word *word, const char *what)
{
    conf_error(conf, word->at, "invalid %s \"%.*s\"", what, (int)word->text.len, word->text.at);
}
