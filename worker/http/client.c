#include "worker/http/client.h"

#include "conf/suggest.h"

static const struct enum_choice lingering_choices[] = {
    { "off", LINGERING_OFF },
    { "on", LINGERING_ON },
    { "always", LINGERING_ALWAYS },
    { NULL, 0 },
};
static const struct enum_type as_lingering = { { "off | on | always", sizeof(int), enum_set },
                                               lingering_choices };

static const struct enum_choice in_file_choices[] = {
    { "off", BODY_IN_FILE_OFF },
    { "on", BODY_IN_FILE_ON },
    { "clean", BODY_IN_FILE_CLEAN },
    { NULL, 0 },
};
static const struct enum_type as_in_file = { { "off | on | clean", sizeof(int), enum_set },
                                             in_file_choices };

/* keepalive_timeout timeout [header_timeout] */
static void set_keepalive(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                          const struct directive *directive, void *value)
{
    struct keepalive_value *keepalive = value;
    uint64_t header = 0;

    (void)scope;
    if (!value_parse_time(node->words[1].text, &keepalive->timeout))
        conf_error(conf, node->words[1].at, "\"%s\" directive invalid value", directive->name);
    if (node->count > 2 && !value_parse_time(node->words[2].text, &header))
        conf_error(conf, node->words[2].at, "\"%s\" directive invalid value", directive->name);
    keepalive->header = header / 1000;
}

static const struct value_type as_keepalive = { "time [header_time]",
                                                sizeof(struct keepalive_value), set_keepalive };

/* keepalive_disable none | browser ... */
static void set_keepalive_disable(struct conf *conf, struct conf_scope *scope,
                                  const struct conf_node *node, const struct directive *directive,
                                  void *value)
{
    static const struct {
        const char *word;
        uint32_t bit;
    } browsers[] = { { "none", KEEPALIVE_DISABLE_NONE },
                     { "msie6", KEEPALIVE_DISABLE_MSIE6 },
                     { "safari", KEEPALIVE_DISABLE_SAFARI } };
    uint32_t *bits = value;

    (void)scope;
    for (size_t word = 1; word < node->count; word++) {
        bool known = false;
        for (size_t i = 0; i < sizeof browsers / sizeof *browsers; i++)
            if (slice_is(node->words[word].text, browsers[i].word)) {
                *bits |= browsers[i].bit;
                known = true;
            }
        if (!known)
            conf_error(conf, node->words[word].at, "invalid value \"%.*s\" in \"%s\" directive",
                       (int)node->words[word].text.len, node->words[word].text.at, directive->name);
    }
}

static const struct value_type as_keepalive_disable = { "none | browser ...", sizeof(uint32_t),
                                                        set_keepalive_disable };

#define FIELD(name) offsetof(struct client_settings, name)

static const struct directive client_directives[] = {
    { "client_header_buffer_size", IN_HTTP | IN_SERVER, ARGS(1), &as_size,
      FIELD(client_header_buffer_size), "1k", "memory a slow client's head starts with" },
    { "large_client_header_buffers", IN_HTTP | IN_SERVER, ARGS(2), &as_buffers,
      FIELD(large_client_header_buffers), "4 8k",
      "longest line of a head, and how many such lines it may have in all" },
    { "max_headers", IN_HTTP | IN_SERVER, ARGS(1), &as_number, FIELD(max_headers), "1000",
      "fields that a head may have" },
    { "client_header_timeout", IN_HTTP | IN_SERVER, ARGS(1), &as_time, FIELD(client_header_timeout),
      "60s", "time for a whole head to arrive" },
    { "client_body_timeout", IN_HTTP_ALL, ARGS(1), &as_time, FIELD(client_body_timeout), "60s",
      "longest pause between two reads of a body" },
    { "client_max_body_size", IN_HTTP_ALL, ARGS(1), &as_offset, FIELD(client_max_body_size), "1m",
      "largest body accepted; 0: any" },
    { "client_body_buffer_size", IN_HTTP_ALL, ARGS(1), &as_size, FIELD(client_body_buffer_size),
      "16k", "body kept in memory; more goes to a temporary file" },
    { "client_body_temp_path", IN_HTTP_ALL, ARGS_BETWEEN(1, 4), &as_temp_path,
      FIELD(client_body_temp_path), "client_body_temp", "folder of the temporary files" },
    { "client_body_in_file_only", IN_HTTP_ALL, ARGS(1), &as_in_file.type,
      FIELD(client_body_in_file_only), "off", "write every body that is read to a file" },
    { "client_body_in_single_buffer", IN_HTTP_ALL, ARGS(1), &as_flag,
      FIELD(client_body_in_single_buffer), "off", "keep a body in one piece (muxd always does)" },
    { "client_body_read", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(client_body_read), "off",
      "read the body before anything looks at it, so that variables and logs have it" },
    { "send_timeout", IN_HTTP_ALL, ARGS(1), &as_time, FIELD(send_timeout), "60s",
      "longest pause between two writes" },
    { "keepalive_timeout", IN_HTTP_ALL, ARGS_BETWEEN(1, 2), &as_keepalive, FIELD(keepalive_timeout),
      "75s", "time an idle connection is kept open; 0: never" },
    { "keepalive_requests", IN_HTTP_ALL, ARGS(1), &as_number, FIELD(keepalive_requests), "1000",
      "requests answered on one connection" },
    { "keepalive_time", IN_HTTP_ALL, ARGS(1), &as_time, FIELD(keepalive_time), "1h",
      "age at which a connection is closed after its request" },
    { "keepalive_disable", IN_HTTP_ALL, ARGS_BETWEEN(1, 2), &as_keepalive_disable,
      FIELD(keepalive_disable), "msie6", "browsers that are not kept alive" },
    { "lingering_close", IN_HTTP_ALL, ARGS(1), &as_lingering.type, FIELD(lingering_close), "on",
      "read off what a client still sends before its connection is closed" },
    { "lingering_time", IN_HTTP_ALL, ARGS(1), &as_time, FIELD(lingering_time), "30s",
      "longest time of reading off" },
    { "lingering_timeout", IN_HTTP_ALL, ARGS(1), &as_time, FIELD(lingering_timeout), "5s",
      "longest pause while reading off" },
    { "reset_timedout_connection", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(reset_timedout_connection),
      "off", "reset, not close, a connection that timed out" },
    { "tcp_nodelay", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(tcp_nodelay), "on",
      "send a kept-alive connection's answers without waiting for ACKs" },
    { "tcp_nopush", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(tcp_nopush), "off",
      "send head and file in full packets (muxd always does)" },
    { "chunked_transfer_encoding", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(chunked_transfer_encoding),
      "on", "answer HTTP/1.1 in chunks when the length is unknown" },
    { "postpone_output", IN_HTTP_ALL, ARGS(1), &as_size, FIELD(postpone_output), "1460",
      "accepted; muxd sends when an answer is complete or a buffer full" },
    { "send_lowat", IN_HTTP_ALL, ARGS(1), &as_size, FIELD(send_lowat), "0",
      "accepted; Linux has no SO_SNDLOWAT" },
    { "connection_pool_size", IN_HTTP | IN_SERVER, ARGS(1), &as_size, FIELD(connection_pool_size),
      "512", "accepted; muxd's connections have a fixed size" },
    { "request_pool_size", IN_HTTP | IN_SERVER, ARGS(1), &as_size, FIELD(request_pool_size), "4k",
      "accepted; muxd's arenas grow by blocks" },
    { 0 },
};

static void check(struct conf *conf, struct conf_scope *scope, void *value)
{
    const struct client_settings *settings = value;
    struct position at = { 0 };

    if (scope->node != NULL)
        at = scope->node->words[0].at;
    if (settings->large_client_header_buffers.size < settings->connection_pool_size)
        conf_error(conf, at,
                   "the \"large_client_header_buffers\" size must be equal to or greater than "
                   "\"connection_pool_size\"");
}

const struct conf_module client_module = {
    .name = "core",
    .id = MODULE_CLIENT,
    .size = sizeof(struct client_settings),
    .directives = client_directives,
    .check = check,
};
