/* lone_request.h: a request that no server has, for tests of what is made of one: its values
 * are the test's to set. */
#ifndef MUXD_TESTS_UNIT_WORKER_HTTP_LONE_REQUEST_H
#define MUXD_TESTS_UNIT_WORKER_HTTP_LONE_REQUEST_H

#include "tests/unit/unit.h"
#include "worker/http/core.h"
#include "worker/http/log_format.h"
#include "worker/http/variables.h"
#include "worker/net/connection.h"

struct lone_request {
    struct arena arena; /* of the configuration */
    struct conf conf;
    struct http http;
    struct conf_scope scope; /* of the http block */
    struct server server;
    struct connection connection;
    struct request request;
};

/* In place: it must not move. */
static inline void lone_request_init(struct lone_request *lone, struct slice uri)
{
    memset(lone, 0, sizeof *lone);
    arena_init(&lone->arena, NULL);
    lone->conf.arena = &lone->arena;
    conf_messages_init(&lone->conf.messages, &lone->arena);
    lone->http = (struct http){ .names = variable_names_new(&lone->arena),
                                .formats = { .item_size = sizeof(struct log_format *) } };
    ck_assert(log_formats_init(&lone->arena, &lone->http));
    lone->scope = (struct conf_scope){ .context = IN_HTTP, .owner = &lone->http };
    lone->server = (struct server){ .http = &lone->http, .name = SLICE_INIT("example.org") };
    arena_init(&lone->request.arena, NULL);
    lone->request.server = &lone->server;
    lone->request.connection = &lone->connection;
    lone->request.uri = uri;
    lone->request.head.fields = lone->request.head.inline_fields;
    lone->request.head.in_fields = true;
}

static inline void lone_request_free(struct lone_request *lone)
{
    arena_free(&lone->request.arena);
    arena_free(&lone->arena);
}

#endif
