/* What the fields of a head say about the body and the connection. */
#include "worker/http/head.h"

static bool is_repeated(const struct head *head, enum field_name name)
{
    return (head->repeated & UINT32_C(1) << name) != 0;
}

bool list_has_token(struct slice list, struct slice token)
{
    while (list.len > 0) {
        ptrdiff_t comma = slice_find(list, ',');
        struct slice item = comma < 0 ? list : slice_first(list, (size_t)comma);
        if (slice_equal_nocase(slice_trim(item), token))
            return true;
        list = comma < 0 ? slice_from(list, list.len) : slice_from(list, (size_t)comma + 1);
    }
    return false;
}

/* Exactly one "chunked", and nothing beside it, is what a recipient that
 * decodes nothing else can frame. */
static enum framing chunked_framing(const struct head *head, struct slice coding)
{
    bool version_1_0 = head->major == 1 && head->minor == 0;

    if (version_1_0 || is_repeated(head, FIELD_TRANSFER_ENCODING) ||
        head_known(head, FIELD_CONTENT_LENGTH) != NULL)
        return FRAMING_BAD;
    if (slice_is_nocase(coding, "chunked"))
        return FRAMING_CHUNKED;
    return list_has_token(coding, SLICE("chunked")) ? FRAMING_BAD : FRAMING_UNKNOWN;
}

enum framing head_framing(const struct head *head, uint64_t *length)
{
    const struct field *coding = head_known(head, FIELD_TRANSFER_ENCODING);
    const struct field *size = head_known(head, FIELD_CONTENT_LENGTH);

    if (coding != NULL)
        return chunked_framing(head, coding->value);
    if (size == NULL)
        return FRAMING_NONE;
    /* nginx refuses a second length even when it is the same. */
    if (is_repeated(head, FIELD_CONTENT_LENGTH) || !slice_to_number(size->value, INT64_MAX, length))
        return FRAMING_BAD;
    return FRAMING_LENGTH;
}

/* Some Connection field lists the token. */
static bool connection_has(const struct head *head, struct slice token)
{
    const struct field *field = head_known(head, FIELD_CONNECTION);

    if (field == NULL)
        return false;
    if (list_has_token(field->value, token))
        return true;
    if (!is_repeated(head, FIELD_CONNECTION))
        return false;
    for (const struct field *end = head->fields + head->field_count; ++field < end;)
        if (field->known == FIELD_CONNECTION && list_has_token(field->value, token))
            return true;
    return false;
}

bool head_keep_alive(const struct head *head)
{
    if (!head_has_any(head, UINT32_C(1) << FIELD_CONNECTION))
        return head->minor > 0;
    if (connection_has(head, SLICE("close")))
        return false;
    return head->minor > 0 || connection_has(head, SLICE("keep-alive"));
}
