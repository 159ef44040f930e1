/* From the head of an upstream's answer to the request's response. */
#include "common/date.h"
#include "worker/cache/use.h"
#include "worker/context.h"
#include "worker/http/uri.h"
#include "worker/upstream/exchange_steps.h"
#include "worker/upstream/sticky.h"

/* --- X-Accel-Redirect --- */

/* Fields that go along to where the answer is made instead, as nginx has it. */
static bool survives_redirect(enum answer_field_name name)
{
    return name == ANSWER_SET_COOKIE || name == ANSWER_CONTENT_DISPOSITION ||
           name == ANSWER_CACHE_CONTROL || name == ANSWER_EXPIRES || name == ANSWER_ACCEPT_RANGES;
}

static bool rewrite(struct exchange *x, enum answer_field_name name, struct slice *value)
{
    return x->protocol->rewrite == NULL || x->protocol->rewrite(x, name, value);
}

static bool copy_survivors(struct exchange *x)
{
    const struct answer_field *fields = x->head.fields.items;

    for (size_t i = 0; i < x->head.fields.count; i++) {
        struct slice value = fields[i].value;
        if (fields[i].known == ANSWER_CONTENT_TYPE)
            x->request->response.content_type = value;
        if (!survives_redirect(fields[i].known))
            continue;
        if (!rewrite(x, fields[i].known, &value) ||
            !response_add(x->request, fields[i].name, value))
            return false;
    }
    return true;
}

static int redirect(struct exchange *x, struct slice target)
{
    struct request *request = x->request;
    ptrdiff_t mark = slice_find(target, '?');
    struct slice args = mark < 0 ? SLICE("") : slice_from(target, (size_t)mark + 1), uri;

    exchange_drop(request);
    if (!copy_survivors(x))
        return 500;
    if (target.len > 0 && *target.at == '@')
        return request_named_location(request, target);
    struct slice path = mark < 0 ? target : slice_first(target, (size_t)mark);
    if (path.len == 0 || *path.at != '/' ||
        uri_normalize(&request->arena, path, true, &uri) != URI_OK) {
        request_log(request, LOG_LEVEL_ERROR, 0, "upstream sent unsafe URI in X-Accel-Redirect");
        return 404;
    }
    if (request->method != METHOD_HEAD)
        request->method = METHOD_GET;
    return request_internal_redirect(request, uri, args);
}

/* --- X-Accel-* that change how the answer is sent --- */

static bool is_ignored(const struct exchange *x, enum ignored_header header)
{
    return (x->settings->ignore & header) != 0;
}

static void apply_controls(struct exchange *x)
{
    const struct answer_field *buffering = answer_known(&x->head, ANSWER_X_ACCEL_BUFFERING);
    const struct answer_field *rate = answer_known(&x->head, ANSWER_X_ACCEL_LIMIT_RATE);
    uint64_t bytes;

    if (buffering != NULL && !is_ignored(x, IGNORE_X_ACCEL_BUFFERING)) {
        if (slice_is_nocase(buffering->value, "yes"))
            x->buffering = true;
        else if (slice_is_nocase(buffering->value, "no"))
            x->buffering = false;
    }
    if (rate != NULL && !is_ignored(x, IGNORE_X_ACCEL_LIMIT_RATE) &&
        slice_to_number(rate->value, INT64_MAX, &bytes))
        limit_rate_set(x->request, bytes);
    const struct answer_field *charset = answer_known(&x->head, ANSWER_X_ACCEL_CHARSET);
    if (charset != NULL && !is_ignored(x, IGNORE_X_ACCEL_CHARSET))
        x->request->response.override_charset = charset->value;
}

/* --- fields --- */

/* Fields that are between the upstream and this server only. */
static bool is_hop_by_hop(enum answer_field_name name)
{
    switch (name) {
    case ANSWER_CONNECTION:
    case ANSWER_KEEP_ALIVE:
    case ANSWER_PROXY_CONNECTION:
    case ANSWER_TRANSFER_ENCODING:
    case ANSWER_CONTENT_LENGTH: /* the response's own length says it */
        return true;
    default:
        return false;
    }
}

/* Fields that the response has places of its own for; true when it was one. */
static bool take_own(struct response *response, const struct answer_field *field,
                     struct slice value)
{
    switch (field->known) {
    case ANSWER_CONTENT_TYPE:
        response->content_type = value;
        return true;
    case ANSWER_LAST_MODIFIED:
        response->last_modified = date_parse(value);
        response->last_modified_text = value;
        response->last_modified_passed = true;
        return true;
    case ANSWER_ETAG:
        response->etag = value;
        return true;
    case ANSWER_LOCATION:
        response->location = value;
        return true;
    case ANSWER_SERVER:
        response->server = value;
        return true;
    case ANSWER_DATE:
        response->date = value;
        return true;
    default:
        return false;
    }
}

/* Fields that Connection names are for this server only (RFC 9110 7.6.1). */
static bool is_named_by_connection(const struct exchange *x, const struct answer_field *field)
{
    const struct answer_field *connection = answer_known(&x->head, ANSWER_CONNECTION);

    return connection != NULL && field->known == ANSWER_OTHER &&
           list_has_token(connection->value, field->name);
}

bool exchange_passes(const struct exchange *x, const struct answer_field *field)
{
    return !is_hop_by_hop(field->known) && !exchange_hides(x->settings, field) &&
           !is_named_by_connection(x, field);
}

static bool copy_field(struct exchange *x, const struct answer_field *field)
{
    struct response *response = &x->request->response;
    struct slice value = field->value;

    if (!exchange_passes(x, field))
        return true;
    if (field->known == ANSWER_UPGRADE && x->head.status != 101)
        return true;
    if (field->known == ANSWER_STATUS && x->head.kind == ANSWER_CGI)
        return true;
    if (field->known == ANSWER_ACCEPT_RANGES && (x->settings->force_ranges || cache_serves(x)))
        return true;
    if (!rewrite(x, field->known, &value))
        return false;
    /* A Location that nothing changed is passed on as it is, absolute or not. */
    bool changed = value.at != field->value.at;
    if (field->known == ANSWER_LOCATION && !changed)
        return response_add(x->request, field->name, value);
    return take_own(response, field, value) || response_add(x->request, field->name, value);
}

static bool copy_fields(struct exchange *x)
{
    const struct answer_field *fields = x->head.fields.items;

    for (size_t i = 0; i < x->head.fields.count; i++)
        if (!copy_field(x, &fields[i]))
            return false;
    return true;
}

int exchange_respond(struct exchange *x)
{
    struct response *response = &x->request->response;
    const struct answer_field *target = answer_known(&x->head, ANSWER_X_ACCEL_REDIRECT);
    const struct answer_field *length = answer_known(&x->head, ANSWER_CONTENT_LENGTH);

    if (target != NULL && !is_ignored(x, IGNORE_X_ACCEL_REDIRECT))
        return redirect(x, target->value);
    apply_controls(x);
    response->status = x->head.status;
    if (x->request->error_status == 0)
        response->status_text = x->head.status_text;
    response->unconditional = !cache_serves(x);
    response->length_known =
        length != NULL && slice_to_number(length->value, INT64_MAX, &response->length);
    response->ranges = x->settings->force_ranges ||
                       (cache_serves(x) && answer_known(&x->head, ANSWER_ACCEPT_RANGES) != NULL);
    if (!copy_fields(x))
        return 500;
    if (x->peer != NULL && x->selection.group->sticky != NULL &&
        !sticky_respond(&x->selection, x->peer))
        return 500;
    return 0;
}
