/* match name { ... }: what a good answer to a health check is. */
#include "conf/values.h"
#include "worker/http/core.h"
#include "worker/upstream/health.h"

/* One status, or a range of them. */
struct status_range {
    uint64_t first, last;
};

/* What is asked of a text. */
enum test { TEST_PRESENT, TEST_ABSENT, TEST_EQUAL, TEST_UNEQUAL, TEST_REGEX, TEST_NO_REGEX };

struct header_test {
    struct slice name;
    enum test test;
    struct slice value;
    struct regex *regex;
};

struct health_match {
    struct health_match *next; /* of the http block */
    struct slice name;
    bool has_status, status_not;
    struct array statuses; /* of struct status_range */
    struct array headers;  /* of struct header_test */
    struct array bodies;   /* of struct header_test, without names */
};

const struct health_match *health_match_find(const struct conf_scope *scope, struct slice name)
{
    const struct health_match *match = http_of(scope)->matches;

    while (match != NULL && !slice_equal(match->name, name))
        match = match->next;
    return match;
}

/* --- looking at an answer --- */

bool health_match_wants_body(const struct health_match *match)
{
    return match != NULL && match->bodies.count > 0;
}

static bool status_fits(const struct health_match *match, unsigned status)
{
    const struct status_range *ranges;

    if (match == NULL || !match->has_status)
        return status >= 200 && status < 400;
    ranges = match->statuses.items;
    for (size_t i = 0; i < match->statuses.count; i++)
        if (status >= ranges[i].first && status <= ranges[i].last)
            return !match->status_not;
    return match->status_not;
}

static bool text_fits(const struct header_test *test, struct regex_scratch *scratch,
                      struct slice text)
{
    switch (test->test) {
    case TEST_EQUAL:
        return slice_equal(text, test->value);
    case TEST_UNEQUAL:
        return !slice_equal(text, test->value);
    case TEST_REGEX:
        return regex_match(test->regex, scratch, text, NULL, 0);
    case TEST_NO_REGEX:
        return !regex_match(test->regex, scratch, text, NULL, 0);
    default:
        return test->test == TEST_PRESENT;
    }
}

/* An absent field is none that is different, either. */
static bool header_fits(const struct header_test *test, struct regex_scratch *scratch,
                        const struct answer_head *head)
{
    const struct answer_field *fields = head->fields.items;

    for (size_t i = 0; i < head->fields.count; i++)
        if (slice_equal_nocase(fields[i].name, test->name))
            return text_fits(test, scratch, fields[i].value);
    return test->test == TEST_ABSENT || test->test == TEST_UNEQUAL || test->test == TEST_NO_REGEX;
}

const char *health_match_problem(const struct health_match *match, struct regex_scratch *scratch,
                                 const struct answer_head *head, struct slice body)
{
    if (!status_fits(match, head->status))
        return "the status does not match";
    if (match == NULL)
        return NULL;
    const struct header_test *headers = match->headers.items, *bodies = match->bodies.items;
    for (size_t i = 0; i < match->headers.count; i++)
        if (!header_fits(&headers[i], scratch, head))
            return "a header does not match";
    for (size_t i = 0; i < match->bodies.count; i++)
        if (!text_fits(&bodies[i], scratch, body))
            return "the body does not match";
    return NULL;
}

/* --- the directives --- */

static void invalid_word(struct conf *conf, const struct word *word)
{
    conf_error(conf, word->at, "invalid parameter \"%.*s\"", (int)word->text.len, word->text.at);
}

static void no_memory(struct conf *conf, const struct conf_node *node)
{
    conf_error(conf, node->words[0].at, "no memory for this test");
}

/* "200" or "200-399" */
static bool read_range(struct slice text, struct status_range *range)
{
    ptrdiff_t dash = slice_find(text, '-');
    struct slice first = dash < 0 ? text : slice_first(text, (size_t)dash);
    struct slice last = dash < 0 ? text : slice_from(text, (size_t)dash + 1);

    return slice_to_number(first, 999, &range->first) && slice_to_number(last, 999, &range->last) &&
           range->first <= range->last;
}

/* status [!] code | code-code ... */
static void set_status(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                       const struct directive *directive, void *value)
{
    struct health_match *match = scope->owner;
    size_t from = slice_is(node->words[1].text, "!") ? 2 : 1;

    (void)directive;
    (void)value;
    match->has_status = true;
    match->status_not = from == 2;
    match->statuses.item_size = sizeof(struct status_range);
    if (from == node->count)
        invalid_word(conf, &node->words[1]);
    for (size_t i = from; i < node->count; i++) {
        struct status_range *range = array_push(&match->statuses, conf->arena);
        if (range == NULL)
            no_memory(conf, node);
        else if (!read_range(node->words[i].text, range))
            invalid_word(conf, &node->words[i]);
    }
}

/* The operator and what stands behind it. */
static void read_test(struct conf *conf, const struct word *words, struct header_test *test)
{
    static const struct {
        const char *word;
        enum test test;
    } operators[] = {
        { "=", TEST_EQUAL },
        { "!=", TEST_UNEQUAL },
        { "~", TEST_REGEX },
        { "!~", TEST_NO_REGEX },
    };
    struct regex_error error;
    size_t i = 0;

    while (i < 4 && !slice_is(words[0].text, operators[i].word))
        i++;
    if (i == 4) {
        invalid_word(conf, &words[0]);
        return;
    }
    test->test = operators[i].test;
    test->value = words[1].text;
    if (test->test != TEST_REGEX && test->test != TEST_NO_REGEX)
        return;
    test->regex = conf_regex(conf, test->value, false, &error);
    if (test->regex == NULL)
        conf_error(conf, words[1].at, "%s in regex \"%.*s\"", error.message, (int)test->value.len,
                   test->value.at);
}

static struct header_test *add_test(struct conf *conf, const struct conf_node *node,
                                    struct array *tests)
{
    tests->item_size = sizeof(struct header_test);
    struct header_test *test = array_push(tests, conf->arena);
    if (test == NULL)
        no_memory(conf, node);
    return test;
}

/* header name | ! name | name = value | name != value | name ~ regex | name !~ regex */
static void set_header(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                       const struct directive *directive, void *value)
{
    struct health_match *match = scope->owner;
    struct header_test *test = add_test(conf, node, &match->headers);
    const struct word *words = node->words;

    (void)directive;
    (void)value;
    if (test == NULL)
        return;
    bool negated = node->count == 3 && slice_is(words[1].text, "!");
    test->name = words[negated ? 2 : 1].text;
    test->test = negated ? TEST_ABSENT : TEST_PRESENT;
    if (node->count == 3 && !negated)
        invalid_word(conf, &words[2]);
    if (node->count == 4)
        read_test(conf, &words[2], test);
}

/* body ~ regex | !~ regex */
static void set_body(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    struct health_match *match = scope->owner;
    struct header_test *test = add_test(conf, node, &match->bodies);

    (void)directive;
    (void)value;
    if (test == NULL)
        return;
    read_test(conf, &node->words[1], test);
    if (test->regex == NULL)
        invalid_word(conf, &node->words[1]);
}

static void set_match(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                      const struct directive *directive, void *value)
{
    struct health_match *match = arena_zalloc(conf->arena, sizeof *match);
    struct http *http = http_of(scope);

    (void)directive;
    (void)value;
    if (match == NULL) {
        no_memory(conf, node);
        return;
    }
    match->name = node->words[1].text;
    if (health_match_find(scope, match->name) != NULL)
        conf_error(conf, node->words[1].at, "duplicate match \"%.*s\"", (int)match->name.len,
                   match->name.at);
    match->next = http->matches;
    http->matches = match;
    if (conf_open_block(conf, scope, node, IN_MATCH, match) == NULL)
        no_memory(conf, node);
}

static const struct value_type as_match = { "name { ... }", 0, set_match };
static const struct value_type as_status = { "[!] code | code-code ...", 0, set_status };
static const struct value_type as_header = { "[!] name | name =|!=|~|!~ value", 0, set_header };
static const struct value_type as_body = { "~|!~ regex", 0, set_body };

static const struct directive health_match_directives[] = {
    { "match", IN_HTTP, BLOCK(1, 1), &as_match, 0, NULL,
      "what a good answer to a health check is" },
    { "status", IN_MATCH, ARGS_FROM(1), &as_status, 0, NULL, "statuses of a good answer" },
    { "header", IN_MATCH, ARGS_REPEATED(1, 3), &as_header, 0, NULL,
      "a field that a good answer has, or has not" },
    { "body", IN_MATCH, ARGS_REPEATED(2, 2), &as_body, 0, NULL,
      "a regex that the body of a good answer matches" },
    { 0 },
};

const struct conf_module health_match_module = {
    .name = "health_match",
    .id = MODULE_HEALTH_MATCH,
    .size = 1,
    .directives = health_match_directives,
};
