/* valid_referers and $invalid_referer: whether a page of ours, or of a friend, sent the client. */
#include "conf/values.h"
#include "worker/context.h"
#include "worker/http/core.h"
#include "worker/http/link_checks.h"
#include "worker/http/name_table.h"
#include "worker/http/variables.h"

enum { REFERER_HOST_MAX = 256 /* bytes; no referer is valid that has a longer one */ };

/* All the valid_referers of one block. */
struct referers {
    struct name_table hosts; /* in lower case -> struct slice: what their paths begin with; "" */
    struct array patterns;   /* of struct regex *: of the text behind "http://" */
    bool none;               /* a request without the field is valid */
    bool blocked;            /* and one whose field is no http or https URL */
    bool server_names;       /* and one of the server's own hosts */
    bool closed;             /* the server's names have been added */
    struct position at;      /* of the last valid_referers */
};

struct referer_settings {
    struct referers *valid;                   /* NULL: any is */
    uint64_t hash_bucket_size, hash_max_size; /* accepted, not needed */
};

/* --- the client's --- */

/* Takes "http://" or "https://" off; false when it is neither, or nothing could follow. */
static bool take_scheme(struct slice *referer)
{
    static const struct slice schemes[] = { SLICE_INIT("http://"), SLICE_INIT("https://") };
    static const size_t shortest = sizeof "http://i.ru" - 1;

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (referer->len < shortest ||
            !slice_equal_nocase(slice_first(*referer, schemes[i].len), schemes[i]))
            continue;
        *referer = slice_from(*referer, schemes[i].len);
        return true;
    }
    return false;
}

static bool matches_pattern(struct request *request, const struct array *patterns,
                            struct slice text)
{
    struct regex *const *regexes = patterns->items;

    for (size_t i = 0; i < patterns->count; i++)
        if (regex_match(regexes[i], &request->worker->regex, text, NULL, 0))
            return true;
    return false;
}

/* A host with the server's name by its regex. */
static bool is_server_name(struct request *request, struct slice host)
{
    const struct server_name *names = request->server->names.items;

    for (size_t i = 0; i < request->server->names.count; i++)
        if (names[i].pattern.regex != NULL &&
            regex_match(names[i].pattern.regex, &request->worker->regex, host, NULL, 0))
            return true;
    return false;
}

/* The host and what follows it: "example.org:8080/path". */
static bool is_valid_page(struct request *request, const struct referers *valid, struct slice page)
{
    char lower[REFERER_HOST_MAX];
    size_t len = 0;

    for (; len < page.len && page.at[len] != '/' && page.at[len] != ':'; len++) {
        if (len == sizeof lower)
            return false;
        lower[len] = ascii_lower(page.at[len]);
    }
    struct slice host = slice_make(lower, len);
    const struct slice *begin = name_table_find(&valid->hosts, host);
    if (begin == NULL)
        return (valid->server_names && is_server_name(request, host)) ||
               matches_pattern(request, &valid->patterns, page);
    ptrdiff_t slash = slice_find(slice_from(page, len), '/');
    return slice_starts(slash < 0 ? SLICE("") : slice_from(page, len + (size_t)slash), *begin);
}

static bool is_valid(struct request *request, const struct referers *valid)
{
    const struct field *field = head_known(&request->head, FIELD_REFERER);

    if (field == NULL)
        return valid->none;
    struct slice referer = field->value;
    if (!take_scheme(&referer))
        return valid->blocked;
    return is_valid_page(request, valid, referer);
}

/* "1", or, when the referer is a valid one, nothing. */
static bool invalid_referer(struct request *request, struct slice argument, struct slice *value)
{
    const struct referer_settings *settings = request_settings(request, MODULE_REFERER);

    (void)argument;
    *value = settings->valid == NULL || is_valid(request, settings->valid) ? SLICE("") : SLICE("1");
    return true;
}

const struct variable referer_variables[] = {
    { "invalid_referer", invalid_referer },
    { NULL, NULL },
};

/* --- reading --- */

static void add_pattern(struct conf *conf, struct referers *valid, const struct word *word)
{
    struct slice text = slice_from(word->text, 1);
    struct regex_error error = { 0 };

    if (text.len == 0) {
        conf_error(conf, word->at, "empty regex in \"%.*s\"", (int)word->text.len, word->text.at);
        return;
    }
    struct regex *regex = conf_regex(conf, text, true, &error);
    struct regex **place = regex == NULL ? NULL : array_push(&valid->patterns, conf->arena);
    if (place == NULL)
        conf_error(conf, word->at, "%s in regex \"%.*s\" at byte %zu",
                   error.message != NULL ? error.message : "no memory", (int)text.len, text.at,
                   error.at + 1);
    else
        *place = regex;
}

/* A host, or one with the beginning of a path behind it. */
static void add_host(struct conf *conf, struct referers *valid, struct position at,
                     struct slice text)
{
    ptrdiff_t slash = slice_find(text, '/');
    struct slice host = slash < 0 ? text : slice_first(text, (size_t)slash);
    struct slice *begin = arena_zalloc(conf->arena, sizeof *begin);
    struct slice lower = name_lower(conf->arena, host);
    enum name_added added = NAME_NO_MEMORY;

    if (begin != NULL && (lower.at != NULL || host.len == 0)) {
        *begin = slash < 0 ? SLICE("") : slice_from(text, (size_t)slash);
        added = name_table_add(&valid->hosts, conf->arena, lower, begin);
    }
    switch (added) {
    case NAME_ADDED:
        return;
    case NAME_BAD:
        conf_error(conf, at, "invalid hostname or wildcard \"%.*s\"", (int)host.len, host.at);
        return;
    case NAME_CONFLICT:
        conf_error(conf, at, "conflicting parameter \"%.*s\"", (int)host.len, host.at);
        return;
    case NAME_NO_MEMORY:
        conf_error(conf, at, "no memory for this host");
        return;
    }
}

static void add_word(struct conf *conf, struct referers *valid, const struct word *word)
{
    if (word->text.len == 0)
        conf_error(conf, word->at, "invalid referer \"\"");
    else if (slice_is(word->text, "none"))
        valid->none = true;
    else if (slice_is(word->text, "blocked"))
        valid->blocked = true;
    else if (slice_is(word->text, "server_names"))
        valid->server_names = true;
    else if (word->text.at[0] == '~')
        add_pattern(conf, valid, word);
    else
        add_host(conf, valid, word->at, word->text);
}

/* valid_referers none | blocked | server_names | host[/path] | ~regex ... */
static void set_referers(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                         const struct directive *directive, void *value)
{
    struct referers **valid = value;

    (void)scope;
    (void)directive;
    if (*valid == NULL)
        *valid = arena_zalloc(conf->arena, sizeof **valid);
    if (*valid == NULL) {
        conf_error(conf, node->words[0].at, "no memory for these referers");
        return;
    }
    (*valid)->patterns.item_size = sizeof(struct regex *);
    (*valid)->at = node->words[0].at;
    for (size_t i = 1; i < node->count; i++)
        add_word(conf, *valid, &node->words[i]);
}

/* --- the end of the block: the server has all its names --- */

static const struct server *server_of(const struct conf_scope *scope)
{
    while (scope->context != IN_SERVER)
        scope = scope->parent;
    return scope->owner;
}

/* Blocks within this one have the same list, unless one of their own. */
static void check_referers(struct conf *conf, struct conf_scope *scope, void *settings)
{
    struct referers *valid = ((struct referer_settings *)settings)->valid;

    if (valid == NULL || valid->closed)
        return;
    valid->closed = true;
    if (valid->server_names) {
        const struct server *server = server_of(scope);
        const struct server_name *names = server->names.items;
        for (size_t i = 0; i < server->names.count; i++)
            if (names[i].pattern.regex == NULL)
                add_host(conf, valid, names[i].at.source != NULL ? names[i].at : valid->at,
                         names[i].text);
    }
    if ((valid->none || valid->blocked) && name_table_empty(&valid->hosts) &&
        valid->patterns.count == 0 && !valid->server_names)
        conf_error(conf, valid->at,
                   "the \"none\" or \"blocked\" referers are specified in the "
                   "\"valid_referers\" directive without any valid referer");
}

/* --- the table --- */

#define FIELD(name) offsetof(struct referer_settings, name)

static const struct value_type as_referers = {
    "none | blocked | server_names | host[/path] | ~regex ...", sizeof(struct referers *),
    set_referers
};

static const struct directive referer_directives[] = {
    { "valid_referers", IN_SERVER | IN_LOCATION, ARGS_REPEATED(1, 255), &as_referers, FIELD(valid),
      NULL, "the Referer values for which $invalid_referer is empty" },
    { "referer_hash_bucket_size", IN_SERVER | IN_LOCATION, ARGS(1), &as_size,
      FIELD(hash_bucket_size), "64", "accepted; muxd's tables size themselves" },
    { "referer_hash_max_size", IN_SERVER | IN_LOCATION, ARGS(1), &as_number, FIELD(hash_max_size),
      "2048", "accepted; muxd's tables size themselves" },
    { 0 },
};

const struct conf_module referer_module = {
    .name = "referer",
    .id = MODULE_REFERER,
    .size = sizeof(struct referer_settings),
    .directives = referer_directives,
    .check = check_referers,
};
