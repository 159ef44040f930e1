/* name_table.h: host names and wildcards, and what each stands for.
 *
 * server_name, map with `hostnames` and valid_referers have nginx's order of
 * search: the exact name, the longest "*.name", the longest "name.*". Names and
 * wildcards are hashed: a search costs one pass over the host's bytes and a hash
 * look-up a label, however many names there are. */
#ifndef MUXD_WORKER_HTTP_NAME_TABLE_H
#define MUXD_WORKER_HTTP_NAME_TABLE_H

#include "worker/http/name_map.h"

/* Zero-initialise. */
struct name_table {
    struct name_map exact;
    struct name_map heads; /* "example.org" of "*.example.org", by the hash of the reversed name */
    struct name_map tails; /* "www.example" of "www.example.*" */
};

enum name_added {
    NAME_ADDED,
    NAME_BAD,      /* two stars, a star elsewhere, an empty label, a NUL */
    NAME_CONFLICT, /* it is there already, and stays what it was */
    NAME_NO_MEMORY,
};

/* Adds a name in lower case: "example.org", "*.example.org", ".example.org" (both of
 * these), "www.example.*". `value` is not NULL; the name's bytes are not copied. */
enum name_added name_table_add(struct name_table *, struct arena *, struct slice name, void *value);

/* Adds a text in which a star and a dot mean nothing. */
enum name_added name_table_add_exact(struct name_table *, struct arena *, struct slice text,
                                     void *value);

/* The value of the name, in lower case, or of a wildcard that it is under; NULL when
 * there is none. */
void *name_table_find(const struct name_table *, struct slice name);

/* Nothing was added. */
static inline bool name_table_empty(const struct name_table *table)
{
    return table->exact.count + table->heads.count + table->tails.count == 0;
}

/* The name in lower case: itself when it has no capitals, else a copy; {NULL, 0} when
 * memory is out. */
struct slice name_lower(struct arena *, struct slice name);

#endif
