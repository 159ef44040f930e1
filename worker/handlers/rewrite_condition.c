/* if (condition) */
#include "common/log.h"
#include "worker/context.h"
#include "worker/handlers/file_cache.h"
#include "worker/handlers/rewrite.h"
#include "worker/http/log_escape.h"

#include <errno.h>

/* --- reading --- */

/* The words between the parentheses, which may be words of their own. */
struct terms {
    struct term {
        struct slice text;
        struct position at;
    } list[3];
    size_t count;
};

static bool invalid(struct conf *conf, const struct word *word)
{
    conf_error(conf, word->at, "invalid condition \"%.*s\"", (int)word->text.len, word->text.at);
    return false;
}

static bool invalid_term(struct conf *conf, const struct term *term)
{
    conf_error(conf, term->at, "invalid condition \"%.*s\"", (int)term->text.len, term->text.at);
    return false;
}

static bool read_terms(struct conf *conf, const struct conf_node *node, struct terms *terms)
{
    const struct word *first = &node->words[1], *last = &node->words[node->count - 1];

    if (!slice_starts(first->text, SLICE("(")))
        return invalid(conf, first);
    if (!slice_ends(last->text, SLICE(")")))
        return invalid(conf, last);
    terms->count = 0;
    for (const struct word *word = first; word <= last; word++) {
        struct slice text = word->text;
        if (word == first)
            text = slice_from(text, 1);
        if (word == last && text.len > 0)
            text.len--;
        if (text.len == 0 && (word == first || word == last) && word->text.len == 1)
            continue;
        if (terms->count == 3)
            return invalid_term(conf, &terms->list[0]);
        terms->list[terms->count++] = (struct term){ text, word->at };
    }
    return terms->count > 0 || invalid(conf, first);
}

/* = and ~ with their variants. */
static bool read_comparison(struct conf *conf, struct conf_scope *scope, const struct terms *terms,
                            struct condition *condition)
{
    static const struct {
        const char *text;
        enum condition_test test;
        bool negated, nocase;
    } operators[] = {
        { "=", TEST_EQUAL, false, false }, { "!=", TEST_EQUAL, true, false },
        { "~", TEST_MATCH, false, false }, { "~*", TEST_MATCH, false, true },
        { "!~", TEST_MATCH, true, false }, { "!~*", TEST_MATCH, true, true },
    };
    const struct term *operator= & terms->list[1], *operand = &terms->list[2];

    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (!slice_is(operator->text, operators[i].text))
            continue;
        condition->test = operators[i].test;
        condition->negated = operators[i].negated;
        if (condition->test == TEST_EQUAL)
            return template_compile(conf, scope, operand->at, operand->text, &condition->value);
        condition->pattern_text = operand->text;
        return capture_compile(conf, scope, operand->at, operand->text, operators[i].nocase,
                               &condition->pattern);
    }
    conf_error(conf, operator->at, "unexpected \"%.*s\" in condition",
               (int)operator->text.len, operator->text.at);
    return false;
}

/* -f and its kin, or their negations. */
static bool read_file_test(struct conf *conf, struct conf_scope *scope, const struct terms *terms,
                           struct condition *condition)
{
    static const char letters[] = {
        [TEST_FILE] = 'f', [TEST_FOLDER] = 'd', [TEST_EXISTS] = 'e', [TEST_EXECUTABLE] = 'x'
    };
    struct slice name = terms->list[0].text;
    const struct term *path = &terms->list[1];

    condition->negated = slice_starts(name, SLICE("!"));
    if (condition->negated)
        name = slice_from(name, 1);
    if (terms->count != 2 || name.len != 2 || name.at[0] != '-')
        return invalid_term(conf, &terms->list[0]);
    for (enum condition_test test = TEST_FILE; test <= TEST_EXECUTABLE; test++)
        if (letters[test] == name.at[1]) {
            condition->test = test;
            return template_compile(conf, scope, path->at, path->text, &condition->value);
        }
    return invalid_term(conf, &terms->list[0]);
}

bool condition_read(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                    struct condition *condition)
{
    struct terms terms;

    if (!read_terms(conf, node, &terms))
        return false;
    const struct term *first = &terms.list[0];
    if (first->text.len < 2 || first->text.at[0] != '$')
        return read_file_test(conf, scope, &terms, condition);
    if (terms.count == 2)
        return invalid_term(conf, first);
    if (!variable_resolve(conf, scope, first->at, slice_from(first->text, 1), &condition->variable))
        return false;
    return terms.count == 1 || read_comparison(conf, scope, &terms, condition);
}

/* --- testing --- */

static enum condition_result test_match(struct rule_run *run, const struct condition *condition,
                                        struct slice text)
{
    switch (rule_match(run, &condition->pattern, condition->pattern_text, text)) {
    case CAPTURE_MATCH:
        return CONDITION_HOLDS;
    case CAPTURE_NO_MATCH:
        return CONDITION_FAILS;
    case CAPTURE_NO_MEMORY:
        break;
    }
    return CONDITION_NO_MEMORY;
}

/* What stands at the path, by the rules for all files of the request. */
static bool file_is(struct request *request, enum condition_test test, struct slice path)
{
    struct file_facts facts;
    int error = file_facts(request, path, &facts);

    if (error != 0) {
        struct slice name = log_escape_error(&request->arena, path);
        if (error != ENOENT && error != ENOTDIR && error != ENAMETOOLONG)
            request_log(request, LOG_LEVEL_CRIT, error, "%s \"%.*s\" failed",
                        file_test_call(request), (int)name.len, name.at);
        return false;
    }
    switch (test) {
    case TEST_FILE:
        return facts.kind == FILE_REGULAR;
    case TEST_FOLDER:
        return facts.kind == FILE_DIRECTORY;
    case TEST_EXECUTABLE:
        return facts.executable;
    default:
        return facts.kind != FILE_OTHER; /* nginx does not see sockets and pipes either */
    }
}

static enum condition_result test_file(struct rule_run *run, const struct condition *condition)
{
    struct request *request = run->request;
    struct slice path;

    if (!rule_value(run, &condition->value, &path))
        return CONDITION_NO_MEMORY;
    if (!slice_starts(path, SLICE("/")))
        path = arena_join(&request->arena, slice_of(request->worker->conf->prefix), path);
    const char *text = path.at == NULL ? NULL : arena_cstr(&request->arena, path);
    if (text == NULL)
        return CONDITION_NO_MEMORY;
    return file_is(request, condition->test, slice_make(text, path.len)) ? CONDITION_HOLDS
                                                                         : CONDITION_FAILS;
}

static enum condition_result test(struct rule_run *run, const struct condition *condition)
{
    struct slice text, value;

    if (condition->test >= TEST_FILE)
        return test_file(run, condition);
    if (!variable_value(run->request, &condition->variable, &text))
        text = SLICE("");
    if (condition->test == TEST_TRUE)
        return text.len > 0 && !slice_is(text, "0") ? CONDITION_HOLDS : CONDITION_FAILS;
    if (condition->test == TEST_MATCH)
        return test_match(run, condition, text);
    if (!rule_value(run, &condition->value, &value))
        return CONDITION_NO_MEMORY;
    return slice_equal(text, value) ? CONDITION_HOLDS : CONDITION_FAILS;
}

enum condition_result condition_test(struct rule_run *run, const struct condition *condition)
{
    enum condition_result result = test(run, condition);

    if (!condition->negated || result == CONDITION_NO_MEMORY)
        return result;
    return result == CONDITION_HOLDS ? CONDITION_FAILS : CONDITION_HOLDS;
}
