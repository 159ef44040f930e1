/* Any bytes as the head of an upstream's answer: it does not matter in which pieces they
 * come, and what is taken holds nothing that was promised to be refused.
 *
 * The first byte says whether it is the answer of a CGI program, the second in how large
 * pieces it comes; what is left is the answer. */
#include "worker/upstream/answer_head.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "not so: %s\n", what);
    abort();
}

static bool has_control(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (((unsigned char)text.at[i] < 0x20 && text.at[i] != '\t') || text.at[i] == 0x7f)
            return true;
    return false;
}

static void check_field(const struct answer_head *head, size_t index)
{
    const struct answer_field *field = (const struct answer_field *)head->fields.items + index;

    expect(field->name.len > 0 && !has_control(field->name), "a name has no control character");
    expect(slice_find(field->name, ' ') < 0 && slice_find(field->name, ':') < 0,
           "a name has no space and no colon");
    expect(!has_control(field->value), "a value has no control character");
    expect(slice_equal(field->value, slice_trim(field->value)), "a value is trimmed");
    expect(field->known == answer_field_name(field->name), "known fields are known");
    if (field->known != ANSWER_OTHER)
        expect(answer_known(head, field->known) <= field, "the first of a name is found");
}

static void check_head(const struct answer_head *head, struct slice text)
{
    uint64_t length;

    expect(head->size <= text.len && text.at[head->size - 1] == '\n', "a head ends in LF");
    expect(head->status >= 100 && head->status <= 999, "a status has three digits");
    expect(!has_control(head->status_text), "the reason has no control character");
    expect(head->fields.count <= ANSWER_FIELDS_MAX, "fields are bounded");
    for (size_t i = 0; i < head->fields.count; i++)
        check_field(head, i);
    switch (answer_framing(head, false, &length)) {
    case ANSWER_CHUNKED:
        expect(answer_known(head, ANSWER_CONTENT_LENGTH) == NULL && head->minor > 0,
               "chunked stands alone");
        break;
    case ANSWER_LENGTH:
        expect(length <= INT64_MAX, "a length is no more than a file can have");
        break;
    default:
        break;
    }
    answer_keeps_alive(head);
}

static void check_same(const struct answer_head *a, const struct answer_head *b)
{
    const struct answer_field *x = a->fields.items, *y = b->fields.items;

    expect(a->status == b->status && a->size == b->size && a->minor == b->minor &&
               slice_equal(a->status_text, b->status_text) && a->repeated == b->repeated &&
               a->fields.count == b->fields.count &&
               memcmp(a->known, b->known, sizeof a->known) == 0,
           "the same head in any pieces");
    for (size_t i = 0; i < a->fields.count; i++)
        expect(slice_equal(x[i].name, y[i].name) && slice_equal(x[i].value, y[i].value),
               "the same fields in any pieces");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    enum answer_kind kind = (data[0] & 1) != 0 ? ANSWER_CGI : ANSWER_HTTP;
    size_t step = 1 + data[1];
    struct slice text = { (const char *)data + 2, size - 2 };
    struct answer_head whole, cut;
    struct arena arena;
    enum answer_result result = ANSWER_MORE;

    arena_init(&arena, NULL);
    answer_head_init(&whole, &arena, kind);
    enum answer_result expected = answer_head_read(&whole, text);
    answer_head_init(&cut, &arena, kind);
    for (size_t len = 0; result == ANSWER_MORE; len += step) {
        result = answer_head_read(&cut, slice_first(text, len));
        if (len >= text.len)
            break;
    }
    expect(result == expected, "the same result in any pieces");
    if (result == ANSWER_DONE) {
        check_head(&whole, text);
        check_same(&whole, &cut);
    }
    arena_free(&arena);
    return 0;
}
