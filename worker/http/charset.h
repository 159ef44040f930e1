/* charset.h: charset_map blocks, and answers that are recoded by them. */
#ifndef MUXD_WORKER_HTTP_CHARSET_H
#define MUXD_WORKER_HTTP_CHARSET_H

#include "common/charset_map.h"
#include "worker/http/core.h"

/* The charset as the configuration first spells it; NULL: it does not name it. */
const struct slice *charset_known(const struct http *, struct slice name);

/* Reports an error when memory is out. */
struct slice charset_spelling(struct conf *, struct conf_scope *, const struct word *);

/* The map between two charsets, in either direction; NULL: there is none. */
const struct charset_map *charset_map_find(const struct http *, struct slice a, struct slice b);

/* Has the answer's body recoded while it is sent. False: memory is out. */
bool charset_recode_response(struct request *, const struct charset_map *, struct slice source);

extern const struct value_type as_charset_map; /* charset_map from to { ... } */

#endif
