#include "worker/http/stream.h"

#include "worker/context.h"
#include "worker/http/request.h"
#include "worker/net/connection.h"

struct segment_stream {
    struct stream stream;
    struct segment *next;
};

static size_t read_memory(struct segment *segment, char *room, size_t len)
{
    struct slice piece = slice_first(segment->memory, len);

    memcpy(room, piece.at, piece.len);
    segment->memory = slice_from(segment->memory, piece.len);
    return piece.len;
}

static enum stream_result read_segments(struct stream *stream, struct request *request, char *room,
                                        size_t len, size_t *made)
{
    struct segment_stream *own = (struct segment_stream *)stream;
    size_t done = 0;

    while (own->next != NULL && done < len) {
        struct segment *segment = own->next;
        if (segment_length(segment) == 0) {
            own->next = segment->next;
            continue;
        }
        size_t got = segment_is_memory(segment)
                         ? read_memory(segment, room + done, len - done)
                         : segment_read(segment, request, room + done, len - done);
        if (got == 0)
            return STREAM_FAILED;
        done += got;
    }
    while (own->next != NULL && segment_length(own->next) == 0)
        own->next = own->next->next;
    *made = done;
    return own->next == NULL ? STREAM_END : STREAM_SOME;
}

struct stream *stream_of_segments(struct request *request)
{
    struct segment_stream *own = arena_zalloc(&request->arena, sizeof *own);

    if (own == NULL)
        return NULL;
    own->stream.read = read_segments;
    own->next = request->response.body;
    request->response.body = NULL;
    return &own->stream;
}

struct stream *stream_of_response(struct request *request)
{
    struct stream *stream = request->response.stream;

    return stream != NULL ? stream : stream_of_segments(request);
}

void stream_resume(struct request *request)
{
    if (request->connection->state == CONNECTION_SEND)
        connection_drive(request->connection);
}
