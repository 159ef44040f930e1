#include "worker/http/phases.h"

#include "worker/context.h"
#include "worker/handlers/handlers.h"
#include "worker/handlers/static.h"
#include "worker/http/body.h"
#include "worker/http/browser.h"
#include "worker/http/client.h"
#include "worker/http/core.h"
#include "worker/http/error_page.h"
#include "worker/http/satisfy.h"
#include "worker/http/uri.h"
#include "worker/net/connection.h"

/* --- find-config --- */

/* keepalive_disable: browsers that get it wrong, by nginx's marks: MSIE 4 to 6 after a POST;
 * Safari on Mac OS X. */
static bool is_disabled_browser(const struct request *request, uint32_t disabled)
{
    bool msie6 = (disabled & KEEPALIVE_DISABLE_MSIE6) != 0 && request->method == METHOD_POST;
    bool safari = (disabled & KEEPALIVE_DISABLE_SAFARI) != 0;
    const struct field *agent = head_known(&request->head, FIELD_USER_AGENT);

    if (agent == NULL || !(msie6 || safari) || (disabled & KEEPALIVE_DISABLE_NONE) != 0)
        return false;
    struct slice name = agent->value;
    bool opera = slice_search(name, SLICE("Opera")) != NULL;
    if (slice_search(name, SLICE("MSIE ")) != NULL && !opera)
        return msie6 && browser_is_msie6(name);
    return safari && !opera && slice_search(name, SLICE("Gecko/")) == NULL &&
           slice_search(name, SLICE("Chrome/")) == NULL &&
           slice_search(name, SLICE("Safari/")) != NULL &&
           slice_search(name, SLICE("Mac OS X")) != NULL;
}

/* Keep-alive is the location's to grant. */
static bool may_keep_alive(const struct request *request)
{
    const struct client_settings *settings = request->settings[MODULE_CLIENT];
    const struct connection *connection = request->connection;
    const struct worker *worker = request->worker;

    if (settings->keepalive_timeout.timeout == 0 || worker->leaving)
        return false;
    if (connection->requests >= settings->keepalive_requests)
        return false;
    if (is_disabled_browser(request, settings->keepalive_disable))
        return false;
    return worker->clock.now - connection->started < settings->keepalive_time;
}

void phases_enter_location(struct request *request, const struct location *location)
{
    request->location = location;
    request->let_in = false;
    request->access_status = 0;
    request->settings = location == NULL ? request->server->settings : location->settings;
    if (location != NULL && location->limit_except.methods != 0 &&
        (location->limit_except.methods & 1U << request->method) == 0)
        request->settings = location->limit_except.settings;
    if (request->keep_alive && !may_keep_alive(request))
        request->keep_alive = false;
}

static bool body_too_large(const struct request *request)
{
    const struct client_settings *settings = request->settings[MODULE_CLIENT];
    const struct body *body = request->body;

    return body != NULL && body->framing == FRAMING_LENGTH && settings->client_max_body_size > 0 &&
           body->length > settings->client_max_body_size && !request->error_page_done;
}

/* 301 to the location's own name, which ends in '/'. */
static int redirect_to_slash(struct request *request, const struct location *location)
{
    struct slice target = uri_escape(&request->arena, location->name, ESCAPE_URI);

    if (target.at != NULL && request->args.len > 0)
        target = arena_printf(&request->arena, "%.*s?%.*s", (int)target.len, target.at,
                              (int)request->args.len, request->args.at);
    if (target.at == NULL)
        return 500;
    request->response.location = target;
    return 301;
}

static int find_config(struct request *request)
{
    const struct location *location = NULL;

    switch (http_find_location(request, &location)) {
    case ROUTE_NO_MEMORY:
        return 500;
    case ROUTE_SLASH:
        phases_enter_location(request, location);
        return redirect_to_slash(request, location);
    case ROUTE_FOUND:
    case ROUTE_NONE:
        break;
    }
    phases_enter_location(request, location);
    if (http_settings(request)->internal && !request->internal)
        return 404;
    if (body_too_large(request)) {
        request_log(request, LOG_LEVEL_ERROR, 0,
                    "client intended to send too large body: %llu bytes",
                    (unsigned long long)request->body->length);
        request->expect_done = true;
        return 413;
    }
    return DECLINED;
}

/* --- the body, when variables want it: before `return` looks at them --- */

static int body_is_here(struct request *request)
{
    (void)request;
    return DECLINED;
}

static int read_body_first(struct request *request)
{
    const struct client_settings *settings = request->settings[MODULE_CLIENT];

    if (!settings->client_body_read)
        return DECLINED;
    int outcome = request_read_body(request, body_is_here);
    return outcome == 0 ? DECLINED : outcome;
}

/* --- content --- */

static int no_content(struct request *request)
{
    struct slice path;

    if (request->uri.at[request->uri.len - 1] != '/')
        return 404;
    if (!request_path(request, request->uri, &path))
        return 500;
    request_log(request, LOG_LEVEL_ERROR, 0, "directory index of \"%.*s\" is forbidden",
                (int)path.len, path.at);
    return 403;
}

/* An `if` has the handler of its location, unless it sets one itself; so has limit_except. */
static content_handler *find_handler(const struct request *request)
{
    const struct location *location = request->location;

    if (location == NULL)
        return request->server->handler;
    if (location->limit_except.handler != NULL &&
        request->settings == location->limit_except.settings)
        return location->limit_except.handler;
    while (location != NULL && location->handler == NULL)
        location = location->outer;
    return location == NULL ? NULL : location->handler;
}

static int find_content(struct request *request)
{
    content_handler *handler = find_handler(request);
    int outcome;

    if (handler != NULL)
        return handler(request);
    if (request->uri.at[request->uri.len - 1] == '/') {
        if ((outcome = index_handler(request)) != DECLINED)
            return outcome;
        if ((outcome = autoindex_handler(request)) != DECLINED)
            return outcome;
    }
    if (request->method > METHOD_POST && (outcome = dav_handler(request)) != DECLINED)
        return outcome;
    if ((outcome = gzip_static_handler(request)) != DECLINED)
        return outcome;
    if ((outcome = static_handler(request)) != DECLINED)
        return outcome;
    return no_content(request);
}

/* --- the way --- */

enum { ALWAYS = WORKER_MODULES }; /* whatever the configuration says */

/* A line each; taken where something is said of the module. */
/* clang-format off */
static const struct step {
    enum phase phase;
    unsigned module;
    int (*function)(struct request *);
} steps[] = {
    { PHASE_POST_READ, MODULE_REALIP, realip_handler },
    { PHASE_SERVER_REWRITE, MODULE_REWRITE, server_rewrite_handler },
    { PHASE_FIND_CONFIG, ALWAYS, find_config },
    { PHASE_REWRITE, MODULE_CLIENT, read_body_first },
    { PHASE_REWRITE, MODULE_REWRITE, rewrite_handler },
    { PHASE_PREACCESS, MODULE_REALIP, realip_handler },
    { PHASE_PREACCESS, MODULE_LIMIT_REQ, limit_req_handler },
    { PHASE_PREACCESS, MODULE_LIMIT_CONN, limit_conn_handler },
    { PHASE_ACCESS, MODULE_ACCESS, access_handler },
    { PHASE_ACCESS, MODULE_AUTH_BASIC, auth_basic_handler },
    { PHASE_ACCESS, MODULE_AUTH_REQUEST, auth_request_handler },
    { PHASE_POST_ACCESS, ALWAYS, access_verdict },
    { PHASE_PRECONTENT, MODULE_TRY_FILES, try_files_handler },
    { PHASE_PRECONTENT, MODULE_MIRROR, mirror_handler },
    { PHASE_CONTENT, ALWAYS, find_content },
};
/* clang-format on */

uint8_t phases_first(enum phase phase)
{
    uint8_t step = 0;

    while (steps[step].phase < phase)
        step++;
    return step;
}

uint32_t phases_wanted(const struct conf *conf, const struct conf_scope *scope)
{
    uint32_t wanted = 0;

    _Static_assert(sizeof steps / sizeof *steps <= 32, "each step has a bit");
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        unsigned module = steps[i].module;
        if (module == ALWAYS || scope->settings[module] != conf->main->settings[module])
            wanted |= UINT32_C(1) << i;
    }
    return wanted;
}

/* The client waits along with its own request; a subrequest's state is its own matter. */
static void wait(const struct request *request)
{
    struct connection *connection = request->connection;

    if (request->subrequest == NULL && connection->state != CONNECTION_BODY)
        connection->state = CONNECTION_WAIT;
}

/* What an outcome asks for; true when the phases go on. */
static bool act(struct request *request, int outcome)
{
    for (;;) {
        switch (outcome) {
        case DECLINED:
            request->step++;
            return true;
        case RESTART: /* request->step is where to */
            return true;
        case AGAIN:
            wait(request);
            return false;
        case CLOSE:
            request->silent = true;
            return false;
        case DONE:
            outcome = response_send(request);
            if (outcome == DONE)
                return false;
            break;
        default: /* a client is not told to go on with what will not be taken */
            request->expect_done = true;
            outcome = error_page_apply(request, outcome);
        }
    }
}

/* The next step that is wanted; the last one always is. The client has been let in when a
 * subrequest is made for it. */
static int run_step(struct request *request)
{
    uint32_t left = http_settings(request)->steps >> request->step;
    request->step = (uint8_t)(request->step + __builtin_ctz(left));
    const struct step *step = &steps[request->step];

    if (step->phase != PHASE_ACCESS)
        return step->function(request);
    if (request->subrequest != NULL || request->let_in)
        return DECLINED;
    return access_judge(request, step->function(request));
}

void phases_run(struct request *request)
{
    for (;;) {
        int outcome = run_step(request);
        if (outcome == DECLINED) /* as most are: without the call */
            request->step++;
        else if (!act(request, outcome))
            return;
    }
}

void phases_take(struct request *request, int outcome)
{
    if (act(request, outcome))
        phases_run(request);
}

void phases_answer(struct request *request, int status)
{
    phases_take(request, status);
}
