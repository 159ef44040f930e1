/* exchange_directives.h: the directives that all protocols have alike, as rows of a module's
 * table: proxy_buffering, fastcgi_buffering ... Their fields are those of a struct
 * exchange_settings named `exchange`, with which the module's struct begins. */
#ifndef MUXD_WORKER_UPSTREAM_EXCHANGE_DIRECTIVES_H
#define MUXD_WORKER_UPSTREAM_EXCHANGE_DIRECTIVES_H

#include "worker/upstream/exchange_settings.h"

/* clang-format off */
/* The names are literals, put together by the compiler: a function cannot do that. */
#define EXCHANGE_DIRECTIVES(prefix, settings)                                                     \
    { prefix "_pass_request_headers", IN_HTTP_ALL, ARGS(1), &as_flag,                             \
      offsetof(settings, exchange.pass_request_headers), "on", "hand on the client's fields" },   \
    { prefix "_pass_request_body", IN_HTTP_ALL, ARGS(1), &as_flag,                                \
      offsetof(settings, exchange.pass_request_body), "on", "hand on the client's body" },        \
    { prefix "_bind", IN_HTTP_ALL, ARGS_BETWEEN(1, 2), &as_bind,                                  \
      offsetof(settings, exchange.bind), NULL, "local address to connect from" },                 \
    { prefix "_socket_keepalive", IN_HTTP_ALL, ARGS(1), &as_flag,                                 \
      offsetof(settings, exchange.socket_keepalive), "off",                                       \
      "probe idle connections to the upstream (SO_KEEPALIVE)" },                                  \
    { prefix "_connect_timeout", IN_HTTP_ALL, ARGS(1), &as_time,                                  \
      offsetof(settings, exchange.connect_timeout), "60s", "time for a connection to be made" },  \
    { prefix "_send_timeout", IN_HTTP_ALL, ARGS(1), &as_time,                                     \
      offsetof(settings, exchange.send_timeout), "60s",                                           \
      "longest pause between two writes to the upstream" },                                       \
    { prefix "_read_timeout", IN_HTTP_ALL, ARGS(1), &as_time,                                     \
      offsetof(settings, exchange.read_timeout), "60s",                                           \
      "longest pause between two reads from the upstream" },                                      \
    { prefix "_buffering", IN_HTTP_ALL, ARGS(1), &as_flag,                                        \
      offsetof(settings, exchange.buffering), "on",                                               \
      "read the upstream's answer ahead of a slow client" },                                      \
    { prefix "_request_buffering", IN_HTTP_ALL, ARGS(1), &as_flag,                                \
      offsetof(settings, exchange.request_buffering), "on",                                       \
      "read all of the client's body before the upstream is asked" },                             \
    { prefix "_buffer_size", IN_HTTP_ALL, ARGS(1), &as_size,                                      \
      offsetof(settings, exchange.buffer_size), "4k", "longest head of an answer" },              \
    { prefix "_buffers", IN_HTTP_ALL, ARGS(2), &as_buffers,                                       \
      offsetof(settings, exchange.buffers), "8 4k",                                               \
      "memory that an answer may be read ahead into" },                                           \
    { prefix "_busy_buffers_size", IN_HTTP_ALL, ARGS(1), &as_size,                                \
      offsetof(settings, exchange.busy_buffers_size), NULL,                                       \
      "accepted; muxd sends to the client while it reads" },                                      \
    { prefix "_max_temp_file_size", IN_HTTP_ALL, ARGS(1), &as_offset,                             \
      offsetof(settings, exchange.max_temp_file_size), "1024m",                                   \
      "bytes of an answer that a temporary file may hold; 0: none" },                             \
    { prefix "_temp_file_write_size", IN_HTTP_ALL, ARGS(1), &as_size,                             \
      offsetof(settings, exchange.temp_file_write_size), NULL,                                    \
      "accepted; muxd writes what one read brings" },                                             \
    { prefix "_temp_path", IN_HTTP_ALL, ARGS_BETWEEN(1, 4), &as_temp_path,                        \
      offsetof(settings, exchange.temp_path), prefix "_temp", "folder of the temporary files" },  \
    { prefix "_limit_rate", IN_HTTP_ALL, ARGS(1), &as_size,                                       \
      offsetof(settings, exchange.limit_rate), "0",                                               \
      "bytes a second read from the upstream for one request; 0: any" },                          \
    { prefix "_pass_header", IN_HTTP_ALL, ARGS_REPEATED(1, 1), &as_header_names,                  \
      offsetof(settings, exchange.pass), NULL,                                                    \
      "a field of the answer that is handed on, though it usually is not" },                      \
    { prefix "_hide_header", IN_HTTP_ALL, ARGS_REPEATED(1, 1), &as_header_names,                  \
      offsetof(settings, exchange.hide), NULL, "a field of the answer that is not handed on" },   \
    { prefix "_ignore_headers", IN_HTTP_ALL, ARGS_FROM(1), &as_ignored_headers,                   \
      offsetof(settings, exchange.ignore), NULL, "fields of the answer that are not acted on" },  \
    { prefix "_intercept_errors", IN_HTTP_ALL, ARGS(1), &as_flag,                                 \
      offsetof(settings, exchange.intercept_errors), "off",                                       \
      "show pages of error_page in place of the upstream's" },                                    \
    { prefix "_ignore_client_abort", IN_HTTP_ALL, ARGS(1), &as_flag,                              \
      offsetof(settings, exchange.ignore_client_abort), "off",                                    \
      "let the upstream finish for a client that has left" },                                     \
    { prefix "_next_upstream", IN_HTTP_ALL, ARGS_FROM(1), &as_next_upstream,                      \
      offsetof(settings, exchange.next_upstream), "error timeout",                                \
      "failures after which another server is asked" },                                           \
    { prefix "_next_upstream_tries", IN_HTTP_ALL, ARGS(1), &as_number,                            \
      offsetof(settings, exchange.next_tries), "0", "servers that are asked at most; 0: all" },   \
    { prefix "_next_upstream_timeout", IN_HTTP_ALL, ARGS(1), &as_time,                            \
      offsetof(settings, exchange.next_timeout), "0",                                             \
      "time within which another server is asked; 0: any" },                                      \
    { prefix "_force_ranges", IN_HTTP_ALL, ARGS(1), &as_flag,                                     \
      offsetof(settings, exchange.force_ranges), "off",                                           \
      "honour Range in answers that do not say so" },                                             \
    { prefix "_store", IN_HTTP_ALL, ARGS(1), &as_store, offsetof(settings, exchange.store), NULL, \
      "keep answers as files where root or alias, or the path, says" },                           \
    { prefix "_store_access", IN_HTTP_ALL, ARGS_BETWEEN(1, 3), &as_store_access,                  \
      offsetof(settings, exchange.store_access), "user:rw", "permissions of stored files" }
/* clang-format on */

#endif
