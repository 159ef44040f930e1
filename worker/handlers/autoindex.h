/* autoindex.h: a list of a folder, and the texts it is sent as: nginx's, to the byte. */
#ifndef MUXD_WORKER_HANDLERS_AUTOINDEX_H
#define MUXD_WORKER_HANDLERS_AUTOINDEX_H

#include "common/arena.h"
#include "worker/handlers/file_cache.h"

/* What autoindex_format names. */
enum list_format { LIST_HTML, LIST_JSON, LIST_JSONP, LIST_XML };

struct list_entry {
    struct slice name;
    enum file_kind kind;
    uint64_t size;
    time_t modified;
};

struct folder_list {
    struct slice uri;
    struct array entries; /* of struct list_entry, in the order they are shown */
    bool exact_size;
    long offset;           /* seconds that shown times are ahead of UTC; of HTML only */
    struct slice callback; /* of JSONP; empty: plain JSON */
};

/* The list as text, in the arena; {NULL, 0} when memory is out. */
struct slice list_html(struct arena *, const struct folder_list *);
struct slice list_json(struct arena *, const struct folder_list *);
struct slice list_xml(struct arena *, const struct folder_list *);

#endif
