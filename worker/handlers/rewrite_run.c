/* The rules of a server or location, run for a request. */
#include "common/log.h"
#include "worker/handlers/handlers.h"
#include "worker/handlers/rewrite.h"
#include "worker/http/log_escape.h"
#include "worker/http/phases.h"

/* --- what the rules share --- */

bool rule_failed(struct rule_run *run)
{
    run->outcome = 500;
    return false;
}

bool rule_value(struct rule_run *run, const struct template *template, struct slice *value)
{
    return run->escape ? template_eval_escaped(run->request, template, value)
                       : template_eval(run->request, template, value);
}

static void log_match(struct request *request, bool matches, struct slice pattern,
                      struct slice text)
{
    text = log_escape_error(&request->arena, text);
    request_log(request, LOG_LEVEL_NOTICE, 0, "\"%.*s\" %s \"%.*s\"", (int)pattern.len, pattern.at,
                matches ? "matches" : "does not match", (int)text.len, text.at);
}

enum capture_result rule_match(struct rule_run *run, const struct capture_regex *pattern,
                               struct slice pattern_text, struct slice text)
{
    enum capture_result result = capture_match(run->request, pattern, text);

    if (result == CAPTURE_NO_MATCH)
        run->request->captures = NULL;
    if (run->log && result != CAPTURE_NO_MEMORY)
        log_match(run->request, result == CAPTURE_MATCH, pattern_text, text);
    return result;
}

/* --- each kind; false: no further rule is run --- */

static bool run_rules(struct rule_run *, const struct array *rules);

static bool run_branch(struct rule_run *run, const struct branch *branch)
{
    switch (condition_test(run, &branch->condition)) {
    case CONDITION_NO_MEMORY:
        return rule_failed(run);
    case CONDITION_FAILS:
        return true;
    case CONDITION_HOLDS:
        break;
    }
    const struct rewrite_settings *settings = branch->scope->settings[MODULE_REWRITE];
    if (branch->location != NULL)
        phases_enter_location(run->request, branch->location);
    return run_rules(run, &settings->rules);
}

static bool assign(struct rule_run *run, const struct assignment *assignment)
{
    struct slice value;

    if (!rule_value(run, &assignment->value, &value))
        return rule_failed(run);
    bool done = assignment->set != NULL
                    ? assignment->set(run->request, value)
                    : request_set_variable(run->request, assignment->index, value);
    return done || rule_failed(run);
}

/* The URI stays what a rule has made of it, and the request where it is. */
static bool run_break(struct rule_run *run)
{
    run->request->displaced = run->request->displaced || run->uri_changed;
    run->uri_changed = false;
    return false;
}

static bool run_rule(struct rule_run *run, const struct rule *rule)
{
    switch (rule->kind) {
    case RULE_REWRITE:
        return uri_rule_apply(run, rule->as.rewrite);
    case RULE_IF:
        return run_branch(run, rule->as.branch);
    case RULE_SET:
        return assign(run, rule->as.assignment);
    case RULE_RETURN:
        run->outcome = return_answer(run->request, rule->as.answer);
        return false;
    case RULE_BREAK:
        break;
    }
    return run_break(run);
}

/* At most two deep: an `if` does not stand in an `if`. */
static bool run_rules(struct rule_run *run, const struct array *rules)
{
    const struct rule *list = rules->items;

    for (size_t i = 0; i < rules->count; i++)
        if (!run_rule(run, &list[i]))
            return false;
    return true;
}

/* --- the phases --- */

static struct rule_run run_all(struct request *request, const struct rewrite_settings *settings)
{
    struct rule_run run = {
        .request = request, .log = settings->log, .escape = true, .outcome = DECLINED
    };

    run_rules(&run, &settings->rules);
    return run;
}

/* The location is looked for behind this anyway. */
int server_rewrite_handler(struct request *request)
{
    const struct rewrite_settings *settings = request_settings(request, MODULE_REWRITE);

    return settings->rules.count == 0 ? DECLINED : run_all(request, settings).outcome;
}

/* Where no location has matched the settings are the server's, whose rules were run. */
int rewrite_handler(struct request *request)
{
    const struct rewrite_settings *settings = request_settings(request, MODULE_REWRITE);

    if (settings->rules.count == 0 || request->location == NULL)
        return DECLINED;
    struct rule_run run = run_all(request, settings);
    if (run.outcome == DECLINED && run.uri_changed)
        return request_find_location(request);
    return run.outcome;
}
