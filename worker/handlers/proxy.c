#include "worker/handlers/proxy.h"

#include "worker/context.h"
#include "worker/http/body.h"
#include "worker/net/connection.h"

/* --- HTTP as an upstream speaks it --- */

static enum answer_result read_head(struct exchange *x)
{
    struct buffer *input = x->input;
    enum answer_result result = answer_head_read(
        &x->head, slice_make(input->data + input->start, input->end - input->start));

    if (result == ANSWER_DONE)
        input->start += x->head.size;
    return result;
}

static enum answer_body_result read_body(struct exchange *x, char *data, size_t *len)
{
    return answer_body_read(&x->body, data, len);
}

static const struct upstream_protocol http_protocol = {
    .scheme = "http://",
    .read_head = read_head,
    .read_body = read_body,
    .rewrite = proxy_rewrite,
};

/* --- the exchange --- */

/* proxy_bind, which may have variables; an empty value binds to nothing. */
static bool choose_source(struct exchange *x)
{
    const struct bind_value *bind = &x->settings->bind;
    struct address *from;
    struct slice text;
    size_t count;

    if (!bind->set)
        return true;
    if (!template_eval(x->request, &bind->address, &text))
        return false;
    if (text.len == 0)
        return true;
    from = arena_alloc(&x->request->arena, ADDRESSES_MAX * sizeof *from);
    if (from == NULL)
        return false;
    if (address_parse_bind(text, from, &count) != ADDRESS_OK) {
        request_log(x->request, LOG_LEVEL_ERROR, 0, "invalid local address \"%.*s\"", (int)text.len,
                    text.at);
        return true;
    }
    x->connect.from = from;
    x->connect.transparent = bind->transparent;
    return true;
}

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
    x->head.kind = ANSWER_HTTP;
    x->wants_upgrade = head_known(&request->head, FIELD_UPGRADE) != NULL && request->head.minor > 0;
    x->uri = proxy_uri(request, settings, url);
    return x->uri.at != NULL && choose_source(x) ? x : NULL;
}

/* The body is here, or streams: goes to the upstream. */
static int begin(struct request *request)
{
    struct exchange *x = request->exchange;
    int status = proxy_write_request(x, proxy_settings(request));

    return status != 0 ? status : exchange_start(x);
}

/* An HTTP/1.0 upstream cannot be sent a body whose length is not known. */
static bool streams_body(const struct request *request, const struct proxy_settings *settings)
{
    const struct body *body = request->body;

    return body != NULL && !settings->exchange.request_buffering && !body->whole &&
           (body->framing == FRAMING_LENGTH || settings->http_version > 0);
}

int proxy_handler(struct request *request)
{
    const struct proxy_settings *settings = proxy_settings(request);
    const struct proxy_url *url;
    bool passes_body = settings->exchange.pass_request_body && settings->body.literal.at == NULL;

    int found = proxy_url_for(request, settings, &url);
    if (found != 0)
        return found;
    if (make_exchange(request, settings, url) == NULL)
        return 500;
    if (passes_body && streams_body(request, settings)) {
        int status = request_stream_body(request);
        if (status != 0)
            return status;
        int outcome = begin(request);
        if (outcome != AGAIN)
            request->connection->state = CONNECTION_SEND;
        return outcome;
    }
    int outcome = passes_body ? request_read_body(request, begin) : 0;
    return outcome == 0 ? begin(request) : outcome;
}
