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

/* The end of an empty line at the start of `text`: its bytes in *used, 0 when
 * the line is not empty. A CR that no LF follows is `bad`. */
static enum head_result read_line_end(struct slice text, enum head_result bad, size_t *used)
{
    *used = 0;
    if (text.len == 0)
        return HEAD_MORE;
    if (text.at[0] == '\n') {
        *used = 1;
        return HEAD_DONE;
    }
    if (text.at[0] != '\r')
        return HEAD_DONE;
    if (text.len == 1)
        return HEAD_MORE;
    *used = 2;
    return text.at[1] == '\n' ? HEAD_DONE : bad;
}

/* What there is of a refused request line, for the log: nginx writes it too. */
static struct slice rest_of_line(struct slice text)
{
    size_t len = 0;

    while (len < text.len && text.at[len] != '\r' && text.at[len] != '\n')
        len++;
    return slice_first(text, len);
}

static enum head_result read_request_line(struct head *head, struct slice buffer)
{
    size_t used = 0;

    for (;;) {
        struct slice text = slice_from(buffer, head->parsed);
        enum head_result result = read_line_end(text, HEAD_BAD_LINE, &used);
        if (result != HEAD_DONE)
            return result;
        if (used == 0)
            break;
        head->parsed += used;
        if (head->parsed > EMPTY_LINES_MAX)
            return HEAD_BAD_LINE;
    }
    struct slice text = slice_first(slice_from(buffer, head->parsed), head->limits.line);
    enum head_result result = head_read_line(head, text, &used);
    if (result == HEAD_MORE && text.len == head->limits.line)
        result = HEAD_LINE_TOO_LONG;
    if (result == HEAD_DONE) {
        head->parsed += used;
        head->fields_from = head->parsed;
        head->in_fields = true;
    } else if (result != HEAD_MORE) {
        head->line = rest_of_line(text);
    }
    return result;
}

/* A line goes on past the bytes it was given: is that too far? */
static enum head_result unfinished(const struct head *head, size_t given, size_t left)
{
    if (given == head->limits.line)
        return HEAD_FIELD_TOO_LONG;
    return given == left ? HEAD_TOO_LARGE : HEAD_MORE;
}

static enum head_result read_fields(struct head *head, struct slice buffer)
{
    for (;;) {
        size_t used = 0;
        size_t left = head->limits.total - (head->parsed - head->fields_from);
        size_t most = left < head->limits.line ? left : head->limits.line;
        struct slice text = slice_first(slice_from(buffer, head->parsed), most);
        enum head_result result = read_line_end(text, HEAD_BAD_FIELD, &used);
        if (result == HEAD_DONE && used > 0) {
            head->parsed += used;
            head->size = head->parsed;
            return HEAD_DONE;
        }
        if (result == HEAD_DONE)
            result = head_read_field(head, text, &used);
        if (result != HEAD_DONE)
            return result == HEAD_MORE ? unfinished(head, text.len, left) : result;
        head->parsed += used;
    }
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
