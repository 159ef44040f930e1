#include "worker/net/resolver.h"

#include "common/key_tree.h"
#include "worker/context.h"
#include "worker/net/dns_query.h"

#include <stdlib.h>

enum { QUERIES = 2, ALIAS_QUERIES_MAX = 8 };

/* A question under way, one of a name's. */
struct part {
    struct dns_query query; /* first */
    struct resolver_name *name;
    unsigned aliases; /* that the server left to us to follow */
};

/* A name that is known, or asked for. */
struct resolver_name {
    struct key_node node; /* first: the tree's nodes are names */
    struct resolver *resolver;
    struct resolver_name *newer, *older; /* by when they were wanted */
    enum resolve_kind kind;
    struct lookup *lookups; /* who waits */
    struct part *parts;     /* QUERIES of them, while it is asked for; else NULL */
    unsigned outstanding;   /* of them */
    bool known;             /* `resolution` is an answer, perhaps an old one */
    bool telling;           /* lookups are being told: it stays */

    struct resolution resolution;
    void *found;   /* the resolution's addresses or services */
    void *finding; /* those of the answers that have come so far: */
    size_t finding_count;
    uint32_t ttl; /* seconds: the least of them */
    int error;    /* of an answer that brought none */

    char key[]; /* the kind in one byte, and the name */
};

struct resolver {
    struct resolver *next; /* of the worker */
    struct worker *worker;
    const struct resolver_servers *servers;
    size_t preferred; /* the server that answered last */
    struct key_tree names;
    struct resolver_name *newest, *oldest;
    size_t count;
    size_t asking;             /* names under way */
    struct resolution refusal; /* without a name */
};

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

static void stop_asking(struct resolver_name *name)
{
    if (name->parts == NULL)
        return;
    for (unsigned i = 0; i < QUERIES; i++)
        if (name->parts[i].query.worker != NULL)
            dns_query_end(&name->parts[i].query);
    free(name->parts);
    name->parts = NULL;
    free(name->finding);
    name->finding = NULL;
    name->resolver->asking--;
}

static void forget(struct resolver_name *name)
{
    struct resolver *resolver = name->resolver;

    stop_asking(name);
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
    stop_asking(name);
    if (!name->known)
        forget(name);
}

/* Tells all who wait. Each may ask anew, or cancel others. */
static void tell(struct resolver_name *name)
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

/* --- answers --- */

static size_t item_size(const struct resolver_name *name)
{
    return name->kind == RESOLVE_HOST ? sizeof(struct address) : sizeof(struct service);
}

/* What was found, in no more memory than it needs; NULL: nothing was. */
static void *take_found(struct resolver_name *name)
{
    void *found = name->finding;

    name->finding = NULL;
    if (name->finding_count == 0) {
        free(found);
        return NULL;
    }
    void *fitting = realloc(found, name->finding_count * item_size(name));
    return fitting != NULL ? fitting : found;
}

/* ms that the answer is good for. */
static uint64_t lifetime(const struct resolver_name *name)
{
    uint64_t valid = name->resolver->servers->valid, longest;

    if (name->resolution.error == RESOLVE_OK)
        return valid != UINT64_MAX ? valid : (uint64_t)name->ttl * 1000;
    longest = name->resolution.error == RESOLVE_NO_SUCH_NAME ? RESOLVER_NEGATIVE : RESOLVER_FAILURE;
    return valid < longest ? valid : longest;
}

/* All parts are there: they are the name's answer from now on. */
static void complete(struct resolver_name *name)
{
    struct resolution *resolution = &name->resolution;

    free(name->found);
    name->found = take_found(name);
    *resolution = (struct resolution){ .count = name->finding_count };
    if (resolution->count == 0)
        resolution->error = name->error != RESOLVE_OK ? name->error : RESOLVE_NO_SUCH_NAME;
    resolution->expires = name->resolver->worker->clock.now + lifetime(name);
    if (name->kind == RESOLVE_HOST)
        resolution->addresses = name->found;
    else
        resolution->services = name->found;
    name->known = true;
    stop_asking(name);
    tell(name);
}

static struct address address_of(const struct dns_record *record, enum dns_type type)
{
    struct address address = { 0 };

    if (type == DNS_A) {
        address.name.in.sin_family = AF_INET;
        memcpy(&address.name.in.sin_addr, record->ip, 4);
        address.len = sizeof address.name.in;
    } else {
        address.name.in6.sin6_family = AF_INET6;
        memcpy(&address.name.in6.sin6_addr, record->ip, 16);
        address.len = sizeof address.name.in6;
    }
    return address;
}

/* IPv4 addresses stand first, whichever answer comes first. */
static void add_address(struct resolver_name *name, const struct dns_record *record,
                        enum dns_type type)
{
    struct address *found = name->finding;
    size_t at = name->finding_count++;

    if (type == DNS_A)
        while (at > 0 && found[at - 1].name.any.sa_family != AF_INET) {
            found[at] = found[at - 1];
            at--;
        }
    found[at] = address_of(record, type);
}

static void add_record(struct resolver_name *name, const struct dns_record *record,
                       enum dns_type type)
{
    if (name->finding_count == RESOLVED_MAX)
        return;
    if (record->ttl < name->ttl)
        name->ttl = record->ttl;
    if (type != DNS_SRV)
        add_address(name, record, type);
    else
        ((struct service *)name->finding)[name->finding_count++] = (struct service){
            record->priority,
            record->weight,
            record->port,
            record->target,
        };
}

/* The server knows what the name is an alias of, but not that one's records. */
static bool follow_alias(struct part *part, const struct dns_answer *answer)
{
    struct dns_query *query = &part->query;

    if (slice_equal(dns_name_text(&answer->name), dns_name_text(&query->name)) ||
        part->aliases == ALIAS_QUERIES_MAX)
        return false;
    part->aliases++;
    struct dns_query next = {
        .worker = query->worker,
        .servers = query->servers,
        .name = answer->name,
        .type = query->type,
        .done = query->done,
    };
    if (answer->ttl < part->name->ttl)
        part->name->ttl = answer->ttl;
    *query = next;
    dns_query_start(query);
    return true;
}

static void part_done(struct dns_query *query, struct dns_answer *answer, enum dns_code code)
{
    struct part *part = (struct part *)query;
    struct resolver_name *name = part->name;
    struct dns_record record;
    size_t before = name->finding_count;

    if (answer != NULL && code == DNS_NO_ERROR) {
        while (dns_answer_next(answer, &record))
            add_record(name, &record, query->type);
        if (name->finding_count == before && follow_alias(part, answer))
            return;
        if (answer->ttl < name->ttl)
            name->ttl = answer->ttl;
    } else if (name->error == RESOLVE_OK || code != DNS_NO_SUCH_NAME) {
        name->error = (int)code;
    }
    if (--name->outstanding == 0)
        complete(name);
}

/* --- asking --- */

static bool start_part(struct resolver_name *name, enum dns_type type, struct slice text)
{
    struct resolver *resolver = name->resolver;
    struct part *part = &name->parts[name->outstanding];

    *part = (struct part){
        .name = name,
        .query = {
            .servers = { resolver->servers->addresses, resolver->servers->count,
                         &resolver->preferred },
            .type = type,
            .done = part_done,
        },
    };
    if (!dns_name_set(&part->query.name, text))
        return false;
    part->query.worker = resolver->worker;
    name->outstanding++;
    dns_query_start(&part->query);
    return true;
}

/* False: memory is out. */
static bool start_asking(struct resolver_name *name, struct slice text)
{
    const struct resolver_servers *servers = name->resolver->servers;

    name->finding = calloc(RESOLVED_MAX, item_size(name));
    name->parts = name->finding == NULL ? NULL : calloc(QUERIES, sizeof *name->parts);
    if (name->parts == NULL) {
        free(name->finding);
        name->finding = NULL;
        return false;
    }
    name->resolver->asking++;
    name->finding_count = 0;
    name->outstanding = 0;
    name->error = RESOLVE_OK;
    name->ttl = DNS_TTL_MAX;
    if (name->kind == RESOLVE_SERVICE)
        return start_part(name, DNS_SRV, text);
    return (!servers->ipv4 || start_part(name, DNS_A, text)) &&
           (!servers->ipv6 || start_part(name, DNS_AAAA, text));
}

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

    if (name->parts == NULL && !start_asking(name, text)) {
        stop_asking(name);
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
