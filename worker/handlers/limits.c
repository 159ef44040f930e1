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

bool limit_status_name(unsigned status, const char *const names[], struct slice *value)
{
    if (status == 0)
        return false;
    *value = slice_of(names[status]);
    return true;
}

static const struct zone *zone_of(const void *limit)
{
    return *(const struct zone *const *)limit;
}

void limit_add(struct conf *conf, const struct conf_node *node, struct array *limits,
               const void *limit, size_t size)
{
    const struct word *name = &node->words[0];
    const char *others = limits->items;

    for (size_t i = 0; i < limits->count; i++)
        if (zone_of(others + i * size) == zone_of(limit)) {
            conf_error(conf, name->at, "\"%.*s\" directive is duplicate", (int)name->text.len,
                       name->text.at);
            return;
        }
    limits->item_size = size;
    void *place = array_push(limits, conf->arena);
    if (place == NULL)
        conf_error(conf, name->at, "no memory for a limit");
    else
        memcpy(place, limit, size);
}

void limit_invalid(struct conf *conf, const struct word *word, const char *what)
{
    conf_error(conf, word->at, "invalid %s \"%.*s\"", what, (int)word->text.len, word->text.at);
}
