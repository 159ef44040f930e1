/* limit_req: how many requests a key may make, by a leaky bucket in shared memory. */
#include "common/key_tree.h"
#include "conf/values.h"
#include "worker/context.h"
#include "worker/error_log.h"
#include "worker/handlers/handlers.h"
#include "worker/handlers/limit_req_table.h"
#include "worker/handlers/limits.h"
#include "worker/http/subrequest.h"
#include "worker/http/template.h"
#include "worker/http/variables.h"
#include "worker/zones.h"

enum {
    REQUEST = 1000,        /* thousandths of a request */
    RATE_MAX = 1000000000, /* requests a second or minute */
    BURST_MAX = RATE_MAX,  /* requests */
};

/* What a request has come to: request->limit_req; 0: it was not limited. */
enum limit_req_status {
    PASSED = 1,
    DELAYED,
    REJECTED,
    DELAYED_DRY_RUN,
    REJECTED_DRY_RUN,
};

/* limit_req_zone: zone->owner. */
struct rate_limit {
    struct template key;
    uint64_t rate; /* requests in 1000 seconds */
};

/* limit_req */
struct limit {
    const struct zone *zone; /* first, for limit_add */
    uint64_t burst;          /* thousandths of a request, as delay */
    uint64_t delay;          /* excess up to here is not delayed; UINT64_MAX: nodelay */
};

struct limit_req_settings {
    struct array limits; /* of struct limit */
    uint64_t status;
    int log_level;
    bool dry_run;
};

/* --- one request --- */

/* A limit that the request has a key for. */
struct asked {
    const struct limit *limit;
    struct limit_req_ask ask;
};

static struct limit_req_ask ask_of(const struct request *request, const struct limit *limit,
                                   struct slice key)
{
    const struct rate_limit *zone = limit->zone->owner;

    return (struct limit_req_ask){
        .key = key,
        .rate = zone->rate,
        .burst = limit->burst,
        .now = request->worker->clock.now,
    };
}

/* The limits that count for the request, in its arena. False: memory is out. */
static bool collect(struct request *request, const struct limit_req_settings *settings,
                    struct asked **asked, size_t *count)
{
    const struct limit *limits = settings->limits.items;

    *count = 0;
    *asked = arena_alloc(&request->arena, settings->limits.count * sizeof **asked);
    if (*asked == NULL)
        return false;
    for (size_t i = 0; i < settings->limits.count; i++) {
        const struct rate_limit *zone = limits[i].zone->owner;
        struct slice key;
        if (!limit_key(request, &zone->key, KEY_MAX, &key))
            return false;
        if (key.len > 0)
            (*asked)[(*count)++] = (struct asked){ &limits[i], ask_of(request, &limits[i], key) };
    }
    return true;
}

static enum limit_req_result ask_zone(struct request *request, const struct asked *asked,
                                      bool charge, uint64_t *excess)
{
    const struct zone *zone = asked->limit->zone;
    struct log *log = request_error_log(request);
    struct limit_req_table *table = zone_lock(zone, log);

    *excess = 0;
    if (table == NULL)
        return LIMIT_REQ_NO_ROOM;
    enum limit_req_result result = limit_req_ask(table, &asked->ask, charge, excess);
    zone_unlock(zone);
    if (result == LIMIT_REQ_NO_ROOM)
        log_write(log, LOG_LEVEL_ALERT, 0, 0, "could not allocate node in limit_req zone \"%.*s\"",
                  (int)zone->name.len, zone->name.at);
    return result;
}

static uint64_t charge_zone(struct request *request, const struct asked *asked)
{
    struct limit_req_table *table = zone_lock(asked->limit->zone, request_error_log(request));
    uint64_t excess = 0;

    if (table == NULL)
        return 0;
    excess = limit_req_charge(table, &asked->ask);
    zone_unlock(asked->limit->zone);
    return excess;
}

/* Milliseconds to wait for the excess to fall to what is not delayed. */
static uint64_t delay_of(const struct asked *asked, uint64_t excess)
{
    if (excess <= asked->limit->delay)
        return 0;
    return (excess - asked->limit->delay) * 1000 / asked->ask.rate;
}

static void log_limited(struct request *request, const struct asked *asked, uint64_t excess,
                        int level, const char *format)
{
    const struct limit_req_settings *settings = request_settings(request, MODULE_LIMIT_REQ);
    const struct zone *zone = asked->limit->zone;

    request_log(request, level, 0, format, settings->dry_run ? ", dry run" : "",
                (unsigned long long)(excess / REQUEST), (unsigned)(excess % REQUEST),
                (int)zone->name.len, zone->name.at);
}

static void set_status(struct request *request, enum limit_req_status status)
{
    request_main(request)->limit_req = (uint8_t)status;
}

static int reject(struct request *request, const struct limit_req_settings *settings)
{
    set_status(request, settings->dry_run ? REJECTED_DRY_RUN : REJECTED);
    return settings->dry_run ? DECLINED : (int)settings->status;
}

/* The line is one level less important than that of a refusal, as in nginx. */
static int delay(struct request *request, const struct asked *asked, uint64_t excess,
                 uint64_t milliseconds)
{
    const struct limit_req_settings *settings = request_settings(request, MODULE_LIMIT_REQ);
    int level = settings->log_level == LOG_LEVEL_INFO ? LOG_LEVEL_INFO : settings->log_level + 1;

    log_limited(request, asked, excess, level,
                "delaying request%s, excess: %llu.%03u, by zone \"%.*s\"");
    set_status(request, settings->dry_run ? DELAYED_DRY_RUN : DELAYED);
    return settings->dry_run ? DECLINED : request_delay(request, milliseconds);
}

/* The last zone counts the request as soon as it lets it pass; those before it when all
 * of them do. The longest delay is the request's. */
int limit_req_handler(struct request *request)
{
    const struct limit_req_settings *settings = request_settings(request, MODULE_LIMIT_REQ);
    struct asked *asked;
    uint64_t excess = 0;
    size_t count;

    if (settings->limits.count == 0 || request_main(request)->limit_req != 0)
        return DECLINED;
    if (!collect(request, settings, &asked, &count))
        return 500;
    if (count == 0)
        return DECLINED;
    for (size_t i = 0; i < count; i++) {
        enum limit_req_result result = ask_zone(request, &asked[i], i == count - 1, &excess);
        if (result == LIMIT_REQ_PASSED)
            continue;
        if (result == LIMIT_REQ_BUSY)
            log_limited(request, &asked[i], excess, settings->log_level,
                        "limiting requests%s, excess: %llu.%03u by zone \"%.*s\"");
        return reject(request, settings);
    }
    const struct asked *slowest = &asked[count - 1];
    uint64_t longest = delay_of(slowest, excess);
    for (size_t i = count - 1; i-- > 0;) {
        uint64_t own_excess = charge_zone(request, &asked[i]);
        uint64_t own_delay = delay_of(&asked[i], own_excess);
        if (own_delay > longest) {
            longest = own_delay;
            excess = own_excess;
            slowest = &asked[i];
        }
    }
    if (longest > 0)
        return delay(request, slowest, excess, longest);
    set_status(request, PASSED);
    return DECLINED;
}

/* --- $limit_req_status --- */

static bool get_status(struct request *request, struct slice argument, struct slice *value)
{
    static const char *const names[] = {
        [PASSED] = "PASSED",
        [DELAYED] = "DELAYED",
        [REJECTED] = "REJECTED",
        [DELAYED_DRY_RUN] = "DELAYED_DRY_RUN",
        [REJECTED_DRY_RUN] = "REJECTED_DRY_RUN",
    };

    (void)argument;
    return limit_status_name(request_main(request)->limit_req, names, value);
}

const struct variable limit_req_variables[] = { { "limit_req_status", get_status }, { 0 } };

/* --- the directives --- */

static void *make_table(const struct zone *zone, struct shared_memory *memory)
{
    (void)zone;
    return limit_req_table_new(memory);
}

static const struct zone_kind limit_req_zones = { "limit_req", make_table };

/* "10r/s", "30r/m" */
static bool parse_rate(struct slice text, uint64_t *rate)
{
    uint64_t seconds = slice_ends(text, SLICE("r/s")) ? 1 : slice_ends(text, SLICE("r/m")) ? 60 : 0;
    uint64_t number;

    if (seconds == 0 || !slice_to_number(slice_first(text, text.len - 3), RATE_MAX, &number) ||
        number == 0)
        return false;
    *rate = number * 1000 / seconds;
    return true;
}

/* limit_req_zone key zone=name:size rate=rate */
static void set_zone(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    struct rate_limit *own = arena_zalloc(conf->arena, sizeof *own);
    const struct word *key = &node->words[1];
    struct slice name = { 0 }, text;
    uint64_t size = 0;

    (void)value;
    if (own == NULL || !template_compile(conf, scope, key->at, key->text, &own->key))
        return;
    own->rate = 1000;
    for (size_t i = 2; i < node->count; i++) {
        const struct word *word = &node->words[i];
        if (value_option(word->text, "zone", &text)) {
            if (!zone_parse(conf, word, text, &name, &size))
                return;
        } else if (!value_option(word->text, "rate", &text)) {
            limit_invalid(conf, word, "parameter");
        } else if (!parse_rate(text, &own->rate)) {
            limit_invalid(conf, word, "rate");
        }
    }
    zone_declare(conf, node, directive,
                 &(struct zone_claim){ name, size, &limit_req_zones, key->text, own });
}

static bool read_limit_option(struct conf *conf, const struct word *word, struct limit *limit)
{
    struct slice text;
    uint64_t number;

    if (value_option(word->text, "zone", &text)) {
        limit->zone = conf_zone(conf, word->at, text, 0, &limit_req_zones);
        return limit->zone != NULL;
    }
    if (slice_is(word->text, "nodelay")) {
        limit->delay = UINT64_MAX;
        return true;
    }
    bool burst = value_option(word->text, "burst", &text);
    if (!burst && !value_option(word->text, "delay", &text)) {
        limit_invalid(conf, word, "parameter");
        return false;
    }
    if (!slice_to_number(text, BURST_MAX, &number) || number == 0) {
        limit_invalid(conf, word, burst ? "burst value" : "delay value");
        return false;
    }
    *(burst ? &limit->burst : &limit->delay) = number * REQUEST;
    return true;
}

/* limit_req zone=name [burst=number] [nodelay | delay=number] */
static void set_limit(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                      const struct directive *directive, void *value)
{
    struct limit own = { 0 };

    (void)scope;
    for (size_t i = 1; i < node->count; i++)
        if (!read_limit_option(conf, &node->words[i], &own))
            return;
    if (own.zone == NULL) {
        conf_error(conf, node->words[0].at, "\"%s\" must have \"zone\" parameter", directive->name);
        return;
    }
    limit_add(conf, node, value, &own, sizeof own);
}

static const struct value_type as_zone = { "key zone=name:size rate=rate", 0, set_zone };
static const struct value_type as_limits = { "zone=name [burst=number] [nodelay | delay=number]",
                                             sizeof(struct array), set_limit };

#define FIELD(name) offsetof(struct limit_req_settings, name)

static const struct directive limit_req_directives[] = {
    { "limit_req_zone", IN_HTTP, ARGS_REPEATED(3, 3), &as_zone, 0, NULL,
      "keep how often each value of a key was asked for, and what rate it may have" },
    { "limit_req", IN_HTTP_ALL, ARGS_REPEATED(1, 3), &as_limits, FIELD(limits), NULL,
      "delay or refuse requests over the rate of a zone" },
    { "limit_req_status", IN_HTTP_ALL, ARGS(1), &as_limit_status, FIELD(status), "503",
      "status of requests that are refused" },
    { "limit_req_log_level", IN_HTTP_ALL, ARGS(1), &as_limit_level.type, FIELD(log_level), "error",
      "level of the log's lines about refusals; delays are one level below" },
    { "limit_req_dry_run", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(dry_run), "off",
      "count and log what would be limited, and let it pass" },
    { 0 },
};

#undef FIELD

const struct conf_module limit_req_module = {
    .name = "limit_req",
    .id = MODULE_LIMIT_REQ,
    .size = sizeof(struct limit_req_settings),
    .directives = limit_req_directives,
};
