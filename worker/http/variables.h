/* variables.h: $names, each a getter in the table of the module that knows it.
 *
 * Getters run only when a value is asked for. Names that users define (named
 * captures; set and map later) have an index into request->user_values. */
#ifndef MUXD_WORKER_HTTP_VARIABLES_H
#define MUXD_WORKER_HTTP_VARIABLES_H

#include "common/arena.h"
#include "conf/directive.h"

struct request;

/* Gets the value into *value (arena, head, or static text). `argument` is what
 * follows the prefix of a prefix variable ("user_agent" of $http_user_agent),
 * else empty. False: no value ("not found": empty in texts, "-" in logs). */
typedef bool variable_getter(struct request *, struct slice argument, struct slice *value);

struct variable {
    const char *name; /* NULL ends a table; a name that ends in '_' is a prefix: "arg_" */
    variable_getter *get;
};

/* Variables of the http core; other modules' tables are listed in variables.c. */
extern const struct variable core_variables[];

/* The built-in variable of this name, with *argument set for a prefix one;
 * NULL when there is none. */
const struct variable *variable_find(struct slice name, struct slice *argument);

struct variable_names;

/* The names of one configuration's user variables: none yet. NULL when memory is out. */
struct variable_names *variable_names_new(struct arena *);

/* Index of a user variable, made on first use; `defined` by a capture or set
 * (a name only ever used is an error at the end of the http block, reported at
 * the place of the first use). UINT_MAX when memory is out. */
unsigned variable_index(struct conf *, struct conf_scope *, struct position at, struct slice name,
                        bool defined);

/* Number of user variables of the configuration that the request runs under. */
unsigned variable_count(const struct request *);

/* Reports every user variable that is used but defined nowhere. */
void variables_check(struct conf *, struct conf_scope *http);

/* Value of any variable by name, for tests and rare uses: not the hot path. */
bool variable_get(struct request *, struct slice name, struct slice *value);

#endif
