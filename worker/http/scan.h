/* scan.h: runs of bytes of one kind, sixteen at a time.
 *
 * Each scan answers the first byte in [at, end) that does not belong to the
 * run, or `end`. SSE2 is part of every x86-64; elsewhere, and for the last few
 * bytes, the twin that looks at one byte after the other does the same. */
#ifndef MUXD_WORKER_HTTP_SCAN_H
#define MUXD_WORKER_HTTP_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

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

/* What one look over a host finds. */
struct host_marks {
    size_t colon;  /* the first; the host's length when there is none */
    bool capitals; /* somewhere */
    bool bad;      /* a byte that ends an authority or a line, '@', '\\', or an empty label */
};

/* RFC 3986 3.2: what stands around a host in a URI, or is taken for it, is no part of it. */
static inline bool is_bad_in_host(char c)
{
    return !is_visible(c) || c == '/' || c == '?' || c == '#' || c == '@' || c == '\\';
}

static inline struct host_marks scan_host_bytewise(const char *at, size_t len)
{
    struct host_marks marks = { .colon = len };

    for (size_t i = 0; i < len; i++) {
        if (is_bad_in_host(at[i]) || (at[i] == '.' && i > 0 && at[i - 1] == '.'))
            marks.bad = true;
        if (at[i] == ':' && marks.colon == len)
            marks.colon = i;
        if (at[i] >= 'A' && at[i] <= 'Z')
            marks.capitals = true;
    }
    return marks;
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

/* Sixteen bytes of a host that begin at `from`; `dot`: one stands right before them. Bytes
 * behind the host's end are zero. */
static inline bool scan_host_block(__m128i bytes, unsigned within, size_t from, bool dot,
                                   struct host_marks *marks, size_t len)
{
    __m128i hidden = _mm_or_si128(bytes_at_most(bytes, 0x20), bytes_equal(bytes, 0x7f));
    __m128i capitals = bytes_at_most(_mm_sub_epi8(bytes, _mm_set1_epi8('A')), 'Z' - 'A');
    __m128i slashes = _mm_or_si128(bytes_equal(bytes, '/'), bytes_equal(bytes, '\\'));
    __m128i marks_of_uri = _mm_or_si128(bytes_equal(bytes, '?'), bytes_equal(bytes, '#'));
    __m128i others = _mm_or_si128(_mm_or_si128(slashes, marks_of_uri), bytes_equal(bytes, '@'));
    unsigned bad = (unsigned)_mm_movemask_epi8(_mm_or_si128(hidden, others));
    unsigned dots = (unsigned)_mm_movemask_epi8(bytes_equal(bytes, '.'));
    unsigned colons = (unsigned)_mm_movemask_epi8(bytes_equal(bytes, ':'));

    if (marks->colon == len && colons != 0)
        marks->colon = from + (size_t)__builtin_ctz(colons);
    marks->capitals |= _mm_movemask_epi8(capitals) != 0;
    marks->bad |= (bad & within) != 0 || (dots & (dots << 1 | dot)) != 0;
    return dots >> 15;
}

static inline struct host_marks scan_host(const char *at, size_t len)
{
    struct host_marks marks = { .colon = len };
    char padded[16] = { 0 };
    bool dot = false;
    size_t from = 0;

    for (; len - from >= 16; from += 16)
        dot = scan_host_block(load_bytes(at + from), 0xffff, from, dot, &marks, len);
    if (from == len)
        return marks;
    memcpy(padded, at + from, len - from);
    scan_host_block(load_bytes(padded), (1U << (len - from)) - 1, from, dot, &marks, len);
    return marks;
}

#else

static inline struct host_marks scan_host(const char *at, size_t len)
{
    return scan_host_bytewise(at, len);
}

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
