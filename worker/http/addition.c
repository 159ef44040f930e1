/* add_before_body, add_after_body: the answers of subrequests, around that of the client's
 * request. */
#include "conf/values.h"
#include "worker/http/filters.h"
#include "worker/http/mime_types.h"
#include "worker/http/subrequest.h"

struct addition_settings {
    struct slice before, after; /* URIs; empty: none */
    struct mime_types types;
};

enum addition_part { PART_BEFORE, PART_OWN, PART_AFTER, PARTS };

struct addition_stream {
    struct stream stream;
    struct stream *source;   /* of PART_OWN */
    struct slice uri[PARTS]; /* of the others; empty: there is none */
    struct request *added;   /* the subrequest of the present part; NULL: not made yet */
    enum addition_part part;
};

/* --- the body --- */

static void added_is_ready(struct request *subrequest)
{
    stream_resume(subrequest);
}

/* The answer of the present part's subrequest, which is made when its turn has come. */
static enum stream_result read_added(struct addition_stream *own, struct request *request,
                                     char *room, size_t len, size_t *made)
{
    struct subrequest_wish wish = {
        .uri = own->uri[own->part], .send_body = true, .want_body = true, .done = added_is_ready
    };

    if (wish.uri.len == 0)
        return STREAM_END;
    if (own->added == NULL)
        own->added = subrequest_start(request, &wish);
    if (own->added == NULL)
        return STREAM_FAILED;
    if (!subrequest_is_done(own->added))
        return STREAM_WAIT;
    enum stream_result result = subrequest_read(own->added, room, len, made);
    if (result != STREAM_END)
        return result;
    subrequest_end(own->added);
    own->added = NULL;
    return STREAM_END;
}

static enum stream_result read_parts(struct stream *stream, struct request *request, char *room,
                                     size_t len, size_t *made)
{
    struct addition_stream *own = (struct addition_stream *)stream;

    *made = 0;
    while (own->part < PARTS) {
        enum stream_result result = own->part == PART_OWN
                                        ? own->source->read(own->source, request, room, len, made)
                                        : read_added(own, request, room, len, made);
        if (result != STREAM_END)
            return result;
        own->part++;
        if (*made > 0)
            break;
    }
    return own->part < PARTS ? STREAM_SOME : STREAM_END;
}

/* --- the head --- */

static bool is_wanted(const struct request *request, const struct addition_settings *settings)
{
    return request->response.status == 200 && request->subrequest == NULL &&
           mime_types_match(&settings->types, request->response.content_type);
}

static bool start(struct request *request, const struct addition_settings *settings)
{
    struct addition_stream *own = arena_zalloc(&request->arena, sizeof *own);

    if (own == NULL)
        return false;
    own->stream.read = read_parts;
    own->uri[PART_BEFORE] = settings->before;
    own->uri[PART_AFTER] = settings->after;
    own->source = stream_of_response(request);
    request->response.stream = &own->stream;
    return own->source != NULL;
}

bool filter_addition(struct request *request)
{
    const struct addition_settings *settings = request_settings(request, MODULE_ADDITION);

    if ((settings->before.len == 0 && settings->after.len == 0) || !is_wanted(request, settings))
        return true;
    return response_will_change(request) && (request->head_only || start(request, settings));
}

/* --- the directives --- */

#define FIELD(name) offsetof(struct addition_settings, name)

static const struct directive addition_directives[] = {
    { "add_before_body", IN_HTTP_ALL, ARGS(1), &as_text, FIELD(before), NULL,
      "send a URI's answer before the body of each answer; \"\": none" },
    { "add_after_body", IN_HTTP_ALL, ARGS(1), &as_text, FIELD(after), NULL,
      "send a URI's answer behind the body of each answer; \"\": none" },
    { "addition_types", IN_HTTP_ALL, ARGS_FROM(1), &as_mime_types, FIELD(types), NULL,
      "MIME types of answers that something is added to, beside text/html" },
    { 0 },
};

const struct conf_module addition_module = {
    .name = "addition",
    .id = MODULE_ADDITION,
    .size = sizeof(struct addition_settings),
    .directives = addition_directives,
};
