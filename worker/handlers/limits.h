/* limits.h: what limit_req and limit_conn have in common. */
#ifndef MUXD_WORKER_HANDLERS_LIMITS_H
#define MUXD_WORKER_HANDLERS_LIMITS_H

#include "conf/values.h"

struct request;
struct template;
struct zone;

extern const struct value_type as_limit_status; /* uint64_t: 400 to 599 */
extern const struct enum_type as_limit_level;   /* enum log_level */

/* The key of a zone's limit for a request, in its arena. False: memory is out. A key of more than
 * `most` bytes is logged, and empty: nothing is limited by an empty one, as nginx does. */
bool limit_key(struct request *, const struct template *, size_t most, struct slice *key);

/* The value of $limit_req_status and $limit_conn_status: the name of what the request has come to.
 * False for 0: it was not limited. */
bool limit_status_name(unsigned status, const char *const names[], struct slice *value);

/* Adds a copy of the limit, which begins with the pointer to its zone, to those of its block.
 * Reported are a second one of the same zone, and that memory is out. */
void limit_add(struct conf *, const struct conf_node *, struct array *limits, const void *limit,
               size_t size);

/* "invalid WHAT "word"", at the word. */
void limit_invalid(struct conf *, const struct word *, const char *what);

#endif
