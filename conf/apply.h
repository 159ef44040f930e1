/* apply.h: the steps of conf_load, between the sources of this folder.
 *
 * Each module's table is indexed once; a tree's directives are applied to
 * scopes through the index; then scopes inherit and are checked. Nothing
 * outside of conf/ includes this. */
#ifndef MUXD_CONF_APPLY_H
#define MUXD_CONF_APPLY_H

#include "conf/directive.h"

/* A directive of some table; several tables may have one of the same name, for
 * different contexts. */
struct known_directive {
    const struct directive *directive;
    const struct conf_module *module;
    struct known_directive *namesake;
};

/* What inheritance must know of a table. Directives of one field are one
 * setting, named by the first of them. */
struct module_layout {
    unsigned count;                                 /* directives of the table */
    uint8_t setting[CONF_DIRECTIVES_MAX];           /* of each directive */
    uint64_t valued[CONF_DIRECTIVES_MAX / 64];      /* settings that have bytes in the struct */
    uint64_t uninherited[CONF_DIRECTIVES_MAX / 64]; /* directives with bytes and MANNER_LOCAL */
};

struct directive_index {
    struct known_directive *all;
    size_t count;
    struct known_directive **slots; /* the first of each name, by hash */
    size_t size;                    /* of the slots, a power of two */
    struct module_layout *layouts;  /* by module */
};

static inline bool bit_get(const uint64_t *bits, unsigned bit)
{
    return (bits[bit / 64] >> bit % 64 & 1) != 0;
}

static inline void bit_set(uint64_t *bits, unsigned bit)
{
    bits[bit / 64] |= (uint64_t)1 << bit % 64;
}

/* A directive's place in its table. */
static inline unsigned directive_number(const struct known_directive *known)
{
    return (unsigned)(known->directive - known->module->directives);
}

/* Makes conf->index. False when memory is out. */
bool directive_index_build(struct conf *);

/* The first directive of this name; NULL when unknown. */
struct known_directive *directive_index_find(const struct directive_index *, struct slice name);

/* A scope that has nothing of its own yet. NULL when memory is out. */
struct conf_scope *scope_new(struct conf *, struct conf_scope *parent, enum conf_context);

/* Applies a list of directives to the scope, blocks with all they hold. */
void conf_apply(struct conf *, struct conf_scope *, const struct conf_node *);

/* Makes conf->defaults, by the setters. conf->main must be there. False when memory is out. */
bool conf_make_defaults(struct conf *);

/* Completes the instances of the scope and of all below it. */
void conf_inherit(struct conf *, struct conf_scope *);

/* Calls each module's check for each instance of the scope and of all below it. */
void conf_check(struct conf *, struct conf_scope *);

#endif
