#include "worker/events.h"

#include "conf/suggest.h"
#include "conf/values.h"
#include "worker/event/loop.h"

static void set_events(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                       const struct directive *directive, void *value)
{
    (void)directive;
    (void)value;
    if (conf_open_block(conf, scope, node, IN_EVENTS, NULL) == NULL)
        conf_error(conf, node->words[0].at, "no memory for this block");
}

static struct slice loop_word(const void *names, size_t index)
{
    return slice_of(((const char *const *)names)[index]);
}

static void set_use(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                    const struct directive *directive, void *value)
{
    const char *const *names = loop_names();
    struct slice word = node->words[1].text;
    size_t count = 0;

    (void)scope;
    (void)directive;
    for (; names[count] != NULL; count++)
        if (slice_is(word, names[count])) {
            *(const char **)value = names[count];
            return;
        }
    conf_error_hint(conf, node->words[1].at, suggest_nearest(word, count, loop_word, names),
                    "invalid event type \"%.*s\"", (int)word.len, word.at);
}

static const struct value_type as_events = { "{ ... }", 0, set_events };
static const struct value_type as_loop = { "epoll | select", sizeof(const char *), set_use };

#define FIELD(name) offsetof(struct events_settings, name)

static const struct directive events_directives[] = {
    { "events", IN_MAIN, BLOCK_ONCE(0, 0), &as_events, 0, NULL, "how workers wait for clients" },
    { "use", IN_EVENTS, ARGS(1), &as_loop, FIELD(use), NULL,
      "system call that a worker waits in; the best one when it is not given" },
    { "worker_connections", IN_EVENTS, ARGS(1), &as_number, FIELD(worker_connections), "512",
      "connections that a worker may have open" },
    { "multi_accept", IN_EVENTS, ARGS(1), &as_flag, FIELD(multi_accept), "off",
      "accepted; muxd always takes all connections that wait" },
    { "accept_mutex", IN_EVENTS, ARGS(1), &as_flag, FIELD(accept_mutex), "off",
      "accepted; each muxd worker has listening sockets of its own" },
    { "accept_mutex_delay", IN_EVENTS, ARGS(1), &as_time, FIELD(accept_mutex_delay), "500ms",
      "accepted; muxd has no accept mutex" },
    { "worker_aio_requests", IN_EVENTS, ARGS(1), &as_number, FIELD(worker_aio_requests), "32",
      "accepted; muxd reads files from the page cache" },
    { 0 },
};

#undef FIELD

static const struct conf_scope *events_scope(const struct conf *conf)
{
    const struct conf_scope *scope = conf->main->children;

    while (scope != NULL && scope->context != IN_EVENTS)
        scope = scope->next;
    return scope == NULL ? conf->main : scope;
}

static void check(struct conf *conf, struct conf_scope *scope, void *value)
{
    const struct events_settings *settings = value;

    if (scope->parent == NULL && !conf_has_own(conf, scope, "events"))
        conf_error(conf, (struct position){ 0 }, "no \"events\" section in configuration");
    if (settings->worker_connections == 0)
        conf_error(conf, scope->node == NULL ? (struct position){ 0 } : scope->node->words[0].at,
                   "\"worker_connections\" must be at least 1");
}

const struct conf_module events_module = {
    .name = "events",
    .id = MODULE_EVENTS,
    .size = sizeof(struct events_settings),
    .directives = events_directives,
    .check = check,
};

const struct events_settings *events_settings(const struct conf *conf)
{
    return conf_settings(events_scope(conf), &events_module);
}
