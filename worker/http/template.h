/* template.h: values with $variables in them.
 *
 * A text such as "$root/$host" is compiled at load into parts and put together
 * for each request; a text without variables costs nothing at run time. */
#ifndef MUXD_WORKER_HTTP_TEMPLATE_H
#define MUXD_WORKER_HTTP_TEMPLATE_H

#include "conf/directive.h"
#include "conf/values.h"
#include "worker/http/head_text.h"

struct request;
struct template_part;

struct template
{
    struct slice literal; /* the text as written; the value itself when constant */
    bool constant;        /* no variables */
    struct template_part *parts;
    size_t count;
};

extern const struct value_type as_template; /* struct template: one word, with variables */

/* Compiles `text`; the scope says which configuration's variables are meant.
 * Errors (bad name, unknown variable) are reported at `at`; false then. */
bool template_compile(struct conf *, struct conf_scope *, struct position at, struct slice text,
                      struct template *);

/* Puts the value together in the request's arena (or returns the literal).
 * False when memory is out. A variable without a value is empty. */
bool template_eval(struct request *, const struct template *, struct slice *value);

/* Likewise, for what becomes a query or a redirect: of a request whose path was sent with '%' or
 * '+' in it, $1 to $9 are escaped again, as nginx does. */
bool template_eval_escaped(struct request *, const struct template *, struct slice *value);

/* Likewise, for what becomes part of a head: control characters in it become %XX (head_text.h). */
bool template_eval_head(struct request *, const struct template *, enum head_text,
                        struct slice *value);

/* Bytes >= 1 of the template are variables named so ("request_uri"), for checks. */
bool template_uses(const struct template *, const char *variable);

#endif
