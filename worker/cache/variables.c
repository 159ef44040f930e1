/* $upstream_cache_* */
#include "worker/http/variables.h"
#include "worker/cache/use_internal.h"
#include "worker/context.h"

static const struct cache_use *use_of(const struct request *request)
{
    return request->exchange == NULL ? NULL : request->exchange->cache;
}

static bool get_status(struct request *request, struct slice argument, struct slice *value)
{
    const struct cache_use *use = use_of(request);

    (void)argument;
    if (use != NULL)
        *value = slice_of(cache_status_name(use->status));
    return use != NULL;
}

static bool get_key(struct request *request, struct slice argument, struct slice *value)
{
    const struct cache_use *use = use_of(request);

    (void)argument;
    if (use != NULL)
        *value = use->key;
    return use != NULL;
}

/* Seconds since what is sent was fetched, or found to be good. */
static bool get_age(struct request *request, struct slice argument, struct slice *value)
{
    const struct cache_use *use = use_of(request);

    (void)argument;
    if (use == NULL || use->file == NULL || use->status == CACHE_EXPIRED)
        return false;
    int64_t age = request->worker->clock.wall - use->entry.record.date;
    *value = arena_printf(&request->arena, "%lld", (long long)(age > 0 ? age : 0));
    return value->at != NULL;
}

static bool get_etag(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    if (request->exchange != NULL)
        *value = cache_old_etag(request->exchange);
    return request->exchange != NULL && value->len > 0;
}

static bool get_last_modified(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    if (request->exchange != NULL)
        *value = cache_old_date(request->exchange);
    return request->exchange != NULL && value->len > 0;
}

const struct variable cache_variables[] = {
    { "upstream_cache_age", get_age },       { "upstream_cache_etag", get_etag },
    { "upstream_cache_key", get_key },       { "upstream_cache_last_modified", get_last_modified },
    { "upstream_cache_status", get_status }, { NULL, NULL },
};
