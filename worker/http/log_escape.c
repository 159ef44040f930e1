#include "worker/http/log_escape.h"

static const uint64_t EVERY_BYTE = UINT64_C(0x0101010101010101);
static const uint64_t EVERY_TOP = UINT64_C(0x8080808080808080);

/* Top bits that are set where a byte of the word is below `limit` (at most 128);
 * a byte above a match may be marked too, so only "none at all" is exact. */
static inline uint64_t bytes_below(uint64_t word, unsigned char limit)
{
    return (word - EVERY_BYTE * limit) & ~word & EVERY_TOP;
}

static inline uint64_t bytes_equal(uint64_t word, unsigned char c)
{
    return bytes_below(word ^ EVERY_BYTE * c, 1);
}

/* None of the eight bytes is to be escaped. */
static inline bool word_is_plain(uint64_t word, bool json)
{
    uint64_t found = bytes_below(word, ' ') | bytes_equal(word, '"') | bytes_equal(word, '\\');

    if (!json)
        found |= (word & EVERY_TOP) | bytes_equal(word, 0x7f);
    return found == 0;
}

/* Bytes that one byte becomes. */
static size_t default_size(unsigned char c)
{
    return c < ' ' || c >= 0x7f || c == '"' || c == '\\' ? 4 : 1;
}

/* The letter behind the backslash of a short escape, or 0. */
static char json_letter(unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        return (char)c;
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    default:
        return 0;
    }
}

static size_t json_size(unsigned char c)
{
    if (json_letter(c) != 0)
        return 2;
    return c < ' ' ? 6 : 1;
}

static size_t bytes_size(const char *at, size_t len, bool json)
{
    size_t size = 0;

    for (size_t i = 0; i < len; i++)
        size += json ? json_size((unsigned char)at[i]) : default_size((unsigned char)at[i]);
    return size;
}

size_t log_escaped_len(struct slice text, enum log_escape escape)
{
    bool json = escape == LOG_ESCAPE_JSON;
    size_t size = 0, i = 0;
    uint64_t word;

    if (escape == LOG_ESCAPE_NONE)
        return text.len;
    for (; text.len - i >= sizeof word; i += sizeof word) {
        memcpy(&word, text.at + i, sizeof word);
        size +=
            word_is_plain(word, json) ? sizeof word : bytes_size(text.at + i, sizeof word, json);
    }
    return size + bytes_size(text.at + i, text.len - i, json);
}

static char *put_hex(char *at, const char *before, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";

    while (*before != '\0')
        *at++ = *before++;
    *at++ = digits[c >> 4];
    *at++ = digits[c & 15];
    return at;
}

static char *put_default(char *at, unsigned char c)
{
    if (default_size(c) > 1)
        return put_hex(at, "\\x", c);
    *at++ = (char)c;
    return at;
}

static char *put_json(char *at, unsigned char c)
{
    char letter = json_letter(c);

    if (letter == 0 && c < ' ')
        return put_hex(at, "\\u00", c);
    if (letter != 0)
        *at++ = '\\';
    *at++ = letter != 0 ? letter : (char)c;
    return at;
}

char *log_escape_put(char *at, struct slice text, enum log_escape escape)
{
    if (escape == LOG_ESCAPE_NONE) {
        if (text.len > 0)
            memcpy(at, text.at, text.len);
        return at + text.len;
    }
    for (size_t i = 0; i < text.len; i++)
        at = escape == LOG_ESCAPE_JSON ? put_json(at, (unsigned char)text.at[i])
                                       : put_default(at, (unsigned char)text.at[i]);
    return at;
}

struct slice log_escape_text(struct arena *arena, struct slice text, enum log_escape escape)
{
    size_t len = log_escaped_len(text, escape);

    if (len == text.len)
        return text;
    char *copy = arena_text(arena, len);
    if (copy == NULL)
        return (struct slice){ NULL, 0 };
    log_escape_put(copy, text, escape);
    return slice_make(copy, len);
}

struct slice log_escape_error(struct arena *arena, struct slice text)
{
    return log_escape_text(arena, text, LOG_ESCAPE_DEFAULT);
}
