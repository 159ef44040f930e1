#include "common/text.h"

#include <stdio.h>

bool text_reserve(struct text *text, size_t len)
{
    if (text->capacity - text->len >= len)
        return true;
    size_t capacity = text->capacity * 2 > text->len + len ? text->capacity * 2 : text->len + len;
    char *larger = arena_text(text->arena, capacity);
    if (larger == NULL)
        return false;
    if (text->len > 0)
        memcpy(larger, text->at, text->len);
    text->at = larger;
    text->capacity = capacity;
    return true;
}

void text_add(struct text *text, struct slice more)
{
    if (more.len == 0 || !text_reserve(text, more.len))
        return;
    memcpy(text->at + text->len, more.at, more.len);
    text->len += more.len;
}

void text_add_spaces(struct text *text, size_t count)
{
    if (count == 0 || !text_reserve(text, count))
        return;
    memset(text->at + text->len, ' ', count);
    text->len += count;
}

void text_format(struct text *text, const char *format, ...)
{
    char piece[TEXT_FORMAT_MAX];
    va_list args;

    va_start(args, format);
    int len = vsnprintf(piece, sizeof piece, format, args);
    va_end(args);
    if (len > 0)
        text_add(text,
                 slice_make(piece, (size_t)len < sizeof piece ? (size_t)len : sizeof piece - 1));
}

struct slice text_end(const struct text *text)
{
    return text->arena->exhausted ? (struct slice){ NULL, 0 } : slice_make(text->at, text->len);
}
