/* health_check: how the servers of the location's upstream group are checked. */
#include "conf/values.h"
#include "worker/handlers/proxy.h"
#include "worker/http/core.h"
#include "worker/upstream/health.h"

struct health_settings {
    struct health_check *check; /* NULL: none */
};

/* --- the directive --- */

static bool read_count(struct slice text, uint64_t *count)
{
    return slice_to_number(text, INT32_MAX, count) && *count > 0;
}

static bool read_port(struct slice text, unsigned *port)
{
    uint64_t number;

    if (!slice_to_number(text, 65535, &number) || number == 0)
        return false;
    *port = (unsigned)number;
    return true;
}

static bool read_parameter(struct slice word, struct health_check *check)
{
    struct slice value;

    if (value_option(word, "interval", &value))
        return value_parse_time(value, &check->interval) && check->interval > 0;
    if (value_option(word, "jitter", &value))
        return value_parse_time(value, &check->jitter);
    if (value_option(word, "fails", &value))
        return read_count(value, &check->fails);
    if (value_option(word, "passes", &value))
        return read_count(value, &check->passes);
    if (value_option(word, "port", &value))
        return read_port(value, &check->port);
    if (value_option(word, "uri", &check->uri))
        return slice_starts(check->uri, SLICE("/"));
    if (value_option(word, "match", &check->match_name))
        return check->match_name.len > 0;
    if (slice_is(word, "mandatory"))
        return check->mandatory = true;
    return slice_is(word, "persistent") && check->mandatory; /* as it always is */
}

/* health_check [parameter ...] */
static void set_health_check(struct conf *conf, struct conf_scope *scope,
                             const struct conf_node *node, const struct directive *directive,
                             void *value)
{
    struct health_check **place = value;
    struct health_check *check = arena_alloc(conf->arena, sizeof *check);

    (void)scope;
    (void)directive;
    if (check == NULL) {
        conf_error(conf, node->words[0].at, "no memory for a health check");
        return;
    }
    *check = (struct health_check){
        .interval = 5000,
        .fails = 1,
        .passes = 1,
        .uri = SLICE_INIT("/"),
        .at = node->words[0].at,
    };
    for (size_t i = 1; i < node->count; i++)
        if (!read_parameter(node->words[i].text, check))
            conf_error(conf, node->words[i].at, "invalid parameter \"%.*s\"",
                       (int)node->words[i].text.len, node->words[i].text.at);
    *place = check;
}

/* --- the request --- */

static bool is_connection(struct slice name)
{
    return slice_is_nocase(name, "Connection") || slice_is_nocase(name, "Host");
}

/* The location's proxy_set_header fields go along, but for those with variables: there is no
 * request that would have their values. */
static bool write_request(struct arena *arena, const struct proxy_settings *proxy,
                          struct health_check *check)
{
    const struct proxy_field *fields = proxy->fields.items;
    struct slice host = proxy->url.host, lines = SLICE("");

    for (size_t i = 0; i < proxy->fields.count; i++) {
        const struct slice value = fields[i].value.literal;
        if (!fields[i].value.constant || value.len == 0)
            continue;
        if (slice_is_nocase(fields[i].name, "Host"))
            host = value;
        if (is_connection(fields[i].name))
            continue;
        lines = arena_printf(arena, "%.*s%.*s: %.*s\r\n", (int)lines.len, lines.at,
                             (int)fields[i].name.len, fields[i].name.at, (int)value.len, value.at);
    }
    check->request = arena_printf(
        arena, "GET %.*s HTTP/1.0\r\nHost: %.*s\r\nConnection: close\r\n%.*s\r\n",
        (int)check->uri.len, check->uri.at, (int)host.len, host.at, (int)lines.len, lines.at);
    return check->request.at != NULL;
}

/* Once the location's group is known. */
static void bind_check(struct conf *conf, struct conf_scope *scope, void *value)
{
    struct health_check *check = ((struct health_settings *)value)->check;
    const struct proxy_settings *proxy = conf_settings(scope, &proxy_module);
    struct upstream_group *group = proxy->url.group;

    if (check == NULL)
        return;
    if (!proxy->passes || group == NULL || group->implicit) {
        conf_error(conf, check->at, "\"health_check\" requires proxy_pass to an upstream");
        return;
    }
    if (group->zone == NULL) {
        conf_error(conf, check->at,
                   "\"health_check\" requires upstream \"%.*s\" to be in shared memory: \"zone\"",
                   (int)group->name.len, group->name.at);
        return;
    }
    if (group->health != NULL) {
        conf_error(conf, check->at, "upstream \"%.*s\" has a \"health_check\" already",
                   (int)group->name.len, group->name.at);
        return;
    }
    if (check->match_name.len > 0) {
        check->match = health_match_find(scope, check->match_name);
        if (check->match == NULL)
            conf_error(conf, check->at, "unknown match \"%.*s\"", (int)check->match_name.len,
                       check->match_name.at);
    }
    check->connect_timeout = proxy->exchange.connect_timeout;
    check->read_timeout = proxy->exchange.read_timeout;
    group->health = check;
    group->mandatory = check->mandatory;
    if (!write_request(conf->arena, proxy, check))
        conf_error(conf, check->at, "no memory for a health check");
}

static const struct value_type as_health_check = { "[parameter ...]", sizeof(struct health_check *),
                                                   set_health_check };

static const struct directive health_directives[] = {
    { "health_check", IN_LOCATION, ARGS_LOCAL(0, 255), &as_health_check,
      offsetof(struct health_settings, check), NULL,
      "check the servers of the location's upstream from time to time" },
    { 0 },
};

const struct conf_module health_module = {
    .name = "health_check",
    .id = MODULE_HEALTH_CHECK,
    .size = sizeof(struct health_settings),
    .directives = health_directives,
    .check = bind_check,
};
