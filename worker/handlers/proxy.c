#include "worker/handlers/proxy.h"

#include "worker/cache/use.h"
#include "worker/context.h"
#include "worker/http/body.h"
#include "worker/net/connection.h"

static const struct upstream_protocol http_protocol = {
    .scheme = "http://",
    .kind = ANSWER_HTTP,
    .rewrite = proxy_rewrite,
};

static struct exchange *make_exchange(struct request *request,
                                      const struct proxy_settings *settings,
                                      const struct proxy_url *url)
{
    struct exchange *x = exchange_new(request, &settings->exchange, &http_protocol, url->group);
    struct proxy_context *context = arena_alloc(&request->arena, sizeof *context);

    if (x == NULL || context == NULL)
        return NULL;
    *context = (struct proxy_context){ settings, url };
    x->protocol_data = context;
    x->wants_upgrade = head_known(&request->head, FIELD_UPGRADE) != NULL && request->head.minor > 0;
    x->authority = url->host;
    x->uri = proxy_uri(request, settings, url);
    bool as_sent = x->uri.at == request->head.target.at || x->uri.at == request->head.path.at;
    if (x->uri.at == NULL ||
        (!as_sent && !head_text_escape(&request->arena, &x->uri, HEAD_TEXT_TARGET)))
        return NULL;
    return x;
}

static int ask(struct request *request)
{
    struct exchange *x = request->exchange;
    int status = proxy_write_request(x, proxy_settings(request));

    return status != 0 ? status : exchange_start(x);
}

/* The body is here, or streams: goes to the upstream, if need be. */
static int begin(struct request *request)
{
    struct exchange *x = request->exchange;

    return x->settings->cache.choice.on ? cache_begin(x, ask) : ask(request);
}

/* An HTTP/1.0 upstream cannot be sent a body whose length is not known; proxy_set_body may be
 * made of $request_body. */
static bool streams_body(const struct request *request, const struct proxy_settings *settings)
{
    const struct body *body = request->body;

    return body != NULL && !settings->exchange.request_buffering && !body->whole &&
           settings->body.literal.at == NULL &&
           (body->framing == FRAMING_LENGTH || settings->http_version > 0);
}

int proxy_handler(struct request *request)
{
    const struct proxy_settings *settings = proxy_settings(request);
    const struct proxy_url *url;

    int found = proxy_url_for(request, settings, &url);
    if (found != 0)
        return found;
    if (make_exchange(request, settings, url) == NULL)
        return 500;
    if (!settings->exchange.pass_request_body)
        return begin(request);
    return exchange_take_body(request, streams_body(request, settings), begin);
}

const struct proxy_context *proxy_context(const struct exchange *x)
{
    return x != NULL && x->protocol == &http_protocol ? x->protocol_data : NULL;
}
