/* Compressing an answer while it is sent. */
#include "common/gzip.h"
#include "worker/context.h"
#include "worker/http/accept_encoding.h"
#include "worker/http/filters.h"
#include "worker/http/gzip.h"
#include "worker/http/stream.h"
#include "worker/http/variables.h"
#include "worker/net/turn.h"

enum { INPUT_SIZE = 16 * 1024 }; /* bytes of the body read at a time */

/* One answer on its way. Its memory, a buffer of the worker's pool, holds the writer and
 * behind it what was read of the body. */
struct gzip_stream {
    struct stream stream;
    struct stream *source;
    struct buffer *memory; /* NULL: given back */
    struct slice input;    /* read and not compressed yet */
    bool whole;            /* the source has ended */
    uint64_t taken, made;  /* when done: for $gzip_ratio */
};

/* --- the body --- */

static struct gzip_writer *writer_of(struct gzip_stream *own)
{
    return (struct gzip_writer *)own->memory->data;
}

static size_t writer_room(void)
{
    return (gzip_writer_size() + 15) / 16 * 16;
}

size_t gzip_writer_memory(void)
{
    return writer_room() + INPUT_SIZE;
}

/* Called at the end of the body, and of the request. */
static void give_back(struct request *request, void *stream)
{
    struct gzip_stream *own = stream;

    if (own->memory == NULL)
        return;
    own->taken = gzip_written_from(writer_of(own));
    own->made = gzip_written(writer_of(own));
    buffer_give(&request->worker->gzip_writers, own->memory);
    own->memory = NULL;
}

static enum stream_result read_source(struct gzip_stream *own, struct request *request)
{
    char *room = own->memory->data + writer_room();
    size_t got = 0;
    enum stream_result result = own->source->read(own->source, request, room, INPUT_SIZE, &got);

    own->whole = result == STREAM_END;
    own->input = slice_make(room, result == STREAM_FAILED ? 0 : got);
    return result;
}

/* While the source has nothing, what it gave until then is sent: it may be all that the
 * client is to see for long. */
static enum deflate_flush flush_for(const struct gzip_stream *own, enum stream_result source)
{
    if (own->whole)
        return DEFLATE_FINISH;
    return source == STREAM_WAIT ? DEFLATE_SYNC : DEFLATE_MORE;
}

/* Some of the input; `made` is what of it came out. */
static enum deflate_result compress_some(struct gzip_stream *own, struct connection *connection,
                                         enum deflate_flush flush, char *room, size_t len,
                                         size_t *made)
{
    size_t before = own->input.len;
    enum deflate_result result = gzip_write(writer_of(own), &own->input, flush, room, len, made);

    turn_count(connection, (uint32_t)(before - own->input.len) * DEFLATE_WORK);
    return result;
}

/* What can be compressed to nearly nothing is a long work for few bytes: it ends with the
 * connection's turn, if nothing has come out by then. */
static enum stream_result compress(struct stream *stream, struct request *request, char *room,
                                   size_t len, size_t *made)
{
    struct gzip_stream *own = (struct gzip_stream *)stream;
    enum stream_result source = STREAM_SOME;

    *made = 0;
    do {
        size_t here;
        if (own->input.len == 0 && !own->whole)
            source = read_source(own, request);
        if (source == STREAM_FAILED)
            return STREAM_FAILED;
        enum deflate_result result = compress_some(own, request->connection, flush_for(own, source),
                                                   room + *made, len - *made, &here);
        *made += here;
        if (result == DEFLATE_NEEDS_ROOM)
            return STREAM_SOME;
        if (result == DEFLATE_ENDED) {
            give_back(request, own);
            return STREAM_END;
        }
        if (source == STREAM_WAIT)
            return *made > 0 ? STREAM_SOME : STREAM_WAIT;
    } while (!turn_is_over(request->connection));
    return STREAM_SOME;
}

/* --- the head --- */

static bool is_wanted(struct request *request, const struct gzip_settings *settings)
{
    struct response *response = &request->response;

    if (response->status != 200 && response->status != 403 && response->status != 404)
        return false;
    if (response->length_known && response->length < settings->min_length)
        return false;
    return mime_types_match(&settings->types, response->content_type) &&
           response_encoding(response) == NULL;
}

/* NULL: memory is out; the body stays what it was. */
static struct gzip_stream *new_stream(struct request *request, const struct gzip_settings *settings)
{
    const struct response *response = &request->response;
    struct gzip_stream *own = arena_zalloc(&request->arena, sizeof *own);

    if (own == NULL)
        return NULL;
    own->stream.read = compress;
    own->memory = buffer_take(&request->worker->gzip_writers);
    if (own->memory == NULL)
        return NULL;
    if (!request_at_end(request, give_back, own)) {
        buffer_give(&request->worker->gzip_writers, own->memory);
        return NULL;
    }
    gzip_writer_init(writer_of(own), (int)settings->comp_level,
                     response->length_known && response->length < SIZE_MAX
                         ? (size_t)response->length
                         : SIZE_MAX);
    return own;
}

/* Without memory for it the answer is not compressed: every client takes it so. */
static bool begin(struct request *request, const struct gzip_settings *settings)
{
    struct gzip_stream *own = NULL;

    if (!request->head_only) {
        own = new_stream(request, settings);
        if (own == NULL) {
            request_log(request, LOG_LEVEL_WARN, 0, "no memory to compress an answer");
            return true;
        }
        own->source = stream_of_response(request);
        if (own->source == NULL)
            return false;
        request->response.stream = &own->stream;
        request->gzip = own;
    }
    return response_will_change(request) &&
           response_add(request, SLICE("Content-Encoding"), SLICE("gzip"));
}

bool filter_gzip(struct request *request)
{
    const struct gzip_settings *settings = gzip_settings(request);

    if (!settings->on || !is_wanted(request, settings))
        return true;
    request->vary_encoding = true;
    return !request_accepts_gzip(request) || begin(request, settings);
}

/* --- $gzip_ratio --- */

/* How many times smaller, with two digits; no value when nothing was compressed. */
static bool gzip_ratio(struct request *request, struct slice argument, struct slice *value)
{
    const struct gzip_stream *own = request->gzip;

    (void)argument;
    if (own == NULL || own->made == 0)
        return false;
    uint64_t hundredths = (own->taken * 1000 / own->made + 5) / 10;
    *value = arena_printf(&request->arena, "%llu.%02llu", (unsigned long long)(hundredths / 100),
                          (unsigned long long)(hundredths % 100));
    return value->at != NULL;
}

const struct variable gzip_variables[] = {
    { "gzip_ratio", gzip_ratio },
    { NULL, NULL },
};
