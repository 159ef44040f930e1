/* variables.h: $names, each a getter in the table of the module that knows it.
 *
 * Names are compared without case, as nginx does. Getters run only when a value
 * is asked for. Names that users define have an index into request->user_values:
 * captures and `set` put values there; map and its kin compute them. */
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
extern const struct variable core_variables[];        /* core_variables.c */
extern const struct variable connection_variables[];  /* connection_variables.c */
extern const struct variable fastcgi_variables[];     /* worker/handlers/fastcgi.c */
extern const struct variable header_variables[];      /* header_variables.c: what the client sent */
extern const struct variable response_variables[];    /* response_variables.c: what it is sent */
extern const struct variable gzip_variables[];        /* gzip_filter.c */
extern const struct variable status_variables[];      /* worker/handlers/status.c */
extern const struct variable limit_req_variables[];   /* worker/handlers/limit_req.c */
extern const struct variable limit_conn_variables[];  /* worker/handlers/limit_conn.c */
extern const struct variable upstream_variables[];    /* worker/upstream/variables.c */
extern const struct variable cache_variables[];       /* worker/cache/variables.c */
extern const struct variable referer_variables[];     /* referer.c */
extern const struct variable secure_link_variables[]; /* secure_link.c */

/* The built-in variable of this name (lower case), with *argument set for a prefix
 * one; NULL when there is none. */
const struct variable *variable_find(struct slice name, struct slice *argument);

/* The name number `index` of all built-in variables, in no order; empty behind the last. */
struct slice variable_known(size_t index);

/* The known name that was probably meant, or an empty slice. */
struct slice variable_suggest(struct slice name);

/* A name that is no whole name of a table: defined by users, perhaps only later in the
 * text, or built in by its prefix. */
struct user_variable; /* variable_names.c */

/* A variable as a text or log format uses it, looked up once at load. */
struct variable_use {
    variable_getter *get; /* NULL: a user variable */
    const struct user_variable *user;
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

/* Sets a built-in variable. False: memory is out. */
typedef bool variable_setter(struct request *, struct slice value);

/* The built-in variables that `set` may set: core_variables.c. */
struct settable_variable {
    const char *name; /* NULL ends the table */
    variable_setter *set;
};
extern const struct settable_variable settable_variables[];

/* How a built-in variable (any case) is set; NULL when it cannot be. */
variable_setter *variable_find_setter(struct slice name);

/* Computes the value of a user variable for a request, from what its block left in
 * `data`; as variable_getter. */
typedef bool variable_computer(struct request *, const void *data, struct slice *value);

/* Defines a user variable that is computed: when it is first asked for in a request,
 * or, `every_time`, whenever it is. Of two definitions the later one counts; a value
 * that a capture or `set` puts into the request goes before both. False, with the error
 * reported at `at`, when a built-in variable has the name or memory is out. */
bool variable_define(struct conf *, struct conf_scope *, struct position at, struct slice name,
                     variable_computer *, const void *data, bool every_time);

/* As variable_index, for `set`: until a request has set it, the variable has the value that
 * `compute` gives, unless a map or its kin, before or later in the text, defines it. */
unsigned variable_settable(struct conf *, struct conf_scope *, struct position at,
                           struct slice name, variable_computer *, const void *data);

/* The variable behind "$name" in the word that names it in a map or its kin; an error is
 * reported, and the name empty, when the word does not begin with '$'. */
struct slice variable_name_of(struct conf *, const struct word *);

enum { VARIABLE_DEPTH_MAX = 100 }; /* variables computed from variables, as nginx */

/* The user variable of the name in lower case, made on first use, for variable_use.
 * `builtin` (may be NULL) is what it is when no user defines it. NULL when memory is out
 * or, reported at `at`, outside of http. */
const struct user_variable *variable_user(struct conf *, struct conf_scope *, struct position at,
                                          struct slice name, const struct variable *builtin,
                                          struct slice argument);

/* Its value; false when it has none. */
bool variable_user_value(struct request *, const struct user_variable *, struct slice *value);

/* Number of user variables of the configuration that the request runs under. */
unsigned variable_count(const struct request *);

/* The user variable of this name (lower case), when one is defined or used, or NULL. */
const struct user_variable *variable_names_find(const struct variable_names *, struct slice name);

/* Reports every user variable that is used but defined nowhere. */
void variables_check(struct conf *, struct conf_scope *http);

/* Value of any variable by name, for tests and rare uses: not the hot path. */
bool variable_get(struct request *, struct slice name, struct slice *value);

#endif
