/* maps.h: variables whose value a block of the http context makes of another value: map, geo,
 * split_clients. Each is computed when it is first used in a request. */
#ifndef MUXD_WORKER_HTTP_MAPS_H
#define MUXD_WORKER_HTTP_MAPS_H

#include "worker/modules.h"

extern const struct conf_module map_module;           /* map.c */
extern const struct conf_module geo_module;           /* geo.c */
extern const struct conf_module split_clients_module; /* split_clients.c */

/* A line of such a block has from `least` to `most` words and no block of its own. False: an
 * error was reported, as "invalid number of the NAME parameters". */
bool map_line_check(struct conf *, const struct conf_node *line, size_t least, size_t most,
                    const char *name);

#endif
