/* What `muxd -V` says is built in has all the directives that belong to it. */
#include "tests/unit/unit.h"
#include "worker/event/loop.h"
#include "worker/modules.h"
#include "worker/worker.h"

struct family {
    const char *name;
    const char *directives; /* separated by one space */
};

static const struct family families[] = {
    { "access", "allow deny" },
    { "addition", "add_before_body add_after_body addition_types" },
    { "auth_basic", "auth_basic auth_basic_user_file" },
    { "auth_request", "auth_request auth_request_set" },
    { "autoindex", "autoindex autoindex_exact_size autoindex_format autoindex_localtime" },
    { "cache",
      "proxy_cache proxy_cache_path proxy_cache_key proxy_cache_valid proxy_cache_use_stale "
      "proxy_cache_lock proxy_cache_lock_timeout proxy_cache_lock_age "
      "proxy_cache_revalidate proxy_cache_background_update proxy_cache_bypass "
      "proxy_no_cache proxy_cache_min_uses proxy_cache_methods "
      "proxy_cache_convert_head proxy_cache_max_range_offset proxy_cache_purge" },
    { "charset", "charset charset_map charset_types override_charset source_charset" },
    { "dav", "create_full_put_path dav_access dav_methods min_delete_depth" },
    { "empty_gif", "empty_gif" },
    { "fastcgi", "fastcgi_pass fastcgi_param fastcgi_index fastcgi_split_path_info "
                 "fastcgi_keep_conn fastcgi_intercept_errors fastcgi_buffering fastcgi_buffers "
                 "fastcgi_next_upstream fastcgi_hide_header fastcgi_pass_header" },
    { "geo", "geo" },
    { "gunzip", "gunzip gunzip_buffers" },
    { "gzip", "gzip gzip_buffers gzip_comp_level gzip_disable gzip_http_version gzip_min_length "
              "gzip_proxied gzip_types gzip_vary" },
    { "gzip_static", "gzip_static" },
    { "headers", "add_header add_trailer expires" },
    { "index", "index" },
    { "limit_conn", "limit_conn limit_conn_zone limit_conn_dry_run limit_conn_log_level "
                    "limit_conn_status" },
    { "limit_req", "limit_req limit_req_zone limit_req_dry_run limit_req_log_level "
                   "limit_req_status" },
    { "log", "access_log log_format open_log_file_cache" },
    { "map", "map map_hash_bucket_size map_hash_max_size" },
    { "mirror", "mirror mirror_request_body" },
    { "proxy", "proxy_pass proxy_set_header proxy_redirect proxy_http_version proxy_buffering "
               "proxy_buffers proxy_buffer_size proxy_busy_buffers_size proxy_bind "
               "proxy_connect_timeout proxy_send_timeout proxy_read_timeout proxy_next_upstream "
               "proxy_next_upstream_tries proxy_next_upstream_timeout proxy_hide_header "
               "proxy_pass_header proxy_ignore_headers proxy_method proxy_set_body "
               "proxy_pass_request_headers proxy_pass_request_body proxy_cookie_domain "
               "proxy_cookie_path proxy_cookie_flags proxy_intercept_errors proxy_store "
               "proxy_max_temp_file_size proxy_request_buffering proxy_limit_rate "
               "proxy_force_ranges proxy_ignore_client_abort proxy_socket_keepalive" },
    { "realip", "set_real_ip_from real_ip_header real_ip_recursive" },
    { "referer", "valid_referers referer_hash_bucket_size referer_hash_max_size" },
    { "rewrite", "break if return rewrite rewrite_log set uninitialized_variable_warn" },
    { "scgi", "scgi_pass scgi_param scgi_buffering scgi_intercept_errors scgi_next_upstream" },
    { "secure_link", "secure_link secure_link_md5 secure_link_secret" },
    { "split_clients", "split_clients" },
    { "static", "root alias types default_type" },
    { "stub_status", "stub_status" },
    { "sub", "sub_filter sub_filter_last_modified sub_filter_once sub_filter_types" },
    { "try_files", "try_files" },
    { "upstream", "upstream resolver" },
    { "upstream_hash", "hash" },
    { "upstream_hc", "health_check match" },
    { "upstream_ip_hash", "ip_hash" },
    { "upstream_keepalive", "keepalive keepalive_requests keepalive_time keepalive_timeout" },
    { "upstream_least_conn", "least_conn" },
    { "upstream_random", "random" },
    { "upstream_sticky", "sticky" },
    { "upstream_zone", "zone" },
    { "uwsgi", "uwsgi_pass uwsgi_param uwsgi_buffering uwsgi_intercept_errors "
               "uwsgi_next_upstream" },
};

static struct arena arena;

static bool has_directive(struct slice name)
{
    const struct conf_module *const *modules =
        conf_modules_whole(&arena, worker_modules, WORKER_MODULES);
    const struct conf_module *module;

    return directive_find(modules, WORKER_MODULES, name, &module) != NULL;
}

/* The word of a list that is separated by single blanks, which is taken off it. */
static struct slice next_word(struct slice *list)
{
    ptrdiff_t blank = slice_find(*list, ' ');
    struct slice word = blank < 0 ? *list : slice_first(*list, (size_t)blank);

    *list = slice_from(*list, blank < 0 ? list->len : (size_t)blank + 1);
    return word;
}

START_TEST(each_directive_of_a_family_is_there)
{
    struct slice directives = slice_of(families[_i].directives);

    arena_init(&arena, NULL);
    while (directives.len > 0) {
        struct slice name = next_word(&directives);
        ck_assert_msg(has_directive(name), "%.*s", (int)name.len, name.at);
    }
    arena_free(&arena);
}
END_TEST

START_TEST(loops_and_families_are_listed)
{
    arena_init(&arena, NULL);
    struct slice list = worker_features(&arena);
    for (const char *const *name = loop_names(); *name != NULL; name++)
        ck_assert(slice_is(next_word(&list), *name));
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        struct slice name = next_word(&list);
        ck_assert_msg(slice_is(name, families[i].name), "%.*s", (int)name.len, name.at);
    }
    ck_assert_uint_eq(list.len, 0);
    arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("features");
    TCase *tcase = tcase_create("features");

    tcase_add_loop_test(tcase, each_directive_of_a_family_is_there, 0,
                        sizeof families / sizeof *families);
    tcase_add_test(tcase, loops_and_families_are_listed);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
