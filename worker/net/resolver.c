#include "worker/net/resolver.h"

#include "worker/context.h"
#include "worker/net/resolver_internal.h"

#include <stdlib.h>

const char *resolve_error_text(int error)
{
    switch (error) {
    case DNS_FORMAT_ERROR:
        return "Format error";
    case DNS_SERVER_FAILURE:
        return "Server failure";
    case RESOLVE_NO_SUCH_NAME:
        return "Host not found";
    case DNS_NOT_IMPLEMENTED:
        return "Unimplemented";
    case DNS_REFUSED:
        return "Operation refused";
    case RESOLVE_TIMED_OUT:
        return "Operation timed out";
    case RESOLVE_BUSY:
        return "Too many names are asked for";
    case RESOLVE_NO_MEMORY:
        return "Out of memory";
    default:
        return "Unknown error";
    }
}

/* --- names by age --- */

static void age_remove(struct resolver *resolver, const struct resolver_name *name)
{
    if (name->newer != NULL)
        name->newer->older = name->older;
    else
        resolver->newest = name->older;
    if (name->older != NULL)
        name->older->newer = name->newer;
    else
        resolver->oldest = name->newer;
}

static void age_add(struct resolver *resolver, struct resolver_name *name)
{
    name->newer = NULL;
    name->older = resolver->newest;
    if (resolver->newest != NULL)
        resolver->newest->newer = name;
    else
        resolver->oldest = name;
    resolver->newest = name;
}

static void forget(struct resolver_name *name)
{
    struct resolver *resolver = name->resolver;

    name_stop_asking(name);
    age_remove(resolver, name);
    key_tree_remove(&resolver->names, &name->node);
    resolver->count--;
    free(name->found);
    free(name);
}

/* The name that was wanted longest ago, and that nobody waits for, makes room. */
static void make_room(struct resolver *resolver)
{
    struct resolver_name *name = resolver->oldest;

    while (name != NULL && (name->parts != NULL || name->telling))
        name = name->newer;
    if (name != NULL && resolver->count >= RESOLVER_NAMES_MAX)
        forget(name);
}

static struct resolver_name *add_name(struct resolver *resolver, struct slice key)
{
    make_room(resolver);
    struct resolver_name *name = calloc(1, sizeof *name + key.len);
    if (name == NULL)
        return NULL;
    name->resolver = resolver;
    name->kind = (enum resolve_kind)key.at[0];
    key_tree_add(&resolver->names, &name->node, key);
    age_add(resolver, name);
    resolver->count++;
    return name;
}

/* --- telling --- */

static void lookup_enter(struct lookup *lookup, struct lookup **list)
{
    lookup->next = *list;
    lookup->link = list;
    if (lookup->next != NULL)
        lookup->next->link = &lookup->next;
    *list = lookup;
}

static void lookup_leave(struct lookup *lookup)
{
    timer_disarm(&lookup->name->resolver->worker->timers, &lookup->timer);
    *lookup->link = lookup->next;
    if (lookup->next != NULL)
        lookup->next->link = lookup->link;
    lookup->link = NULL;
}

void lookup_cancel(struct lookup *lookup)
{
    struct resolver_name *name = lookup->name;

    if (lookup->link == NULL)
        return;
    lookup_leave(lookup);
    if (name->lookups != NULL || name->telling)
        return;
    name_stop_asking(name);
    if (!name->known)
        forget(name);
}

/* Each may ask anew, or cancel others. */
void name_tell(struct resolver_name *name)
{
    struct lookup *told = name->lookups;

    name->lookups = NULL;
    if (told != NULL)
        told->link = &told;
    name->telling = true;
    while (told != NULL) {
        struct lookup *lookup = told;
        lookup_leave(lookup);
        lookup->done(lookup, &name->resolution);
    }
    name->telling = false;
    if (!name->known && name->parts == NULL)
        forget(name);
}

static void lookup_timeout(struct timer *timer)
{
    static const struct resolution timed_out = { .error = RESOLVE_TIMED_OUT };
    struct lookup *lookup = (struct lookup *)timer;

    lookup_cancel(lookup);
    lookup->done(lookup, &timed_out);
}

/* --- asking --- */

static const struct resolution *refuse(struct resolver *resolver, int error)
{
    resolver->refusal = (struct resolution){ .error = error };
    return &resolver->refusal;
}

/* Joins those who wait for the name. */
static const struct resolution *await(struct resolver_name *name, struct lookup *lookup,
                                      struct slice text, uint64_t timeout)
{
    struct resolver *resolver = name->resolver;

    if (name->parts == NULL && !name_start_asking(name, text)) {
        name_stop_asking(name);
        if (!name->known && !name->telling)
            forget(name);
        return refuse(resolver, RESOLVE_NO_MEMORY);
    }
    lookup->name = name;
    lookup->timer.fire = lookup_timeout;
    lookup_enter(lookup, &name->lookups);
    timer_arm(&resolver->worker->timers, &lookup->timer, resolver->worker->clock.now + timeout);
    return NULL;
}

const struct resolution *resolver_ask(struct resolver *resolver, struct lookup *lookup,
                                      enum resolve_kind kind, struct slice text, uint64_t timeout)
{
    char bytes[1 + DNS_NAME_MAX];
    struct dns_name asked;

    if (!dns_name_set(&asked, text))
        return refuse(resolver, RESOLVE_NO_SUCH_NAME);
    bytes[0] = (char)kind;
    memcpy(bytes + 1, asked.text, asked.len);
    struct slice key = slice_make(bytes, 1 + (size_t)asked.len);
    struct resolver_name *name = (struct resolver_name *)key_tree_find(&resolver->names, key);
    if (name != NULL) {
        age_remove(resolver, name);
        age_add(resolver, name);
        if (name->known && resolver->worker->clock.now < name->resolution.expires)
            return &name->resolution;
    }
    if ((name == NULL || name->parts == NULL) && resolver->asking == RESOLVER_ASKING_MAX)
        return refuse(resolver, RESOLVE_BUSY);
    if (name == NULL)
        name = add_name(resolver, key);
    if (name == NULL)
        return refuse(resolver, RESOLVE_NO_MEMORY);
    return await(name, lookup, dns_name_text(&asked), timeout);
}

/* --- one a directive and worker --- */

struct resolver *resolver_of(struct worker *worker, const struct resolver_servers *servers)
{
    struct resolver *resolver = worker->resolvers;

    while (resolver != NULL && resolver->servers != servers)
        resolver = resolver->next;
    if (resolver != NULL)
        return resolver;
    resolver = calloc(1, sizeof *resolver);
    if (resolver == NULL)
        return NULL;
    resolver->worker = worker;
    resolver->servers = servers;
    key_tree_init(&resolver->names, offsetof(struct resolver_name, key));
    resolver->next = worker->resolvers;
    worker->resolvers = resolver;
    return resolver;
}

static void close_resolver(struct resolver *resolver)
{
    while (resolver->newest != NULL) {
        struct resolver_name *name = resolver->newest;
        while (name->lookups != NULL)
            lookup_leave(name->lookups);
        forget(name);
    }
    free(resolver);
}

void resolvers_close(struct worker *worker)
{
    while (worker->resolvers != NULL) {
        struct resolver *resolver = worker->resolvers;
        worker->resolvers = resolver->next;
        close_resolver(resolver);
    }
}
