/* What upstreams are dealt with like when nothing is said of it: as nginx's documentation has
 * it. Whoever moves here leaves out what was left out there. */
#include "master/settings.h"
#include "tests/unit/unit.h"
#include "worker/upstream/peers.h"

#include <stdio.h>
#include <string.h>

struct row {
    const char *name, *initial;
};

/* Of proxy_..., fastcgi_..., uwsgi_... and scgi_... alike; what is in no table has none. */
static const struct row of_all[] = {
    { "buffer_size", "4k" },
    { "buffering", "on" },
    { "buffers", "8 4k" },
    { "cache", "off" },
    { "cache_background_update", "off" },
    { "cache_lock", "off" },
    { "cache_lock_age", "5s" },
    { "cache_lock_timeout", "5s" },
    { "cache_max_range_offset", "9223372036854775807" }, /* any */
    { "cache_methods", "GET HEAD" },
    { "cache_min_uses", "1" },
    { "cache_revalidate", "off" },
    { "cache_use_stale", "off" },
    { "connect_timeout", "60s" },
    { "force_ranges", "off" },
    { "ignore_client_abort", "off" },
    { "intercept_errors", "off" },
    { "limit_rate", "0" },
    { "max_temp_file_size", "1024m" },
    { "next_upstream", "error timeout" },
    { "next_upstream_timeout", "0" },
    { "next_upstream_tries", "0" },
    { "pass_request_body", "on" },
    { "pass_request_headers", "on" },
    { "read_timeout", "60s" },
    { "request_buffering", "on" },
    { "send_timeout", "60s" },
    { "socket_keepalive", "off" },
    { "store_access", "user:rw" },
};

static const struct row of_one[] = {
    { "proxy_cache_convert_head", "on" },
    { "proxy_headers_hash_bucket_size", "64" },
    { "proxy_headers_hash_max_size", "512" },
    { "proxy_http_version", "1.0" },
    { "proxy_pass_trailers", "off" },
    { "proxy_temp_path", "proxy_temp" },
    { "fastcgi_keep_conn", "off" },
    { "fastcgi_temp_path", "fastcgi_temp" },
    { "uwsgi_modifier1", "0" },
    { "uwsgi_modifier2", "0" },
    { "uwsgi_temp_path", "uwsgi_temp" },
    { "scgi_temp_path", "scgi_temp" },
};

static const struct row of_groups[] = {
    { "keepalive_requests", "1000" },
    { "keepalive_time", "1h" },
    { "keepalive_timeout", "60s" },
};

static const char *find(const struct row *rows, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].initial;
    return "none";
}

#define FIND(rows, name) find(rows, sizeof rows / sizeof *(rows), name)

static const char *expected(const char *module, const char *name)
{
    size_t len = strlen(module);

    if (strcmp(module, "upstream") == 0)
        return FIND(of_groups, name);
    const char *own = FIND(of_one, name);
    if (strcmp(own, "none") != 0 || strncmp(name, module, len) != 0)
        return own;
    return FIND(of_all, name + len + 1);
}

static unsigned check_module(const struct conf_module *module)
{
    unsigned found = 0;

    for (const struct directive *d = module->directives; d->name != NULL; d++) {
        const char *initial = d->initial == NULL ? "none" : d->initial;
        ck_assert_msg(strcmp(initial, expected(module->name, d->name)) == 0, "%s %s, not %s",
                      d->name, initial, expected(module->name, d->name));
        found += d->initial != NULL;
    }
    return found;
}

START_TEST(directives)
{
    static const char *const names[] = { "proxy", "fastcgi", "uwsgi", "scgi", "upstream" };
    enum {
        NAMES = sizeof names / sizeof *names,
        FAMILIES = NAMES - 1,
        ROWS = FAMILIES * (sizeof of_all / sizeof *of_all) + sizeof of_one / sizeof *of_one +
               sizeof of_groups / sizeof *of_groups,
    };
    const struct conf_module *tables[ALL_MODULES];
    struct arena arena;
    unsigned found = 0;

    arena_init(&arena, NULL);
    master_modules(tables);
    const struct conf_module *const *modules = conf_modules_whole(&arena, tables, ALL_MODULES);
    for (size_t i = 0; i < ALL_MODULES; i++)
        for (size_t n = 0; n < NAMES; n++)
            if (strcmp(modules[i]->name, names[n]) == 0)
                found += check_module(modules[i]);
    ck_assert_uint_eq(found, ROWS);
    arena_free(&arena);
}
END_TEST

START_TEST(servers_of_a_group)
{
    ck_assert_uint_eq(server_defaults.weight, 1);
    ck_assert_uint_eq(server_defaults.max_conns, 0);
    ck_assert_uint_eq(server_defaults.max_fails, 1);
    ck_assert_uint_eq(server_defaults.fail_timeout, 10000);
    ck_assert_uint_eq(server_defaults.slow_start, 0);
    ck_assert(!server_defaults.backup && !server_defaults.down);
}
END_TEST

int main(void)
{
    return unit_main(
        unit_suite("defaults", (const TTest *[]){ directives, servers_of_a_group, NULL }));
}
