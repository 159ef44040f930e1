#include "worker/http/filters.h"

#include "worker/http/core.h"
#include "worker/http/limit_rate.h"
#include "worker/http/request.h"

/* In nginx's order. */
static const struct filter {
    enum module_id module;
    bool (*apply)(struct request *);
} filters[] = {
    { MODULE_HEADERS, filter_headers },
    { MODULE_GUNZIP, filter_gunzip },
    { MODULE_SUB, filter_sub },
    { MODULE_ADDITION, filter_addition },
    { MODULE_CHARSET, filter_charset },
    { MODULE_GZIP, filter_gzip },
    { MODULE_LIMIT_RATE, limit_rate_begin },
};

enum { FILTER_COUNT = sizeof filters / sizeof *filters };

uint8_t filters_wanted(const struct conf *conf, const struct conf_scope *scope)
{
    unsigned wanted = 0;

    _Static_assert(FILTER_COUNT <= 8, "each filter has a bit");
    for (size_t i = 0; i < FILTER_COUNT; i++)
        if (scope->settings[filters[i].module] != conf->main->settings[filters[i].module])
            wanted |= 1U << i;
    return (uint8_t)wanted;
}

int filters_run(struct request *request)
{
    size_t fields = request->response.fields.count;
    int status = head_has_any(&request->head, FIELDS_CONDITIONAL) ? filter_conditional(request) : 0;

    if (status != 0) { /* 412: what an upstream said of its answer is not said of the page */
        request->response.fields.count = 0;
        return status;
    }
    for (unsigned left = http_settings(request)->filters; left != 0; left &= left - 1)
        if (!filters[__builtin_ctz(left)].apply(request))
            return 500;
    status = request->response.ranges ? filter_range(request) : 0;
    if (status == 416) /* its page has headers of its own */
        request->response.fields.count = fields;
    return status;
}
