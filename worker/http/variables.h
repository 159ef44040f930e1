/* variables.h: $names, each a getter in the table of the module that knows it.
 *
 * Names are compared without case, as nginx does. Getters run only when a value
 * is asked for. Names that users define (named captures; set and map later) have
 * an index into request->user_values. */
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

/* Variables of the http core, by what they are about; variables.c lists all tables. */
extern const struct variable core_variables[];       /* core_variables.c */
extern const struct variable connection_variables[]; /* connection_variables.c */
extern const struct variable header_variables[];     /* header_variables.c: what the client sent */
extern const struct variable response_variables[];   /* response_variables.c: what it is sent */

/* The built-in variable of this name (lower case), with *argument set for a prefix
 * one; NULL when there is none. */
const struct variable *variable_find(struct slice name, struct slice *argument);

/* The known name that was probably meant, or an empty slice. */
struct slice variable_suggest(struct slice name);

/* A variable as a text or log format uses it, looked up once at load. */
struct variable_use {
    variable_getter *get; /* NULL: a user variable */
    struct slice argument;
    unsigned index; /* of a user variable */
};

/* Looks the name (any case) up, as a built-in or user variable. False, with the
 * error reported at `at`, when it cannot be one or memory is out. */
bool variable_resolve(struct conf *, struct conf_scope *, struct position at, struct slice name,
                      struct variable_use *);

/* The value; false when it has none. */
bool variable_value(struct request *, const struct variable_use *, struct slice *value);

/* The name behind a '$' at text[*at], in braces or not; *at moves behind it. */
enum variable_name_result { VARIABLE_NAME, VARIABLE_NAME_MISSING, VARIABLE_BRACE_MISSING };
enum variable_name_result variable_name_read(struct slice text, size_t *at, struct slice *name);

struct variable_names;

/* The names of one configuration's user variables: none yet. NULL when memory is out. */
struct variable_names *variable_names_new(struct arena *);

/* Index of a user variable, made on first use; `defined` by a capture or set
 * (a name only ever used is an error at the end of the http block, reported at
 * the place of the first use). UINT_MAX when memory is out, or, reported at `at`, when
 * a built-in variable has the name that is to be defined. */
unsigned variable_index(struct conf *, struct conf_scope *, struct position at, struct slice name,
                        bool defined);

/* Number of user variables of the configuration that the request runs under. */
unsigned variable_count(const struct request *);

/* The user variable of this name (lower case), when one is defined or used. */
bool variable_names_find(const struct variable_names *, struct slice name, unsigned *index);

/* Reports every user variable that is used but defined nowhere. */
void variables_check(struct conf *, struct conf_scope *http);

/* Value of any variable by name, for tests and rare uses: not the hot path. */
bool variable_get(struct request *, struct slice name, struct slice *value);

#endif
