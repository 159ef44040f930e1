/* The gzip directives; gzip_filter.c and accept_encoding.c act by them. */
#include "worker/http/gzip.h"

#include "common/deflate.h"
#include "common/regex.h"

/* gzip_comp_level: 1 to 9 */
static void set_level(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                      const struct directive *directive, void *value)
{
    uint64_t *level = value;
    unsigned before = conf->messages.errors;

    as_number.set(conf, scope, node, directive, level);
    if (conf->messages.errors == before &&
        (*level < DEFLATE_LEVEL_MIN || *level > DEFLATE_LEVEL_MAX))
        conf_error(conf, node->words[1].at, "value must be between %d and %d", DEFLATE_LEVEL_MIN,
                   DEFLATE_LEVEL_MAX);
}

static const struct value_type as_level = { "level", sizeof(uint64_t), set_level };

/* gzip_proxied off | what ... */
static void set_proxied(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                        const struct directive *directive, void *value)
{
    static const struct {
        const char *word;
        uint32_t bit;
    } choices[] = { { "off", PROXIED_OFF },
                    { "expired", PROXIED_EXPIRED },
                    { "no-cache", PROXIED_NO_CACHE },
                    { "no-store", PROXIED_NO_STORE },
                    { "private", PROXIED_PRIVATE },
                    { "no_last_modified", PROXIED_NO_LAST_MODIFIED },
                    { "no_etag", PROXIED_NO_ETAG },
                    { "auth", PROXIED_AUTH },
                    { "any", PROXIED_ANY } };
    uint32_t *bits = value;

    (void)scope;
    (void)directive;
    for (size_t i = 1; i < node->count; i++) {
        const struct word *word = &node->words[i];
        uint32_t bit = 0;
        for (size_t k = 0; k < sizeof choices / sizeof *choices; k++)
            if (slice_is(word->text, choices[k].word))
                bit = choices[k].bit;
        if (bit == 0)
            conf_error(conf, word->at, "invalid value \"%.*s\"", (int)word->text.len,
                       word->text.at);
        else if ((*bits & bit) != 0)
            conf_warn(conf, word->at, "duplicate value \"%.*s\"", (int)word->text.len,
                      word->text.at);
        *bits |= bit;
    }
}

static const struct value_type as_proxied = { "off | expired | no-cache | no-store | private | "
                                              "no_last_modified | no_etag | auth | any ...",
                                              sizeof(uint32_t), set_proxied };

static void add_regex(struct conf *conf, struct array *regexes, const struct word *word)
{
    struct regex_error error = { 0 };
    struct regex *regex = conf_regex(conf, word->text, true, &error);
    struct regex **place;

    if (regex == NULL) {
        conf_error(conf, word->at, "%s in regex \"%.*s\" at byte %zu",
                   error.message != NULL ? error.message : "no memory", (int)word->text.len,
                   word->text.at, error.at + 1);
        return;
    }
    regexes->item_size = sizeof regex;
    place = array_push(regexes, conf->arena);
    if (place == NULL)
        conf_error(conf, word->at, "no memory for this regex");
    else
        *place = regex;
}

/* gzip_disable msie6 | regex ...; "degradation" is nginx's way out of a lack of memory that
 * it notices by sbrk(2): muxd answers without gzip when it has none for it. */
static void set_disable(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                        const struct directive *directive, void *value)
{
    struct gzip_disable *disable = value;

    (void)scope;
    (void)directive;
    for (size_t i = 1; i < node->count; i++)
        if (slice_is(node->words[i].text, "msie6"))
            disable->msie6 = true;
        else if (!slice_is(node->words[i].text, "degradation"))
            add_regex(conf, &disable->regexes, &node->words[i]);
}

static const struct value_type as_disable = { "msie6 | regex ...", sizeof(struct gzip_disable),
                                              set_disable };

static const struct enum_choice http_versions[] = { { "1.0", 0 }, { "1.1", 1 }, { NULL, 0 } };
static const struct enum_type as_http_version = { { "1.0 | 1.1", sizeof(int), enum_set },
                                                  http_versions };

#define FIELD(name) offsetof(struct gzip_settings, name)

static const struct directive gzip_directives[] = {
    { "gzip", IN_HTTP_ALL | IN_LOCATION_IF, ARGS(1), &as_flag, FIELD(on), "off",
      "compress answers for clients that take gzip" },
    { "gzip_types", IN_HTTP_ALL, ARGS_REPEATED(1, 255), &as_mime_types, FIELD(types), NULL,
      "MIME types to compress, beside text/html; *: all" },
    { "gzip_comp_level", IN_HTTP_ALL, ARGS(1), &as_level, FIELD(comp_level), "1",
      "1: fastest, to 9: smallest" },
    { "gzip_min_length", IN_HTTP_ALL, ARGS(1), &as_size, FIELD(min_length), "20",
      "shorter answers are sent as they are" },
    { "gzip_proxied", IN_HTTP_ALL, ARGS_FROM(1), &as_proxied, FIELD(proxied), "off",
      "which answers to a proxy (Via) are compressed" },
    { "gzip_vary", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(vary), "off",
      "tell caches that the answer depends on Accept-Encoding" },
    { "gzip_http_version", IN_HTTP_ALL, ARGS(1), &as_http_version.type, FIELD(http_version), "1.1",
      "oldest version of HTTP that gets compressed answers" },
    { "gzip_disable", IN_HTTP_ALL, ARGS_REPEATED(1, 255), &as_disable, FIELD(disable), NULL,
      "browsers, by User-Agent, that nothing is compressed for" },
    { "gzip_buffers", IN_HTTP_ALL, ARGS(2), &as_buffers, FIELD(buffers), "32 4k",
      "accepted; muxd compresses as much as the client takes" },
    { 0 },
};

const struct conf_module gzip_module = {
    .name = "gzip",
    .id = MODULE_GZIP,
    .size = sizeof(struct gzip_settings),
    .directives = gzip_directives,
};
