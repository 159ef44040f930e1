#include "worker/http/filters.h"

#include "common/date.h"
#include "worker/handlers/static.h"
#include "worker/http/request.h"

static struct slice without_weakness(struct slice tag)
{
    return tag.len > 2 && slice_starts(tag, SLICE("W/")) ? slice_from(tag, 2) : tag;
}

static struct slice skip_any(struct slice text, const char *bytes)
{
    while (text.len > 0 && memchr(bytes, *text.at, strlen(bytes)) != NULL)
        text = slice_from(text, 1);
    return text;
}

static struct slice skip_to_comma(struct slice text)
{
    ptrdiff_t comma = slice_find(text, ',');

    return slice_from(text, comma < 0 ? text.len : (size_t)comma);
}

/* The list of entity tags holds the answer's (RFC 9110 13.1.1, 13.1.2); by the weak
 * comparison "W/" does not count. */
static bool list_has_tag(struct slice list, struct slice tag, bool weak)
{
    if (slice_is(list, "*"))
        return true;
    if (tag.len == 0)
        return false;
    if (weak)
        tag = without_weakness(tag);
    while (list.len > 0) {
        struct slice item = weak ? without_weakness(list) : list;
        if (slice_starts(item, tag)) {
            struct slice rest = skip_any(slice_from(item, tag.len), " \t");
            if (rest.len == 0 || *rest.at == ',')
                return true;
        }
        list = skip_any(skip_to_comma(item), " \t,");
    }
    return false;
}

static bool unmodified_since(const struct request *request, struct slice value)
{
    time_t modified = request->response.last_modified;

    return modified != -1 && date_parse(value) >= modified;
}

/* Also true when nothing is known of the time, or if_modified_since is off. */
static bool modified_since(const struct request *request, struct slice value)
{
    time_t modified = request->response.last_modified;
    time_t since;

    if (modified == -1)
        return true;
    switch ((enum if_modified_since)static_settings(request)->if_modified_since) {
    case IF_MODIFIED_SINCE_OFF:
        return true;
    case IF_MODIFIED_SINCE_EXACT:
        return date_parse(value) != modified;
    case IF_MODIFIED_SINCE_BEFORE:
        break;
    }
    since = date_parse(value);
    return since < modified;
}

static void become_not_modified(struct response *response)
{
    response->status = 304;
    response->status_text = SLICE("");
    response->content_type = (struct slice){ NULL, 0 };
    response->length_known = false;
    response->ranges = false;
    response->body = NULL;
    response->stream = NULL;
}

int filter_conditional(struct request *request)
{
    const struct head *head = &request->head;
    struct response *response = &request->response;
    const struct field *match = head_known(head, FIELD_IF_MATCH);
    const struct field *none_match = head_known(head, FIELD_IF_NONE_MATCH);
    const struct field *modified = head_known(head, FIELD_IF_MODIFIED_SINCE);
    const struct field *unmodified = head_known(head, FIELD_IF_UNMODIFIED_SINCE);

    if (response->status != 200 || response->unconditional)
        return 0;
    if (unmodified != NULL && !unmodified_since(request, unmodified->value))
        return 412;
    if (match != NULL && !list_has_tag(match->value, response->etag, false))
        return 412;
    if (modified == NULL && none_match == NULL)
        return 0;
    if (modified != NULL && modified_since(request, modified->value))
        return 0;
    if (none_match != NULL && !list_has_tag(none_match->value, response->etag, true))
        return 0;
    become_not_modified(response);
    return 0;
}
