#include "common/gzip.h"
#include "worker/status/view.h"

#include "status_page.h"

const struct slice view_page_policy =
    SLICE_INIT("default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
               "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'");

struct slice view_page(struct arena *arena)
{
    struct slice packed = slice_make(status_page_packed, sizeof status_page_packed);
    struct gzip_reader *reader = arena_alloc(arena, gzip_reader_size());
    char *page = arena_text(arena, STATUS_PAGE_SIZE);
    size_t len;

    if (reader == NULL || page == NULL)
        return (struct slice){ NULL, 0 };
    gzip_reader_init(reader);
    if (gzip_read(reader, &packed, page, STATUS_PAGE_SIZE, &len) == GZIP_BAD)
        return (struct slice){ NULL, 0 };
    return slice_make(page, len);
}
