/* link_checks.h: variables that say whether a client came by a link that is meant to be
 * followed: referer (which page has it) and secure_link (who made it, and until when it is
 * good). They refuse nobody; `if` and `map` act by them. */
#ifndef MUXD_WORKER_HTTP_LINK_CHECKS_H
#define MUXD_WORKER_HTTP_LINK_CHECKS_H

#include "worker/modules.h"

extern const struct conf_module referer_module;     /* referer.c */
extern const struct conf_module secure_link_module; /* secure_link.c */

#endif
