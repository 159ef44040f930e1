/* slice.h: a run of bytes that somebody else owns.
 *
 * Text in muxd is a slice: a pointer and a length, never NUL-terminated by
 * accident, never copied to be compared. A slice lives as long as the buffer,
 * arena or literal that it points into. */
#ifndef MUXD_COMMON_SLICE_H
#define MUXD_COMMON_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct slice {
    const char *at;
    size_t len;
};

/* The slice of a string literal. */
#define SLICE(literal) ((struct slice){ (literal), sizeof(literal) - 1 })

/* The same as the initialiser of a static table's entry, where ISO C takes no
 * compound literal. */
/* clang-format off */
#define SLICE_INIT(literal) { (literal), sizeof(literal) - 1 }
/* clang-format on */

/* The slice of a NUL-terminated string, without its NUL. */
static inline struct slice slice_of(const char *text)
{
    return (struct slice){ text, strlen(text) };
}

/* The slice of `len` bytes at `at`. */
static inline struct slice slice_make(const char *at, size_t len)
{
    return (struct slice){ at, len };
}

/* Same bytes. */
static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* Same bytes as a NUL-terminated string. */
static inline bool slice_is(struct slice a, const char *text)
{
    return slice_equal(a, slice_of(text));
}

/* An ASCII letter in lower case; any other byte unchanged (no locale). */
static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Same bytes but for the case of ASCII letters. */
static inline bool slice_equal_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
            return false;
    return true;
}

/* Same bytes as a NUL-terminated string but for the case of ASCII letters. */
static inline bool slice_is_nocase(struct slice a, const char *text)
{
    return slice_equal_nocase(a, slice_of(text));
}

/* `a` begins with `prefix`. */
static inline bool slice_starts(struct slice a, struct slice prefix)
{
    return a.len >= prefix.len && (prefix.len == 0 || memcmp(a.at, prefix.at, prefix.len) == 0);
}

/* `a` ends with `suffix`. */
static inline bool slice_ends(struct slice a, struct slice suffix)
{
    return a.len >= suffix.len &&
           (suffix.len == 0 || memcmp(a.at + a.len - suffix.len, suffix.at, suffix.len) == 0);
}

/* The part of `a` from byte `from` on; empty when `from` is past the end. */
static inline struct slice slice_from(struct slice a, size_t from)
{
    if (from > a.len)
        from = a.len;
    return (struct slice){ from > 0 ? a.at + from : a.at, a.len - from }; /* at may be NULL */
}

/* The first `len` bytes of `a`, or all of it when it is shorter. */
static inline struct slice slice_first(struct slice a, size_t len)
{
    return (struct slice){ a.at, len < a.len ? len : a.len };
}

/* Position of the first `c` in `a`, or -1. */
static inline ptrdiff_t slice_find(struct slice a, char c)
{
    const char *found = a.len == 0 ? NULL : memchr(a.at, c, a.len);
    return found == NULL ? -1 : found - a.at;
}

/* Position of the last `c` in `a`, or -1. */
static inline ptrdiff_t slice_find_last(struct slice a, char c)
{
    const char *found = a.len == 0 ? NULL : memrchr(a.at, c, a.len);
    return found == NULL ? -1 : found - a.at;
}

/* Where `part` first stands in `a`; NULL when it does not. */
static inline const char *slice_search(struct slice a, struct slice part)
{
    return a.at == NULL ? NULL : memmem(a.at, a.len, part.at, part.len);
}

/* `a` without spaces and tabs at either end. */
static inline struct slice slice_trim(struct slice a)
{
    while (a.len > 0 && (*a.at == ' ' || *a.at == '\t')) {
        a.at++;
        a.len--;
    }
    while (a.len > 0 && (a.at[a.len - 1] == ' ' || a.at[a.len - 1] == '\t'))
        a.len--;
    return a;
}

/* Bytewise order, a shorter prefix first; <0, 0, >0 as memcmp. */
static inline int slice_compare(struct slice a, struct slice b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter == 0 ? 0 : memcmp(a.at, b.at, shorter);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Reads all of `a` as a decimal number into *value. False, *value untouched,
 * when it is empty, holds a non-digit, or is over `max`. */
bool slice_to_number(struct slice a, uint64_t max, uint64_t *value);

/* The byte at `i` is a control character: C0, DEL, or C1, which is 0x80 to 0x9f alone, and behind
 * 0xc2 in UTF-8; behind another byte of UTF-8 it is part of a letter. */
static inline bool slice_is_control(struct slice a, size_t i)
{
    unsigned char c = (unsigned char)a.at[i];
    unsigned char before = i > 0 ? (unsigned char)a.at[i - 1] : 0;

    return c < 0x20 || c == 0x7f || (c >= 0x80 && c <= 0x9f && (before < 0x80 || before == 0xc2));
}

/* Value of a hexadecimal digit, or -1. */
static inline int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
