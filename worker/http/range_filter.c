#include "common/date.h"
#include "worker/handlers/static.h"
#include "worker/http/filters.h"
#include "worker/http/range.h"
#include "worker/http/request.h"
#include "worker/http/stream.h"

#include <limits.h>
#include <sys/random.h>

enum { BOUNDARY_DIGITS = 20 };

/* The answer as it was: its parts are taken out of this. */
struct whole {
    struct segment body; /* a copy of the first segment, with those that follow */
    bool has_body;       /* none for HEAD */
    uint64_t length;
    struct slice content_type;
};

/* One range of a body that is made while it is sent. */
struct range_stream {
    struct stream stream;
    struct stream *source;
    uint64_t skip, left; /* bytes before the range, and of it, still to come */
};

static enum stream_result read_range(struct stream *stream, struct request *request, char *room,
                                     size_t len, size_t *made)
{
    struct range_stream *own = (struct range_stream *)stream;
    enum stream_result result = own->source->read(own->source, request, room, len, made);

    if (result == STREAM_FAILED || result == STREAM_WAIT)
        return result;
    size_t skipped = *made < own->skip ? *made : (size_t)own->skip;
    own->skip -= skipped;
    *made -= skipped;
    if (*made > own->left)
        *made = (size_t)own->left;
    if (skipped > 0)
        memmove(room, room + skipped, *made);
    own->left -= *made;
    if (own->left == 0)
        return STREAM_END;
    return result == STREAM_END ? STREAM_FAILED : STREAM_SOME;
}

static bool stream_range(struct request *request, struct byte_range range)
{
    struct range_stream *own = arena_alloc(&request->arena, sizeof *own);

    if (own == NULL)
        return false;
    *own = (struct range_stream){
        { .read = read_range }, request->response.stream, range.first, range.end - range.first
    };
    request->response.stream = &own->stream;
    return true;
}

/* If-Range names the representation that the client has a part of (RFC 9110 13.1.5):
 * of another one it wants all. */
static bool if_range_holds(const struct request *request)
{
    const struct response *response = &request->response;
    const struct field *if_range = head_known(&request->head, FIELD_IF_RANGE);

    if (if_range == NULL)
        return true;
    struct slice value = if_range->value;
    if (value.len >= 2 && value.at[value.len - 1] == '"')
        return slice_equal(value, response->etag);
    return response->last_modified != -1 && date_parse(value) == response->last_modified;
}

/* Adds the bytes of one range to the new body. */
static bool add_part(struct request *request, const struct whole *whole, struct byte_range range)
{
    uint64_t start = 0; /* of the segment, in the whole */

    if (!whole->has_body)
        return true;
    for (const struct segment *piece = &whole->body; piece != NULL; piece = piece->next) {
        uint64_t end = start + segment_length(piece);
        uint64_t from = range.first > start ? range.first : start;
        uint64_t to = range.end < end ? range.end : end;
        if (from < to && !response_part(request, piece, from - start, to - start))
            return false;
        start = end;
    }
    return true;
}

static int send_one(struct request *request, const struct whole *whole, struct byte_range range)
{
    struct response *response = &request->response;

    response->length = range.end - range.first;
    response->content_range =
        arena_printf(&request->arena, "bytes %llu-%llu/%llu", (unsigned long long)range.first,
                     (unsigned long long)(range.end - 1), (unsigned long long)whole->length);
    bool taken =
        response->stream != NULL ? stream_range(request, range) : add_part(request, whole, range);
    return response->content_range.at != NULL && taken ? 0 : 500;
}

/* A text that the parts do not hold: nobody can guess it. */
static struct slice make_boundary(struct request *request)
{
    uint64_t number;

    if (getrandom(&number, sizeof number, GRND_NONBLOCK) != (ssize_t)sizeof number)
        number = (uintptr_t)request ^ request->started << 20;
    return arena_printf(&request->arena, "%0*llu", BOUNDARY_DIGITS, (unsigned long long)number);
}

static struct slice part_head(struct request *request, const struct whole *whole,
                              struct slice boundary, struct byte_range range)
{
    struct slice type = whole->content_type;
    bool typed = type.len > 0;

    return arena_printf(&request->arena,
                        "\r\n--%.*s%s%.*s\r\nContent-Range: bytes %llu-%llu/%llu\r\n\r\n",
                        (int)boundary.len, boundary.at, typed ? "\r\nContent-Type: " : "",
                        (int)type.len, type.at, (unsigned long long)range.first,
                        (unsigned long long)(range.end - 1), (unsigned long long)whole->length);
}

/* multipart/byteranges (RFC 9110 14.6). */
static int send_many(struct request *request, const struct whole *whole,
                     const struct byte_range *ranges, size_t count)
{
    struct response *response = &request->response;
    struct slice boundary = make_boundary(request);
    struct slice end =
        arena_printf(&request->arena, "\r\n--%.*s--\r\n", (int)boundary.len, boundary.at);

    response->content_type =
        arena_join(&request->arena, SLICE("multipart/byteranges; boundary="), boundary);
    if (boundary.at == NULL || end.at == NULL || response->content_type.at == NULL)
        return 500;
    response->length = end.len;
    for (size_t i = 0; i < count; i++) {
        struct slice head = part_head(request, whole, boundary, ranges[i]);
        if (head.at == NULL || !response_memory(request, head) ||
            !add_part(request, whole, ranges[i]))
            return 500;
        response->length += head.len + (ranges[i].end - ranges[i].first);
    }
    return response_memory(request, end) ? 0 : 500;
}

static int send_parts(struct request *request, const struct byte_range *ranges, size_t count)
{
    struct response *response = &request->response;
    struct whole whole = { .has_body = response->body != NULL,
                           .length = response->length,
                           .content_type = response->content_type };

    if (whole.has_body)
        whole.body = *response->body;
    response->body = NULL;
    response->status = 206;
    response->status_text = SLICE("");
    response->ranges = false;
    return count == 1 ? send_one(request, &whole, ranges[0])
                      : send_many(request, &whole, ranges, count);
}

static int refuse(struct request *request)
{
    struct response *response = &request->response;

    response->content_range =
        arena_printf(&request->arena, "bytes */%llu", (unsigned long long)response->length);
    return response->content_range.at == NULL ? 500 : 416;
}

int filter_range(struct request *request)
{
    struct response *response = &request->response;
    const struct field *field = head_known(&request->head, FIELD_RANGE);
    uint64_t most = static_settings(request)->max_ranges;
    struct byte_range *ranges;
    size_t count;

    if (!response->ranges || response->status != 200 || !response->length_known)
        return 0;
    if (most == 0)
        response->ranges = false;
    if (most == 0 || field == NULL || !if_range_holds(request))
        return 0;
    switch (range_parse(&request->arena, field->value, response->length,
                        most > UINT_MAX ? UINT_MAX : (unsigned)most, &ranges, &count)) {
    case RANGE_IGNORE:
        return 0;
    case RANGE_SATISFIABLE:
        if (count > 1 && response->stream != NULL) /* which cannot go back: all of it is sent */
            return 0;
        return send_parts(request, ranges, count);
    case RANGE_UNSATISFIABLE:
        return refuse(request);
    case RANGE_NO_MEMORY:
        break;
    }
    return 500;
}
