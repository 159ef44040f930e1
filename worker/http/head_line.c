#include "worker/http/head_parts.h"
#include "worker/http/scan.h"

/* Each reader below reads one element at the cursor and moves it past; they
 * answer HEAD_DONE to go on. */
struct cursor {
    const char *at;
    const char *end;
};

/* --- method --- */

static const struct method_entry {
    enum method method;
    struct slice name;
} methods[] = {
    { METHOD_GET, { "GET", 3 } },
    { METHOD_HEAD, { "HEAD", 4 } },
    { METHOD_POST, { "POST", 4 } },
    { METHOD_PUT, { "PUT", 3 } },
    { METHOD_DELETE, { "DELETE", 6 } },
    { METHOD_MKCOL, { "MKCOL", 5 } },
    { METHOD_COPY, { "COPY", 4 } },
    { METHOD_MOVE, { "MOVE", 4 } },
    { METHOD_OPTIONS, { "OPTIONS", 7 } },
    { METHOD_PROPFIND, { "PROPFIND", 8 } },
    { METHOD_PROPPATCH, { "PROPPATCH", 9 } },
    { METHOD_LOCK, { "LOCK", 4 } },
    { METHOD_UNLOCK, { "UNLOCK", 6 } },
    { METHOD_PATCH, { "PATCH", 5 } },
    { METHOD_TRACE, { "TRACE", 5 } },
    { METHOD_CONNECT, { "CONNECT", 7 } },
};

enum { METHOD_COUNT = sizeof methods / sizeof *methods };

const char *method_name(enum method method)
{
    for (size_t i = 0; i < METHOD_COUNT; i++)
        if (methods[i].method == method)
            return methods[i].name.at;
    return NULL;
}

static enum method method_of(struct slice name)
{
    for (size_t i = 0; i < METHOD_COUNT; i++)
        if (methods[i].name.at[0] == name.at[0] && slice_equal(methods[i].name, name))
            return methods[i].method;
    return METHOD_UNKNOWN;
}

/* nginx's methods: narrower than a token, and never in lower case. */
static bool is_method_byte(char c)
{
    return (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

/* Nearly every method, in one comparison. */
static bool is_get(const struct cursor *cursor)
{
    return cursor->end - cursor->at > 4 && memcmp(cursor->at, "GET ", 4) == 0;
}

static enum head_result read_method(struct head *head, struct cursor *cursor)
{
    const char *at = cursor->at;

    if (is_get(cursor)) {
        head->method = METHOD_GET;
        head->method_text = slice_make(at, 3);
        cursor->at += 3;
        return HEAD_DONE;
    }
    while (at < cursor->end && is_method_byte(*at))
        at++;
    if (at == cursor->end)
        return HEAD_MORE;
    if (*at != ' ' || at == cursor->at)
        return HEAD_BAD_LINE;
    head->method_text = slice_make(cursor->at, (size_t)(at - cursor->at));
    head->method = method_of(head->method_text);
    cursor->at = at;
    return HEAD_DONE;
}

/* --- target --- */

/* nginx forgives more than one space, as RFC 9112 3 allows. */
static enum head_result skip_spaces(struct cursor *cursor)
{
    const char *at = cursor->at, *end = cursor->end;

    while (at < end && *at == ' ')
        at++;
    cursor->at = at;
    return at == end ? HEAD_MORE : HEAD_DONE;
}

/* A '#' and what follows it are not sent on: nginx cuts them off. */
static enum head_result skip_fragment(struct cursor *cursor)
{
    if (cursor->at < cursor->end && *cursor->at == '#')
        cursor->at = scan_visible(cursor->at, cursor->end);
    return cursor->at == cursor->end ? HEAD_MORE : HEAD_DONE;
}

/* The query, from behind its '?' up to the target's end or a '#'. */
static enum head_result read_query(struct head *head, struct cursor *cursor)
{
    const char *at = scan_query(cursor->at, cursor->end);

    head->query = slice_make(cursor->at, (size_t)(at - cursor->at));
    head->has_query = true;
    cursor->at = at;
    return skip_fragment(cursor);
}

/* The path, which begins with '/', and what may follow it. */
static enum head_result read_path(struct head *head, struct cursor *cursor)
{
    const char *end = cursor->end;
    const char *at = scan_path(cursor->at, end);

    if (at < end && is_visible(*at) && *at != '?' && *at != '#') {
        head->complex_path = true;
        while (at < end && is_visible(*at) && *at != '?' && *at != '#')
            at++;
    }
    if (at == end)
        return HEAD_MORE;
    head->path = slice_make(cursor->at, (size_t)(at - cursor->at));
    cursor->at = at;
    if (*at == '?') {
        cursor->at++;
        return read_query(head, cursor);
    }
    return skip_fragment(cursor);
}

static bool is_alpha(char c)
{
    return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_scheme_byte(char c)
{
    return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
}

static bool is_host_byte(char c)
{
    return is_alpha(c) || is_digit(c) || c == '.' || c == '-';
}

/* An IP literal's bytes: RFC 3986 3.2.2. */
static bool is_literal_byte(char c)
{
    return is_alpha(c) || is_digit(c) || (c != '\0' && strchr(":-._~!$&'()*+,;=", c) != NULL);
}

/* An IPv6 address and its brackets, or a name; at least one byte. */
static enum head_result read_host(struct cursor *cursor)
{
    const char *from = cursor->at;
    bool literal = *from == '[';

    if (literal)
        cursor->at++;
    while (cursor->at < cursor->end &&
           (literal ? is_literal_byte(*cursor->at) : is_host_byte(*cursor->at)))
        cursor->at++;
    if (cursor->at == cursor->end)
        return HEAD_MORE;
    if (literal)
        return *cursor->at++ == ']' ? HEAD_DONE : HEAD_BAD_LINE;
    return cursor->at > from ? HEAD_DONE : HEAD_BAD_LINE;
}

/* host [ ":" port ]; the port may be empty. */
static enum head_result read_authority(struct head *head, struct cursor *cursor)
{
    const char *from = cursor->at;
    enum head_result result = from == cursor->end ? HEAD_MORE : read_host(cursor);

    if (result != HEAD_DONE)
        return result;
    if (cursor->at < cursor->end && *cursor->at == ':') {
        cursor->at++;
        while (cursor->at < cursor->end && is_digit(*cursor->at))
            cursor->at++;
    }
    if (cursor->at == cursor->end)
        return HEAD_MORE;
    head->host = slice_make(from, (size_t)(cursor->at - from));
    return HEAD_DONE;
}

/* The bytes of `text`, as far as they have arrived. */
static enum head_result expect(struct cursor *cursor, struct slice text)
{
    size_t left = (size_t)(cursor->end - cursor->at);
    struct slice arrived = slice_first(text, left);

    if (!slice_starts(slice_make(cursor->at, left), arrived))
        return HEAD_BAD_LINE;
    cursor->at += arrived.len;
    return arrived.len < text.len ? HEAD_MORE : HEAD_DONE;
}

/* scheme "://" authority [ path ] [ "?" query ] */
static enum head_result read_absolute(struct head *head, struct cursor *cursor)
{
    const char *from = cursor->at;
    enum head_result result;

    while (cursor->at < cursor->end && is_scheme_byte(*cursor->at))
        cursor->at++;
    head->scheme = slice_make(from, (size_t)(cursor->at - from));
    if ((result = expect(cursor, SLICE("://"))) != HEAD_DONE ||
        (result = read_authority(head, cursor)) != HEAD_DONE)
        return result;
    if (*cursor->at == '/')
        return read_path(head, cursor);
    /* No path: "/". There is one in the buffer, where head_rebase finds it. */
    head->path = slice_make(head->scheme.at + head->scheme.len + 1, 1);
    if (*cursor->at != '?')
        return HEAD_DONE;
    cursor->at++;
    return read_query(head, cursor);
}

/* The form follows from the first byte, but for CONNECT's (RFC 9112 3.2). */
static enum head_result read_form(struct head *head, struct cursor *cursor)
{
    char first = *cursor->at;

    if (head->method == METHOD_CONNECT)
        return read_authority(head, cursor);
    if (first == '/')
        return read_path(head, cursor);
    if (is_alpha(first))
        return read_absolute(head, cursor);
    if (first != '*' || head->method != METHOD_OPTIONS)
        return HEAD_BAD_LINE;
    head->path = slice_make(cursor->at++, 1);
    return cursor->at == cursor->end ? HEAD_MORE : HEAD_DONE;
}

static enum head_result read_target(struct head *head, struct cursor *cursor)
{
    enum head_result result = skip_spaces(cursor);
    const char *from = cursor->at;

    if (result != HEAD_DONE || (result = read_form(head, cursor)) != HEAD_DONE)
        return result;
    if (*cursor->at != ' ')
        return HEAD_BAD_LINE;
    head->target = slice_make(from, (size_t)(cursor->at - from));
    return HEAD_DONE;
}

/* --- version --- */

/* nginx: a major version of 1, leading zeros not allowed; a minor one below
 * 1000, its leading zeros ignored. */
static enum head_result read_numbers(struct head *head, struct cursor *cursor)
{
    const char *at = cursor->at, *end = cursor->end;
    unsigned minor = 0;

    if (at == end)
        return HEAD_MORE;
    if (*at < '1' || *at > '9')
        return HEAD_BAD_LINE;
    if (*at++ > '1')
        return HEAD_BAD_VERSION;
    if (at == end)
        return HEAD_MORE;
    if (*at != '.')
        return is_digit(*at) ? HEAD_BAD_VERSION : HEAD_BAD_LINE;
    const char *digits = ++at;
    for (; at < end && is_digit(*at); at++) {
        if (minor > 99)
            return HEAD_BAD_LINE;
        minor = minor * 10 + (unsigned)(*at - '0');
    }
    if (at == end)
        return HEAD_MORE;
    if (at == digits)
        return HEAD_BAD_LINE;
    head->major = 1;
    head->minor = (uint8_t)(minor < UINT8_MAX ? minor : UINT8_MAX);
    cursor->at = at;
    return HEAD_DONE;
}

/* Nearly every version, in one comparison. */
static bool is_http_1_1(const struct cursor *cursor)
{
    return cursor->end - cursor->at > 8 && memcmp(cursor->at, "HTTP/1.1", 8) == 0 &&
           !is_digit(cursor->at[8]);
}

static enum head_result read_version(struct head *head, struct cursor *cursor)
{
    enum head_result result = skip_spaces(cursor);

    if (result != HEAD_DONE)
        return result;
    if (is_http_1_1(cursor)) {
        head->major = head->minor = 1;
        cursor->at += 8;
        return HEAD_DONE;
    }
    result = expect(cursor, SLICE("HTTP/"));
    return result == HEAD_DONE ? read_numbers(head, cursor) : result;
}

/* --- line --- */

static enum head_result read_line_end(struct cursor *cursor)
{
    if (skip_spaces(cursor) == HEAD_DONE && *cursor->at == '\r')
        cursor->at++;
    if (cursor->at == cursor->end)
        return HEAD_MORE;
    return *cursor->at++ == '\n' ? HEAD_DONE : HEAD_BAD_LINE;
}

enum head_result head_read_line(struct head *head, const char **at, const char *end)
{
    struct cursor cursor = { *at, end };
    enum head_result result;

    if ((result = read_method(head, &cursor)) != HEAD_DONE ||
        (result = read_target(head, &cursor)) != HEAD_DONE)
        return result;
    const char *version = cursor.at;
    if ((result = read_version(head, &cursor)) != HEAD_DONE)
        return result;
    head->line = slice_make(*at, (size_t)(cursor.at - *at));
    /* An authority has no path: "/", the one of HTTP/1.1. */
    if (head->method == METHOD_CONNECT)
        head->path = slice_make(memchr(version, '/', (size_t)(cursor.at - version)), 1);
    if ((result = read_line_end(&cursor)) == HEAD_DONE)
        *at = cursor.at;
    return result;
}
