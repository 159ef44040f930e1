#include "common/date.h"
#include "worker/context.h"
#include "worker/http/filters.h"
#include "worker/http/request.h"
#include "worker/http/template.h"

#include <time.h>

/* One add_header or add_trailer. */
struct added_header {
    struct slice name;
    struct template value;
    bool always; /* whatever the status */
};

enum expires_kind {
    EXPIRES_OFF,
    EXPIRES_EPOCH,
    EXPIRES_MAX,
    EXPIRES_ACCESS,   /* so long after now */
    EXPIRES_MODIFIED, /* so long after Last-Modified */
    EXPIRES_DAILY,    /* at a time of the day */
};

struct expires {
    enum expires_kind kind;
    int64_t seconds;
};

struct expires_value {
    struct expires fixed;
    bool modified;        /* the word was there */
    struct template text; /* when it has variables: read for each answer */
};

struct headers_settings {
    struct array added;    /* of struct added_header */
    struct array trailers; /* likewise */
    struct expires_value expires;
};

enum { DAY = 24 * 60 * 60 };

/* --- reading the configuration --- */

static void set_add_header(struct conf *conf, struct conf_scope *scope,
                           const struct conf_node *node, const struct directive *directive,
                           void *value)
{
    struct array *added = value;
    const struct word *words = node->words;

    (void)directive;
    added->item_size = sizeof(struct added_header);
    struct added_header *header = array_push(added, conf->arena);
    if (header == NULL) {
        conf_error(conf, words[0].at, "no memory for a header");
        return;
    }
    header->name = words[1].text;
    template_compile(conf, scope, words[2].at, words[2].text, &header->value);
    if (node->count < 4)
        return;
    header->always = slice_is(words[3].text, "always");
    if (!header->always)
        conf_error(conf, words[3].at, "invalid parameter \"%.*s\"", (int)words[3].text.len,
                   words[3].text.at);
}

static bool expires_word(struct slice text, enum expires_kind *kind)
{
    static const struct {
        const char *word;
        enum expires_kind kind;
    } words[] = { { "epoch", EXPIRES_EPOCH }, { "max", EXPIRES_MAX }, { "off", EXPIRES_OFF } };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (slice_is(text, words[i].word)) {
            *kind = words[i].kind;
            return true;
        }
    return false;
}

/* [@|+|-]time, or a word; NULL, or what is wrong with it. */
static const char *parse_expires(struct slice text, bool modified, struct expires *expires)
{
    uint64_t milliseconds;
    char sign = text.len > 0 ? *text.at : '\0';

    *expires = (struct expires){ modified ? EXPIRES_MODIFIED : EXPIRES_ACCESS, 0 };
    if (!modified && expires_word(text, &expires->kind))
        return NULL;
    if (sign == '@' && modified)
        return "daily time cannot be used with \"modified\" parameter";
    if (sign == '@')
        expires->kind = EXPIRES_DAILY;
    if (sign == '@' || sign == '+' || sign == '-')
        text = slice_from(text, 1);
    if (!value_parse_time(text, &milliseconds))
        return "invalid value";
    expires->seconds = (int64_t)(milliseconds / 1000);
    if (expires->kind == EXPIRES_DAILY && expires->seconds > DAY)
        return "daily time value must be less than 24 hours";
    if (sign == '-')
        expires->seconds = -expires->seconds;
    return NULL;
}

static void set_expires(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                        const struct directive *directive, void *value)
{
    struct expires_value *expires = value;
    const struct word *time = &node->words[node->count - 1];
    const char *problem;

    expires->modified = slice_is(node->words[1].text, "modified");
    if (expires->modified != (node->count == 3)) {
        conf_error(conf, node->words[1].at, "\"%s\" directive invalid value", directive->name);
        return;
    }
    if (!template_compile(conf, scope, time->at, time->text, &expires->text) ||
        !expires->text.constant)
        return;
    problem = parse_expires(time->text, expires->modified, &expires->fixed);
    if (problem != NULL)
        conf_error(conf, time->at, "\"%s\" directive %s", directive->name, problem);
}

/* --- answering --- */

/* Statuses whose answers get the headers without `always`. */
static bool is_usual(unsigned status)
{
    switch (status) {
    case 200:
    case 201:
    case 204:
    case 206:
    case 301:
    case 302:
    case 303:
    case 304:
    case 307:
    case 308:
        return true;
    default:
        return false;
    }
}

/* The next time that it is so late, by the local clock. */
static time_t next_time_of_day(time_t now, int64_t seconds)
{
    struct tm tm;

    if (localtime_r(&now, &tm) == NULL)
        return now;
    tm.tm_hour = (int)(seconds / 3600);
    tm.tm_min = (int)(seconds / 60 % 60);
    tm.tm_sec = (int)(seconds % 60);
    time_t next = mktime(&tm);
    if (next == -1 || next > now)
        return next;
    tm.tm_mday++; /* mktime knows what follows the 31st */
    return mktime(&tm);
}

/* In place of what the answer has of the name, as an upstream's may. */
static bool replace_field(struct request *request, struct slice name, struct slice value)
{
    struct response_field *fields = request->response.fields.items, *first = NULL;

    for (size_t i = 0; i < request->response.fields.count; i++) {
        if (fields[i].hidden || !slice_equal_nocase(fields[i].name, name))
            continue;
        fields[i].hidden = first != NULL;
        if (first == NULL)
            first = &fields[i];
    }
    if (first == NULL)
        return response_add(request, name, value);
    first->value = value;
    return true;
}

static bool add_expires(struct request *request, time_t when, struct slice control)
{
    char *text = arena_text(&request->arena, HTTP_DATE_LEN);

    if (text == NULL || control.at == NULL)
        return false;
    date_format(text, when);
    return replace_field(request, SLICE("Expires"), slice_make(text, HTTP_DATE_LEN)) &&
           replace_field(request, SLICE("Cache-Control"), control);
}

static bool send_expires(struct request *request, struct expires expires)
{
    time_t now = request->worker->clock.wall;
    time_t modified = request->response.last_modified;
    time_t when = now + (time_t)expires.seconds;

    switch (expires.kind) {
    case EXPIRES_OFF:
        return true;
    case EXPIRES_EPOCH:
        return add_expires(request, 1, SLICE("no-cache"));
    case EXPIRES_MAX: /* Thu, 31 Dec 2037 23:55:55 GMT, and ten years */
        return add_expires(request, 2145916555, SLICE("max-age=315360000"));
    case EXPIRES_ACCESS:
        break;
    case EXPIRES_MODIFIED:
        if (modified != -1 && expires.seconds != 0)
            when = modified + (time_t)expires.seconds;
        break;
    case EXPIRES_DAILY:
        when = next_time_of_day(now, expires.seconds);
        break;
    }
    if (when < now || expires.seconds < 0)
        return add_expires(request, when, SLICE("no-cache"));
    return add_expires(request, when,
                       arena_printf(&request->arena, "max-age=%lld", (long long)(when - now)));
}

/* A value with variables that is no time, or is empty, sends nothing. */
static bool apply_expires(struct request *request, const struct expires_value *value)
{
    struct expires expires = value->fixed;
    struct slice text;

    if (value->text.count > 0 && !value->text.constant) {
        if (!template_eval(request, &value->text, &text))
            return false;
        if (parse_expires(text, value->modified, &expires) != NULL)
            return true;
    }
    return send_expires(request, expires);
}

/* Last-Modified and ETag replace what the answer has of its own; empty, they remove it.
 * True when the header is one of the two. */
static bool replace_own(struct response *response, struct slice name, struct slice value)
{
    if (slice_is_nocase(name, "Last-Modified")) {
        response->last_modified = value.len > 0 ? date_parse(value) : -1;
        response->last_modified_text = (struct slice){ NULL, 0 };
        return value.len == 0;
    }
    if (slice_is_nocase(name, "ETag") && (response->etag.len > 0 || value.len == 0)) {
        response->etag = value;
        return true;
    }
    return false;
}

static bool add_header(struct request *request, const struct added_header *header)
{
    struct slice value;

    if (!template_eval_head(request, &header->value, HEAD_TEXT_VALUE, &value))
        return false;
    if (replace_own(&request->response, header->name, value) || value.len == 0)
        return true;
    return response_add(request, header->name, value);
}

/* The trailer section of a chunked body, rendered: as there is no way to tell the client
 * of trailers behind a body with a length, the answer is chunked for them. */
static bool add_trailer(struct request *request, const struct added_header *trailer)
{
    struct slice *trailers = &request->response.trailers;
    struct slice value;

    if (!template_eval_head(request, &trailer->value, HEAD_TEXT_VALUE, &value))
        return false;
    *trailers = arena_printf(&request->arena, "%.*s%.*s%s%.*s%s", (int)trailers->len, trailers->at,
                             value.len > 0 ? (int)trailer->name.len : 0, trailer->name.at,
                             value.len > 0 ? ": " : "", (int)value.len, value.at,
                             value.len > 0 ? "\r\n" : "");
    return trailers->at != NULL;
}

static bool apply(struct request *request, const struct array *headers, bool usual,
                  bool (*add)(struct request *, const struct added_header *))
{
    const struct added_header *header = headers->items;

    for (size_t i = 0; i < headers->count; i++)
        if ((usual || header[i].always) && !add(request, &header[i]))
            return false;
    return true;
}

bool filter_headers(struct request *request)
{
    const struct headers_settings *settings = request_settings(request, MODULE_HEADERS);
    bool usual = is_usual(request->response.status);

    if (usual && !apply_expires(request, &settings->expires))
        return false;
    return apply(request, &settings->added, usual, add_header) &&
           apply(request, &settings->trailers, usual, add_trailer);
}

/* --- the table --- */

static const struct value_type as_headers = { "name value [always]", sizeof(struct array),
                                              set_add_header };
static const struct value_type as_expires = { "[modified] time | epoch | max | off",
                                              sizeof(struct expires_value), set_expires };

static const struct directive headers_directives[] = {
    { "add_header", IN_HTTP_ALL | IN_LOCATION_IF, ARGS_REPEATED(2, 3), &as_headers,
      offsetof(struct headers_settings, added), NULL,
      "a header for answers with status 2xx or 3xx, or, with always, for all" },
    { "add_trailer", IN_HTTP_ALL | IN_LOCATION_IF, ARGS_REPEATED(2, 3), &as_headers,
      offsetof(struct headers_settings, trailers), NULL,
      "a field behind the body of such answers, which are chunked then" },
    { "expires", IN_HTTP_ALL | IN_LOCATION_IF, ARGS_BETWEEN(1, 2), &as_expires,
      offsetof(struct headers_settings, expires), "off",
      "how long clients may keep an answer: Expires and Cache-Control" },
    { 0 },
};

const struct conf_module headers_module = {
    .name = "headers",
    .id = MODULE_HEADERS,
    .size = sizeof(struct headers_settings),
    .directives = headers_directives,
};
