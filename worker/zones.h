/* zones.h: the shared memory zones that a configuration names.
 *
 * Directives register a zone by its name and say what it is for (its kind) and
 * how large it is; others, before or after, refer to it by the name alone. The
 * master maps the zones inside the reload transaction, before it forks. One that
 * the configuration before it has too, for the same use and of the same size, is
 * taken over with all that is in it; memory goes when the last configuration that
 * uses it has gone. */
#ifndef MUXD_WORKER_ZONES_H
#define MUXD_WORKER_ZONES_H

#include "common/log.h"
#include "common/shared_memory.h"
#include "conf/directive.h"

struct zone;
struct zone_mapping;

/* What zones of one use have in common. */
struct zone_kind {
    const char *name; /* the directive or module it belongs to */
    /* Builds what the owner keeps in the zone, which is empty and locked; NULL when it does
     * not fit. Called before the first use, and whenever the zone was emptied because a
     * worker died while it changed it. */
    void *(*make)(const struct zone *, struct shared_memory *);
};

struct zone {
    struct zone *next;
    struct slice name;
    const struct zone_kind *kind;
    uint64_t size;      /* bytes; 0: only referred to as yet */
    struct slice key;   /* what else must be the same for its contents to survive a
                           reload, as text; set by the owner */
    void *owner;        /* what the declaring directive keeps of it in the configuration */
    struct position at; /* where it was first named */
    struct shared_memory *memory; /* NULL until it is mapped */
    struct zone_mapping *mapping;
};

/* The zone of this name, registered when it is new. `size` 0 refers to it: it must be
 * declared by somebody in the end. NULL, with the error reported at `at`, when another
 * kind or size has that name, or memory is out. */
struct zone *conf_zone(struct conf *, struct position at, struct slice name, uint64_t size,
                       const struct zone_kind *);

/* Reads "name:size" (what stands behind "zone=" or "keys_zone=" in the word). False, with
 * the error reported as nginx words it, when it is not that or too small. */
bool zone_parse(struct conf *, const struct word *, struct slice text, struct slice *name,
                uint64_t *size);

/* What a directive declares a zone to be. */
struct zone_claim {
    struct slice name; /* empty: the directive has not said it, which is an error */
    uint64_t size;
    const struct zone_kind *kind;
    struct slice key; /* zone->key */
    void *owner;      /* zone->owner */
};

/* Registers the zone that the directive declares; by one directive only. Problems are
 * reported, false then. */
bool zone_declare(struct conf *, const struct conf_node *, const struct directive *,
                  const struct zone_claim *);

/* The first zone that the configuration names, the others linked behind it; NULL: there is none. */
const struct zone *conf_zones_first(const struct conf *);

/* A size that a zone may have: at least eight pages. */
bool zone_size_check(struct conf *, const struct word *, uint64_t size);

/* Gives the zones that worker_open_zones has mapped back: worker_conf_release. */
void zones_close(struct conf *);

/* Locks the zone and returns what its kind has made in it. NULL, and it is not locked, when that
 * does not fit. That a worker died while it changed the zone is logged. */
void *zone_lock(const struct zone *, const struct log *);
void zone_unlock(const struct zone *);

#endif
