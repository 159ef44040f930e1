/* rewrite.h: rules that a request passes before it is served: rewrite, if, set, return, break.
 *
 * The rules of a server or location are a list in the order of the text; an `if` has a list of
 * its own, and, in a location, settings of its own: it is a nameless location inside of that
 * one, which the request enters when the condition holds. rewrite.c has the directives,
 * rewrite_run.c runs the rules; each kind of rule has its file. */
#ifndef MUXD_WORKER_HANDLERS_REWRITE_H
#define MUXD_WORKER_HANDLERS_REWRITE_H

#include "worker/http/capture.h"
#include "worker/http/core.h"
#include "worker/http/template.h"
#include "worker/http/variables.h"

struct rewrite_settings {
    struct array rules; /* of struct rule */
    bool log;           /* what matches, and what it makes of a URI, is logged */
    bool uninitialized_warn;
};

enum rule_kind { RULE_REWRITE, RULE_IF, RULE_SET, RULE_RETURN, RULE_BREAK };

struct rule {
    enum rule_kind kind;
    union {
        const struct uri_rule *rewrite;
        const struct branch *branch;
        const struct assignment *assignment;
        const struct return_value *answer;
    } as;
};

/* A list of rules being run for a request. */
struct rule_run {
    struct request *request;
    bool log;
    bool escape;      /* captures are escaped in values: nginx does so until a URI was changed */
    bool uri_changed; /* the location is to be looked for again */
    int outcome;      /* DECLINED, or how the phase ends */
};

/* --- return: return.c --- */

struct return_value {
    bool has_text;
    unsigned status;
    struct template text; /* body, or URL of a redirect */
};

/* Reads the directive. False: an error was reported. */
bool return_read(struct conf *, struct conf_scope *, const struct conf_node *,
                 struct return_value *);

/* The answer; as a phase function. */
int return_answer(struct request *, const struct return_value *);

/* --- rewrite: rewrite_uri.c --- */

struct uri_rule {
    struct capture_regex pattern;
    struct slice pattern_text;
    struct template uri;  /* the new URI, or the URL of a redirect with its query */
    struct template args; /* behind the new URI's '?' */
    bool has_args;        /* there was a '?' */
    bool keep_args;       /* the request's own are appended */
    bool last;            /* no further rule is run */
    bool stay;            /* `break`: in this location */
    unsigned redirect;    /* status; 0: none */
};

/* Reads the directive. False: an error was reported. */
bool uri_rule_read(struct conf *, struct conf_scope *, const struct conf_node *, struct uri_rule *);

/* Applies the rule. False: no further rule is run. */
bool uri_rule_apply(struct rule_run *, const struct uri_rule *);

/* --- if: rewrite_condition.c --- */

enum condition_test {
    TEST_TRUE,  /* neither empty nor "0" */
    TEST_EQUAL, /* to the value */
    TEST_MATCH,
    TEST_FILE, /* the value is the path of one */
    TEST_FOLDER,
    TEST_EXISTS,
    TEST_EXECUTABLE,
};

struct condition {
    enum condition_test test;
    bool negated;
    struct variable_use variable;
    struct template value;
    struct capture_regex pattern;
    struct slice pattern_text;
};

struct branch {
    struct condition condition;
    const struct conf_scope *scope;
    const struct location *location; /* NULL: in a server */
};

/* Reads what stands between the parentheses. False: an error was reported. */
bool condition_read(struct conf *, struct conf_scope *, const struct conf_node *,
                    struct condition *);

enum condition_result { CONDITION_HOLDS, CONDITION_FAILS, CONDITION_NO_MEMORY };

enum condition_result condition_test(struct rule_run *, const struct condition *);

/* --- what they share: rewrite_run.c --- */

/* Matches, and logs it when rewrite_log is on. Without a match there are no captures. */
enum capture_result rule_match(struct rule_run *, const struct capture_regex *,
                               struct slice pattern_text, struct slice text);

/* The value of a template, with captures escaped where nginx does so. False: memory is out. */
bool rule_value(struct rule_run *, const struct template *, struct slice *value);

/* Memory is out: ends the run with 500. False. */
bool rule_failed(struct rule_run *);

struct assignment {
    variable_setter *set; /* of a built-in variable */
    unsigned index;       /* of a user variable, when set is NULL */
    struct template value;
};

#endif
