/* What becomes of an upstream's Location, Refresh and Set-Cookie: proxy_redirect and
 * proxy_cookie_*. */
#include "worker/handlers/proxy.h"

enum { COOKIE_ATTRIBUTES_MAX = 32 }; /* a cookie with more is passed as it is */

/* --- reading the configuration --- */

static bool read_from(struct conf *conf, struct conf_scope *scope, const struct word *word,
                      struct proxy_redirect *rule)
{
    struct slice text = word->text;
    bool nocase = slice_starts(text, SLICE("~*"));

    if (text.len == 0 || *text.at != '~')
        return template_compile(conf, scope, word->at, text, &rule->from);
    text = slice_from(text, nocase ? 2 : 1);
    return capture_compile(conf, scope, word->at, text, nocase, &rule->pattern);
}

static void add_rule(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     struct array *rules)
{
    rules->item_size = sizeof(struct proxy_redirect);
    struct proxy_redirect *rule = array_push(rules, conf->arena);

    if (rule == NULL) {
        conf_error(conf, node->words[0].at, "no memory for this rule");
        return;
    }
    if (read_from(conf, scope, &node->words[1], rule))
        template_compile(conf, scope, node->words[2].at, node->words[2].text, &rule->to);
}

static void invalid_parameter(struct conf *conf, const struct word *word)
{
    conf_error(conf, word->at, "invalid parameter \"%.*s\"", (int)word->text.len, word->text.at);
}

static bool is_off(const struct conf_node *node)
{
    return node->count == 2 && slice_is(node->words[1].text, "off");
}

/* off | default | redirect replacement */
static void set_redirect(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                         const struct directive *directive, void *value)
{
    struct proxy_redirects *redirects = value;

    redirects->at = node->words[0].at;
    if (redirects->off || (is_off(node) && redirects->rules.count > 0)) {
        conf_error(conf, node->words[0].at, "\"%s\" directive is duplicate", directive->name);
        return;
    }
    redirects->off = is_off(node);
    if (node->count == 3) {
        add_rule(conf, scope, node, &redirects->rules);
        return;
    }
    if (redirects->off)
        return;
    if (!slice_is(node->words[1].text, "default")) {
        invalid_parameter(conf, &node->words[1]);
        return;
    }
    redirects->rules.item_size = sizeof(struct proxy_redirect);
    struct proxy_redirect *rule = array_push(&redirects->rules, conf->arena);
    redirects->defaulted = rule != NULL;
    if (rule == NULL)
        conf_error(conf, node->words[0].at, "no memory for this rule");
    else
        rule->made_by_default = true;
}

static void set_cookie_rule(struct conf *conf, struct conf_scope *scope,
                            const struct conf_node *node, const struct directive *directive,
                            void *value)
{
    struct proxy_cookie_rules *rules = value;

    (void)directive;
    if (node->count == 2 && !is_off(node))
        invalid_parameter(conf, &node->words[1]);
    else if (node->count == 2)
        rules->off = true;
    else
        add_rule(conf, scope, node, &rules->rules);
}

static bool read_flag(struct slice word, uint32_t *flags)
{
    static const struct {
        const char *word;
        uint32_t flag;
    } known[] = {
        { "secure", COOKIE_SECURE },
        { "nosecure", COOKIE_NO_SECURE },
        { "httponly", COOKIE_HTTPONLY },
        { "nohttponly", COOKIE_NO_HTTPONLY },
        { "samesite=strict", COOKIE_SAMESITE_STRICT },
        { "samesite=lax", COOKIE_SAMESITE_LAX },
        { "samesite=none", COOKIE_SAMESITE_NONE },
        { "nosamesite", COOKIE_NO_SAMESITE },
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (slice_is(word, known[i].word)) {
            *flags |= known[i].flag;
            return true;
        }
    return false;
}

/* off | cookie flag ... */
static void set_cookie_flags(struct conf *conf, struct conf_scope *scope,
                             const struct conf_node *node, const struct directive *directive,
                             void *value)
{
    struct array *list = value;
    const struct word *word = &node->words[1];

    (void)directive;
    list->item_size = sizeof(struct proxy_cookie_flags);
    if (is_off(node))
        return;
    struct proxy_cookie_flags *flags = array_push(list, conf->arena);
    if (flags == NULL) {
        conf_error(conf, node->words[0].at, "no memory for this rule");
        return;
    }
    flags->name = word->text;
    if (slice_starts(word->text, SLICE("~")))
        capture_compile(conf, scope, word->at, slice_from(word->text, 1), true, &flags->pattern);
    for (size_t i = 2; i < node->count; i++)
        if (!read_flag(node->words[i].text, &flags->flags))
            invalid_parameter(conf, &node->words[i]);
}

const struct value_type as_proxy_redirect = { "default | off | redirect replacement",
                                              sizeof(struct proxy_redirects), set_redirect };
const struct value_type as_proxy_cookie_domain = { "off | domain replacement",
                                                   sizeof(struct proxy_cookie_rules),
                                                   set_cookie_rule };
const struct value_type as_proxy_cookie_path = { "off | path replacement",
                                                 sizeof(struct proxy_cookie_rules),
                                                 set_cookie_rule };
const struct value_type as_proxy_cookie_flags = { "off | cookie [flag ...]", sizeof(struct array),
                                                  set_cookie_flags };

/* --- rules --- */

enum rule_result { RULE_MISSES, RULE_APPLIED, RULE_NO_MEMORY };

static enum rule_result apply_pattern(struct request *request, const struct proxy_redirect *rule,
                                      struct slice *value)
{
    switch (capture_match(request, &rule->pattern, *value)) {
    case CAPTURE_MATCH:
        return template_eval_head(request, &rule->to, HEAD_TEXT_VALUE, value) ? RULE_APPLIED
                                                                              : RULE_NO_MEMORY;
    case CAPTURE_NO_MATCH:
        return RULE_MISSES;
    default:
        return RULE_NO_MEMORY;
    }
}

/* The beginning of the value is replaced. */
static enum rule_result apply_prefix(struct request *request, const struct proxy_redirect *rule,
                                     struct slice *value)
{
    struct slice from, to;

    if (rule->pattern.regex != NULL)
        return apply_pattern(request, rule, value);
    if (!template_eval(request, &rule->from, &from))
        return RULE_NO_MEMORY;
    if (!slice_starts(*value, from))
        return RULE_MISSES;
    if (!template_eval_head(request, &rule->to, HEAD_TEXT_VALUE, &to))
        return RULE_NO_MEMORY;
    *value = arena_join(&request->arena, to, slice_from(*value, from.len));
    return value->at != NULL ? RULE_APPLIED : RULE_NO_MEMORY;
}

/* All of the value, but for a leading dot that stays, is replaced. */
static enum rule_result apply_domain(struct request *request, const struct proxy_redirect *rule,
                                     struct slice *value)
{
    bool dot = slice_starts(*value, SLICE("."));
    struct slice name = slice_from(*value, dot ? 1 : 0), from;

    if (rule->pattern.regex != NULL)
        return apply_pattern(request, rule, value);
    if (!template_eval(request, &rule->from, &from))
        return RULE_NO_MEMORY;
    if (slice_starts(from, SLICE(".")))
        from = slice_from(from, 1);
    if (!slice_equal_nocase(name, from))
        return RULE_MISSES;
    if (!template_eval_head(request, &rule->to, HEAD_TEXT_VALUE, &from))
        return RULE_NO_MEMORY;
    *value = dot ? arena_join(&request->arena, SLICE("."), from) : from;
    return value->at != NULL ? RULE_APPLIED : RULE_NO_MEMORY;
}

typedef enum rule_result apply_rule(struct request *, const struct proxy_redirect *,
                                    struct slice *);

/* The first rule that applies. */
static enum rule_result apply_rules(struct request *request, const struct array *rules,
                                    apply_rule *apply, struct slice *value)
{
    const struct proxy_redirect *items = rules->items;

    for (size_t i = 0; i < rules->count; i++) {
        enum rule_result result = apply(request, &items[i], value);
        if (result != RULE_MISSES)
            return result;
    }
    return RULE_MISSES;
}

/* --- Refresh --- */

/* "5; url=/path": what stands behind "url=". */
static bool rewrite_refresh(struct request *request, const struct array *rules, struct slice *value)
{
    static const struct slice mark = SLICE_INIT("url=");

    for (size_t i = 0; i + mark.len <= value->len; i++) {
        if (!slice_equal_nocase(slice_make(value->at + i, mark.len), mark))
            continue;
        struct slice before = slice_first(*value, i + mark.len);
        struct slice url = slice_from(*value, i + mark.len);
        enum rule_result result = apply_rules(request, rules, apply_prefix, &url);
        if (result == RULE_APPLIED)
            *value = arena_join(&request->arena, before, url);
        return result != RULE_NO_MEMORY && value->at != NULL;
    }
    return true;
}

/* --- Set-Cookie --- */

/* A cookie in its parts; the first is its name and value. */
struct cookie {
    struct attribute {
        struct slice name, value;
        bool has_value;
    } parts[COOKIE_ATTRIBUTES_MAX];
    size_t count;
    bool changed;
};

/* False: it has too many parts. */
static bool cookie_parse(struct slice text, struct cookie *cookie)
{
    cookie->count = 0;
    cookie->changed = false;
    while (text.len > 0) {
        ptrdiff_t end = slice_find(text, ';');
        struct slice part = slice_trim(end < 0 ? text : slice_first(text, (size_t)end));
        text = end < 0 ? slice_from(text, text.len) : slice_from(text, (size_t)end + 1);
        if (part.len == 0)
            continue;
        if (cookie->count == COOKIE_ATTRIBUTES_MAX)
            return false;
        ptrdiff_t sign = slice_find(part, '=');
        struct attribute *own = &cookie->parts[cookie->count++];
        own->has_value = sign >= 0;
        own->name = sign < 0 ? part : slice_first(part, (size_t)sign);
        own->value = sign < 0 ? SLICE("") : slice_from(part, (size_t)sign + 1);
    }
    return true;
}

static struct slice cookie_text(struct arena *arena, const struct cookie *cookie)
{
    struct slice text = SLICE("");

    for (size_t i = 0; i < cookie->count; i++) {
        const struct attribute *part = &cookie->parts[i];
        text = arena_printf(arena, "%.*s%s%.*s%s%.*s", (int)text.len, text.at, i > 0 ? "; " : "",
                            (int)part->name.len, part->name.at, part->has_value ? "=" : "",
                            (int)part->value.len, part->value.at);
        if (text.at == NULL)
            break;
    }
    return text;
}

static struct attribute *cookie_find(struct cookie *cookie, const char *name)
{
    for (size_t i = 1; i < cookie->count; i++)
        if (slice_is_nocase(cookie->parts[i].name, name))
            return &cookie->parts[i];
    return NULL;
}

static void cookie_remove(struct cookie *cookie, const char *name)
{
    struct attribute *part = cookie_find(cookie, name);

    if (part == NULL)
        return;
    size_t behind = (size_t)(cookie->parts + cookie->count - (part + 1));
    memmove(part, part + 1, behind * sizeof *part);
    cookie->count--;
    cookie->changed = true;
}

/* Sets an attribute; `value` NULL: it has none. */
static void cookie_set(struct cookie *cookie, const char *name, const char *value)
{
    struct attribute *part = cookie_find(cookie, name);

    if (part == NULL && cookie->count == COOKIE_ATTRIBUTES_MAX)
        return;
    if (part == NULL) {
        part = &cookie->parts[cookie->count++];
        *part = (struct attribute){ .name = slice_of(name) };
    } else if (value == NULL) {
        return;
    }
    part->has_value = value != NULL;
    part->value = value != NULL ? slice_of(value) : SLICE("");
    cookie->changed = true;
}

static void apply_flags(struct cookie *cookie, uint32_t flags)
{
    if ((flags & COOKIE_NO_SECURE) != 0)
        cookie_remove(cookie, "Secure");
    if ((flags & COOKIE_SECURE) != 0)
        cookie_set(cookie, "Secure", NULL);
    if ((flags & COOKIE_NO_HTTPONLY) != 0)
        cookie_remove(cookie, "HttpOnly");
    if ((flags & COOKIE_HTTPONLY) != 0)
        cookie_set(cookie, "HttpOnly", NULL);
    if ((flags & COOKIE_NO_SAMESITE) != 0)
        cookie_remove(cookie, "SameSite");
    if ((flags & COOKIE_SAMESITE_STRICT) != 0)
        cookie_set(cookie, "SameSite", "Strict");
    if ((flags & COOKIE_SAMESITE_LAX) != 0)
        cookie_set(cookie, "SameSite", "Lax");
    if ((flags & COOKIE_SAMESITE_NONE) != 0)
        cookie_set(cookie, "SameSite", "None");
}

static void rewrite_flags(struct request *request, const struct array *list, struct cookie *cookie)
{
    const struct proxy_cookie_flags *items = list->items;

    for (size_t i = 0; i < list->count; i++) {
        struct slice name = cookie->parts[0].name;
        bool named = items[i].pattern.regex != NULL
                         ? capture_match(request, &items[i].pattern, name) == CAPTURE_MATCH
                         : slice_equal_nocase(items[i].name, name);
        if (named) {
            apply_flags(cookie, items[i].flags);
            return;
        }
    }
}

static bool rewrite_attribute(struct request *request, const struct proxy_cookie_rules *rules,
                              apply_rule *apply, struct cookie *cookie, const char *name)
{
    struct attribute *part = cookie_find(cookie, name);

    if (rules->rules.count == 0 || part == NULL || !part->has_value)
        return true;
    enum rule_result result = apply_rules(request, &rules->rules, apply, &part->value);
    cookie->changed |= result == RULE_APPLIED;
    return result != RULE_NO_MEMORY;
}

static bool rewrite_cookie(struct request *request, const struct proxy_settings *settings,
                           struct slice *value)
{
    struct cookie cookie;

    if (settings->cookie_domains.rules.count + settings->cookie_paths.rules.count +
            settings->cookie_flags.count ==
        0)
        return true;
    if (!cookie_parse(*value, &cookie) || cookie.count == 0)
        return true;
    if (!rewrite_attribute(request, &settings->cookie_domains, apply_domain, &cookie, "domain") ||
        !rewrite_attribute(request, &settings->cookie_paths, apply_prefix, &cookie, "path"))
        return false;
    rewrite_flags(request, &settings->cookie_flags, &cookie);
    if (cookie.changed)
        *value = cookie_text(&request->arena, &cookie);
    return value->at != NULL;
}

/* --- the fields --- */

bool proxy_rewrite(struct exchange *x, enum answer_field_name name, struct slice *value)
{
    const struct proxy_context *context = proxy_context(x);
    const struct proxy_settings *settings = context->settings;
    const struct array *rules = &settings->redirects.rules;

    switch (name) {
    case ANSWER_LOCATION:
        return apply_rules(x->request, rules, apply_prefix, value) != RULE_NO_MEMORY;
    case ANSWER_REFRESH:
        return rules->count == 0 || rewrite_refresh(x->request, rules, value);
    case ANSWER_SET_COOKIE:
        return rewrite_cookie(x->request, settings, value);
    default:
        return true;
    }
}
