#include "worker/http/stream.h"

#include "worker/context.h"
#include "worker/handlers/file_cache.h"
#include "worker/http/request.h"
#include "worker/net/connection.h"

#include <errno.h>
#include <unistd.h>

struct segment_stream {
    struct stream stream;
    struct segment *next;
};

/* The next bytes of a file; 0 when it has become shorter than it was. */
static size_t read_file(struct segment *segment, char *room, size_t len)
{
    uint64_t left = segment->end - segment->offset;
    ssize_t got;

    do
        got =
            pread(segment->file->fd, room, left < len ? (size_t)left : len, (off_t)segment->offset);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return 0;
    segment->offset += (uint64_t)got;
    return (size_t)got;
}

static size_t read_memory(struct segment *segment, char *room, size_t len)
{
    struct slice piece = slice_first(segment->memory, len);

    memcpy(room, piece.at, piece.len);
    segment->memory = slice_from(segment->memory, piece.len);
    return piece.len;
}

static bool is_empty(const struct segment *segment)
{
    return segment->file != NULL ? segment->offset == segment->end : segment->memory.len == 0;
}

static enum stream_result read_segments(struct stream *stream, struct request *request, char *room,
                                        size_t len, size_t *made)
{
    struct segment_stream *own = (struct segment_stream *)stream;
    size_t done = 0;

    while (own->next != NULL && done < len) {
        struct segment *segment = own->next;
        if (is_empty(segment)) {
            own->next = segment->next;
            continue;
        }
        size_t got = segment->file != NULL ? read_file(segment, room + done, len - done)
                                           : read_memory(segment, room + done, len - done);
        if (got == 0) {
            request_log(request, LOG_LEVEL_ALERT, 0, "file \"%.*s\" was truncated while being sent",
                        (int)segment->file->path.len, segment->file->path.at);
            return STREAM_FAILED;
        }
        done += got;
    }
    while (own->next != NULL && is_empty(own->next))
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
