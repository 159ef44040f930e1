/* What a name is asked of name servers by, and what becomes of their answers. */
#include "worker/context.h"
#include "worker/net/dns_query.h"
#include "worker/net/resolver_internal.h"

#include <stdlib.h>

enum { QUERIES = 2, ALIAS_QUERIES_MAX = 8 };

/* A question under way, one of a name's. */
struct resolver_part {
    struct dns_query query; /* first */
    struct resolver_name *name;
    unsigned aliases; /* that the server left to us to follow */
};

void name_stop_asking(struct resolver_name *name)
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
    uint64_t valid = name->resolver->servers->valid, longest = RESOLVER_FAILURE;

    if (name->resolution.error == RESOLVE_OK)
        return valid != UINT64_MAX ? valid : (uint64_t)name->ttl * 1000;
    if (name->resolution.error == RESOLVE_NO_SUCH_NAME && name->absent != NOT_SAID) {
        longest = (uint64_t)name->absent * 1000;
        longest = longest < RESOLVER_NEGATIVE ? longest : RESOLVER_NEGATIVE;
    }
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
    name_stop_asking(name);
    name_tell(name);
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
static bool follow_alias(struct resolver_part *part, const struct dns_answer *answer)
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

/* The answer has brought nothing. */
static void note_absence(struct resolver_name *name, const struct dns_answer *answer)
{
    uint32_t seconds;

    if (dns_answer_absence(answer, &seconds) && seconds < name->absent)
        name->absent = seconds;
}

static void part_done(struct dns_query *query, struct dns_answer *answer, enum dns_code code)
{
    struct resolver_part *part = (struct resolver_part *)query;
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
    if (answer != NULL && name->finding_count == before)
        note_absence(name, answer);
    if (--name->outstanding == 0)
        complete(name);
}

/* --- asking --- */

static bool start_part(struct resolver_name *name, enum dns_type type, struct slice text)
{
    struct resolver *resolver = name->resolver;
    struct resolver_part *part = &name->parts[name->outstanding];

    *part = (struct resolver_part){
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

bool name_start_asking(struct resolver_name *name, struct slice text)
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
    name->absent = NOT_SAID;
    if (name->kind == RESOLVE_SERVICE)
        return start_part(name, DNS_SRV, text);
    return (!servers->ipv4 || start_part(name, DNS_A, text)) &&
           (!servers->ipv6 || start_part(name, DNS_AAAA, text));
}
