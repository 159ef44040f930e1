/* scan.h: runs of bytes of one kind, sixteen at a time.
 *
 * Each scan answers the first byte in [at, end) that does not belong to the
 * run, or `end`. SSE2 is part of every x86-64; elsewhere, and for the last few
 * bytes, the twin that looks at one byte after the other does the same. */
#ifndef MUXD_WORKER_HTTP_SCAN_H
#define MUXD_WORKER_HTTP_SCAN_H

#include <stdbool.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* A letter, a digit or '-': what nearly all field names are made of. */
static inline bool is_usual_in_name(char c)
{
    unsigned char byte = (unsigned char)c;

    return (unsigned char)((byte | 0x20) - 'a') <= 'z' - 'a' ||
           (unsigned char)(byte - '0') <= '9' - '0' || byte == '-';
}

/* May stand in a field's value: no control character but the tab. */
static inline bool is_text(char c)
{
    unsigned char byte = (unsigned char)c;

    return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
}

/* May stand in a request's target: neither a space nor a control character. */
static inline bool is_visible(char c)
{
    unsigned char byte = (unsigned char)c;

    return byte > 0x20 && byte != 0x7f;
}

/* Visible, and no byte that ends a path or may be escaped. */
static inline bool is_plain_in_path(char c)
{
    return is_visible(c) && c != '?' && c != '#' && c != '%';
}

static inline const char *scan_name_bytewise(const char *at, const char *end)
{
    while (at < end && is_usual_in_name(*at))
        at++;
    return at;
}

static inline const char *scan_text_bytewise(const char *at, const char *end)
{
    while (at < end && is_text(*at))
        at++;
    return at;
}

static inline const char *scan_visible_bytewise(const char *at, const char *end)
{
    while (at < end && is_visible(*at))
        at++;
    return at;
}

static inline const char *scan_query_bytewise(const char *at, const char *end)
{
    while (at < end && is_visible(*at) && *at != '#')
        at++;
    return at;
}

/* A path up to what needs a closer look: its end, an escape, or a '/' before
 * a '/' or a '.'. A '/' that is the last byte before `end` is passed. */
static inline const char *scan_path_bytewise(const char *at, const char *end)
{
    for (; at < end && is_plain_in_path(*at); at++)
        if (*at == '/' && at + 1 < end && (at[1] == '/' || at[1] == '.'))
            break;
    return at;
}

#ifdef __SSE2__

/* 0xff in each byte that is at most `most`, unsigned. */
static inline __m128i bytes_at_most(__m128i bytes, unsigned char most)
{
    return _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8((char)most)), bytes);
}

static inline __m128i bytes_equal(__m128i bytes, char c)
{
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c));
}

static inline __m128i load_bytes(const char *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

static inline const char *scan_name(const char *at, const char *end)
{
    for (; end - at >= 16; at += 16) {
        __m128i bytes = load_bytes(at);
        __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
        __m128i letters = bytes_at_most(_mm_sub_epi8(lower, _mm_set1_epi8('a')), 'z' - 'a');
        __m128i digits = bytes_at_most(_mm_sub_epi8(bytes, _mm_set1_epi8('0')), '9' - '0');
        __m128i usual = _mm_or_si128(_mm_or_si128(letters, digits), bytes_equal(bytes, '-'));
        unsigned stop = (unsigned)_mm_movemask_epi8(usual) ^ 0xffff;
        if (stop != 0)
            return at + __builtin_ctz(stop);
    }
    return scan_name_bytewise(at, end);
}

static inline const char *scan_text(const char *at, const char *end)
{
    while (end - at >= 16) {
        __m128i bytes = load_bytes(at);
        __m128i control = _mm_or_si128(bytes_at_most(bytes, 0x1f), bytes_equal(bytes, 0x7f));
        unsigned stop = (unsigned)_mm_movemask_epi8(control);
        at += stop == 0 ? 16 : __builtin_ctz(stop);
        if (stop == 0)
            continue;
        if (*at != '\t')
            return at;
        at++;
    }
    return scan_text_bytewise(at, end);
}

static inline const char *scan_visible(const char *at, const char *end)
{
    for (; end - at >= 16; at += 16) {
        __m128i bytes = load_bytes(at);
        unsigned stop = (unsigned)_mm_movemask_epi8(
            _mm_or_si128(bytes_at_most(bytes, 0x20), bytes_equal(bytes, 0x7f)));
        if (stop != 0)
            return at + __builtin_ctz(stop);
    }
    return scan_visible_bytewise(at, end);
}

static inline const char *scan_query(const char *at, const char *end)
{
    for (; end - at >= 16; at += 16) {
        __m128i bytes = load_bytes(at);
        __m128i hidden = _mm_or_si128(bytes_at_most(bytes, 0x20), bytes_equal(bytes, 0x7f));
        unsigned stop = (unsigned)_mm_movemask_epi8(_mm_or_si128(hidden, bytes_equal(bytes, '#')));
        if (stop != 0)
            return at + __builtin_ctz(stop);
    }
    return scan_query_bytewise(at, end);
}

static inline const char *scan_path(const char *at, const char *end)
{
    for (; end - at > 16; at += 16) {
        __m128i bytes = load_bytes(at);
        __m128i next = load_bytes(at + 1);
        __m128i hidden = _mm_or_si128(bytes_at_most(bytes, 0x20), bytes_equal(bytes, 0x7f));
        __m128i special =
            _mm_or_si128(bytes_equal(bytes, '?'),
                         _mm_or_si128(bytes_equal(bytes, '#'), bytes_equal(bytes, '%')));
        __m128i dots = _mm_and_si128(bytes_equal(bytes, '/'),
                                     _mm_or_si128(bytes_equal(next, '/'), bytes_equal(next, '.')));
        unsigned stop =
            (unsigned)_mm_movemask_epi8(_mm_or_si128(hidden, _mm_or_si128(special, dots)));
        if (stop != 0)
            return at + __builtin_ctz(stop);
    }
    return scan_path_bytewise(at, end);
}

#else

static inline const char *scan_name(const char *at, const char *end)
{
    return scan_name_bytewise(at, end);
}

static inline const char *scan_text(const char *at, const char *end)
{
    return scan_text_bytewise(at, end);
}

static inline const char *scan_visible(const char *at, const char *end)
{
    return scan_visible_bytewise(at, end);
}

static inline const char *scan_query(const char *at, const char *end)
{
    return scan_query_bytewise(at, end);
}

static inline const char *scan_path(const char *at, const char *end)
{
    return scan_path_bytewise(at, end);
}

#endif

#endif
