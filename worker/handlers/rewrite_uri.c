/* rewrite regex replacement [flag]: a new URI, or a redirect. */
#include "common/log.h"
#include "worker/handlers/rewrite.h"
#include "worker/http/log_escape.h"
#include "worker/http/uri.h"

/* --- reading --- */

static bool is_url(struct slice text)
{
    return slice_starts(text, SLICE("http://")) || slice_starts(text, SLICE("https://")) ||
           slice_starts(text, SLICE("$scheme"));
}

static bool read_flag(struct conf *conf, const struct word *word, struct uri_rule *rule)
{
    rule->last = true;
    if (slice_is(word->text, "last"))
        return true;
    if (slice_is(word->text, "break")) {
        rule->stay = true;
    } else if (slice_is(word->text, "redirect")) {
        rule->redirect = 302;
    } else if (slice_is(word->text, "permanent")) {
        rule->redirect = 301;
    } else {
        conf_error(conf, word->at, "invalid parameter \"%.*s\"", (int)word->text.len,
                   word->text.at);
        return false;
    }
    return true;
}

/* A new URI is put together in two parts; a redirect's URL is one. */
static bool read_target(struct conf *conf, struct conf_scope *scope, struct position at,
                        struct slice text, struct uri_rule *rule)
{
    ptrdiff_t mark = slice_find(text, '?');

    rule->has_args = mark >= 0;
    if (rule->redirect != 0 || mark < 0)
        return template_compile(conf, scope, at, text, &rule->uri);
    return template_compile(conf, scope, at, slice_first(text, (size_t)mark), &rule->uri) &&
           template_compile(conf, scope, at, slice_from(text, (size_t)mark + 1), &rule->args);
}

bool uri_rule_read(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                   struct uri_rule *rule)
{
    const struct word *pattern = &node->words[1], *target = &node->words[2];
    struct slice text = target->text;

    if (text.len == 0) {
        conf_error(conf, target->at, "empty replacement");
        return false;
    }
    rule->pattern_text = pattern->text;
    if (!capture_compile(conf, scope, pattern->at, pattern->text, false, &rule->pattern))
        return false;
    rule->keep_args = !slice_ends(text, SLICE("?"));
    if (!rule->keep_args)
        text.len--;
    if (is_url(text)) {
        rule->redirect = 302;
        rule->last = true;
    }
    if (node->count == 4 && !read_flag(conf, &node->words[3], rule))
        return false;
    return read_target(conf, scope, target->at, text, rule);
}

/* --- applying --- */

/* `name: "text"` of the log, with what could forge a line escaped. */
static void log_text(struct rule_run *run, const char *what, struct slice text, bool has_args)
{
    struct request *request = run->request;

    if (!run->log)
        return;
    text = log_escape_error(&request->arena, text);
    if (!has_args) {
        request_log(request, LOG_LEVEL_NOTICE, 0, "%s: \"%.*s\"", what, (int)text.len, text.at);
        return;
    }
    struct slice args = log_escape_error(&request->arena, request->args);
    request_log(request, LOG_LEVEL_NOTICE, 0, "%s: \"%.*s\", args: \"%.*s\"", what, (int)text.len,
                text.at, (int)args.len, args.at);
}

/* `text`, the separator and the request's own query. */
static struct slice append_args(struct request *request, struct slice text, char separator)
{
    return arena_printf(&request->arena, "%.*s%c%.*s", (int)text.len, text.at, separator,
                        (int)request->args.len, request->args.at);
}

static bool redirect(struct rule_run *run, const struct uri_rule *rule)
{
    struct request *request = run->request;
    struct slice url;

    if (!template_eval_escaped(request, &rule->uri, &url))
        return rule_failed(run);
    url = uri_unescape_redirect(&request->arena, url);
    if (url.at != NULL && rule->keep_args && request->args.len > 0)
        url = append_args(request, url, rule->has_args ? '&' : '?');
    if (url.at == NULL || !head_text_escape(&request->arena, &url, HEAD_TEXT_VALUE))
        return rule_failed(run);
    log_text(run, "rewritten redirect", url, false);
    request->response.location = url;
    run->outcome = (int)rule->redirect;
    return false;
}

/* The query that goes with the new URI. */
static bool new_args(struct request *request, const struct uri_rule *rule, struct slice *args)
{
    *args = rule->keep_args ? request->args : SLICE("");
    if (!rule->has_args)
        return true;
    if (!template_eval_escaped(request, &rule->args, args))
        return false;
    if (rule->keep_args && request->args.len > 0)
        *args = append_args(request, *args, '&');
    return args->at != NULL;
}

bool uri_rule_apply(struct rule_run *run, const struct uri_rule *rule)
{
    struct request *request = run->request;
    struct slice uri, args;

    switch (rule_match(run, &rule->pattern, rule->pattern_text, request->uri)) {
    case CAPTURE_NO_MATCH:
        return true;
    case CAPTURE_NO_MEMORY:
        return rule_failed(run);
    case CAPTURE_MATCH:
        break;
    }
    request->internal = true;
    if (rule->redirect != 0)
        return redirect(run, rule);
    run->escape = false;
    if (!template_eval(request, &rule->uri, &uri) || !new_args(request, rule, &args))
        return rule_failed(run);
    request->args = args;
    request->has_args = args.len > 0;
    log_text(run, "rewritten data", uri, true);
    if (uri.len == 0) {
        request_log(request, LOG_LEVEL_ERROR, 0, "the rewritten URI has a zero length");
        return rule_failed(run);
    }
    request->uri = uri;
    request->uri_replaced = true;
    run->uri_changed = !rule->stay;
    request->displaced = request->displaced || rule->stay;
    return !rule->last;
}
