#include "worker/http/head_text.h"

static bool is_escaped(struct slice text, size_t i, enum head_text kind)
{
    if (text.at[i] == ' ' || text.at[i] == '\t')
        return kind == HEAD_TEXT_TARGET;
    return slice_is_control(text, i);
}

static size_t count_escaped(struct slice text, enum head_text kind)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += is_escaped(text, i, kind) ? 1 : 0;
    return count;
}

bool head_text_escape(struct arena *arena, struct slice *text, enum head_text kind)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t count = count_escaped(*text, kind);

    if (count == 0)
        return true;
    char *copy = arena_text(arena, text->len + 2 * count), *to = copy;
    if (copy == NULL)
        return false;
    for (size_t i = 0; i < text->len; i++) {
        unsigned char c = (unsigned char)text->at[i];
        if (!is_escaped(*text, i, kind)) {
            *to++ = text->at[i];
            continue;
        }
        *to++ = '%';
        *to++ = digits[c >> 4];
        *to++ = digits[c & 15];
    }
    *text = slice_make(copy, (size_t)(to - copy));
    return true;
}
