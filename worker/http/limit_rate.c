#include "worker/http/limit_rate.h"

#include "common/log.h"
#include "conf/values.h"
#include "worker/context.h"
#include "worker/http/request.h"
#include "worker/http/template.h"

enum { PAUSE = 250 /* ms: an answer leaves in four pieces a second, not in crumbs */ };

/* A number of bytes, known at once or for each request. */
struct size_value {
    uint64_t bytes;
    struct template text; /* when it has variables: at is not NULL */
};

struct limit_rate_settings {
    struct size_value rate, after;
};

/* A value that is no size is 0, and logged, as nginx does. */
static bool evaluate(struct request *request, const struct size_value *value, uint64_t *bytes)
{
    struct slice text;

    *bytes = value->bytes;
    if (value->text.literal.at == NULL)
        return true;
    if (!template_eval(request, &value->text, &text))
        return false;
    if (!value_parse_size(text, bytes)) {
        *bytes = 0;
        request_log(request, LOG_LEVEL_ERROR, 0,
                    "invalid size \"%.*s\" while sending response to client", (int)text.len,
                    text.at);
    }
    return true;
}

void limit_rate_set(struct request *request, uint64_t rate)
{
    request->rate.rate = rate;
    request->rate.set = true;
}

bool limit_rate_begin(struct request *request)
{
    const struct limit_rate_settings *settings = request_settings(request, MODULE_LIMIT_RATE);
    struct limit_rate *rate = &request->rate;

    if (!rate->set && !evaluate(request, &settings->rate, &rate->rate))
        return false;
    rate->set = true;
    return rate->rate == 0 || evaluate(request, &settings->after, &rate->after);
}

/* Bytes that may have left by now, all in all. */
static uint64_t allowance(const struct request *request)
{
    const struct limit_rate *rate = &request->rate;
    uint64_t elapsed = request->worker->clock.now - request->started;
    uint64_t bytes;

    if (__builtin_mul_overflow(rate->rate, elapsed + 1000, &bytes) ||
        __builtin_add_overflow(bytes / 1000, rate->after, &bytes))
        return UINT64_MAX;
    return bytes;
}

uint64_t limit_rate_budget(const struct request *request)
{
    if (request->rate.rate == 0)
        return UINT64_MAX;
    uint64_t most = allowance(request);
    return most > request->bytes_sent ? most - request->bytes_sent : 0;
}

void limit_rate_pause(struct request *request)
{
    struct limit_rate *rate = &request->rate;
    uint64_t most = allowance(request), sent = request->bytes_sent;

    rate->pause = sent < most ? 0 : (sent - most) * 1000 / rate->rate + PAUSE;
}

/* --- the directives --- */

static void set_size(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    const struct word *word = &node->words[1];
    struct size_value *size = value;
    struct template text;

    *size = (struct size_value){ 0 };
    if (slice_find(word->text, '$') < 0)
        as_size.set(conf, scope, node, directive, &size->bytes);
    else if (template_compile(conf, scope, word->at, word->text, &text))
        size->text = text;
}

static const struct value_type as_size_value = { "size", sizeof(struct size_value), set_size };

static const struct directive limit_rate_directives[] = {
    { "limit_rate", IN_HTTP_ALL | IN_LOCATION_IF, ARGS(1), &as_size_value,
      offsetof(struct limit_rate_settings, rate), "0",
      "bytes a second that an answer is sent to its client at; 0: any" },
    { "limit_rate_after", IN_HTTP_ALL | IN_LOCATION_IF, ARGS(1), &as_size_value,
      offsetof(struct limit_rate_settings, after), "0",
      "bytes of an answer that are sent before limit_rate counts" },
    { 0 },
};

const struct conf_module limit_rate_module = {
    .name = "limit_rate",
    .id = MODULE_LIMIT_RATE,
    .size = sizeof(struct limit_rate_settings),
    .directives = limit_rate_directives,
};
