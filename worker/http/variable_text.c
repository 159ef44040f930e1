#include "worker/http/variable_text.h"

size_t number_put(char *at, uint64_t number, unsigned digits)
{
    char text[NUMBER_TEXT_MAX];
    size_t start = sizeof text;

    do {
        text[--start] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0 || sizeof text - start < digits);
    memcpy(at, text + start, sizeof text - start);
    return sizeof text - start;
}

bool is_header_variable(struct slice header, struct slice variable)
{
    if (header.len != variable.len)
        return false;
    for (size_t i = 0; i < header.len; i++) {
        char c = header.at[i] == '-' ? '_' : ascii_lower(header.at[i]);
        if (c != variable.at[i])
            return false;
    }
    return true;
}

bool value_copy(struct request *request, struct slice text, struct slice *value)
{
    *value = arena_copy(&request->arena, text);
    return value->at != NULL;
}

bool value_number(struct request *request, uint64_t number, struct slice *value)
{
    char text[NUMBER_TEXT_MAX];

    return value_copy(request, slice_make(text, number_put(text, number, 1)), value);
}

bool value_seconds(struct request *request, uint64_t seconds, unsigned milliseconds,
                   struct slice *value)
{
    char text[NUMBER_TEXT_MAX * 2 + 1];
    size_t len = number_put(text, seconds, 1);

    text[len++] = '.';
    len += number_put(text + len, milliseconds, 3);
    return value_copy(request, slice_make(text, len), value);
}
