/* charset, source_charset, override_charset: the charset that an answer says it is in. */
#include "worker/http/charset.h"

#include "common/log.h"
#include "conf/values.h"
#include "worker/http/filters.h"
#include "worker/http/mime_types.h"
#include "worker/http/template.h"

struct charset_settings {
    struct template charset; /* "off": none is told */
    struct template source;  /* at NULL: not said */
    bool override;
    struct mime_types types;
};

/* --- the Content-Type --- */

static struct slice unquoted(struct slice text)
{
    if (slice_starts(text, SLICE("\"")))
        text = slice_from(text, 1);
    return slice_ends(text, SLICE("\"")) ? slice_first(text, text.len - 1) : text;
}

/* Parts a Content-Type into the type and its charset, which is empty when it has none. */
static struct slice split_type(struct slice whole, struct slice *charset)
{
    for (size_t at = 0; at < whole.len; at++) {
        if (whole.at[at] != ';')
            continue;
        struct slice rest = slice_trim(slice_from(whole, at + 1));
        if (!slice_equal_nocase(slice_first(rest, strlen("charset=")), SLICE("charset=")))
            continue;
        *charset = unquoted(slice_from(rest, strlen("charset=")));
        return slice_first(whole, at);
    }
    *charset = SLICE("");
    return whole;
}

/* --- one answer --- */

/* What the answer is to be in; empty: nothing is to be said. False: memory is out. */
static bool find_target(struct request *request, struct slice type, struct slice own,
                        struct slice *target)
{
    const struct charset_settings *settings = request_settings(request, MODULE_CHARSET);
    struct slice override = request->response.override_charset;
    const struct slice *known = charset_known(request->server->http, override);

    *target = known != NULL ? *known : SLICE("");
    if (override.len > 0 && known == NULL)
        request_log(request, LOG_LEVEL_ERROR, 0, "unknown charset \"%.*s\" to override",
                    (int) override.len, override.at);
    if (override.len > 0 || slice_is(settings->charset.literal, "off"))
        return true;
    if (own.len > 0 ? !settings->override
                    : slice_find(type, ';') >= 0 || !mime_types_match(&settings->types, type))
        return true;
    return template_eval(request, &settings->charset, target);
}

static bool find_source(struct request *request, struct slice own, struct slice *source)
{
    const struct charset_settings *settings = request_settings(request, MODULE_CHARSET);

    *source = own;
    return own.len > 0 || settings->source.literal.at == NULL ||
           template_eval(request, &settings->source, source);
}

/* Old browsers took the charset of a redirect for that of the page it leads to. */
static bool tell(struct request *request, struct slice type, struct slice charset)
{
    struct response *response = &request->response;

    if (response->status == 301 || response->status == 302)
        return true;
    response->content_type = arena_printf(&request->arena, "%.*s; charset=%.*s", (int)type.len,
                                          type.at, (int)charset.len, charset.at);
    return response->content_type.at != NULL;
}

/* The answer is of another charset than it is to be. */
static bool convert(struct request *request, struct slice type, struct slice source,
                    struct slice target)
{
    const struct charset_map *map = charset_map_find(request->server->http, source, target);

    if (response_encoding(&request->response) != NULL)
        return true;
    if (map != NULL)
        return tell(request, type, target) && charset_recode_response(request, map, source);
    request_log(request, LOG_LEVEL_ERROR, 0,
                "no \"charset_map\" between the charsets \"%.*s\" and \"%.*s\"", (int)source.len,
                source.at, (int)target.len, target.at);
    return true;
}

bool filter_charset(struct request *request)
{
    struct slice own, source, target;
    struct slice type = split_type(request->response.content_type, &own);

    if (type.len == 0)
        return true;
    if (!find_target(request, type, own, &target) || !find_source(request, own, &source))
        return false;
    if (target.len == 0)
        return true;
    if (source.len == 0 || slice_equal_nocase(source, target))
        return tell(request, type, target);
    return convert(request, type, source, target);
}

/* --- the directives --- */

/* A name, which X-Accel-Charset may have from then on, or a variable. */
static void set_charset(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                        const struct directive *directive, void *value)
{
    const struct word *word = &node->words[1];
    struct template *charset = value;
    bool is_off = slice_is(word->text, "off") && strcmp(directive->name, "charset") == 0;

    if (slice_starts(word->text, SLICE("$"))) {
        template_compile(conf, scope, word->at, word->text, charset);
        return;
    }
    *charset = (struct template){
        .literal = is_off ? word->text : charset_spelling(conf, scope, word),
        .constant = true,
    };
}

static const struct value_type as_charset = { "charset | off", sizeof(struct template),
                                              set_charset };
static const struct value_type as_source = { "charset", sizeof(struct template), set_charset };

/* Answers of one charset cannot be sent as another one without a map. */
static void check(struct conf *conf, struct conf_scope *scope, void *settings)
{
    const struct charset_settings *own = settings;
    struct slice source = own->source.literal, target = own->charset.literal;

    if (scope->node == NULL || source.at == NULL || !own->source.constant ||
        !own->charset.constant || slice_is(target, "off") || slice_equal_nocase(source, target) ||
        charset_map_find(http_of(scope), source, target) != NULL)
        return;
    conf_error(conf, scope->node->words[0].at,
               "no \"charset_map\" between the charsets \"%.*s\" and \"%.*s\"", (int)source.len,
               source.at, (int)target.len, target.at);
}

#define FIELD(name) offsetof(struct charset_settings, name)

static const struct directive charset_directives[] = {
    { "charset", IN_HTTP_ALL | IN_LOCATION_IF, ARGS(1), &as_charset, FIELD(charset), "off",
      "tell clients that answers are in this charset" },
    { "source_charset", IN_HTTP_ALL | IN_LOCATION_IF, ARGS(1), &as_source, FIELD(source), NULL,
      "the charset that answers are in, where they do not say it" },
    { "override_charset", IN_HTTP_ALL | IN_LOCATION_IF, ARGS(1), &as_flag, FIELD(override), "off",
      "tell the charset also where an upstream's answer has one" },
    { "charset_types", IN_HTTP_ALL, ARGS_FROM(1), &as_mime_types, FIELD(types),
      "text/xml text/plain text/vnd.wap.wml application/javascript application/rss+xml",
      "MIME types of answers whose charset is told, beside text/html" },
    { "charset_map", IN_HTTP, BLOCK(2, 2), &as_charset_map, 0, NULL,
      "what the bytes of one charset are in another, so that answers can be converted" },
    { 0 },
};

#undef FIELD

const struct conf_module charset_module = {
    .name = "charset",
    .id = MODULE_CHARSET,
    .size = sizeof(struct charset_settings),
    .directives = charset_directives,
    .check = check,
};
