/* mirror: copies of requests, whose answers nobody looks at. */
#include "conf/values.h"
#include "worker/handlers/handlers.h"
#include "worker/http/subrequest.h"
#include "worker/net/connection.h"

struct mirror_value {
    struct array uris; /* of struct slice */
    bool off;          /* said so */
};

struct mirror_settings {
    struct mirror_value to;
    bool request_body;
};

/* --- mirroring --- */

/* The client's request may have been waiting for nothing else. */
static void mirrored(struct request *subrequest)
{
    struct connection *connection = subrequest->connection;

    subrequest_end(subrequest);
    if (connection->state == CONNECTION_DISCARD)
        connection_drive(connection);
}

/* What becomes of a copy is not the client's matter, not even that it could not be made. */
static int mirror_now(struct request *request)
{
    const struct mirror_settings *settings = request_settings(request, MODULE_MIRROR);
    const struct slice *uris = settings->to.uris.items;

    for (size_t i = 0; i < settings->to.uris.count; i++) {
        struct request *copy = subrequest_start(
            request, &(struct subrequest_wish){ .uri = uris[i],
                                                .args = request->args,
                                                .method = request->method,
                                                .send_body = settings->request_body,
                                                .background = true,
                                                .done = mirrored });
        if (copy != NULL && subrequest_is_done(copy))
            subrequest_end(copy);
    }
    return DECLINED;
}

int mirror_handler(struct request *request)
{
    const struct mirror_settings *settings = request_settings(request, MODULE_MIRROR);

    if (settings->to.uris.count == 0 || request->subrequest != NULL)
        return DECLINED;
    if (settings->request_body) {
        int outcome = request_read_body(request, mirror_now);
        if (outcome != 0)
            return outcome;
    }
    return mirror_now(request);
}

/* --- the directives --- */

/* mirror uri | off */
static void set_mirror(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                       const struct directive *directive, void *value)
{
    struct mirror_value *mirror = value;
    struct slice text = node->words[1].text;
    bool off = slice_is(text, "off");

    (void)scope;
    if (mirror->off || (off && mirror->uris.count > 0)) {
        conf_error(conf, node->words[0].at, "\"%s\" directive is duplicate", directive->name);
        return;
    }
    mirror->off = off;
    if (off)
        return;
    mirror->uris.item_size = sizeof(struct slice);
    struct slice *uri = array_push(&mirror->uris, conf->arena);
    if (uri == NULL)
        conf_error(conf, node->words[0].at, "no memory for a mirror");
    else
        *uri = text;
}

static const struct value_type as_mirror = { "uri | off", sizeof(struct mirror_value), set_mirror };

static const struct directive mirror_directives[] = {
    { "mirror", IN_HTTP_ALL, ARGS_REPEATED(1, 1), &as_mirror, offsetof(struct mirror_settings, to),
      "off", "send a copy of each request to a URI inside the server" },
    { "mirror_request_body", IN_HTTP_ALL, ARGS(1), &as_flag,
      offsetof(struct mirror_settings, request_body), "on",
      "read the body first, and send it along with the copies" },
    { 0 },
};

const struct conf_module mirror_module = {
    .name = "mirror",
    .id = MODULE_MIRROR,
    .size = sizeof(struct mirror_settings),
    .directives = mirror_directives,
};
