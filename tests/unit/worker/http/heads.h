/* heads.h: heads of requests from one text, for tests of what is made of them. */
#ifndef MUXD_TESTS_UNIT_WORKER_HTTP_HEADS_H
#define MUXD_TESTS_UNIT_WORKER_HTTP_HEADS_H

#include "tests/unit/unit.h"
#include "worker/http/head.h"

static struct arena arena;

static const struct head_limits LIMITS = { .line = 8192, .total = 32768, .fields = 1000 };

/* A head read from one buffer that ends where its bytes end. */
static inline enum head_result read_text(struct head *head, struct slice text)
{
    head_init(head, &arena, LIMITS);
    return head_read(head, text);
}

/* The request line, then a Host field. */
static inline enum head_result read_line(struct head *head, const char *line)
{
    return read_text(head, arena_printf(&arena, "%s\r\nHost: a\r\n\r\n", line));
}

/* One field line (of bytes that may be NUL) after a request line. */
static inline enum head_result read_field(struct head *head, struct slice line)
{
    struct slice start = arena_join(&arena, SLICE("GET / HTTP/1.1\r\n"), line);

    return read_text(head, arena_join(&arena, start, SLICE("\r\n\r\n")));
}

static inline void assert_text(struct slice text, const char *expected)
{
    ck_assert_msg(slice_is(text, expected), "\"%.*s\" is not \"%s\"", (int)text.len, text.at,
                  expected);
}

#endif
