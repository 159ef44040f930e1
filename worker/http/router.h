/* router.h: the locations of a block, and which of them a path belongs to.
 *
 * Exact and prefix locations are kept in a radix tree, so that a search costs
 * one walk over the path however many there are; regexes are tried in the order
 * of the text, as nginx's meaning demands; named ones have a hash. The
 * configuration fills a table while it is read; afterwards it never changes. */
#ifndef MUXD_WORKER_HTTP_ROUTER_H
#define MUXD_WORKER_HTTP_ROUTER_H

#include "common/arena.h"
#include "worker/http/core.h"
#include "worker/http/name_map.h"

/* A piece of path; what it leads to, and the pieces that may follow it. */
struct route_node {
    struct slice label;
    const struct location *exact;
    const struct location *prefix;
    struct array children; /* of struct route_node *, no two with the same first byte */
    struct array firsts;   /* of char: the first bytes of the children's labels */
};

struct location_table {
    struct route_node root;
    struct array regexes; /* of const struct location *, in the order of the text */
    struct name_map named;
};

/* An empty table; NULL when memory is out. */
struct location_table *location_table_new(struct arena *);

enum location_added { LOCATION_ADDED, LOCATION_DUPLICATE, LOCATION_NO_MEMORY };

/* Adds a location by its kind and name (which must be set). Of two regexes or
 * named locations with the same name the first answers, as in nginx. */
enum location_added location_table_add(struct location_table *, struct arena *,
                                       const struct location *);

enum location_match {
    MATCH_NOTHING,
    MATCH_PREFIX, /* the longest prefix: regexes may still win */
    MATCH_FINAL,  /* an exact location */
    MATCH_SLASH,  /* the path lacks just the '/' that a location with auto_redirect ends in */
};

/* The exact or longest prefix location of the path; no regexes. *location is
 * left alone when nothing matches. */
enum location_match location_table_find(const struct location_table *, struct slice path,
                                        const struct location **location);

#endif
