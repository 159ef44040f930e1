#include "worker/status/view.h"

#include "status_page.h"

const struct slice view_page_policy =
    SLICE_INIT("default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
               "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'");

struct slice view_page(void)
{
    return slice_make(status_page_bytes, sizeof status_page_bytes);
}
