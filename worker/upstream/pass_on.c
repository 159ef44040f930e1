/* What is passed on of an answer beside its head and body: early hints before, trailers behind. */
#include "worker/context.h"
#include "worker/net/output.h"
#include "worker/upstream/exchange_steps.h"

/* --- early hints (RFC 8297) --- */

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
        if (exchange_passes(x, &fields[i]) && !send_line(request, fields[i].name, fields[i].value))
            return false;
    request->bytes_sent += start.len + end.len;
    return output_append(request->connection, end);
}

/* --- trailers --- */

/* Fields that say how a message is framed or sent on mean nothing behind it (RFC 9110 6.5.1). */
static bool may_be_trailer(const struct exchange *x, struct slice name)
{
    const struct answer_field field = { .name = name, .known = answer_field_name(name) };

    return exchange_passes(x, &field) && field.known != ANSWER_TRAILER &&
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
