#include "worker/handlers/gateway.h"

#include "worker/cache/use.h"
#include "worker/context.h"
#include "worker/http/body.h"

static const struct gateway_settings *settings_of(const struct request *request,
                                                  const struct gateway *gateway)
{
    return request->settings[gateway->module];
}

/* --- the list of parameters --- */

enum { CONDITIONS = 2 }; /* added by the cache */

struct pairs {
    struct gateway_pair *items;
    size_t count;
};

static bool add_params(struct request *request, const struct array *params, struct pairs *pairs)
{
    const struct gateway_param *items = params->items;

    for (size_t i = 0; i < params->count; i++) {
        struct gateway_pair *pair = &pairs->items[pairs->count];
        pair->name = items[i].name;
        if (!template_eval(request, &items[i].value, &pair->value))
            return false;
        pairs->count += pair->value.len > 0 || !items[i].if_not_empty;
    }
    return true;
}

static const struct slice prefix = SLICE_INIT("HTTP_");

/* A field's name as that of a parameter: "X-Name" is HTTP_X_NAME. {NULL, 0}: memory is out. */
static struct slice param_name(struct arena *arena, struct slice field)
{
    char *name = arena_text(arena, prefix.len + field.len);

    if (name == NULL)
        return (struct slice){ NULL, 0 };
    memcpy(name, prefix.at, prefix.len);
    for (size_t i = 0; i < field.len; i++) {
        char c = field.at[i];
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        name[prefix.len + i] = c == '-' ? '_' : c;
    }
    return slice_make(name, prefix.len + field.len);
}

/* Proxy would become HTTP_PROXY, which many libraries take for the proxy that they are to
 * use; the body's coding has been taken off. */
static bool is_dropped(const struct request *request, const struct field *field)
{
    return field->known == FIELD_TRANSFER_ENCODING || slice_is_nocase(field->name, "Proxy") ||
           cache_hides_field(request->exchange, field->known);
}

static bool has_param(const struct array *params, struct slice name)
{
    const struct gateway_param *items = params->items;

    for (size_t i = 0; i < params->count; i++)
        if (slice_equal(items[i].name, name))
            return true;
    return false;
}

/* A target with an authority says the host, whatever Host says (RFC 9112 3.2.2): programs must
 * not believe the other one. */
static struct slice value_of(const struct head *head, const struct field *field)
{
    return field->known == FIELD_HOST && head->host.len > 0 ? head->host : field->value;
}

/* What a parameter says takes the place of the client's. */
static bool add_fields(struct request *request, const struct array *params, struct pairs *pairs)
{
    const struct head *head = &request->head;

    for (size_t i = 0; i < head->field_count; i++) {
        const struct field *field = &head->fields[i];
        if (is_dropped(request, field))
            continue;
        struct slice name = param_name(&request->arena, field->name);
        if (name.at == NULL)
            return false;
        if (!has_param(params, name))
            pairs->items[pairs->count++] = (struct gateway_pair){ name, value_of(head, field) };
    }
    return true;
}

/* Whether an answer of the cache that is too old has changed. */
static void add_conditions(const struct request *request, struct pairs *pairs)
{
    struct gateway_pair etag = { SLICE("HTTP_IF_NONE_MATCH"), cache_old_etag(request->exchange) };
    struct gateway_pair date = { SLICE("HTTP_IF_MODIFIED_SINCE"),
                                 cache_old_date(request->exchange) };

    if (etag.value.len > 0)
        pairs->items[pairs->count++] = etag;
    if (date.value.len > 0)
        pairs->items[pairs->count++] = date;
}

static bool make_pairs(struct request *request, const struct gateway_settings *settings,
                       struct pairs *pairs)
{
    size_t most = settings->params.count + request->head.field_count;

    pairs->items = arena_alloc(&request->arena, (most + CONDITIONS) * sizeof *pairs->items);
    if (pairs->items == NULL || !add_params(request, &settings->params, pairs) ||
        (settings->exchange.pass_request_headers && !add_fields(request, &settings->params, pairs)))
        return false;
    add_conditions(request, pairs);
    return true;
}

/* --- the handler --- */

uint64_t gateway_body_length(const struct exchange *x)
{
    const struct upload *upload = &x->upload;

    if (upload->streamed)
        return x->request->body->length;
    return upload->file >= 0 ? upload->file_size : upload->memory.len;
}

static int ask(struct request *request)
{
    struct exchange *x = request->exchange;
    const struct gateway *gateway = (const struct gateway *)x->protocol;
    struct pairs pairs = { NULL, 0 };

    x->to_head = request->method == METHOD_HEAD;
    exchange_pass_body(x);
    x->upload.framing = gateway->framing;
    if (!make_pairs(request, settings_of(request, gateway), &pairs))
        return 500;
    int status = gateway->write(x, pairs.items, pairs.count);
    return status != 0 ? status : exchange_start(x);
}

/* The body is here, or streams: goes to the program, if need be. */
static int begin(struct request *request)
{
    struct exchange *x = request->exchange;

    return x->settings->cache.choice.on ? cache_begin(x, ask) : ask(request);
}

/* The settings' group, or that of an address with variables: 0: *group is set; else what
 * the handler returns. */
static int choose_group(struct request *request, const struct gateway_settings *settings,
                        struct upstream_group **group)
{
    struct slice address;

    *group = settings->group;
    if (settings->group != NULL)
        return 0;
    if (!template_eval(request, &settings->pass, &address))
        return 500;
    if (group_find(request->server->http->upstreams, address) == NULL &&
        !gateway_has_port(address)) {
        request_log(request, LOG_LEVEL_ERROR, 0, "no port in upstream \"%.*s\"", (int)address.len,
                    address.at);
        return 500;
    }
    return group_for_request(request, address, 0, group);
}

int gateway_handle(struct request *request, const struct gateway *gateway)
{
    const struct gateway_settings *settings = settings_of(request, gateway);
    const struct exchange_settings *exchange = &settings->exchange;
    const struct body *body = request->body;
    struct upstream_group *group;
    int found = choose_group(request, settings, &group);

    if (found != 0)
        return found;
    struct exchange *x = exchange_new(request, exchange, &gateway->protocol, group);
    if (x == NULL)
        return 500;
    x->wants_upgrade = gateway->tunnels && head_known(&request->head, FIELD_UPGRADE) != NULL;
    if (!exchange->pass_request_body)
        return begin(request);
    /* A program is told the length, so a body that comes in chunks is read first. */
    bool streams = body != NULL && !exchange->request_buffering && !body->whole &&
                   body->framing == FRAMING_LENGTH;
    return exchange_take_body(request, streams, begin);
}
