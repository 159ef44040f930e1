#include "worker/http/subrequest.h"

#include "worker/context.h"
#include "worker/http/access_log.h"
#include "worker/http/body.h"
#include "worker/http/core.h"
#include "worker/http/filters.h"
#include "worker/http/phases.h"

/* --- making one --- */

/* A request that is no subrequest is at depth 0. */
static unsigned depth_of(const struct request *request)
{
    return request->subrequest == NULL ? 0 : request->subrequest->depth;
}

static bool too_many(struct request *parent, const struct subrequest_wish *wish)
{
    if (depth_of(parent) >= SUBREQUEST_DEPTH_MAX) {
        request_log(parent, LOG_LEVEL_ERROR, 0, "subrequests cycle while processing \"%.*s\"",
                    (int)wish->uri.len, wish->uri.at);
        return true;
    }
    if (request_main(parent)->subrequest_count >= SUBREQUESTS_MAX) {
        request_log(parent, LOG_LEVEL_ERROR, 0, "too many subrequests while processing \"%.*s\"",
                    (int)wish->uri.len, wish->uri.at);
        return true;
    }
    return false;
}

/* The parent's head, but for the room behind it: its fields stay where they are. */
static void share_head(struct request *request, const struct request *parent)
{
    memcpy(&request->head, &parent->head, offsetof(struct head, inline_fields));
    request->connection = parent->connection;
    request->client = parent->client;
    request->server = parent->server;
    request->settings = parent->server->settings;
    request->host = parent->host;
    request->keep_alive = parent->keep_alive;
    request->expect_done = true;
    request->user_values = parent->user_values;
    request->user_set = parent->user_set;
}

static void ask_for(struct request *request, const struct request *parent,
                    const struct subrequest_wish *wish)
{
    bool body_is_here = parent->body != NULL && parent->body->wanted && parent->body->whole;

    request->uri = wish->uri;
    request->args = wish->args;
    request->has_args = wish->args.len > 0;
    request->internal = true;
    request->uri_replaced = true;
    request->method = wish->method == METHOD_UNKNOWN ? METHOD_GET : wish->method;
    request->body = wish->send_body && body_is_here ? parent->body : NULL;
    request->step = phases_first(PHASE_SERVER_REWRITE);
}

/* The client's request has all of its subrequests in one list. */
static bool join(struct request *request, struct request *parent,
                 const struct subrequest_wish *wish)
{
    struct request *client = request_main(parent);
    struct subrequest *own = arena_zalloc(&request->arena, sizeof *own);

    if (own == NULL)
        return false;
    *own = (struct subrequest){ .parent = parent,
                                .next = client->subrequests,
                                .done = wish->done,
                                .depth = depth_of(parent) + 1,
                                .want_body = wish->want_body,
                                .background = wish->background,
                                .clone = wish->clone };
    request->subrequest = own;
    client->subrequests = request;
    client->subrequest_count++;
    return true;
}

/* No phase before is for it: its parent has been through them. */
static void follow_parent(struct request *request, const struct request *parent)
{
    request->location = parent->location;
    request->settings = parent->settings;
    request->captures = parent->captures;
    request->internal = parent->internal;
    request->uri_replaced = parent->uri_replaced;
    request->has_args = parent->has_args;
    request->redirects = parent->redirects;
    request->step = phases_first(PHASE_CONTENT);
}

struct request *subrequest_start(struct request *parent, const struct subrequest_wish *wish)
{
    if (too_many(parent, wish) || !request_need_variables(parent))
        return NULL;
    struct request *request = request_take(parent->worker);
    if (request == NULL)
        return NULL;
    share_head(request, parent);
    if (!join(request, parent, wish)) {
        request_give(request);
        return NULL;
    }
    ask_for(request, parent, wish);
    if (wish->clone)
        follow_parent(request, parent);
    phases_run(request);
    return request;
}

/* --- its way --- */

bool subrequest_is_done(const struct request *request)
{
    return request->subrequest->answered || request->silent;
}

static void tell(struct request *request)
{
    if (subrequest_is_done(request) && request->subrequest->done != NULL)
        request->subrequest->done(request);
}

void subrequest_resume(struct request *request)
{
    phases_run(request);
    tell(request);
}

void subrequest_conclude(struct request *request, int outcome)
{
    phases_take(request, outcome);
    tell(request);
}

/* --- its answer --- */

static bool has_body(const struct response *response)
{
    return response->status >= 200 && response->status != 204 && response->status != 304 &&
           !response->no_body;
}

/* A part of an answer passes the filters that make its text; those that are about an
 * answer as a whole are the client's request's. */
static bool keep_body(struct request *request)
{
    struct response *response = &request->response;

    if (!filter_gunzip(request) || !filter_sub(request))
        return false;
    response->stream = stream_of_response(request);
    return response->stream != NULL;
}

int subrequest_answer(struct request *request)
{
    struct subrequest *own = request->subrequest;
    struct response *response = &request->response;

    if (!own->want_body || !has_body(response)) {
        response->body = NULL;
        response->stream = NULL;
    } else if (!keep_body(request)) {
        request_log(request, LOG_LEVEL_ALERT, 0, "no memory for the answer of a subrequest");
        request->silent = true;
    }
    own->answered = true;
    return DONE;
}

enum stream_result subrequest_read(struct request *request, char *room, size_t len, size_t *made)
{
    struct stream *stream = request->response.stream;

    *made = 0;
    if (request->silent)
        return STREAM_FAILED;
    if (stream == NULL)
        return STREAM_END;
    enum stream_result result = stream->read(stream, request, room, len, made);
    request->bytes_sent += *made;
    if (result == STREAM_END)
        request->response.stream = NULL;
    return result;
}

/* --- its end --- */

void subrequest_end(struct request *request)
{
    struct subrequest *own = request->subrequest;

    if (own->ended)
        return;
    own->ended = true;
    request->response.body = NULL;
    request->response.stream = NULL;
    if (http_settings(request)->log_subrequest && !request->silent)
        access_log_write(request);
    request_release(request);
}

void subrequests_drop(struct request *client)
{
    struct request *request;

    while ((request = client->subrequests) != NULL) {
        client->subrequests = request->subrequest->next;
        request_release(request);
        request_give(request);
    }
}

bool subrequests_running(const struct request *client)
{
    for (const struct request *request = client->subrequests; request != NULL;
         request = request->subrequest->next)
        if (request->subrequest->background && !subrequest_is_done(request))
            return true;
    return false;
}

struct request *request_main(struct request *request)
{
    while (request->subrequest != NULL)
        request = request->subrequest->parent;
    return request;
}
