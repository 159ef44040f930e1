/* encodings.h: what the tests of encoded answers share. */
#ifndef MUXD_TESTS_SERVE_ENCODINGS_H
#define MUXD_TESTS_SERVE_ENCODINGS_H

#include "tests/gzip_program.h"
#include "tests/serve/heads.h"

#define GZIP "Accept-Encoding: gzip\r\n"

/* `len` bytes of text that is worth compressing; owned by the server. */
static inline const char *long_text(struct server *server, size_t len)
{
    char *text = server_own(server, malloc(len + 1));
    size_t at = 0;

    for (unsigned line = 0; at < len; line++)
        at += (size_t)snprintf(text + at, len + 1 - at, "Line %u of a text, %u.\n", line,
                               line * line % 1000);
    text[len] = '\0';
    return text;
}

/* The answer is in gzip, and `expected` when gzip(1) has decompressed it. */
static inline void expect_gzip(const struct response *response, const char *expected)
{
    const char *encoding = header(response, "Content-Encoding");

    ck_assert_msg(encoding != NULL && strcmp(encoding, "gzip") == 0, "%s", response->head);
    struct slice text = gzip_program("-d", slice_make(response->body, response->body_len));
    ck_assert_uint_eq(text.len, strlen(expected));
    ck_assert_int_eq(memcmp(text.at, expected, text.len), 0);
    free((void *)(uintptr_t)text.at);
}

/* The answer is `expected`, as it is. */
static inline void expect_plain(const struct response *response, const char *expected)
{
    ck_assert_msg(header(response, "Content-Encoding") == NULL, "%s", response->head);
    ck_assert_uint_eq(response->body_len, strlen(expected));
    ck_assert_str_eq(response->body, expected);
}

/* Writes `text` as gzip(1) packs it. */
static inline void gzip_file(struct server *server, const char *path, const char *text)
{
    struct slice file = gzip_program("-6", slice_of(text));

    server_file_bytes(server, path, file.at, file.len);
    free((void *)(uintptr_t)file.at);
}

/* GET with header lines: whether the answer is in gzip. */
static inline bool is_gzip(struct server *server, const char *path, const char *more)
{
    struct response *response = get_with(server, path, more);
    const char *encoding = header(response, "Content-Encoding");

    ck_assert_int_ne(response->status, 0);
    return encoding != NULL && strcmp(encoding, "gzip") == 0;
}

#endif
