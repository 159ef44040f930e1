#include "worker/net/output.h"

#include "worker/context.h"
#include "worker/handlers/file_cache.h"
#include "worker/handlers/static.h"
#include "worker/http/request.h"
#include "worker/http/stream.h"
#include "worker/net/turn.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
    OUTPUT_VECTORS = 32,
    OUTPUT_COPY = 32 * 1024,  /* bytes of a file read at a time with sendfile off */
    STREAM_PIECE = 16 * 1024, /* bytes of a stream made at a time */
    STREAM_LARGE = 32 * 1024, /* and of one that has made as much before */
    STREAM_TURN = 128 * 1024, /* and in one turn: they may be dear to make */
    MOVE_TURN = 1024 * 1024,  /* bytes that need not be looked at, in one turn */
    CHUNK_HEAD = 6,           /* "4000" and CRLF: no piece has a longer size */
};

char *output_reserve(struct connection *connection, size_t len)
{
    struct buffer_pool *pool = &connection->worker->buffers;
    struct buffer *last = connection->output_last;

    if (len > UINT32_MAX - connection->output_size)
        return NULL;
    if (last != NULL && last->size - last->end >= len)
        return last->data + last->end;
    last = buffer_take_sized(pool, len > pool->size ? len : pool->size);
    if (last == NULL)
        return NULL;
    if (connection->output_last == NULL)
        connection->output = last;
    else
        connection->output_last->next = last;
    connection->output_last = last;
    return last->data;
}

void output_commit(struct connection *connection, size_t len)
{
    connection->output_last->end += len;
    connection->output_size += (uint32_t)len;
}

bool output_append(struct connection *connection, struct slice text)
{
    char *room = output_reserve(connection, text.len);

    if (room == NULL)
        return false;
    if (text.len > 0)
        memcpy(room, text.at, text.len);
    output_commit(connection, text.len);
    return true;
}

/* Takes `sent` bytes off the front of the output. */
static void output_consume(struct connection *connection, size_t sent)
{
    connection->output_size -= (uint32_t)sent;
    while (connection->output != NULL) {
        struct buffer *buffer = connection->output;
        size_t left = buffer->end - buffer->start;
        if (sent < left) {
            buffer->start += sent;
            return;
        }
        sent -= left;
        connection->output = buffer->next;
        buffer_give(&connection->worker->buffers, buffer);
    }
    connection->output_last = NULL;
}

void output_drop(struct connection *connection)
{
    output_consume(connection, connection->output_size);
}

/* The outcome of a failed write: blocked, or lost. */
static enum output_result write_failed(struct connection *connection)
{
    if (errno == EAGAIN) {
        connection->watch.writable = false;
        return OUTPUT_BLOCKED;
    }
    return OUTPUT_FAILED;
}

static ssize_t send_vectors(int fd, struct iovec *vectors, size_t count, int flags)
{
    struct msghdr message = { .msg_iov = vectors };
    ssize_t sent;

    message.msg_iovlen = (__typeof__(message.msg_iovlen))count; /* int by POSIX, size_t in glibc */
    do {
        sent = count == 1 ? send(fd, vectors[0].iov_base, vectors[0].iov_len, flags)
                          : sendmsg(fd, &message, flags);
    } while (sent < 0 && errno == EINTR);
    return sent;
}

/* Buffers first; `more` tells the kernel that a body follows at once, so that
 * head and body share packets. */
static enum output_result flush_buffers(struct connection *connection, bool more)
{
    if (connection->output_size == 0) /* room that nothing came into */
        output_consume(connection, 0);
    while (connection->output != NULL) {
        struct iovec vectors[OUTPUT_VECTORS];
        size_t count = 0, total = 0;

        for (struct buffer *buffer = connection->output; buffer != NULL && count < OUTPUT_VECTORS;
             buffer = buffer->next) {
            vectors[count++] =
                (struct iovec){ buffer->data + buffer->start, buffer->end - buffer->start };
            total += buffer->end - buffer->start;
        }
        int flags = MSG_NOSIGNAL | (more || total < connection->output_size ? MSG_MORE : 0);
        ssize_t sent = send_vectors(connection->watch.fd, vectors, count, flags);
        if (sent < 0)
            return write_failed(connection);
        output_consume(connection, (size_t)sent);
    }
    return OUTPUT_SENT;
}

/* What may be sent in this turn. */
struct turn {
    uint64_t file;   /* bytes of files that were sent */
    uint64_t budget; /* bytes that limit_rate leaves */
};

static enum output_result send_memory(struct connection *connection, struct segment *segment,
                                      struct turn *turn)
{
    while (segment->memory.len > 0) {
        struct slice piece =
            slice_first(segment->memory, turn->budget < SIZE_MAX ? (size_t)turn->budget : SIZE_MAX);
        struct iovec vector = { (void *)(uintptr_t)piece.at, piece.len };
        bool more = segment->next != NULL && piece.len == segment->memory.len;
        int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
        if (piece.len == 0)
            return OUTPUT_YIELD;
        ssize_t sent = send_vectors(connection->watch.fd, &vector, 1, flags);
        if (sent < 0)
            return write_failed(connection);
        segment->memory = slice_from(segment->memory, (size_t)sent);
        connection->request->bytes_sent += (uint64_t)sent;
        turn->budget -= (uint64_t)sent;
    }
    return OUTPUT_SENT;
}

/* With sendfile off a piece of the file, of at most `most` bytes, is read into the output
 * buffers. */
static enum output_result copy_file(struct connection *connection, struct segment *segment,
                                    uint64_t most)
{
    uint64_t left = segment->end - segment->offset;
    size_t piece = left < OUTPUT_COPY ? (size_t)left : OUTPUT_COPY;
    if (piece > most)
        piece = (size_t)most;
    char *room = output_reserve(connection, piece);
    size_t got = room == NULL ? 0 : segment_read(segment, connection->request, room, piece);

    if (got == 0)
        return OUTPUT_FAILED;
    output_commit(connection, got);
    connection->request->bytes_sent += got;
    return flush_buffers(connection, segment->offset < segment->end || segment->next != NULL);
}

static enum output_result sendfile_piece(struct connection *connection, struct segment *segment,
                                         uint64_t most)
{
    off_t offset = (off_t)segment->offset;
    uint64_t left = segment->end - segment->offset;
    ssize_t sent;

    do
        sent = sendfile(connection->watch.fd, segment->file->fd, &offset,
                        (size_t)(left < most ? left : most));
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return write_failed(connection);
    if (sent == 0) {
        segment_log_short(segment, connection->request);
        return OUTPUT_FAILED;
    }
    segment->offset += (uint64_t)sent;
    connection->request->bytes_sent += (uint64_t)sent;
    return OUTPUT_SENT;
}

/* What the socket does not take is read, and looked at, once more when it does: nothing is held
 * for a client that is slow. */
static enum output_result send_source(struct connection *connection, struct segment *segment,
                                      uint64_t most)
{
    struct request *request = connection->request;
    uint64_t left = segment->end - segment->offset;
    struct slice bytes = segment->source->read(segment->source, request, segment->offset);

    if (bytes.len == 0)
        return OUTPUT_FAILED;
    if (bytes.len > left)
        bytes.len = (size_t)left;
    bool more = bytes.len <= most && (bytes.len < left || segment->next != NULL);
    if (bytes.len > most)
        bytes.len = (size_t)most;
    struct iovec vector = { (void *)(uintptr_t)bytes.at, bytes.len };
    ssize_t sent =
        send_vectors(connection->watch.fd, &vector, 1, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (sent < 0)
        return write_failed(connection);
    segment->offset += (uint64_t)sent;
    request->bytes_sent += (uint64_t)sent;
    return OUTPUT_SENT;
}

static enum output_result send_piece(struct connection *connection, struct segment *segment,
                                     uint64_t most)
{
    if (segment->source != NULL)
        return send_source(connection, segment, most);
    if (static_settings(connection->request)->sendfile)
        return sendfile_piece(connection, segment, most);
    return copy_file(connection, segment, most);
}

/* Of a file or a source: as much as may be sent in this turn. */
static enum output_result send_file(struct connection *connection, struct segment *segment,
                                    struct turn *turn)
{
    const struct static_settings *settings = static_settings(connection->request);
    uint64_t chunk = settings->sendfile_max_chunk > 0 ? settings->sendfile_max_chunk : UINT64_MAX;

    while (segment->offset < segment->end) {
        uint64_t before = segment->offset;
        uint64_t most = turn_bytes(connection);
        if (turn->file >= chunk || turn->budget == 0 || most == 0)
            return OUTPUT_YIELD;
        if (most > chunk - turn->file)
            most = chunk - turn->file;
        if (most > turn->budget)
            most = turn->budget;
        enum output_result result = send_piece(connection, segment, most);
        turn->file += segment->offset - before;
        turn->budget -= segment->offset - before;
        turn_count(connection, (uint32_t)(segment->offset - before));
        if (result != OUTPUT_SENT)
            return result;
    }
    return OUTPUT_SENT;
}

/* The size line of a chunk, right before its bytes; where it begins. */
static char *put_chunk_head(char *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    char *at = data;

    *--at = '\n';
    *--at = '\r';
    do {
        *--at = digits[len % 16];
        len /= 16;
    } while (len > 0);
    return at;
}

/* `made` bytes stand CHUNK_HEAD bytes behind `room`: frames them (RFC 9112 7.1), without
 * a gap. How long the whole is. */
static size_t frame_chunk(char *room, size_t made)
{
    if (made == 0)
        return 0;
    char *head = put_chunk_head(room + CHUNK_HEAD, made);
    size_t len = (size_t)(room + CHUNK_HEAD + made - head);
    if (head != room)
        memmove(room, head, len);
    memcpy(room + len, "\r\n", 2);
    return len + 2;
}

/* The next piece of the response's stream, of at most `most` bytes, in `space` bytes of the
 * buffers. */
static enum stream_result make_piece(struct connection *connection, struct response *response,
                                     size_t space, uint64_t most)
{
    struct request *request = connection->request;
    size_t head = response->chunked ? CHUNK_HEAD : 0;
    char *room = output_reserve(connection, space);
    size_t made = 0;

    if (room == NULL)
        return STREAM_FAILED;
    space -= response->chunked ? head + 2 : 0;
    enum stream_result result = response->stream->read(response->stream, request, room + head,
                                                       space < most ? space : (size_t)most, &made);
    if (result == STREAM_FAILED)
        return result;
    size_t len = response->chunked ? frame_chunk(room, made) : made;
    output_commit(connection, len);
    if (result == STREAM_END && response->chunked) {
        struct slice trailers = response->trailers;
        if (!output_append(connection, SLICE("0\r\n")) || !output_append(connection, trailers) ||
            !output_append(connection, SLICE("\r\n")))
            return STREAM_FAILED;
        len += strlen("0\r\n\r\n") + trailers.len;
    }
    request->bytes_sent += len;
    return result;
}

/* Sends what needs not be looked at. OUTPUT_SENT: the rest has to be made. */
static enum output_result move_stream(struct connection *connection, struct response *response,
                                      const struct turn *turn)
{
    struct request *request = connection->request;
    struct stream *stream = response->stream;
    uint64_t total = 0;
    size_t moved;

    if (stream->move == NULL || response->chunked || turn->budget != UINT64_MAX ||
        connection->output_size > 0)
        return OUTPUT_SENT;
    while (total < MOVE_TURN && !turn_is_over(connection)) {
        switch (stream->move(stream, request, &moved)) {
        case STREAM_MOVED:
            total += moved;
            request->bytes_sent += moved;
            turn_count(connection, (uint32_t)moved);
            break;
        case STREAM_MOVE_FULL:
            return OUTPUT_BLOCKED;
        case STREAM_MOVE_WAIT:
            return OUTPUT_WAITS;
        case STREAM_MOVE_LOST:
            return OUTPUT_FAILED;
        case STREAM_MOVE_UNFIT:
            return OUTPUT_SENT;
        }
    }
    return OUTPUT_YIELD;
}

/* Makes and sends the stream, a piece at a time: no more is made than the client takes. */
static enum output_result send_stream(struct connection *connection, struct response *response,
                                      struct turn *turn)
{
    size_t total = 0, space = STREAM_PIECE;

    while (response->stream != NULL) {
        if (turn->budget == 0)
            return OUTPUT_YIELD;
        enum output_result past = move_stream(connection, response, turn);
        if (past != OUTPUT_SENT)
            return past;
        uint64_t before = connection->request->bytes_sent;
        enum stream_result made = make_piece(connection, response, space, turn->budget);
        if (made == STREAM_FAILED)
            return OUTPUT_FAILED;
        if (made == STREAM_END)
            response->stream = NULL;
        if (connection->output_size >= STREAM_PIECE && !response->chunked)
            space = STREAM_LARGE;
        uint64_t len = connection->request->bytes_sent - before;
        turn->budget -= len < turn->budget ? len : turn->budget;
        turn_count(connection, (uint32_t)len);
        total += connection->output_size > 0 ? connection->output_size : STREAM_PIECE;
        enum output_result result = flush_buffers(connection, false);
        if (result != OUTPUT_SENT)
            return result;
        if (made == STREAM_WAIT)
            return OUTPUT_WAITS;
        if ((total >= STREAM_TURN || turn_is_over(connection)) && response->stream != NULL)
            return OUTPUT_YIELD;
    }
    return OUTPUT_SENT;
}

/* Nothing follows what is in the buffers but the connection's end: held back until then, it
 * shares a packet with the FIN. */
static bool is_last(const struct connection *connection)
{
    return connection->request == NULL && !connection->keep_alive && connection->requests > 0;
}

/* The body of an answer, behind what is in the buffers. */
static enum output_result send_body(struct connection *connection, struct turn *turn)
{
    struct response *response = &connection->request->response;
    bool streams = response->stream != NULL && connection->answered;

    if (streams && connection->output_size < STREAM_PIECE && turn->budget > 0)
        return send_stream(connection, response, turn);
    enum output_result result =
        flush_buffers(connection, response->body != NULL && turn->budget > 0);
    while (result == OUTPUT_SENT && response->body != NULL) {
        struct segment *body = response->body;
        result = segment_is_memory(body) ? send_memory(connection, body, turn)
                                         : send_file(connection, body, turn);
        if (result == OUTPUT_SENT)
            response->body = body->next;
    }
    return result == OUTPUT_SENT && streams ? send_stream(connection, response, turn) : result;
}

enum output_result output_flush(struct connection *connection)
{
    struct request *request = connection->request;
    struct turn turn = { 0, UINT64_MAX };

    if (request == NULL || (request->response.body == NULL && request->response.stream == NULL))
        return flush_buffers(connection, is_last(connection));
    if (request->rate.rate == 0)
        return send_body(connection, &turn);
    turn.budget = limit_rate_budget(request);
    enum output_result result = send_body(connection, &turn);
    if (result == OUTPUT_YIELD)
        limit_rate_pause(request);
    return result;
}
