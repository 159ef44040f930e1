/* empty_gif: a transparent picture of one pixel, for pages that count their readers. */
#include "worker/handlers/handlers.h"
#include "worker/http/core.h"
#include "worker/http/request.h"

/* clang-format off */
static const char picture[] = {
    'G', 'I', 'F', '8', '9', 'a',
    1, 0, 1, 0,                 /* one pixel by one */
    '\x80', 1, 0,               /* two colours; the second is the background */
    0, 0, 0, '\xff', '\xff', '\xff',
    0x21, '\xf9', 4, 1, 0, 0, 1, 0, /* the second colour is transparent */
    0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0,
    2, 2, 0x4c, 1, 0,           /* the pixel, by LZW */
    0x3b,
};
/* clang-format on */

enum { DRAWN = 23349600 /* seconds since 1970, as nginx's */ };

static int empty_gif_handler(struct request *request)
{
    struct response *response = &request->response;

    if (request->method != METHOD_GET && request->method != METHOD_HEAD)
        return 405;
    response->status = 200;
    response->content_type = SLICE("image/gif");
    response->last_modified = DRAWN;
    response->last_modified_text = SLICE("Mon, 28 Sep 1970 06:00:00 GMT");
    return response_text(request, slice_make(picture, sizeof picture)) ? DONE : 500;
}

static void set_empty_gif(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                          const struct directive *directive, void *value)
{
    (void)node, (void)directive, (void)value;
    http_set_handler(conf, scope, empty_gif_handler);
}

static const struct value_type as_empty_gif = { "", 0, set_empty_gif };

static const struct directive empty_gif_directives[] = {
    { "empty_gif", IN_LOCATION, ARGS_LOCAL(0, 0), &as_empty_gif, 0, NULL,
      "answer with a transparent GIF of one pixel" },
    { 0 },
};

const struct conf_module empty_gif_module = {
    .name = "empty_gif",
    .id = MODULE_EMPTY_GIF,
    .size = 0,
    .directives = empty_gif_directives,
};
