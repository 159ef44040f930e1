/* What the client sent in its header: $http_*, $cookie_*, and the fields that
 * have variables of their own. */
#include "worker/http/body.h"
#include "worker/http/credentials.h"
#include "worker/http/variable_text.h"
#include "worker/http/variables.h"

static bool known_field(struct request *request, enum field_name name, struct slice *value)
{
    const struct field *field = head_known(&request->head, name);

    if (field == NULL)
        return false;
    *value = field->value;
    return true;
}

static bool http_host(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return known_field(request, FIELD_HOST, value);
}

static bool http_user_agent(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return known_field(request, FIELD_USER_AGENT, value);
}

static bool http_referer(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return known_field(request, FIELD_REFERER, value);
}

static bool content_type(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return known_field(request, FIELD_CONTENT_TYPE, value);
}

/* As sent; of a chunked body, what it came to, once it is known and kept. */
static bool content_length(struct request *request, struct slice argument, struct slice *value)
{
    const struct body *body = request->body;

    (void)argument;
    if (known_field(request, FIELD_CONTENT_LENGTH, value))
        return true;
    return body != NULL && body->framing == FRAMING_CHUNKED && body->whole &&
           value_number(request, body->wanted ? body->received : 0, value);
}

/* Room for all fields of the name and separators; *count of them. */
static size_t joined_len(const struct head *head, enum field_name name, size_t *count)
{
    size_t len = 0;

    *count = 0;
    for (size_t i = 0; i < head->field_count; i++)
        if (head->fields[i].known == name) {
            len += head->fields[i].value.len + strlen(", ");
            ++*count;
        }
    return len;
}

/* All fields of the name in one value. */
static bool joined_fields(struct request *request, enum field_name name, struct slice separator,
                          struct slice *value)
{
    const struct head *head = &request->head;
    size_t count, len = joined_len(head, name, &count);

    if (count <= 1)
        return known_field(request, name, value);
    char *text = arena_text(&request->arena, len);
    char *at = text;
    if (text == NULL)
        return false;
    for (size_t i = 0; i < head->field_count; i++) {
        const struct field *field = &head->fields[i];
        if (field->known != name)
            continue;
        if (at > text)
            at = mempcpy(at, separator.at, separator.len);
        if (field->value.len > 0)
            at = mempcpy(at, field->value.at, field->value.len);
    }
    *value = slice_make(text, (size_t)(at - text));
    return true;
}

static bool http_cookie(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return joined_fields(request, FIELD_COOKIE, SLICE("; "), value);
}

static bool http_forwarded_for(struct request *request, struct slice argument, struct slice *value)
{
    (void)argument;
    return joined_fields(request, FIELD_X_FORWARDED_FOR, SLICE(", "), value);
}

static bool http_any(struct request *request, struct slice argument, struct slice *value)
{
    const struct head *head = &request->head;

    for (size_t i = 0; i < head->field_count; i++)
        if (is_header_variable(head->fields[i].name, argument)) {
            *value = head->fields[i].value;
            return true;
        }
    return false;
}

static struct slice skip_spaces(struct slice text)
{
    while (text.len > 0 && *text.at == ' ')
        text = slice_from(text, 1);
    return text;
}

/* Behind the next ';' or ',' and the spaces there. */
static struct slice next_cookie(struct slice text)
{
    while (text.len > 0) {
        char c = *text.at;
        text = slice_from(text, 1);
        if (c == ';' || c == ',')
            break;
    }
    return skip_spaces(text);
}

/* The cookie's value in one Cookie field, found as leniently as nginx does. */
static bool find_cookie(struct slice field, struct slice name, struct slice *value)
{
    for (struct slice rest = field; rest.len > name.len; rest = next_cookie(rest)) {
        if (!slice_equal_nocase(slice_first(rest, name.len), name))
            continue;
        struct slice behind = skip_spaces(slice_from(rest, name.len));
        if (behind.len == 0 || *behind.at != '=')
            continue;
        behind = skip_spaces(slice_from(behind, 1));
        ptrdiff_t end = slice_find(behind, ';');
        *value = end < 0 ? behind : slice_first(behind, (size_t)end);
        return true;
    }
    return false;
}

static bool cookie_any(struct request *request, struct slice argument, struct slice *value)
{
    const struct head *head = &request->head;

    for (size_t i = 0; i < head->field_count; i++)
        if (head->fields[i].known == FIELD_COOKIE &&
            find_cookie(head->fields[i].value, argument, value))
            return true;
    return false;
}

static bool remote_user(struct request *request, struct slice argument, struct slice *value)
{
    struct credentials credentials;

    (void)argument;
    if (!request_credentials(request, &credentials))
        return false;
    *value = credentials.user;
    return true;
}

const struct variable header_variables[] = {
    { "content_length", content_length },
    { "content_type", content_type },
    { "cookie_", cookie_any },
    { "http_", http_any },
    { "http_cookie", http_cookie },
    { "http_host", http_host },
    { "http_referer", http_referer },
    { "http_user_agent", http_user_agent },
    { "http_x_forwarded_for", http_forwarded_for },
    { "remote_user", remote_user },
    { NULL, NULL },
};
