/* Directives that tune what muxd does in a way of its own: they are read and checked, so that a
 * configuration that has them loads, and change nothing. */
#include "conf/values.h"
#include "worker/modules.h"

struct accepted_settings {
    bool aio_write, open_file_cache_events;
    uint64_t directio, directio_alignment; /* directio: UINT64_MAX is off */
    uint64_t subrequest_output_buffer_size, proxy_send_lowat, fastcgi_send_lowat;
    struct buffers_value output_buffers;
};

/* aio on | off | threads[=pool] */
static void set_aio(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                    const struct directive *directive, void *value)
{
    const struct word *word = &node->words[1];
    struct slice pool;

    (void)scope, (void)directive, (void)value;
    if (!slice_is(word->text, "on") && !slice_is(word->text, "off") &&
        !slice_is(word->text, "threads") &&
        !(value_option(word->text, "threads", &pool) && pool.len > 0))
        conf_error(conf, word->at, "invalid value \"%.*s\"", (int)word->text.len, word->text.at);
}

/* directio size | off */
static void set_directio(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                         const struct directive *directive, void *value)
{
    uint64_t *size = value;

    *size = UINT64_MAX;
    if (!slice_is(node->words[1].text, "off"))
        as_offset.set(conf, scope, node, directive, size);
}

static const struct value_type as_aio = { "on | off | threads[=pool]", 0, set_aio };
static const struct value_type as_directio = { "size | off", sizeof(uint64_t), set_directio };

#define FIELD(name) offsetof(struct accepted_settings, name)

static const struct directive accepted_directives[] = {
    { "aio", IN_HTTP_ALL, ARGS(1), &as_aio, 0, NULL,
      "accepted; files are sent by sendfile(2) from the page cache" },
    { "aio_write", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(aio_write), "off",
      "accepted; temporary files are written to the page cache" },
    { "directio", IN_HTTP_ALL, ARGS(1), &as_directio, FIELD(directio), "off",
      "accepted; files are sent from the page cache" },
    { "directio_alignment", IN_HTTP_ALL, ARGS(1), &as_offset, FIELD(directio_alignment), "512",
      "accepted; files are sent from the page cache" },
    { "open_file_cache_events", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(open_file_cache_events),
      "off", "accepted; what is known of a file is looked at again by its time" },
    { "output_buffers", IN_HTTP_ALL, ARGS(2), &as_buffers, FIELD(output_buffers), "2 32k",
      "accepted; muxd reads what fits into one of its own buffers" },
    { "subrequest_output_buffer_size", IN_HTTP_ALL, ARGS(1), &as_size,
      FIELD(subrequest_output_buffer_size), "4k",
      "accepted; answers of subrequests are passed on" },
    { "proxy_send_lowat", IN_HTTP_ALL, ARGS(1), &as_size, FIELD(proxy_send_lowat), "0",
      "accepted; Linux has no SO_SNDLOWAT" },
    { "fastcgi_send_lowat", IN_HTTP_ALL, ARGS(1), &as_size, FIELD(fastcgi_send_lowat), "0",
      "accepted; Linux has no SO_SNDLOWAT" },
    { 0 },
};

const struct conf_module accepted_module = {
    .name = "core",
    .id = MODULE_ACCEPTED,
    .size = sizeof(struct accepted_settings),
    .directives = accepted_directives,
};
