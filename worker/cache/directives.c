/* The cache's directives, which all protocols have alike: proxy_cache, fastcgi_cache ... */
#include "worker/cache/cache.h"
#include "worker/upstream/exchange_settings.h"

#define FIELD(name) offsetof(struct exchange_settings, name)

const struct directive cache_directives[] = {
    { "_cache_path", IN_HTTP, ARGS_REPEATED(2, 255), &as_cache_path, 0, NULL,
      "a folder that answers are kept in, and the zone that knows them" },
    { "_cache", IN_HTTP_ALL, ARGS(1), &as_cache_choice, FIELD(cache.choice), "off",
      "zone of the cache that is used" },
    { "_cache_key", IN_HTTP_ALL, ARGS(1), &as_template, FIELD(cache.key), NULL,
      "what answers are kept under" },
    { "_cache_valid", IN_HTTP_ALL, ARGS_REPEATED(1, 255), &as_cache_valid, FIELD(cache.valid), NULL,
      "how long answers are good that do not say so themselves" },
    { "_cache_use_stale", IN_HTTP_ALL, ARGS_FROM(1), &as_cache_use_stale, FIELD(cache.use_stale),
      "off", "failures at which an answer that is too old is sent" },
    { "_cache_methods", IN_HTTP_ALL, ARGS_FROM(1), &as_cache_methods, FIELD(cache.methods),
      "GET HEAD", "methods whose answers are kept, beside GET and HEAD" },
    { "_cache_bypass", IN_HTTP_ALL, ARGS_FROM(1), &as_conditions, FIELD(cache.bypass), NULL,
      "conditions under which the upstream is asked in any case" },
    { "_no_cache", IN_HTTP_ALL, ARGS_FROM(1), &as_conditions, FIELD(cache.no_cache), NULL,
      "conditions under which an answer is not kept" },
    { "_cache_purge", IN_HTTP_ALL, ARGS_FROM(1), &as_conditions, FIELD(cache.purge), NULL,
      "conditions under which a request removes what is kept under its key" },
    { "_cache_min_uses", IN_HTTP_ALL, ARGS(1), &as_number, FIELD(cache.min_uses), "1",
      "requests after which an answer is kept" },
    { "_cache_max_range_offset", IN_HTTP_ALL, ARGS(1), &as_offset, FIELD(cache.max_range_offset),
      "9223372036854775807", "a range that begins behind it goes to the upstream as it is" },
    { "_cache_lock", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(cache.lock), "off",
      "have one request fetch an answer, and others wait for it" },
    { "_cache_lock_timeout", IN_HTTP_ALL, ARGS(1), &as_time, FIELD(cache.lock_timeout), "5s",
      "wait no longer than this; the answer is not kept then" },
    { "_cache_lock_age", IN_HTTP_ALL, ARGS(1), &as_time, FIELD(cache.lock_age), "5s",
      "after this another request may fetch the answer too" },
    { "_cache_revalidate", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(cache.revalidate), "off",
      "ask whether an answer that is too old has changed" },
    { "_cache_background_update", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(cache.background_update),
      "off", "fetch a new answer while the old one is sent" },
    { 0 },
};
