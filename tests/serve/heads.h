/* heads.h: what the tests of answers' heads share. */
#ifndef MUXD_TESTS_SERVE_HEADS_H
#define MUXD_TESTS_SERVE_HEADS_H

#include "tests/serve/harness.h"

#include <fcntl.h>
#include <sys/stat.h>

#define FILE_TIME 1000000000 /* Sun, 09 Sep 2001 01:46:40 GMT */
#define FILE_DATE "Sun, 09 Sep 2001 01:46:40 GMT"

/* The names of an answer's headers in their order: "Server Date Content-Type". */
static inline const char *header_names(const struct response *response)
{
    char *names = server_own(response->server, calloc(1, strlen(response->head) + 1));
    const char *line = strstr(response->head, "\r\n");

    for (; line != NULL && line[2] != '\r'; line = strstr(line + 2, "\r\n")) {
        size_t len = strcspn(line + 2, ":");
        if (names[0] != '\0')
            strcat(names, " ");
        strncat(names, line + 2, len);
    }
    return names;
}

/* Writes a file that was last changed at FILE_TIME. */
static inline void dated_file(struct server *server, const char *path, const char *text)
{
    const struct timespec times[2] = { { .tv_sec = FILE_TIME }, { .tv_sec = FILE_TIME } };

    server_file(server, path, text);
    ck_assert_int_eq(utimensat(AT_FDCWD, server_path(server, path), times, 0), 0);
}

/* "METHOD path" over a connection of its own; HEAD has no body. */
static inline struct response *ask_method(struct server *server, const char *method,
                                          const char *path, const char *more)
{
    struct client *client = client_open(server);

    client_send(client, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n", method,
                path, more);
    return strcmp(method, "HEAD") == 0 ? client_read_head(client) : client_read(client);
}

/* The body that a path, asked for with these fields, is answered with. */
static inline void expect_body_with(struct server *server, const char *path, const char *fields,
                                    const char *body)
{
    const struct response *response = get_with(server, path, fields);

    ck_assert_msg(strcmp(response->body, body) == 0, "%s %s: %d %s", path, fields, response->status,
                  response->body);
}

static inline void expect_body(struct server *server, const char *path, const char *body)
{
    expect_body_with(server, path, "", body);
}

/* The status and, unless it is NULL, the body that a path is answered with. */
static inline void expect_answer(struct server *server, const char *path, int status,
                                 const char *body)
{
    const struct response *response = get(server, path);

    ck_assert_msg(response->status == status && (body == NULL || strcmp(response->body, body) == 0),
                  "%s: %d, not %d; %s", path, response->status, status, response->body);
}

struct expected_body {
    const char *path, *body;
};

static inline void expect_bodies(struct server *server, const struct expected_body *expected,
                                 size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_body(server, expected[i].path, expected[i].body);
}

/* EXPECT_BODIES(server, { path, body }, ...) */
#define EXPECT_BODIES(server, ...)                                                \
    do {                                                                          \
        const struct expected_body expected_[] = { __VA_ARGS__ };                 \
        expect_bodies((server), expected_, sizeof expected_ / sizeof *expected_); \
    } while (0)

#endif
