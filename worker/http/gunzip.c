/* gunzip: answers that are in gzip, for clients that do not take it. */
#include "common/gzip.h"
#include "conf/values.h"
#include "worker/context.h"
#include "worker/http/accept_encoding.h"
#include "worker/http/filters.h"
#include "worker/http/request.h"
#include "worker/http/stream.h"

enum {
    INPUT_SIZE = 8 * 1024,    /* bytes of the body read at a time */
    BARREN_MAX = 1024 * 1024, /* bytes of a body that may be read without any coming of it */
};

struct gunzip_settings {
    bool on;
    struct buffers_value buffers; /* accepted: a body is made as it is sent */
};

/* One answer on its way. Its memory, a buffer of the worker's pool, holds the reader and
 * behind it what was read of the body. */
struct gunzip_stream {
    struct stream stream;
    struct stream *source;
    struct buffer *memory; /* NULL: given back */
    struct slice input;    /* read and not decoded yet */
    bool whole;            /* the source has ended */
};

/* --- the body --- */

static struct gzip_reader *reader_of(struct gunzip_stream *own)
{
    return (struct gzip_reader *)own->memory->data;
}

static size_t reader_room(void)
{
    return (gzip_reader_size() + 15) / 16 * 16;
}

size_t gzip_reader_memory(void)
{
    return reader_room() + INPUT_SIZE;
}

/* Called at the end of the body, and of the request. */
static void give_back(struct request *request, void *stream)
{
    struct gunzip_stream *own = stream;

    buffer_give(&request->worker->gzip_readers, own->memory);
    own->memory = NULL;
}

static enum stream_result read_source(struct gunzip_stream *own, struct request *request)
{
    char *room = own->memory->data + reader_room();
    size_t got = 0;
    enum stream_result result = own->source->read(own->source, request, room, INPUT_SIZE, &got);

    own->whole = result == STREAM_END;
    own->input = slice_make(room, result == STREAM_FAILED ? 0 : got);
    return result;
}

static enum stream_result refuse(struct request *request, const char *why)
{
    request_log(request, LOG_LEVEL_ERROR, 0, "an answer in gzip %s", why);
    return STREAM_FAILED;
}

/* All of the body was read. */
static enum stream_result end(struct gunzip_stream *own, struct request *request, bool complete)
{
    give_back(request, own);
    return complete ? STREAM_END : refuse(request, "was cut short");
}

static enum stream_result decompress(struct stream *stream, struct request *request, char *room,
                                     size_t len, size_t *made)
{
    struct gunzip_stream *own = (struct gunzip_stream *)stream;
    enum stream_result source = STREAM_SOME;
    size_t barren = 0;

    *made = 0;
    while (barren < BARREN_MAX) {
        size_t here;
        if (own->input.len == 0 && !own->whole)
            source = read_source(own, request);
        if (source == STREAM_FAILED)
            return STREAM_FAILED;
        barren += own->input.len;
        enum gzip_result result =
            gzip_read(reader_of(own), &own->input, room + *made, len - *made, &here);
        *made += here;
        if (result == GZIP_BAD)
            return refuse(request, "is damaged");
        if (result == GZIP_NEEDS_ROOM)
            return STREAM_SOME;
        if (own->whole)
            return end(own, request, result == GZIP_COMPLETE);
        if (source == STREAM_WAIT)
            return *made > 0 ? STREAM_SOME : STREAM_WAIT;
    }
    return *made > 0 ? STREAM_SOME : refuse(request, "says nothing");
}

/* --- the head --- */

static bool is_wanted(struct request *request)
{
    const struct response_field *encoding = response_encoding(&request->response);

    return encoding != NULL && slice_is_nocase(encoding->value, "gzip");
}

static struct gunzip_stream *new_stream(struct request *request)
{
    struct gunzip_stream *own = arena_zalloc(&request->arena, sizeof *own);

    if (own == NULL)
        return NULL;
    own->stream.read = decompress;
    own->memory = buffer_take(&request->worker->gzip_readers);
    if (own->memory == NULL)
        return NULL;
    if (!request_at_end(request, give_back, own)) {
        buffer_give(&request->worker->gzip_readers, own->memory);
        return NULL;
    }
    gzip_reader_init(reader_of(own));
    own->source = stream_of_response(request);
    return own->source == NULL ? NULL : own;
}

static bool begin(struct request *request)
{
    struct gunzip_stream *own;

    if (!request->head_only) {
        own = new_stream(request);
        if (own == NULL)
            return false;
        request->response.stream = &own->stream;
    }
    response_encoding(&request->response)->hidden = true;
    return response_will_change(request);
}

bool filter_gunzip(struct request *request)
{
    const struct gunzip_settings *settings = request_settings(request, MODULE_GUNZIP);

    if (!settings->on || !is_wanted(request))
        return true;
    request->vary_encoding = true;
    return request_accepts_gzip(request) || begin(request);
}

/* --- the table --- */

static const struct directive gunzip_directives[] = {
    { "gunzip", IN_HTTP_ALL, ARGS(1), &as_flag, offsetof(struct gunzip_settings, on), "off",
      "decompress answers in gzip for clients that do not take it" },
    { "gunzip_buffers", IN_HTTP_ALL, ARGS(2), &as_buffers,
      offsetof(struct gunzip_settings, buffers), "32 4k",
      "accepted; muxd decompresses as much as the client takes" },
    { 0 },
};

const struct conf_module gunzip_module = {
    .name = "gunzip",
    .id = MODULE_GUNZIP,
    .size = sizeof(struct gunzip_settings),
    .directives = gunzip_directives,
};
