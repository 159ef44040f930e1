/* What the error log says of exchanges, in nginx's words. */
#include "worker/upstream/exchange_log.h"
#include "worker/context.h"
#include "worker/upstream/exchange_steps.h"

#include <stdarg.h>
#include <stdio.h>

enum { MESSAGE_MAX = 512 };

void exchange_log(struct exchange *x, int level, int error_number, const char *format, ...)
{
    char message[MESSAGE_MAX], reason[128] = "";
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (error_number != 0)
        snprintf(reason, sizeof reason, " (%d: %s)", error_number, strerror(error_number));
    request_log(x->request, level, 0, "%s%s while %s", message, reason, x->action);
}

struct slice exchange_url(struct request *request)
{
    const struct exchange *x = request->exchange;

    if (x == NULL || x->attempt == NULL || x->state == EXCHANGE_ENDED)
        return SLICE("");
    const struct slice name = x->attempt->name;
    const char *between = slice_starts(name, SLICE("unix:")) ? ":" : "";
    return arena_printf(&request->arena, "%s%.*s%s%.*s", x->protocol->scheme, (int)name.len,
                        name.at, between, (int)x->uri.len, x->uri.at);
}
