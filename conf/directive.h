/* directive.h: what directives mean: tables, scopes, inheritance.
 *
 * A module is a struct of settings and a table that says which directive sets
 * which field. Each block of the configuration (main, events, http, server,
 * location ...) is a scope; a scope has one instance of each module's struct,
 * its own where the block sets something, else its parent's. Fields that a
 * block does not set are copied from the parent's instance, or come from the
 * table's default: inheritance is done here, once, for every module. */
#ifndef MUXD_CONF_DIRECTIVE_H
#define MUXD_CONF_DIRECTIVE_H

#include "conf/parser.h"

enum conf_context {
    IN_MAIN = 1 << 0,
    IN_EVENTS = 1 << 1,
    IN_HTTP = 1 << 2,
    IN_SERVER = 1 << 3,
    IN_LOCATION = 1 << 4,
    IN_LIMIT_EXCEPT = 1 << 5,
    IN_SERVER_IF = 1 << 6,
    IN_LOCATION_IF = 1 << 7,
    IN_UPSTREAM = 1 << 8,
    IN_MATCH = 1 << 9,
    IN_HTTP_ALL = IN_HTTP | IN_SERVER | IN_LOCATION,
};

/* How many arguments a directive takes, and its manners. */
struct arity {
    uint8_t least;
    uint8_t most;    /* 255: any number */
    uint8_t manners; /* of enum directive_manners */
};

enum directive_manners {
    MANNER_BLOCK = 1,    /* ends in { ... }, not in ; */
    MANNER_REPEATED = 2, /* may stand more than once in a block: the setter appends */
    MANNER_LOCAL = 4,    /* not inherited: a block that does not set it has the default */
};

#define ARGS(n)     \
    {               \
        (n), (n), 0 \
    }
#define ARGS_BETWEEN(least, most) \
    {                             \
        (least), (most), 0        \
    }
#define ARGS_FROM(least) \
    {                    \
        (least), 255, 0  \
    }
#define ARGS_REPEATED(least, most)       \
    {                                    \
        (least), (most), MANNER_REPEATED \
    }
#define ARGS_LOCAL(least, most)       \
    {                                 \
        (least), (most), MANNER_LOCAL \
    }
#define BLOCK(least, most)                                             \
    {                                                                  \
        (least), (most), MANNER_BLOCK | MANNER_REPEATED | MANNER_LOCAL \
    }
#define BLOCK_ONCE(least, most)                      \
    {                                                \
        (least), (most), MANNER_BLOCK | MANNER_LOCAL \
    }

struct conf;
struct conf_logs;
struct conf_scope;
struct conf_tallies;
struct conf_zones;
struct directive;

/* A kind of value: how words become it. `size` bytes at the directive's offset
 * are what inheritance copies. */
struct value_type {
    const char *name; /* for muxd -h: "flag", "size", "time" ... */
    size_t size;
    /* Sets *value from node->words[1..]; reports problems with conf_error. For a
     * repeated directive *value holds what earlier ones left (zero at first). `value` is
     * NULL when size is 0: the setter keeps what it reads elsewhere. */
    void (*set)(struct conf *, struct conf_scope *, const struct conf_node *,
                const struct directive *, void *value);
};

struct directive {
    const char *name; /* NULL ends a table */
    uint32_t contexts;
    struct arity args;
    const struct value_type *type;
    size_t offset;       /* of the field in the module's struct; directives of one offset are one
                            setting (root, alias): setting one counts as setting all */
    const char *initial; /* default, as its arguments would be written; NULL: all bytes zero */
    const char *help;    /* one line, no full stop */
};

enum {
    CONF_DIRECTIVES_MAX = 128, /* of one module */
    CONF_SHARED_MAX = 2,       /* tables that one module shares with others */
};

struct conf_module {
    const char *name; /* nginx's, without prefix and suffix: "autoindex" */
    unsigned id;      /* its index in the list given to conf_load */
    size_t size;      /* of the struct of settings */
    const struct directive *directives;
    /* Tables that several modules have alike, for what their structs begin with. A name or a
     * default in them that begins with '_' has the module's name before it. */
    const struct directive *shared[CONF_SHARED_MAX];
    bool in_every_block; /* each block has an instance of its own, whether it sets something or
                            not: for what `check` makes of all of a block's settings */
    /* Called once for each instance, when inheritance is done (parents first): checks what
     * concerns several fields. Main always has an instance of its own. Not called when the
     * text has syntax errors, or some directive of the module an error. May be NULL. */
    void (*check)(struct conf *, struct conf_scope *, void *settings);
};

/* A block. Its instances of module structs are `settings[module->id]`. */
struct conf_scope {
    enum conf_context context;
    struct conf_scope *parent; /* NULL for main */
    struct conf_scope *children, **last_child, *next;
    const struct conf_node *node; /* the block; NULL for main */
    void **settings;
    uint64_t (
        *set)[CONF_DIRECTIVES_MAX / 64]; /* which directives the block itself has, by module */
    void *owner; /* what the setter that opened the block hangs here (a server, a location) */
};

/* One configuration: everything in its arena. */
struct conf {
    struct arena *arena;
    struct conf_messages messages;
    struct conf_tree tree;
    const struct conf_module *const *modules;
    size_t module_count;
    const void **defaults; /* instances with nothing but defaults */
    struct conf_scope *main;
    const char *path;         /* of the file, absolute */
    const char *prefix;       /* -p, with a trailing '/': logs, roots, temp folders */
    const char *conf_prefix;  /* folder of the file, with a trailing '/': includes, auth files */
    const char *error_log;    /* -e: where errors go when no error_log is given; NULL: built-in */
    bool testing;             /* -t: nothing outside may be changed */
    bool transparent;         /* proxy_bind ... transparent: workers keep the right to it */
    struct conf_logs *logs;   /* log files: worker/logs.h; NULL until one is named */
    struct conf_zones *zones; /* shared memory: worker/zones.h; NULL until one is named */
    struct conf_tallies *tallies;  /* what is counted: worker/status/tallies.h; NULL: nothing */
    size_t regex_memory;           /* what matching the largest regex takes: common/regex.h */
    struct directive_index *index; /* directives by name */
    bool *failed;                  /* by module: an error in one of its directives */
};

struct conf_request {
    const char *path;      /* -c; relative to prefix */
    const char *prefix;    /* -p, absolute, with a trailing '/' */
    const char *global;    /* -g text, or NULL */
    const char *error_log; /* -e, or NULL */
    bool testing;
    const struct conf_module *const *modules; /* modules[i]->id == i */
    size_t module_count;
};

/* Reads, applies, inherits and checks. `arena` becomes the owner of all. Never
 * NULL but when memory is out; look at conf->messages.errors. */
struct conf *conf_load(struct arena *, const struct conf_request *);

/* The instance of a module in a scope, inheritance done. */
static inline void *conf_settings(const struct conf_scope *scope, const struct conf_module *module)
{
    return scope->settings[module->id];
}

/* While setters run: the scope's own instance, made when needed. NULL when
 * memory is out. */
void *conf_own(struct conf *, struct conf_scope *, const struct conf_module *);

/* The block itself (not an ancestor) has the directive. */
bool conf_has_own(const struct conf *, const struct conf_scope *, const char *directive);

/* Where a directive of the main context stands first; source NULL: nowhere. */
struct position conf_place(const struct conf *, const char *directive);

/* For block setters: opens a child scope of `parent` for the node and applies
 * the node's children in it. NULL when memory is out. */
struct conf_scope *conf_open_block(struct conf *, struct conf_scope *parent,
                                   const struct conf_node *, enum conf_context, void *owner);

/* Report a problem at a place (usually node->words[i].at). The hint is the word that was
 * probably meant (suggest_nearest); it may be empty. */
void conf_error(struct conf *, struct position, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void conf_warn(struct conf *, struct position, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void conf_error_hint(struct conf *, struct position, struct slice hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The hint where TLS is asked for, which muxd leaves to a program in front of it: where
 * the recipe is. For conf_message_add. */
struct slice conf_tls_recipe(void);

/* A path made absolute against `prefix` (conf->prefix or conf->conf_prefix),
 * NUL-terminated in the arena; NULL when memory is out. */
const char *conf_absolute(struct conf *, const char *prefix, struct slice path);

/* The modules with all of their directives in one table each, in the arena; NULL when memory
 * is out. What a configuration is loaded with is made so by conf_load. */
const struct conf_module *const *
conf_modules_whole(struct arena *, const struct conf_module *const *, size_t count);

/* The directive of this name in any table (of whole modules), with its module; NULL when unknown.
 */
const struct directive *directive_find(const struct conf_module *const *modules, size_t count,
                                       struct slice name, const struct conf_module **module);

/* The help of one directive as `muxd -h NAME` prints it: usage, contexts,
 * default, help line. In the arena. */
struct slice directive_help(struct arena *, const struct directive *, const struct conf_module *);

/* Names of the contexts in a mask, comma-separated, in the arena. */
struct slice context_names(struct arena *, uint32_t contexts);

#endif
