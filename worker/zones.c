#include "worker/zones.h"

#include "conf/values.h"
#include "worker/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { ZONE_PAGES_MIN = 8 }; /* nginx's */

/* One piece of memory, as the master counts who uses it. */
struct zone_mapping {
    struct shared_memory *memory;
    unsigned configurations; /* that have it */
};

struct conf_zones {
    struct zone *first, **last;
};

/* --- what directives register --- */

static struct conf_zones *conf_zones(struct conf *conf)
{
    if (conf->zones != NULL)
        return conf->zones;
    conf->zones = arena_zalloc(conf->arena, sizeof *conf->zones);
    if (conf->zones != NULL)
        conf->zones->last = &conf->zones->first;
    return conf->zones;
}

const struct zone *conf_zones_first(const struct conf *conf)
{
    return conf->zones != NULL ? conf->zones->first : NULL;
}

static struct zone *find_zone(const struct conf *conf, struct slice name)
{
    struct zone *zone = conf->zones != NULL ? conf->zones->first : NULL;

    while (zone != NULL && !slice_equal(zone->name, name))
        zone = zone->next;
    return zone;
}

/* Another mention of a zone: false, with the error reported, when it contradicts the ones
 * before it. */
static bool agree(struct conf *conf, struct position at, struct zone *zone, uint64_t size,
                  const struct zone_kind *kind)
{
    if (zone->kind != kind) {
        conf_error(conf, at,
                   "the shared memory zone \"%.*s\" is already declared for a different use",
                   (int)zone->name.len, zone->name.at);
        return false;
    }
    if (zone->size == 0)
        zone->size = size;
    if (size == 0 || zone->size == size)
        return true;
    conf_error(conf, at,
               "the size %llu of shared memory zone \"%.*s\" conflicts with already declared "
               "size %llu",
               (unsigned long long)size, (int)zone->name.len, zone->name.at,
               (unsigned long long)zone->size);
    return false;
}

struct zone *conf_zone(struct conf *conf, struct position at, struct slice name, uint64_t size,
                       const struct zone_kind *kind)
{
    struct conf_zones *zones = conf_zones(conf);
    struct zone *zone = find_zone(conf, name);

    if (zone != NULL)
        return agree(conf, at, zone, size, kind) ? zone : NULL;
    zone = arena_zalloc(conf->arena, sizeof *zone);
    if (zones == NULL || zone == NULL) {
        conf_error(conf, at, "no memory for a zone");
        return NULL;
    }
    *zone = (struct zone){ .name = name, .kind = kind, .size = size, .at = at };
    *zones->last = zone;
    zones->last = &zone->next;
    return zone;
}

bool zone_size_check(struct conf *conf, const struct word *word, uint64_t size)
{
    if (size >= ZONE_PAGES_MIN * (uint64_t)sysconf(_SC_PAGESIZE))
        return true;
    conf_error(conf, word->at, "zone \"%.*s\" is too small", (int)word->text.len, word->text.at);
    return false;
}

bool zone_parse(struct conf *conf, const struct word *word, struct slice text, struct slice *name,
                uint64_t *size)
{
    ptrdiff_t colon = slice_find(text, ':');

    if (colon <= 0 || !value_parse_size(slice_from(text, (size_t)colon + 1), size)) {
        conf_error(conf, word->at, "invalid zone size \"%.*s\"", (int)word->text.len,
                   word->text.at);
        return false;
    }
    *name = slice_first(text, (size_t)colon);
    return zone_size_check(conf, word, *size);
}

bool zone_declare(struct conf *conf, const struct conf_node *node,
                  const struct directive *directive, const struct zone_claim *claim)
{
    struct position at = node->words[0].at;

    if (claim->name.len == 0) {
        conf_error(conf, at, "\"%s\" must have \"zone\" parameter", directive->name);
        return false;
    }
    struct zone *zone = conf_zone(conf, at, claim->name, claim->size, claim->kind);
    if (zone == NULL)
        return false;
    if (zone->owner != NULL) {
        conf_error(conf, at, "%s \"%.*s\" is already bound to key \"%.*s\"", directive->name,
                   (int)zone->name.len, zone->name.at, (int)zone->key.len, zone->key.at);
        return false;
    }
    zone->key = claim->key;
    zone->owner = claim->owner;
    return true;
}

/* --- opening --- */

static bool is_same(const struct zone *zone, const struct zone *other)
{
    return other != NULL && other->mapping != NULL && other->kind == zone->kind &&
           other->size == zone->size && slice_equal(other->key, zone->key);
}

/* -t, too, finds out whether there is so much memory. */
static bool map_zone(struct conf *conf, struct zone *zone)
{
    struct zone_mapping *mapping = calloc(1, sizeof *mapping);

    if (mapping == NULL)
        goto fail;
    mapping->memory = shared_memory_map(zone->size);
    if (mapping->memory == NULL)
        goto fail;
    mapping->configurations = 1;
    zone->mapping = mapping;
    zone->memory = mapping->memory;
    return true;

fail:
    conf_error(conf, zone->at, "mmap(MAP_ANON|MAP_SHARED, %llu) of zone \"%.*s\" failed (%d: %s)",
               (unsigned long long)zone->size, (int)zone->name.len, zone->name.at, errno,
               strerror(errno));
    free(mapping);
    return false;
}

/* Its owner's tables are made at once: who starts with a zone that is too small for them
 * hears of it. */
static bool open_zone(struct conf *conf, struct zone *zone, const struct zone *previous)
{
    if (zone->size == 0) {
        conf_error(conf, zone->at, "zero size shared memory zone \"%.*s\"", (int)zone->name.len,
                   zone->name.at);
        return false;
    }
    if (is_same(zone, previous)) {
        zone->mapping = previous->mapping;
        zone->memory = previous->memory;
        zone->mapping->configurations++;
        return true;
    }
    if (!map_zone(conf, zone))
        return false;
    if (zone_lock(zone, &log_stderr) == NULL) {
        conf_error(conf, zone->at, "zone \"%.*s\" is too small", (int)zone->name.len,
                   zone->name.at);
        return false;
    }
    zone_unlock(zone);
    return true;
}

bool worker_open_zones(struct conf *conf, const struct conf *previous)
{
    struct zone *zone = conf->zones != NULL ? conf->zones->first : NULL;
    bool opened = true;

    for (; zone != NULL; zone = zone->next)
        opened &= open_zone(conf, zone, previous != NULL ? find_zone(previous, zone->name) : NULL);
    return opened;
}

void zones_close(struct conf *conf)
{
    struct zone *zone = conf->zones != NULL ? conf->zones->first : NULL;

    for (; zone != NULL; zone = zone->next) {
        struct zone_mapping *mapping = zone->mapping;
        zone->mapping = NULL;
        zone->memory = NULL;
        if (mapping == NULL || --mapping->configurations > 0)
            continue;
        shared_memory_unmap(mapping->memory);
        free(mapping);
    }
}

/* --- using --- */

void *zone_lock(const struct zone *zone, const struct log *log)
{
    struct shared_memory *memory = zone->memory;
    bool lost = !shared_memory_lock(memory);

    if (shared_memory_root(memory) == NULL)
        shared_memory_set_root(memory, zone->kind->make(zone, memory));
    void *root = shared_memory_root(memory);
    if (root == NULL)
        shared_memory_unlock(memory);
    if (lost)
        log_write(log, LOG_LEVEL_ALERT, 0, 0,
                  "a worker process died while it changed the shared memory zone \"%.*s\": the "
                  "zone is empty now",
                  (int)zone->name.len, zone->name.at);
    return root;
}

void zone_unlock(const struct zone *zone)
{
    shared_memory_unlock(zone->memory);
}
