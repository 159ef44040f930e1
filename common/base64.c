#include "common/base64.h"

static int value_of(char c, enum base64_alphabet alphabet)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (alphabet == BASE64 ? '+' : '-'))
        return 62;
    return c == (alphabet == BASE64 ? '/' : '_') ? 63 : -1;
}

bool base64_decode(struct slice text, enum base64_alphabet alphabet, char *out, size_t *len)
{
    uint32_t bits = 0;
    unsigned count = 0;
    size_t read = 0;

    *len = 0;
    for (; read < text.len && text.at[read] != '='; read++) {
        int value = value_of(text.at[read], alphabet);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[(*len)++] = (char)(bits >> count & 0xff);
        }
    }
    return read % 4 != 1;
}
