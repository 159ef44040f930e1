/* From the head of an upstream's answer to the request's response. */
#include "common/date.h"
#include "worker/cache/use.h"
#include "worker/context.h"
#include "worker/http/uri.h"
#include "worker/net/output.h"
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

static bool is_for_client(const struct exchange *x, const struct answer_field *field)
{
    return !is_hop_by_hop(field->known) && !exchange_hides(x->settings, field);
}

static bool copy_field(struct exchange *x, const struct answer_field *field)
{
    struct response *response = &x->request->response;
    struct slice value = field->value;

    if (!is_for_client(x, field))
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

/* Fields that Connection names are for this server only (RFC 9110 7.6.1). */
static bool is_named_by_connection(const struct exchange *x, const struct answer_field *field)
{
    const struct answer_field *connection = answer_known(&x->head, ANSWER_CONNECTION);

    return connection != NULL && field->known == ANSWER_OTHER &&
           list_has_token(connection->value, field->name);
}

static bool copy_fields(struct exchange *x)
{
    const struct answer_field *fields = x->head.fields.items;

    for (size_t i = 0; i < x->head.fields.count; i++)
        if (!is_named_by_connection(x, &fields[i]) && !copy_field(x, &fields[i]))
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

/* --- 103 --- */

static bool send_line(struct request *request, struct slice name, struct slice value)
{
    struct slice line = arena_printf(&request->arena, "%.*s: %.*s\r\n", (int)name.len, name.at,
                                     (int)value.len, value.at);

    request->bytes_sent += line.len;
    return line.at != NULL && output_append(request->connection, line);
}

bool exchange_pass_hints(struct exchange *x)
{
    struct request *request = x->request;
    const struct answer_field *fields = x->head.fields.items;
    struct slice start = SLICE("HTTP/1.1 103 Early Hints\r\n"), end = SLICE("\r\n");

    if (request->subrequest != NULL || request->head.minor == 0)
        return true;
    enum condition wants = conditions_hold(request, &x->settings->early_hints);
    if (wants == CONDITION_NO)
        return true;
    if (wants == CONDITION_NO_MEMORY || !output_append(request->connection, start))
        return false;
    for (size_t i = 0; i < x->head.fields.count; i++)
        if (is_for_client(x, &fields[i]) && !is_named_by_connection(x, &fields[i]) &&
            !send_line(request, fields[i].name, fields[i].value))
            return false;
    request->bytes_sent += start.len + end.len;
    return output_append(request->connection, end);
}

/* --- trailers --- */

/* Fields that say how a message is framed or sent on mean nothing behind it (RFC 9110 6.5.1). */
static bool may_be_trailer(const struct exchange *x, struct slice name)
{
    const struct answer_field field = { .name = name, .known = answer_field_name(name) };

    return is_for_client(x, &field) && field.known != ANSWER_TRAILER &&
           field.known != ANSWER_UPGRADE;
}

void exchange_pass_trailers(struct exchange *x)
{
    struct slice rest = x->body.trailers, *passed = &x->request->response.trailers, line;
    ptrdiff_t end;

    if (!x->settings->pass_trailers || rest.len == 0)
        return;
    char *text = arena_text(&x->request->arena, passed->len + rest.len);
    if (text == NULL) /* an answer without them is still an answer */
        return;
    size_t len = passed->len;
    if (len > 0)
        memcpy(text, passed->at, len);
    for (; (end = slice_find(rest, '\n')) >= 0; rest = slice_from(rest, line.len)) {
        line = slice_first(rest, (size_t)end + 1);
        ptrdiff_t colon = slice_find(line, ':');
        if (colon <= 0 || !may_be_trailer(x, slice_first(line, (size_t)colon)))
            continue;
        memcpy(text + len, line.at, line.len);
        len += line.len;
    }
    *passed = slice_make(text, len);
}
