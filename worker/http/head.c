#include "worker/http/head.h"

#include "worker/http/head_parts.h"

/* Bytes of empty lines before a request line that are forgiven (RFC 9112 2.2). */
enum { EMPTY_LINES_MAX = 8 };

void head_init(struct head *head, struct arena *arena, struct head_limits limits)
{
    memset(head, 0, offsetof(struct head, arena));
    head->fields = head->inline_fields;
    head->arena = arena;
    head->limits = limits;
    head->capacity = HEAD_INLINE_FIELDS;
    head->parsed = 0;
    head->fields_from = 0;
    head->in_fields = false;
}

/* What there is of a refused request line, for the log: nginx writes it too. */
static struct slice rest_of_line(const char *at, const char *end)
{
    const char *to = at;

    while (to < end && *to != '\r' && *to != '\n')
        to++;
    return slice_make(at, (size_t)(to - at));
}

/* `most` bytes behind `at`, or where `end` is sooner. */
static const char *limited(const char *at, const char *end, size_t most)
{
    return (size_t)(end - at) > most ? at + most : end;
}

/* Passes an empty line, in which *at stands on a CR or LF. */
static enum head_result read_empty_line(const char **at, const char *end, enum head_result bad)
{
    if (**at == '\r')
        (*at)++;
    if (*at == end)
        return HEAD_MORE;
    return *(*at)++ == '\n' ? HEAD_DONE : bad;
}

static bool at_line_end(const char *at, const char *end)
{
    return at < end && (*at == '\r' || *at == '\n');
}

static enum head_result skip_empty_lines(const char *start, const char **at, const char *end)
{
    while (at_line_end(*at, end)) {
        enum head_result result = read_empty_line(at, end, HEAD_BAD_LINE);
        if (result != HEAD_DONE)
            return result;
        if (*at - start > EMPTY_LINES_MAX)
            return HEAD_BAD_LINE;
    }
    return HEAD_DONE;
}

static enum head_result read_request_line(struct head *head, struct slice buffer)
{
    const char *from = buffer.at;
    enum head_result result = skip_empty_lines(buffer.at, &from, buffer.at + buffer.len);

    if (result != HEAD_DONE)
        return result;
    const char *at = from, *end = limited(from, buffer.at + buffer.len, head->limits.line);
    result = head_read_line(head, &at, end);
    if (result == HEAD_MORE && (size_t)(end - from) == head->limits.line)
        result = HEAD_LINE_TOO_LONG;
    if (result == HEAD_DONE) {
        head->parsed = head->fields_from = (size_t)(at - buffer.at);
        head->in_fields = true;
    } else if (result != HEAD_MORE) {
        head->line = rest_of_line(from, end);
    }
    return result;
}

/* The lines from *at up to the empty one; *at is left where the line that is not
 * whole begins. */
static enum head_result read_lines(struct head *head, const char **at, const char *end)
{
    for (;;) {
        const char *next = *at, *limit = limited(*at, end, head->limits.line);
        enum head_result result;
        if (at_line_end(next, limit)) {
            result = read_empty_line(&next, limit, HEAD_BAD_FIELD);
            if (result == HEAD_DONE)
                *at = next;
            return result;
        }
        if (next == limit)
            return HEAD_MORE;
        result = head_read_field(head, &next, limit);
        if (result != HEAD_DONE)
            return result;
        *at = next;
    }
}

static enum head_result read_fields(struct head *head, struct slice buffer)
{
    const char *at = buffer.at + head->parsed;
    const char *end =
        limited(buffer.at + head->fields_from, buffer.at + buffer.len, head->limits.total);
    enum head_result result = read_lines(head, &at, end);

    head->parsed = (size_t)(at - buffer.at);
    head->size = head->parsed;
    if (result != HEAD_MORE)
        return result;
    if ((size_t)(end - at) >= head->limits.line)
        return HEAD_FIELD_TOO_LONG;
    return head->parsed - head->fields_from + (size_t)(end - at) == head->limits.total
               ? HEAD_TOO_LARGE
               : HEAD_MORE;
}

enum head_result head_read(struct head *head, struct slice buffer)
{
    if (!head->in_fields) {
        enum head_result result = read_request_line(head, buffer);
        if (result != HEAD_DONE)
            return result;
    }
    return read_fields(head, buffer);
}

static void rebase(struct slice *slice, const char *from, const char *to)
{
    if (slice->at != NULL)
        slice->at = to + (slice->at - from);
}

void head_rebase(struct head *head, const char *from, const char *to)
{
    struct slice *slices[] = { &head->line, &head->method_text, &head->target, &head->scheme,
                               &head->host, &head->path,        &head->query };

    for (size_t i = 0; i < sizeof slices / sizeof *slices; i++)
        rebase(slices[i], from, to);
    for (size_t i = 0; i < head->field_count; i++) {
        rebase(&head->fields[i].name, from, to);
        rebase(&head->fields[i].value, from, to);
    }
}

const struct field *head_find(const struct head *head, struct slice name)
{
    for (size_t i = 0; i < head->field_count; i++)
        if (slice_equal_nocase(head->fields[i].name, name))
            return &head->fields[i];
    return NULL;
}
