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

/* "invalid WHAT "word"", at the word. */
void limit_invalid(struct conf *, const struct word *, const char *what);

#endif
