#include "worker/upstream/exchange_settings.h"

/* --- words that are bits --- */

void set_bit_words(struct conf *conf, const struct conf_node *node, const struct bit_word *words,
                   uint32_t *bits)
{
    for (size_t i = 1; i < node->count; i++) {
        const struct bit_word *known = words;
        while (known->word != NULL && !slice_is_nocase(node->words[i].text, known->word))
            known++;
        if (known->word == NULL)
            conf_error(conf, node->words[i].at, "invalid value \"%.*s\"",
                       (int)node->words[i].text.len, node->words[i].text.at);
        *bits |= known->bit;
    }
}

static void set_next_upstream(struct conf *conf, struct conf_scope *scope,
                              const struct conf_node *node, const struct directive *directive,
                              void *value)
{
    static const struct bit_word words[] = {
        { "error", NEXT_ERROR },
        { "timeout", NEXT_TIMEOUT },
        { "invalid_header", NEXT_INVALID_HEADER },
        { "http_500", NEXT_HTTP_500 },
        { "http_502", NEXT_HTTP_502 },
        { "http_503", NEXT_HTTP_503 },
        { "http_504", NEXT_HTTP_504 },
        { "http_403", NEXT_HTTP_403 },
        { "http_404", NEXT_HTTP_404 },
        { "http_429", NEXT_HTTP_429 },
        { "non_idempotent", NEXT_NON_IDEMPOTENT },
        { "updating", 0 }, /* of the cache's stale answers: means nothing here */
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

static void set_ignored_headers(struct conf *conf, struct conf_scope *scope,
                                const struct conf_node *node, const struct directive *directive,
                                void *value)
{
    static const struct bit_word words[] = {
        { "X-Accel-Redirect", IGNORE_X_ACCEL_REDIRECT },
        { "X-Accel-Expires", IGNORE_X_ACCEL_EXPIRES },
        { "X-Accel-Limit-Rate", IGNORE_X_ACCEL_LIMIT_RATE },
        { "X-Accel-Buffering", IGNORE_X_ACCEL_BUFFERING },
        { "X-Accel-Charset", IGNORE_X_ACCEL_CHARSET },
        { "Expires", IGNORE_EXPIRES },
        { "Cache-Control", IGNORE_CACHE_CONTROL },
        { "Set-Cookie", IGNORE_SET_COOKIE },
        { "Vary", IGNORE_VARY },
        { NULL, 0 },
    };

    (void)scope;
    (void)directive;
    set_bit_words(conf, node, words, value);
}

/* --- names of fields --- */

static void set_header_names(struct conf *conf, struct conf_scope *scope,
                             const struct conf_node *node, const struct directive *directive,
                             void *value)
{
    struct array *names = value;

    (void)scope;
    (void)directive;
    names->item_size = sizeof(struct slice);
    struct slice *name = array_push(names, conf->arena);
    if (name == NULL)
        conf_error(conf, node->words[1].at, "no memory for this name");
    else
        *name = node->words[1].text;
}

static bool names_have(const struct array *names, struct slice name)
{
    const struct slice *items = names->items;

    for (size_t i = 0; i < names->count; i++)
        if (slice_equal_nocase(items[i], name))
            return true;
    return false;
}

static uint64_t known_bits(const struct array *names)
{
    const struct slice *items = names->items;
    uint64_t bits = 0;

    for (size_t i = 0; i < names->count; i++)
        bits |= UINT64_C(1) << answer_field_name(items[i]);
    return bits & ~(UINT64_C(1) << ANSWER_OTHER);
}

#define BIT(name) (UINT64_C(1) << (name))

/* nginx's list of what is never passed on without proxy_pass_header. */
static const uint64_t never_passed = BIT(ANSWER_DATE) | BIT(ANSWER_SERVER) | BIT(ANSWER_X_PAD) |
                                     BIT(ANSWER_X_ACCEL_EXPIRES) | BIT(ANSWER_X_ACCEL_REDIRECT) |
                                     BIT(ANSWER_X_ACCEL_LIMIT_RATE) |
                                     BIT(ANSWER_X_ACCEL_BUFFERING) | BIT(ANSWER_X_ACCEL_CHARSET);

bool exchange_hides(const struct exchange_settings *settings, const struct answer_field *field)
{
    if (field->known != ANSWER_OTHER)
        return (settings->hidden_known >> field->known & 1) != 0;
    return settings->hide.count > 0 && names_have(&settings->hide, field->name) &&
           !names_have(&settings->pass, field->name);
}

/* --- proxy_bind --- */

/* address [transparent] | off */
static void set_bind(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    struct bind_value *bind = value;
    const struct word *word = &node->words[1];
    struct address address;
    size_t count;

    (void)directive;
    bind->set = !slice_is(word->text, "off");
    if (node->count == 3) {
        conf->transparent = bind->transparent = slice_is(node->words[2].text, "transparent");
        if (!bind->transparent)
            conf_error(conf, node->words[2].at, "invalid parameter \"%.*s\"",
                       (int)node->words[2].text.len, node->words[2].text.at);
    }
    if (!bind->set || !template_compile(conf, scope, word->at, word->text, &bind->address) ||
        !bind->address.constant)
        return;
    if (address_parse_bind(word->text, &address, &count) != ADDRESS_OK)
        conf_error(conf, word->at, "invalid address \"%.*s\"", (int)word->text.len, word->text.at);
}

/* --- proxy_store --- */

static void set_store(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                      const struct directive *directive, void *value)
{
    struct store_value *store = value;
    const struct word *word = &node->words[1];

    (void)directive;
    store->on = !slice_is(word->text, "off");
    store->has_path = store->on && !slice_is(word->text, "on");
    if (store->has_path)
        template_compile(conf, scope, word->at, word->text, &store->path);
}

/* --- conditions --- */

static void set_conditions(struct conf *conf, struct conf_scope *scope,
                           const struct conf_node *node, const struct directive *directive,
                           void *value)
{
    struct array *conditions = value;

    (void)directive;
    conditions->item_size = sizeof(struct template);
    for (size_t i = 1; i < node->count; i++) {
        struct template *condition = array_push(conditions, conf->arena);
        if (condition == NULL)
            conf_error(conf, node->words[i].at, "no memory for this value");
        else
            template_compile(conf, scope, node->words[i].at, node->words[i].text, condition);
    }
}

enum condition conditions_hold(struct request *request, const struct array *values)
{
    const struct template *items = values->items;
    struct slice value;

    for (size_t i = 0; i < values->count; i++) {
        if (!template_eval(request, &items[i], &value))
            return CONDITION_NO_MEMORY;
        if (value.len > 0 && !slice_is(value, "0"))
            return CONDITION_YES;
    }
    return CONDITION_NO;
}

/* Letters of a permission: "rw". */
static bool permission_bits(struct slice letters, uint32_t *bits)
{
    *bits = 0;
    for (size_t i = 0; i < letters.len; i++) {
        if (letters.at[i] != 'r' && letters.at[i] != 'w')
            return false;
        *bits |= letters.at[i] == 'r' ? 4U : 2U;
    }
    return letters.len > 0;
}

/* user:rw group:r all:r */
static void set_store_access(struct conf *conf, struct conf_scope *scope,
                             const struct conf_node *node, const struct directive *directive,
                             void *value)
{
    static const struct {
        const char *name;
        unsigned shift;
    } classes[] = { { "user:", 6 }, { "group:", 3 }, { "all:", 0 } };
    uint32_t *mode = value;

    (void)scope;
    (void)directive;
    *mode = 0600;
    for (size_t i = 1; i < node->count; i++) {
        struct slice word = node->words[i].text;
        bool known = false;
        for (size_t c = 0; c < sizeof classes / sizeof *classes && !known; c++) {
            uint32_t bits = 0;
            struct slice name = slice_of(classes[c].name);
            known = slice_starts(word, name) && permission_bits(slice_from(word, name.len), &bits);
            *mode |= bits << classes[c].shift;
        }
        if (!known)
            conf_error(conf, node->words[i].at, "invalid value \"%.*s\"", (int)word.len, word.at);
    }
}

const struct value_type as_next_upstream = { "error | timeout | ...", sizeof(uint32_t),
                                             set_next_upstream };
const struct value_type as_ignored_headers = { "field ...", sizeof(uint32_t), set_ignored_headers };
const struct value_type as_header_names = { "field", sizeof(struct array), set_header_names };
const struct value_type as_bind = { "address [transparent] | off", sizeof(struct bind_value),
                                    set_bind };
const struct value_type as_store = { "on | off | path", sizeof(struct store_value), set_store };
const struct value_type as_conditions = { "value ...", sizeof(struct array), set_conditions };
const struct value_type as_store_access = { "users:permissions ...", sizeof(uint32_t),
                                            set_store_access };

/* --- all together --- */

void exchange_settings_check(struct conf *conf, struct conf_scope *scope,
                             struct exchange_settings *settings, const char *prefix)
{
    struct position at = { 0 };
    uint64_t all = settings->buffers.count * settings->buffers.size;

    if (scope->node != NULL)
        at = scope->node->words[0].at;
    settings->hidden_known =
        (never_passed | known_bits(&settings->hide)) & ~known_bits(&settings->pass);
    cache_settings_check(conf, scope, &settings->cache, prefix, strcmp(prefix, "proxy") == 0);
    if (settings->cache.choice.on && settings->store.on)
        conf_error(conf, at, "\"%s_cache\" is incompatible with \"%s_store\"", prefix, prefix);
    if (settings->buffers.count < 2)
        conf_error(conf, at, "there must be at least 2 \"%s_buffers\"", prefix);
    uint64_t largest = settings->buffer_size > settings->buffers.size ? settings->buffer_size
                                                                      : settings->buffers.size;
    if (settings->busy_buffers_size == 0) /* not said: as nginx */
        settings->busy_buffers_size = 2 * largest;
    if (settings->busy_buffers_size < largest)
        conf_error(conf, at,
                   "\"%s_busy_buffers_size\" must be equal to or greater than the maximum of the "
                   "value of \"%s_buffer_size\" and one of the \"%s_buffers\"",
                   prefix, prefix, prefix);
    else if (settings->busy_buffers_size > all - settings->buffers.size)
        conf_error(conf, at,
                   "\"%s_busy_buffers_size\" must be less than the size of all \"%s_buffers\" "
                   "minus one buffer",
                   prefix, prefix);
    if (settings->temp_file_write_size == 0)
        settings->temp_file_write_size = 2 * largest;
    if (settings->temp_file_write_size < largest)
        conf_error(conf, at,
                   "\"%s_temp_file_write_size\" must be equal to or greater than the maximum of "
                   "the value of \"%s_buffer_size\" and one of the \"%s_buffers\"",
                   prefix, prefix, prefix);
    if (settings->max_temp_file_size > 0 && settings->max_temp_file_size < largest)
        conf_error(conf, at,
                   "\"%s_max_temp_file_size\" must be equal to zero to disable temporary files "
                   "usage or must be equal to or greater than the maximum of the value of "
                   "\"%s_buffer_size\" and one of the \"%s_buffers\"",
                   prefix, prefix, prefix);
}
