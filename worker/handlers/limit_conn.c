/* limit_conn: how many connections of a key have a request at work, counted in shared memory. */
#include "worker/context.h"
#include "worker/error_log.h"
#include "worker/handlers/handlers.h"
#include "worker/handlers/limit_conn_table.h"
#include "worker/handlers/limits.h"
#include "worker/http/subrequest.h"
#include "worker/http/template.h"
#include "worker/http/variables.h"
#include "worker/zones.h"

enum { CONNECTIONS_MAX = 65535 /* of a key, as nginx */ };

/* What a request has come to: request->limit_conn; 0: it was not limited. */
enum limit_conn_status {
    PASSED = 1,
    REJECTED,
    REJECTED_DRY_RUN,
};

/* limit_conn */
struct limit {
    const struct zone *zone; /* first, for limit_add; its owner is the key, a struct template */
    uint64_t most;
};

struct limit_conn_settings {
    struct array limits; /* of struct limit */
    uint64_t status;
    int log_level;
    bool dry_run;
};

/* --- one request --- */

/* Where a request is counted. */
struct counted {
    const struct zone *zone;
    struct limit_conn_share *share;
    unsigned losses; /* of the zone's memory, when it was */
};

struct counts {
    size_t count;
    struct counted counted[];
};

/* A zone that was emptied since does not have the share any more. */
static void stop_counting(struct request *request, void *what)
{
    struct counts *counts = what;

    for (; counts->count > 0; counts->count--) {
        const struct counted *counted = &counts->counted[counts->count - 1];
        struct limit_conn_table *table = zone_lock(counted->zone, request_error_log(request));
        if (table == NULL)
            continue;
        if (shared_memory_losses(counted->zone->memory) == counted->losses)
            limit_conn_give(table, counted->share);
        zone_unlock(counted->zone);
    }
}

/* What a request needs to be counted `most` times; NULL when memory is out. */
static struct counts *counts_new(struct request *request, size_t most)
{
    struct counts *counts =
        arena_alloc(&request->arena, sizeof *counts + most * sizeof *counts->counted);

    if (counts == NULL || !request_at_end(request, stop_counting, counts))
        return NULL;
    counts->count = 0;
    return counts;
}

static enum limit_conn_result ask_zone(struct request *request, const struct limit *limit,
                                       struct slice key, struct counted *counted)
{
    const struct zone *zone = limit->zone;
    const struct worker_setup *setup = request->worker->setup;
    struct limit_conn_table *table = zone_lock(zone, request_error_log(request));
    struct limit_conn_ask ask = { .key = key,
                                  .most = limit->most,
                                  .board = setup->board,
                                  .lane = (unsigned)(setup->lane - setup->board->lane) };

    if (table == NULL)
        return LIMIT_CONN_NO_ROOM;
    counted->zone = zone;
    counted->losses = shared_memory_losses(zone->memory);
    enum limit_conn_result result = limit_conn_take(table, &ask, &counted->share);
    zone_unlock(zone);
    return result;
}

static void log_limited(struct request *request, const struct limit *limit,
                        enum limit_conn_result result)
{
    const struct limit_conn_settings *settings = request_settings(request, MODULE_LIMIT_CONN);
    const struct zone *zone = limit->zone;

    if (result == LIMIT_CONN_BUSY)
        request_log(request, settings->log_level, 0, "limiting connections%s by zone \"%.*s\"",
                    settings->dry_run ? ", dry run," : "", (int)zone->name.len, zone->name.at);
    else
        request_log(request, LOG_LEVEL_ALERT, 0,
                    "could not allocate node in limit_conn zone \"%.*s\"", (int)zone->name.len,
                    zone->name.at);
}

static int reject(struct request *request, struct counts *counts)
{
    const struct limit_conn_settings *settings = request_settings(request, MODULE_LIMIT_CONN);
    struct request *client = request_main(request);

    stop_counting(client, counts);
    client->limit_conn = settings->dry_run ? REJECTED_DRY_RUN : REJECTED;
    return settings->dry_run ? DECLINED : (int)settings->status;
}

/* The client's request is counted, once: by the first location that limits it. */
int limit_conn_handler(struct request *request)
{
    const struct limit_conn_settings *settings = request_settings(request, MODULE_LIMIT_CONN);
    const struct limit *limits = settings->limits.items;
    struct request *client = request_main(request);
    struct slice key;

    /* A worker without a lane, beyond LANES_MAX, could be missed by nobody when it died. */
    if (settings->limits.count == 0 || client->limit_conn != 0 ||
        request->worker->setup->lane == NULL)
        return DECLINED;
    struct counts *counts = counts_new(client, settings->limits.count);
    if (counts == NULL)
        return 500;
    for (size_t i = 0; i < settings->limits.count; i++) {
        if (!limit_key(request, limits[i].zone->owner, LIMIT_CONN_KEY_MAX, &key))
            return 500;
        if (key.len == 0)
            continue;
        client->limit_conn = PASSED;
        enum limit_conn_result result =
            ask_zone(request, &limits[i], key, &counts->counted[counts->count]);
        if (result != LIMIT_CONN_PASSED) {
            log_limited(request, &limits[i], result);
            return reject(request, counts);
        }
        counts->count++;
    }
    return DECLINED;
}

/* --- $limit_conn_status --- */

static bool get_status(struct request *request, struct slice argument, struct slice *value)
{
    static const char *const names[] = {
        [PASSED] = "PASSED",
        [REJECTED] = "REJECTED",
        [REJECTED_DRY_RUN] = "REJECTED_DRY_RUN",
    };

    (void)argument;
    return limit_status_name(request_main(request)->limit_conn, names, value);
}

const struct variable limit_conn_variables[] = { { "limit_conn_status", get_status }, { 0 } };

/* --- the directives --- */

static void *make_table(const struct zone *zone, struct shared_memory *memory)
{
    (void)zone;
    return limit_conn_table_new(memory);
}

static const struct zone_kind limit_conn_zones = { "limit_conn", make_table };

/* limit_conn_zone key zone=name:size */
static void set_zone(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    struct template *key = arena_zalloc(conf->arena, sizeof *key);
    const struct word *words = node->words;
    struct slice name, text;
    uint64_t size;

    (void)value;
    if (key == NULL || !template_compile(conf, scope, words[1].at, words[1].text, key))
        return;
    if (!value_option(words[2].text, "zone", &text))
        limit_invalid(conf, &words[2], "parameter");
    else if (zone_parse(conf, &words[2], text, &name, &size))
        zone_declare(conf, node, directive,
                     &(struct zone_claim){ name, size, &limit_conn_zones, words[1].text, key });
}

static bool read_limit(struct conf *conf, const struct conf_node *node, struct limit *limit)
{
    const struct word *zone = &node->words[1], *most = &node->words[2];

    limit->zone = conf_zone(conf, zone->at, zone->text, 0, &limit_conn_zones);
    if (limit->zone == NULL)
        return false;
    if (!slice_to_number(most->text, UINT64_MAX, &limit->most) || limit->most == 0) {
        limit_invalid(conf, most, "number of connections");
        return false;
    }
    if (limit->most <= CONNECTIONS_MAX)
        return true;
    conf_error(conf, most->at, "connection limit must be less %d", CONNECTIONS_MAX + 1);
    return false;
}

/* limit_conn zone number */
static void set_limit(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                      const struct directive *directive, void *value)
{
    struct limit own;

    (void)scope, (void)directive;
    if (read_limit(conf, node, &own))
        limit_add(conf, node, value, &own, sizeof own);
}

static const struct value_type as_zone = { "key zone=name:size", 0, set_zone };
static const struct value_type as_limits = { "zone number", sizeof(struct array), set_limit };

#define FIELD(name) offsetof(struct limit_conn_settings, name)

static const struct directive limit_conn_directives[] = {
    { "limit_conn_zone", IN_HTTP, ARGS_REPEATED(2, 2), &as_zone, 0, NULL,
      "keep how many connections each value of a key has" },
    { "limit_conn", IN_HTTP_ALL, ARGS_REPEATED(2, 2), &as_limits, FIELD(limits), NULL,
      "refuse requests on more connections than a key may have at once" },
    { "limit_conn_status", IN_HTTP_ALL, ARGS(1), &as_limit_status, FIELD(status), "503",
      "status of requests that are refused" },
    { "limit_conn_log_level", IN_HTTP_ALL, ARGS(1), &as_limit_level.type, FIELD(log_level), "error",
      "level of the log's lines about refusals" },
    { "limit_conn_dry_run", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(dry_run), "off",
      "count and log what would be refused, and let it pass" },
    { 0 },
};

#undef FIELD

const struct conf_module limit_conn_module = {
    .name = "limit_conn",
    .id = MODULE_LIMIT_CONN,
    .size = sizeof(struct limit_conn_settings),
    .directives = limit_conn_directives,
};
