#include "worker/handlers/status.h"

#include "conf/values.h"
#include "worker/context.h"
#include "worker/http/core.h"
#include "worker/http/uri.h"
#include "worker/http/variable_text.h"
#include "worker/http/variables.h"
#include "worker/status/view.h"

/* --- status_zone --- */

static void set_zone(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    struct status_tallies *tallies = value;
    bool is_server = scope->context == IN_SERVER;
    const struct word *word = &node->words[1];

    (void)directive;
    if (word->text.len == 0) {
        conf_error(conf, word->at, "invalid zone name \"\"");
        return;
    }
    struct tally *tally =
        conf_tally(conf, is_server ? TALLY_SERVER : TALLY_LOCATION, SLICE(""), word->text);
    if (tally == NULL)
        conf_error(conf, word->at, "no memory for this zone");
    else if (is_server)
        tallies->server = tally;
    else
        tallies->location = tally;
}

/* A location with a zone of its own is in its server's all the same. */
static void check_status(struct conf *conf, struct conf_scope *scope, void *settings)
{
    struct status_settings *own = settings;

    (void)conf;
    if (scope->parent == NULL || own->tallies.location == NULL || own->tallies.server != NULL)
        return;
    const struct status_settings *outer = conf_settings(scope->parent, &status_module);
    own->tallies.server = outer->tallies.server;
}

/* --- answering --- */

static struct status_view view_of(struct worker *worker)
{
    const struct worker_setup *setup = worker->setup;

    worker_show(worker);
    return (struct status_view){
        .board = setup->board,
        .tallies = worker->conf->tallies,
        .conf = worker->conf,
        .log = worker->log,
        .listeners = setup->listeners,
        .listener_count = setup->listener_count,
        .now = worker->clock.wall,
        .milliseconds = worker->clock.milliseconds,
    };
}

static bool is_asked_for(const struct request *request)
{
    return request->method == METHOD_GET || request->method == METHOD_HEAD;
}

static int answer(struct request *request, struct slice type, struct slice text)
{
    request->response.status = 200;
    request->response.content_type = type;
    return text.at != NULL && response_text(request, text) ? DONE : 500;
}

/* ?format=json: the page asks for its numbers where it was found itself. */
static int format_of(const struct request *request)
{
    const struct status_settings *settings = request_settings(request, MODULE_STATUS);
    static const char *const names[] = {
        [STATUS_HTML] = "html", [STATUS_JSON] = "json", [STATUS_PROMETHEUS] = "prometheus"
    };
    struct slice wanted;

    if (query_argument(request->args, SLICE("format"), &wanted))
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (slice_is(wanted, names[i]))
                return (int)i;
    return settings->format;
}

static int status_handler(struct request *request)
{
    struct status_view view = view_of(request->worker);

    if (!is_asked_for(request))
        return 405;
    if (!response_add(request, SLICE("Cache-Control"), SLICE("no-store")))
        return 500;
    switch (format_of(request)) {
    case STATUS_JSON:
        return answer(request, SLICE("application/json"), view_json(&request->arena, &view));
    case STATUS_PROMETHEUS:
        return answer(request, SLICE("text/plain; version=0.0.4; charset=utf-8"),
                      view_prometheus(&request->arena, &view));
    default:
        if (!response_add(request, SLICE("Content-Security-Policy"), view_page_policy))
            return 500;
        return answer(request, SLICE("text/html; charset=utf-8"), view_page(&request->arena));
    }
}

/* nginx's text, to the byte. */
static int stub_status_handler(struct request *request)
{
    struct connection_sum sum;

    if (!is_asked_for(request))
        return 405;
    worker_show(request->worker);
    board_connections(request->worker->setup->board, &sum);
    return answer(request, SLICE("text/plain"),
                  arena_printf(&request->arena,
                               "Active connections: %llu \n"
                               "server accepts handled requests\n"
                               " %llu %llu %llu \n"
                               "Reading: %llu Writing: %llu Waiting: %llu \n",
                               (unsigned long long)sum.active, (unsigned long long)sum.accepted,
                               (unsigned long long)sum.handled, (unsigned long long)sum.requests,
                               (unsigned long long)sum.reading, (unsigned long long)sum.writing,
                               (unsigned long long)sum.waiting));
}

/* --- the variables --- */

static bool connections_value(struct request *request, size_t field, struct slice *value)
{
    struct connection_sum sum;

    worker_show(request->worker);
    board_connections(request->worker->setup->board, &sum);
    uint64_t number;
    memcpy(&number, (const char *)&sum + field, sizeof number);
    return value_number(request, number, value);
}

static bool connections_active(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return connections_value(request, offsetof(struct connection_sum, active), value);
}

static bool connections_reading(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return connections_value(request, offsetof(struct connection_sum, reading), value);
}

static bool connections_writing(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return connections_value(request, offsetof(struct connection_sum, writing), value);
}

static bool connections_waiting(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return connections_value(request, offsetof(struct connection_sum, waiting), value);
}

const struct variable status_variables[] = {
    { "connections_active", connections_active },
    { "connections_reading", connections_reading },
    { "connections_waiting", connections_waiting },
    { "connections_writing", connections_writing },
    { NULL, NULL },
};

/* --- the table --- */

static void set_status(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                       const struct directive *directive, void *value)
{
    enum_set(conf, scope, node, directive, value);
    http_set_handler(conf, scope, status_handler);
}

/* nginx takes one argument, whatever it is, as its releases before 1.7.5 wanted one. */
static void set_stub_status(struct conf *conf, struct conf_scope *scope,
                            const struct conf_node *node, const struct directive *directive,
                            void *value)
{
    (void)node, (void)directive, (void)value;
    http_set_handler(conf, scope, stub_status_handler);
}

static const struct enum_choice format_choices[] = {
    { "html", STATUS_HTML },
    { "json", STATUS_JSON },
    { "prometheus", STATUS_PROMETHEUS },
    { NULL, 0 },
};
static const struct enum_type as_format = { { "html | json | prometheus", sizeof(int), set_status },
                                            format_choices };
static const struct value_type as_zone = { "name", sizeof(struct status_tallies), set_zone };
static const struct value_type as_stub_status = { "", 0, set_stub_status };

static const struct directive status_directives[] = {
    { "status", IN_SERVER | IN_LOCATION, ARGS_LOCAL(1, 1), &as_format.type,
      offsetof(struct status_settings, format), NULL,
      "answer with the counters: a page with charts, JSON, or Prometheus' text" },
    { "status_zone", IN_SERVER | IN_LOCATION, ARGS(1), &as_zone,
      offsetof(struct status_settings, tallies), NULL,
      "count the requests of the server or location under this name" },
    { "stub_status", IN_SERVER | IN_LOCATION, ARGS_LOCAL(0, 1), &as_stub_status, 0, NULL,
      "answer with the number of connections and requests, as nginx does" },
    { 0 },
};

const struct conf_module status_module = {
    .name = "status",
    .id = MODULE_STATUS,
    .size = sizeof(struct status_settings),
    .directives = status_directives,
    .check = check_status,
};
