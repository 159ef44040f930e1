/* Any bytes as a request's head: it does not matter in which pieces they come,
 * and what is taken holds nothing that was promised to be refused.
 *
 * The first byte says how small the limits are, the second where the head is
 * cut; what is left is the head. */
#include "worker/http/head.h"

#include <stdio.h>
#include <stdlib.h>

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "not so: %s\n", what);
    abort();
}

static bool inside(struct slice part, struct slice whole)
{
    return part.at == NULL || (part.at >= whole.at && part.at + part.len <= whole.at + whole.len);
}

static bool has_control(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (((unsigned char)text.at[i] < 0x20 && text.at[i] != '\t') || text.at[i] == 0x7f)
            return true;
    return false;
}

static void check_field(const struct field *field, struct slice text)
{
    expect(inside(field->name, text) && inside(field->value, text), "a field lies inside");
    expect(field->name.len > 0 && !has_control(field->name), "a name has no control character");
    expect(slice_find(field->name, ' ') < 0 && slice_find(field->name, ':') < 0,
           "a name has no space and no colon");
    expect(!has_control(field->value), "a value has no control character");
    expect(slice_equal(field->value, slice_trim(field->value)), "a value is trimmed");
}

static void check_head(const struct head *head, struct slice text)
{
    uint64_t length = 0;

    expect(head->size <= text.len && text.at[head->size - 1] == '\n', "a head ends in LF");
    expect(head->major == 1, "the version is 1.x");
    expect(!has_control(head->line), "the line has no control character");
    expect(inside(head->line, text) && inside(head->target, head->line) &&
               inside(head->path, head->line) && inside(head->query, head->target) &&
               inside(head->host, head->target) && inside(head->scheme, head->target),
           "parts lie inside the line");
    expect(head->path.len > 0 && (head->path.at[0] == '/' || slice_is(head->path, "*")),
           "a path starts with '/'");
    expect(slice_find(head->path, '?') < 0 && slice_find(head->path, '#') < 0 &&
               slice_find(head->query, '#') < 0,
           "path and query end where they should");
    for (size_t i = 0; i < head->field_count; i++)
        check_field(&head->fields[i], text);
    for (enum field_name name = FIELD_HOST; name < FIELD_NAMES; name++)
        expect(head_known(head, name) == NULL || head_known(head, name)->known == name,
               "known fields are where they are said to be");
    if (head_framing(head, &length) == FRAMING_CHUNKED)
        expect(head_known(head, FIELD_CONTENT_LENGTH) == NULL && head->minor > 0,
               "chunked stands alone");
    head_keep_alive(head);
}

static bool same_text(struct slice a, struct slice b)
{
    return slice_equal(a, b) && (a.at == NULL) == (b.at == NULL);
}

static void check_same(const struct head *a, const struct head *b)
{
    expect(same_text(a->line, b->line) && same_text(a->target, b->target) &&
               same_text(a->path, b->path) && same_text(a->query, b->query) &&
               same_text(a->host, b->host) && same_text(a->scheme, b->scheme) &&
               same_text(a->method_text, b->method_text),
           "the same line in any pieces");
    expect(a->size == b->size && a->field_count == b->field_count && a->minor == b->minor &&
               a->has_query == b->has_query && a->complex_path == b->complex_path &&
               a->repeated == b->repeated && a->host_count == b->host_count &&
               memcmp(a->known, b->known, sizeof a->known) == 0,
           "the same head in any pieces");
    for (size_t i = 0; i < a->field_count; i++)
        expect(same_text(a->fields[i].name, b->fields[i].name) &&
                   same_text(a->fields[i].value, b->fields[i].value) &&
                   a->fields[i].known == b->fields[i].known,
               "the same fields in any pieces");
}

/* Reads the first `len` bytes in memory of their own, where the head moves. */
static enum head_result read_moved(struct head *head, struct slice text, size_t len, char **buffer)
{
    char *moved = malloc(len > 0 ? len : 1);

    expect(moved != NULL, "there is memory");
    memcpy(moved, text.at, len);
    if (*buffer != NULL)
        head_rebase(head, *buffer, moved);
    free(*buffer);
    *buffer = moved;
    return head_read(head, slice_make(moved, len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    struct head_limits limits = {
        .line = (data[0] & 1) != 0 ? 40 : 8192,
        .total = (data[0] & 2) != 0 ? 60 : 32768,
        .fields = (data[0] & 4) != 0 ? 2 : 1000,
        .allow_underscores = (data[0] & 8) != 0,
        .keep_unusual = (data[0] & 16) != 0,
    };
    struct slice text = { (const char *)data + 2, size - 2 };
    size_t step = 1 + data[1] % (size - 2);
    struct head whole, cut;
    struct arena arena;
    char *whole_buffer = NULL, *buffer = NULL;
    enum head_result result = HEAD_MORE;

    arena_init(&arena, NULL);
    head_init(&whole, &arena, limits);
    enum head_result expected = read_moved(&whole, text, text.len, &whole_buffer);
    head_init(&cut, &arena, limits);
    for (size_t len = step; result == HEAD_MORE; len += step) {
        size_t most = len < text.len ? len : text.len;
        result = read_moved(&cut, text, most, &buffer);
        if (most == text.len)
            break;
    }
    expect(result == expected, "the same result in any pieces");
    if (result == HEAD_DONE) {
        check_head(&whole, slice_make(whole_buffer, text.len));
        check_same(&whole, &cut);
    }
    free(whole_buffer);
    free(buffer);
    arena_free(&arena);
    return 0;
}
