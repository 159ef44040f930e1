#include "worker/cache/settings.h"

#include "worker/cache/cache.h"
#include "worker/http/request.h"
#include "worker/upstream/exchange_settings.h"

/* --- proxy_cache --- */

static void set_choice(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                       const struct directive *directive, void *value)
{
    struct cache_choice *choice = value;
    const struct word *word = &node->words[1];

    (void)directive;
    choice->on = !slice_is(word->text, "off");
    if (!choice->on || !template_compile(conf, scope, word->at, word->text, &choice->name))
        return;
    if (choice->name.constant)
        choice->zone = conf_zone(conf, word->at, word->text, 0, &cache_zones);
}

/* --- proxy_cache_valid --- */

/* What `proxy_cache_valid time` is about. */
static const unsigned usual_statuses[] = { 200, 301, 302 };

static void add_valid(struct conf *conf, const struct word *word, struct array *list,
                      unsigned status, uint64_t time)
{
    list->item_size = sizeof(struct cache_valid);
    struct cache_valid *valid = array_push(list, conf->arena);

    if (valid == NULL)
        conf_error(conf, word->at, "no memory for this status");
    else
        *valid = (struct cache_valid){ status, time };
}

/* [status ... | any] time */
static void set_valid(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                      const struct directive *directive, void *value)
{
    enum { STATUS_MIN = 100, STATUS_MAX = 599 };
    const struct word *last = &node->words[node->count - 1];
    uint64_t time, status;

    (void)scope;
    (void)directive;
    if (!value_parse_time(last->text, &time)) {
        conf_error(conf, last->at, "invalid time value \"%.*s\"", (int)last->text.len,
                   last->text.at);
        return;
    }
    if (node->count == 2) {
        for (size_t i = 0; i < sizeof usual_statuses / sizeof *usual_statuses; i++)
            add_valid(conf, last, value, usual_statuses[i], time);
        return;
    }
    for (const struct word *word = &node->words[1]; word < last; word++) {
        status = 0;
        if (!slice_is(word->text, "any") &&
            (!slice_to_number(word->text, STATUS_MAX, &status) || status < STATUS_MIN))
            conf_error(conf, word->at, "invalid status \"%.*s\"", (int)word->text.len,
                       word->text.at);
        else
            add_valid(conf, word, value, (unsigned)status, time);
    }
}

int64_t cache_valid_time(const struct cache_settings *settings, unsigned status)
{
    const struct cache_valid *items = settings->valid.items;

    for (size_t i = 0; i < settings->valid.count; i++)
        if (items[i].status == 0 || items[i].status == status)
            return (int64_t)(items[i].time / 1000);
    return 0;
}

/* --- words that are bits --- */

static void set_use_stale(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                          const struct directive *directive, void *value)
{
    static const struct bit_word words[] = {
        { "error", NEXT_ERROR },
        { "timeout", NEXT_TIMEOUT },
        { "invalid_header", NEXT_INVALID_HEADER },
        { "updating", NEXT_UPDATING },
        { "http_500", NEXT_HTTP_500 },
        { "http_502", NEXT_HTTP_502 },
        { "http_503", NEXT_HTTP_503 },
        { "http_504", NEXT_HTTP_504 },
        { "http_403", NEXT_HTTP_403 },
        { "http_404", NEXT_HTTP_404 },
        { "http_429", NEXT_HTTP_429 },
        { "off", NEXT_OFF },
        { NULL, 0 },
    };
    uint32_t *bits = value;

    (void)scope;
    (void)directive;
    set_bit_words(conf, node, words, bits);
    if ((*bits & NEXT_OFF) != 0)
        *bits = 0;
}

/* GET and HEAD are always among them. */
static void set_methods(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                        const struct directive *directive, void *value)
{
    static const struct bit_word words[] = {
        { "GET", 1U << METHOD_GET },
        { "HEAD", 1U << METHOD_HEAD },
        { "POST", 1U << METHOD_POST },
        { NULL, 0 },
    };
    uint32_t *bits = value;

    (void)scope;
    (void)directive;
    *bits = 1U << METHOD_GET | 1U << METHOD_HEAD;
    set_bit_words(conf, node, words, bits);
}

const struct value_type as_cache_choice = { "zone | off", sizeof(struct cache_choice), set_choice };
const struct value_type as_cache_valid = { "[status ...] time", sizeof(struct array), set_valid };
const struct value_type as_cache_use_stale = { "error | timeout | updating | ...", sizeof(uint32_t),
                                               set_use_stale };
const struct value_type as_cache_methods = { "GET | HEAD | POST", sizeof(uint32_t), set_methods };

/* --- all together --- */

void cache_settings_check(struct conf *conf, struct conf_scope *scope,
                          const struct cache_settings *settings, const char *prefix, bool has_key)
{
    const struct cache_choice *choice = &settings->choice;
    struct position at = { 0 };

    if (!choice->on)
        return;
    if (scope->node != NULL)
        at = scope->node->words[0].at;
    if (choice->zone != NULL && choice->zone->owner == NULL)
        conf_error(conf, at, "\"%s_cache\" zone \"%.*s\" is unknown", prefix,
                   (int)choice->zone->name.len, choice->zone->name.at);
    if (!has_key && settings->key.literal.at == NULL)
        conf_error(conf, at, "no \"%s_cache_key\" for \"%s_cache\"", prefix, prefix);
}
