#include "common/sockaddr.h"
#include "common/text.h"
#include "common/version.h"
#include "worker/cache/cache.h"
#include "worker/cache/table.h"
#include "worker/http/log_escape.h"
#include "worker/status/view.h"

typedef unsigned long long number; /* as printf(3) knows it */

static void add_string(struct text *text, struct slice value)
{
    text_add(text, SLICE("\""));
    text_add(text, log_escape_text(text->arena, value, LOG_ESCAPE_JSON));
    text_add(text, SLICE("\""));
}

static void add_numbers(struct text *text, const char *name, const uint64_t *numbers,
                        unsigned count)
{
    text_format(text, "\"%s\":[", name);
    for (unsigned i = 0; i < count; i++)
        text_format(text, i == 0 ? "%llu" : ",%llu", (number)numbers[i]);
    text_add(text, SLICE("]"));
}

/* The highest value of each bucket; the last one has none. */
static void add_bounds(struct text *text)
{
    uint64_t bounds[HISTOGRAM_BUCKETS - 1];

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS - 1; i++)
        bounds[i] = histogram_bound(i);
    add_numbers(text, "bounds", bounds, HISTOGRAM_BUCKETS - 1);
}

static void add_head(struct text *text, const struct status_view *view)
{
    const struct board *board = view->board;

    text_format(text, "{\"version\":\"%s\",\"pid\":%ld,\"now\":%lld.%03u,\"started\":%llu,",
                MUXD_VERSION, (long)board->master, (long long)view->now, view->milliseconds,
                (number)board->started);
    text_format(text, "\"generation\":%u,\"reloaded\":%llu,\"restarts\":%llu,\n",
                (unsigned)board->generation, (number)count_read(&board->reloaded),
                (number)count_read(&board->restarts));
    text_format(text, "\"lag_unit\":%g,", LAG_UNIT / 1000.0);
    add_bounds(text);
}

static void add_connections(struct text *text, const struct connection_sum *sum)
{
    text_format(text,
                ",\n\"connections\":{\"accepted\":%llu,\"handled\":%llu,\"active\":%llu,"
                "\"reading\":%llu,",
                (number)sum->accepted, (number)sum->handled, (number)sum->active,
                (number)sum->reading);
    text_format(text, "\"writing\":%llu,\"waiting\":%llu,\"tunnels\":%llu,\"upgraded\":%llu}",
                (number)sum->writing, (number)sum->waiting, (number)sum->tunnels,
                (number)sum->upgraded);
}

/* The members of a series, without braces. */
static void add_series(struct text *text, const struct status_view *view, unsigned series)
{
    struct series_sum sum;

    board_sum(view->board, series, &sum);
    text_format(text, "\"total\":%llu,\"unanswered\":%llu,", (number)sum.total,
                (number)sum.requests[0]);
    for (unsigned i = 1; i < STATUS_CLASSES; i++)
        text_format(text, "\"%uxx\":%llu,", i, (number)sum.requests[i]);
    text_format(text, "\"received\":%llu,\"sent\":%llu,\"milliseconds\":%llu,",
                (number)sum.received, (number)sum.sent, (number)sum.milliseconds);
    text_format(
        text, "\"p50\":%llu,\"p90\":%llu,\"p99\":%llu,\"p999\":%llu,",
        (number)histogram_percentile(sum.times, 500), (number)histogram_percentile(sum.times, 900),
        (number)histogram_percentile(sum.times, 990), (number)histogram_percentile(sum.times, 999));
    add_numbers(text, "times", sum.times, HISTOGRAM_BUCKETS);
}

static void add_requests(struct text *text, const struct status_view *view,
                         const struct connection_sum *sum)
{
    uint64_t lag[HISTOGRAM_BUCKETS];

    text_format(text, ",\n\"requests\":{\"begun\":%llu,", (number)sum->requests);
    add_series(text, view, SERIES_ALL);
    text_add(text, SLICE("},\n"));
    board_lag(view->board, lag);
    add_numbers(text, "lag", lag, HISTOGRAM_BUCKETS);
}

static void add_worker(struct text *text, const struct worker_view *worker)
{
    text_format(text, "{\"slot\":%u,\"pid\":%ld,\"generation\":%u,\"state\":\"%s\",", worker->slot,
                worker->pid, worker->generation, worker_state_name(worker->state));
    text_format(text, "\"in_service\":%s,\"started\":%llu,\"active\":%llu,\"reading\":%llu,",
                worker->in_service ? "true" : "false", (number)worker->started,
                (number)worker->active, (number)worker->reading);
    text_format(text, "\"waiting\":%llu,\"accepted\":%llu,\"requests\":%llu,\"busy_us\":%llu,",
                (number)worker->waiting, (number)worker->accepted, (number)worker->requests,
                (number)worker->busy);
    text_format(text, "\"longest_us\":%llu,\"memory\":", (number)worker->longest);
    text_format(text, worker->memory_known ? "%llu}" : "null}", (number)worker->memory);
}

static void add_workers(struct text *text, const struct status_view *view)
{
    const struct board *board = view->board;
    const char *between = "\n";

    text_add(text, SLICE(",\n\"workers\":["));
    for (unsigned i = 0; i < board->used; i++) {
        struct worker_view worker;
        if (!worker_view(&board->lane[i], &worker))
            continue;
        text_add(text, slice_of(between));
        add_worker(text, &worker);
        between = ",\n";
    }
    text_add(text, SLICE("]"));
}

static void add_listener(struct text *text, const struct listener *listener)
{
    char address[ADDRESS_TEXT_MAX];
    struct queue_view queue;
    const char *between = "";

    text_add(text, SLICE("{\"address\":"));
    add_string(text, slice_make(address, address_text(&listener->options.address, address)));
    text_add(text, SLICE(",\"queues\":["));
    for (unsigned i = 0; i < listener->socket_count; i++)
        if (queue_view(listener->sockets[i], &queue)) {
            text_format(text, "%s{\"waiting\":%u,\"room\":%u,\"dropped\":%u}", between,
                        queue.waiting, queue.room, queue.dropped);
            between = ",";
        }
    text_add(text, SLICE("]}"));
}

static void add_listeners(struct text *text, const struct status_view *view)
{
    text_add(text, SLICE(",\n\"listeners\":["));
    for (size_t i = 0; i < view->listener_count; i++) {
        text_add(text, i == 0 ? SLICE("\n") : SLICE(",\n"));
        add_listener(text, &view->listeners[i]);
    }
    text_add(text, SLICE("]"));
}

static void add_peer_state(struct text *text, const struct status_view *view,
                           const struct tally *tally)
{
    struct series_sum sum;

    board_sum(view->board, tally->series, &sum);
    text_add(text, SLICE("\"upstream\":"));
    add_string(text, tally->group);
    text_format(text, ",\"active\":%llu,\"failures\":%llu,\"avoided_by\":%llu,", (number)sum.active,
                (number)sum.failures, (number)sum.down);
}

static void add_tallies(struct text *text, const struct status_view *view, const char *name,
                        enum tally_kind kind)
{
    const struct tally *first = view->tallies == NULL ? NULL : view->tallies->first;
    const char *between = "\n";

    text_format(text, ",\n\"%s\":[", name);
    for (const struct tally *tally = tally_next(first, kind); tally != NULL;
         tally = tally_next(tally->next, kind)) {
        if (tally->series == SERIES_NOBODY)
            continue;
        text_format(text, "%s{\"name\":", between);
        add_string(text, tally->name);
        text_add(text, SLICE(","));
        if (kind == TALLY_PEER)
            add_peer_state(text, view, tally);
        add_series(text, view, tally->series);
        text_add(text, SLICE("}"));
        between = ",\n";
    }
    text_add(text, SLICE("]"));
}

static void add_cache(struct text *text, const struct cache *cache,
                      const struct cache_figures *figures)
{
    text_add(text, SLICE("{\"name\":"));
    add_string(text, cache->zone->name);
    text_add(text, SLICE(",\"path\":"));
    add_string(text, slice_of(cache->path));
    text_format(text, ",\"entries\":%llu,\"size\":%llu,\"max_size\":", (number)figures->entries,
                (number)figures->size);
    text_format(text, cache->max_size == UINT64_MAX ? "null" : "%llu", (number)cache->max_size);
    for (unsigned i = 0; i < CACHE_STATUSES; i++)
        text_format(text, ",\"%s\":%llu", cache_status_name(i), (number)figures->requests[i]);
    text_add(text, SLICE("}"));
}

static void add_caches(struct text *text, const struct status_view *view)
{
    const struct cache *cache = cache_next(conf_zones_first(view->conf));
    const char *between = "\n";

    text_add(text, SLICE(",\n\"caches\":["));
    for (; cache != NULL; cache = cache_next(cache->zone->next)) {
        struct cache_figures figures;
        if (!cache_figures(cache, view->log, &figures))
            continue;
        text_add(text, slice_of(between));
        add_cache(text, cache, &figures);
        between = ",\n";
    }
    text_add(text, SLICE("]"));
}

struct slice view_json(struct arena *arena, const struct status_view *view)
{
    struct text text = { .arena = arena };
    struct connection_sum sum;

    board_connections(view->board, &sum);
    text_reserve(&text, 8 * 1024);
    add_head(&text, view);
    add_connections(&text, &sum);
    add_requests(&text, view, &sum);
    add_workers(&text, view);
    add_listeners(&text, view);
    add_tallies(&text, view, "servers", TALLY_SERVER);
    add_tallies(&text, view, "locations", TALLY_LOCATION);
    add_tallies(&text, view, "peers", TALLY_PEER);
    add_caches(&text, view);
    text_add(&text, SLICE("}\n"));
    return text_end(&text);
}
