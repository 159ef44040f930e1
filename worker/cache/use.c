/* The way of a request through the cache: what is found decides whether the upstream is asked,
 * and what it answers decides what is kept. */
#include "worker/cache/use_internal.h"

#include "common/md5.h"
#include "worker/context.h"
#include "worker/handlers/file_cache.h"
#include "worker/http/subrequest.h"
#include "worker/net/connection.h"
#include "worker/upstream/exchange_steps.h"

static const struct cache_settings *settings_of(const struct cache_use *use)
{
    return &use->exchange->settings->cache;
}

/* --- beginning --- */

/* It fetches what its parent has found to be too old. */
static bool is_background(const struct request *request)
{
    return request->subrequest != NULL && request->subrequest->clone;
}

static void count(const struct cache_use *use)
{
    bool asked = !use->purges && !is_background(use->exchange->request);
    struct cache_table *table = asked ? cache_lock(use) : NULL;

    if (table == NULL)
        return;
    cache_table_count(table, use->status);
    cache_unlock(use);
}

static void end(struct request *request, void *what)
{
    struct cache_use *use = what;
    struct worker *worker = request->worker;

    count(use);
    timer_disarm(&worker->timers, &use->timer);
    cache_drop_file(use);
    cache_release(use);
    cache_block_forget(worker->cache_block, &use->found);
    cache_block_forget(worker->cache_block, &use->stored);
    buffer_give(&worker->buffers, use->bytes);
    buffer_give(&worker->buffers, use->scratch);
}

/* The cache that is named; NULL: none is, or, logged, an unknown one. */
static const struct cache *choose_cache(struct exchange *x)
{
    const struct cache_choice *choice = &x->settings->cache.choice;
    struct slice name;

    if (choice->zone != NULL)
        return cache_of(choice->zone);
    if (!template_eval(x->request, &choice->name, &name) || name.len == 0 || slice_is(name, "off"))
        return NULL;
    const struct cache *cache = cache_next(conf_zones_first(x->request->worker->conf));
    while (cache != NULL && !slice_equal(cache->zone->name, name))
        cache = cache_next(cache->zone->next);
    if (cache == NULL)
        request_log(x->request, LOG_LEVEL_ERROR, 0, "cache \"%.*s\" not found", (int)name.len,
                    name.at);
    return cache;
}

/* proxy_cache_key, or the URL that the upstream is asked for. */
static bool make_key(struct cache_use *use)
{
    const struct exchange *x = use->exchange;
    const struct template *key = &x->settings->cache.key;
    struct md5 md5;

    if (key->literal.at != NULL) {
        if (!template_eval(x->request, key, &use->key))
            return false;
    } else {
        use->key = arena_printf(&x->request->arena, "%s%.*s%.*s", x->protocol->scheme,
                                (int)x->authority.len, x->authority.at, (int)x->uri.len, x->uri.at);
    }
    if (use->key.at == NULL)
        return false;
    md5_init(&md5);
    md5_add(&md5, use->key);
    md5_end(&md5, use->main);
    memcpy(use->digest, use->main, CACHE_DIGEST);
    return true;
}

static void wait_over(struct timer *timer);

static struct cache_use *make_use(struct exchange *x, const struct cache *cache)
{
    struct cache_use *use = arena_zalloc(&x->request->arena, sizeof *use);

    if (use == NULL)
        return NULL;
    use->exchange = x;
    use->cache = cache;
    use->stored.fd = -1;
    use->storable = true;
    use->timer.fire = wait_over;
    if (!make_key(use) || !request_at_end(x->request, end, use))
        return NULL;
    x->cache = use;
    return use;
}

/* --- ranges that begin far behind the start --- */

/* "bytes=1000-": fetching all that is before it would take too long. */
static bool begins_too_far(const struct request *request, uint64_t most)
{
    const struct field *range = head_known(&request->head, FIELD_RANGE);
    uint64_t start;

    if (range == NULL || most >= INT64_MAX)
        return false;
    if (most == 0)
        return true;
    if (range->value.len < 6 || !slice_is_nocase(slice_first(range->value, 6), "bytes="))
        return false;
    struct slice rest = slice_trim(slice_from(range->value, 6));
    size_t digits = 0;
    while (digits < rest.len && rest.at[digits] >= '0' && rest.at[digits] <= '9')
        digits++;
    if (rest.len > 0 && *rest.at == '-')
        return true;
    return digits > 0 &&
           (!slice_to_number(slice_first(rest, digits), INT64_MAX, &start) || start >= most);
}

/* --- old answers --- */

static bool may_use_stale(const struct cache_use *use, uint32_t why, uint32_t seconds)
{
    time_t now = use->exchange->request->worker->clock.wall;

    return (settings_of(use)->use_stale & why) != 0 ||
           (seconds > 0 && use->entry.record.valid_until + (int64_t)seconds >= now);
}

static int ask(struct cache_use *use)
{
    struct request *request = use->exchange->request;

    if (begins_too_far(request, settings_of(use)->max_range_offset))
        use->storable = false;
    return use->ask(request);
}

/* The head of what was found, for a question whether it has changed. */
static void read_old_head(struct cache_use *use)
{
    answer_head_init(&use->old, &use->exchange->request->arena, use->exchange->protocol->kind);
    if (answer_head_read(&use->old, use->entry.head) != ANSWER_DONE)
        use->old.status = 0;
}

static int ask_anew(struct cache_use *use)
{
    use->status = CACHE_EXPIRED;
    if (settings_of(use)->revalidate)
        read_old_head(use);
    return ask(use);
}

/* The client's request has claimed the update that is made for it in the background. */
static void inherit_claim(struct cache_use *use)
{
    struct exchange *parent = use->exchange->request->subrequest->parent->exchange;

    if (parent == NULL || parent->cache == NULL)
        return;
    use->claim = parent->cache->claim;
    parent->cache->claim = 0;
}

/* The client's request does not end before. */
static void updated(struct request *subrequest)
{
    struct connection *connection = subrequest->connection;

    subrequest_end(subrequest);
    if (connection->state == CONNECTION_DISCARD) /* it may wait for nothing else */
        connection_drive(connection);
}

/* Has a copy of the request fetch a new answer while the client gets the old one. */
static bool update_in_background(struct cache_use *use)
{
    struct request *request = use->exchange->request;
    struct request *copy =
        subrequest_start(request, &(struct subrequest_wish){ .uri = request->uri,
                                                             .args = request->args,
                                                             .method = request->method,
                                                             .clone = true,
                                                             .background = true,
                                                             .done = updated });

    if (copy != NULL && subrequest_is_done(copy))
        subrequest_end(copy);
    return copy != NULL;
}

static int use_old(struct cache_use *use)
{
    bool may = may_use_stale(use, NEXT_UPDATING, use->entry.record.stale_updating);

    if (is_background(use->exchange->request)) {
        inherit_claim(use);
        return ask_anew(use);
    }
    if (!cache_claim(use, 0))
        return may ? cache_answer(use, CACHE_UPDATING) : ask_anew(use);
    if (may && settings_of(use)->background_update && update_in_background(use))
        return cache_answer(use, CACHE_STALE);
    return ask_anew(use);
}

/* --- nothing there: one fetches, others wait --- */

enum { LOOK_FIRST = 5, LOOK_LAST = 200 }; /* ms between two looks whether it is there */

/* Those that wait in other workers cannot be woken: each looks again after a part of the time
 * that it has waited. */
static int wait(struct cache_use *use, uint64_t left)
{
    struct worker *worker = use->exchange->request->worker;
    uint64_t waited = worker->clock.now - use->wait_since, pause = waited / 4;

    if (pause < LOOK_FIRST)
        pause = LOOK_FIRST;
    if (pause > LOOK_LAST)
        pause = LOOK_LAST;
    timer_arm(&worker->timers, &use->timer, worker->clock.now + (pause < left ? pause : left));
    return AGAIN;
}

static int fetch_or_wait(struct cache_use *use)
{
    const struct cache_settings *settings = settings_of(use);
    uint64_t now = use->exchange->request->worker->clock.now;

    if (!settings->lock ||
        cache_claim(use, now > settings->lock_age ? now - settings->lock_age : 1))
        return ask(use);
    if (use->wait_since == 0)
        use->wait_since = now;
    if (now - use->wait_since < settings->lock_timeout)
        return wait(use, settings->lock_timeout - (now - use->wait_since));
    if (settings->lock_timeout > 0)
        request_log(use->exchange->request, LOG_LEVEL_INFO, 0, "cache lock timeout");
    use->storable = false;
    return ask(use);
}

/* --- the decision --- */

static int decide(struct cache_use *use)
{
    struct cache_known known = { 0 };

    switch (cache_look_up(use, &known)) {
    case CACHE_FRESH:
        return cache_answer(use, CACHE_HIT);
    case CACHE_OLD:
        return use_old(use);
    case CACHE_NONE:
        return fetch_or_wait(use);
    case CACHE_FAILED:
        use->status = CACHE_HIT;
        use->storable = false;
        return known.error;
    case CACHE_RARE:
        break;
    }
    use->storable = false;
    return ask(use);
}

static void wait_over(struct timer *timer)
{
    struct cache_use *use = (struct cache_use *)((char *)timer - offsetof(struct cache_use, timer));

    exchange_resume(use->exchange, decide(use));
}

/* Purges by whatever method; looks up by those that are kept. */
static int begin(struct exchange *x, bool purges, int (*ask_upstream)(struct request *))
{
    const struct cache *cache = choose_cache(x);

    if (cache == NULL)
        return ask_upstream(x->request);
    struct cache_use *use = make_use(x, cache);
    if (use == NULL)
        return 500;
    if (use->key.len > CACHE_KEY_MAX) {
        request_log(x->request, LOG_LEVEL_WARN, 0, "a cache key of %zu bytes is too long",
                    use->key.len);
        x->cache = NULL;
        return ask_upstream(x->request);
    }
    use->ask = ask_upstream;
    use->purges = purges;
    if (purges)
        return cache_purge(use);
    enum condition bypasses = conditions_hold(x->request, &x->settings->cache.bypass);
    if (bypasses == CONDITION_NO)
        return decide(use);
    use->status = CACHE_BYPASS;
    return bypasses == CONDITION_YES ? ask(use) : 500;
}

int cache_begin(struct exchange *x, int (*ask_upstream)(struct request *))
{
    const struct cache_settings *settings = &x->settings->cache;
    enum condition purges = conditions_hold(x->request, &settings->purge);

    if (purges == CONDITION_NO_MEMORY)
        return 500;
    if (purges == CONDITION_NO && (settings->methods >> x->request->method & 1) == 0)
        return ask_upstream(x->request);
    return begin(x, purges == CONDITION_YES, ask_upstream);
}

/* --- what goes upstream --- */

bool cache_hides_field(const struct exchange *x, enum field_name name)
{
    enum { HIDDEN = FIELDS_CONDITIONAL | 1 << FIELD_IF_RANGE | 1 << FIELD_RANGE };

    return x->cache != NULL && x->cache->storable && (HIDDEN >> name & 1) != 0;
}

static struct slice old_field(const struct exchange *x, enum answer_field_name name)
{
    const struct cache_use *use = x->cache;
    bool asks = use != NULL && use->status == CACHE_EXPIRED && use->storable &&
                use->old.status == ANSWER_STATUS_OK;
    const struct answer_field *field = asks ? answer_known(&use->old, name) : NULL;

    return field != NULL ? field->value : SLICE("");
}

struct slice cache_old_etag(const struct exchange *x)
{
    return old_field(x, ANSWER_ETAG);
}

struct slice cache_old_date(const struct exchange *x)
{
    return old_field(x, ANSWER_LAST_MODIFIED);
}

bool cache_converts_head(const struct exchange *x)
{
    return x->cache != NULL && x->cache->storable && x->settings->cache.convert_head;
}

/* --- what comes back --- */

/* How long an answer of this head is good: as it says itself, or as it is set for the status. */
static bool read_freshness(const struct cache_use *use, const struct answer_head *head,
                           unsigned status, struct freshness *freshness)
{
    struct request *request = use->exchange->request;
    time_t now = request->worker->clock.wall;

    if (!freshness_of(head, use->exchange->settings->ignore, now, &request->arena, freshness))
        return false;
    if (freshness->valid_until == 0) {
        int64_t time = cache_valid_time(settings_of(use), status);
        freshness->valid_until = time > 0 ? now + time : 0;
    }
    return true;
}

/* 304: what was found is good again. What the answer does not say, the old one has. */
static int renew(struct cache_use *use)
{
    struct exchange *x = use->exchange;
    struct request *request = x->request;
    struct freshness freshness;

    if (!exchange_begin_body(x) ||
        !freshness_of(&x->head, x->settings->ignore, request->worker->clock.wall, &request->arena,
                      &freshness))
        return 500;
    if (freshness.valid_until == 0 && !read_freshness(use, &use->old, use->old.status, &freshness))
        return 500;
    exchange_release(x, x->body_ended && x->reusable, false);
    if (freshness.valid_until != 0)
        cache_renew(use, &freshness);
    cache_release(use);
    return cache_answer(use, CACHE_REVALIDATED);
}

static bool has_old(const struct cache_use *use)
{
    return use->status == CACHE_EXPIRED && use->file != NULL;
}

/* The answer of a status is to be kept. */
static bool may_store(struct cache_use *use, unsigned status, struct freshness *freshness)
{
    const struct array *no_cache = &settings_of(use)->no_cache;

    return use->storable && conditions_hold(use->exchange->request, no_cache) == CONDITION_NO &&
           read_freshness(use, &use->exchange->head, status, freshness) && freshness->storable &&
           freshness->valid_until != 0;
}

/* The status is remembered in place of an answer. */
static void remember_failure(struct cache_use *use, unsigned status, int64_t until)
{
    struct cache_table *table = cache_lock(use);

    if (table == NULL)
        return;
    cache_table_failed(table, use->digest, status, until);
    cache_unlock(use);
}

int cache_take_head(struct exchange *x, uint32_t failure, bool intercepted)
{
    struct cache_use *use = x->cache;
    struct freshness freshness;

    if (failure != 0 && has_old(use) &&
        may_use_stale(use, failure, use->entry.record.stale_error)) {
        exchange_release(x, false, false);
        cache_release(use);
        return cache_answer(use, CACHE_STALE);
    }
    if (x->head.status == 304 && has_old(use) && use->old.status == ANSWER_STATUS_OK)
        return renew(use);
    use->storable = may_store(use, x->head.status, &freshness);
    if (use->storable && intercepted)
        remember_failure(use, x->head.status, freshness.valid_until);
    else if (use->storable)
        cache_store(use, &freshness);
    if (use->writing == CACHE_NOT_WRITING)
        cache_release(use);
    return 0;
}

int cache_take_failure(struct exchange *x, uint32_t failure, int status)
{
    struct cache_use *use = x->cache;
    time_t now = x->request->worker->clock.wall;

    if (use == NULL)
        return status;
    bool stale = has_old(use) && may_use_stale(use, failure, use->entry.record.stale_error);
    int64_t time = cache_valid_time(settings_of(use), (unsigned)status);
    if (!stale && use->storable && time > 0 && (status == 502 || status == 504))
        remember_failure(use, (unsigned)status, now + time);
    cache_release(use);
    return stale ? cache_answer(use, CACHE_STALE) : status;
}

bool cache_may_store(const struct exchange *x)
{
    return x->cache != NULL && x->cache->storable;
}

bool cache_serves(const struct exchange *x)
{
    return x->cache != NULL && (x->cache->answers || x->cache->writing != CACHE_NOT_WRITING);
}
