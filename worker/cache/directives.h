/* directives.h: the cache's directives as rows of the table of each protocol's module:
 * proxy_cache, fastcgi_cache ... Their fields are those of a struct exchange_settings named
 * `exchange`, with which the module's struct begins. */
#ifndef MUXD_WORKER_CACHE_DIRECTIVES_H
#define MUXD_WORKER_CACHE_DIRECTIVES_H

#include "worker/cache/cache.h"
#include "worker/upstream/exchange_settings.h"

/* clang-format off */
/* The names are literals, put together by the compiler: a function cannot do that. */
#define CACHE_DIRECTIVES(prefix, settings)                                                        \
    { prefix "_cache_path", IN_HTTP, ARGS_REPEATED(2, 255), &as_cache_path, 0, NULL,              \
      "a folder that answers are kept in, and the zone that knows them" },                        \
    { prefix "_cache", IN_HTTP_ALL, ARGS(1), &as_cache_choice,                                    \
      offsetof(settings, exchange.cache.choice), "off", "zone of the cache that is used" },       \
    { prefix "_cache_key", IN_HTTP_ALL, ARGS(1), &as_template,                                    \
      offsetof(settings, exchange.cache.key), NULL, "what answers are kept under" },              \
    { prefix "_cache_valid", IN_HTTP_ALL, ARGS_REPEATED(1, 255), &as_cache_valid,                 \
      offsetof(settings, exchange.cache.valid), NULL,                                             \
      "how long answers are good that do not say so themselves" },                                \
    { prefix "_cache_use_stale", IN_HTTP_ALL, ARGS_FROM(1), &as_cache_use_stale,                  \
      offsetof(settings, exchange.cache.use_stale), "off",                                        \
      "failures at which an answer that is too old is sent" },                                    \
    { prefix "_cache_methods", IN_HTTP_ALL, ARGS_FROM(1), &as_cache_methods,                      \
      offsetof(settings, exchange.cache.methods), "GET HEAD",                                     \
      "methods whose answers are kept, beside GET and HEAD" },                                    \
    { prefix "_cache_bypass", IN_HTTP_ALL, ARGS_FROM(1), &as_conditions,                          \
      offsetof(settings, exchange.cache.bypass), NULL,                                            \
      "conditions under which the upstream is asked in any case" },                               \
    { prefix "_no_cache", IN_HTTP_ALL, ARGS_FROM(1), &as_conditions,                              \
      offsetof(settings, exchange.cache.no_cache), NULL,                                          \
      "conditions under which an answer is not kept" },                                           \
    { prefix "_cache_purge", IN_HTTP_ALL, ARGS_FROM(1), &as_conditions,                           \
      offsetof(settings, exchange.cache.purge), NULL,                                             \
      "conditions under which a request removes what is kept under its key" },                    \
    { prefix "_cache_min_uses", IN_HTTP_ALL, ARGS(1), &as_number,                                 \
      offsetof(settings, exchange.cache.min_uses), "1",                                           \
      "requests after which an answer is kept" },                                                 \
    { prefix "_cache_max_range_offset", IN_HTTP_ALL, ARGS(1), &as_offset,                         \
      offsetof(settings, exchange.cache.max_range_offset), "9223372036854775807",                 \
      "a range that begins behind it goes to the upstream as it is" },                            \
    { prefix "_cache_lock", IN_HTTP_ALL, ARGS(1), &as_flag,                                       \
      offsetof(settings, exchange.cache.lock), "off",                                             \
      "have one request fetch an answer, and others wait for it" },                               \
    { prefix "_cache_lock_timeout", IN_HTTP_ALL, ARGS(1), &as_time,                               \
      offsetof(settings, exchange.cache.lock_timeout), "5s",                                      \
      "wait no longer than this; the answer is not kept then" },                                  \
    { prefix "_cache_lock_age", IN_HTTP_ALL, ARGS(1), &as_time,                                   \
      offsetof(settings, exchange.cache.lock_age), "5s",                                          \
      "after this another request may fetch the answer too" },                                    \
    { prefix "_cache_revalidate", IN_HTTP_ALL, ARGS(1), &as_flag,                                 \
      offsetof(settings, exchange.cache.revalidate), "off",                                       \
      "ask whether an answer that is too old has changed" },                                      \
    { prefix "_cache_background_update", IN_HTTP_ALL, ARGS(1), &as_flag,                          \
      offsetof(settings, exchange.cache.background_update), "off",                                \
      "fetch a new answer while the old one is sent" }
/* clang-format on */

#endif
