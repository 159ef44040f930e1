/* healthz: an answer for load balancers: whether new requests should come here. */
#include "worker/context.h"
#include "worker/handlers/handlers.h"
#include "worker/http/core.h"
#include "worker/http/request.h"
#include "worker/status/board.h"

/* The master has been told to drain, or this worker to leave. */
static bool is_leaving(const struct worker *worker)
{
    return worker->leaving ||
           atomic_load_explicit(&worker->setup->board->draining, memory_order_relaxed);
}

static int healthz_handler(struct request *request)
{
    bool leaving = is_leaving(request->worker);

    if (request->method != METHOD_GET && request->method != METHOD_HEAD)
        return 405;
    if (!response_add(request, SLICE("Cache-Control"), SLICE("no-store")))
        return 500;
    request->response.status = leaving ? 503 : 200;
    request->response.content_type = SLICE("text/plain");
    return response_text(request, leaving ? SLICE("draining\n") : SLICE("ok\n")) ? DONE : 500;
}

static void set_healthz(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                        const struct directive *directive, void *value)
{
    (void)node, (void)directive, (void)value;
    http_set_handler(conf, scope, healthz_handler);
}

static const struct value_type as_healthz = { "", 0, set_healthz };

static const struct directive healthz_directives[] = {
    { "healthz", IN_SERVER | IN_LOCATION, ARGS_LOCAL(0, 0), &as_healthz, 0, NULL,
      "answer 200 \"ok\"; 503 once the server is to leave" },
    { 0 },
};

const struct conf_module healthz_module = {
    .name = "healthz",
    .id = MODULE_HEALTHZ,
    .size = 0,
    .directives = healthz_directives,
};
