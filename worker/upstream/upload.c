/* The request on its way to the upstream: a head, and a body from memory, a file, or the
 * client itself. */
#include "common/read_write.h"
#include "worker/context.h"
#include "worker/http/body.h"
#include "worker/net/connection.h"
#include "worker/upstream/exchange_steps.h"
#include "worker/upstream/fastcgi_records.h"

#include <errno.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    CHUNK_OVERHEAD = 18, /* a size line, and the CRLF behind the data */
};

void exchange_pass_body(struct exchange *x)
{
    struct upload *upload = &x->upload;
    const struct body *body = x->request->body;

    if (body == NULL || !x->settings->pass_request_body)
        return;
    if (body->streamed && !body->whole) {
        upload->streamed = true;
    } else if (body->file >= 0) {
        upload->file = body->file;
        upload->file_size = body->received;
    } else {
        upload->memory = body->memory;
    }
}

void upload_rewind(struct upload *upload)
{
    upload->head_left = upload->head;
    upload->memory_left = upload->memory;
    upload->offset = 0;
    if (upload->streamed) /* what is in the pieces has not left, and comes no second time */
        return;
    if (upload->pieces != NULL)
        upload->pieces->start = upload->pieces->end = 0;
    upload->ended = false;
}

static enum upload_result failed(struct exchange *x)
{
    if (errno != EAGAIN)
        return UPLOAD_FAILED;
    x->connection->watch.writable = false;
    return UPLOAD_BLOCKED;
}

/* More leaves at once behind what is in memory: the kernel need not hurry. What a client has
 * still to send may take its time. */
static bool body_follows(const struct exchange *x)
{
    const struct upload *upload = &x->upload;

    if (upload->streamed)
        return x->request->body->memory.len > 0;
    return upload->file >= 0 || upload->framing != UPLOAD_PLAIN;
}

/* Head and body in memory leave together. */
static enum upload_result send_memory(struct exchange *x)
{
    struct upload *upload = &x->upload;

    bool plain = upload->framing == UPLOAD_PLAIN;

    while (upload->head_left.len + (plain ? upload->memory_left.len : 0) > 0) {
        struct iovec vectors[] = {
            { (void *)(uintptr_t)upload->head_left.at, upload->head_left.len },
            { (void *)(uintptr_t)upload->memory_left.at, upload->memory_left.len },
        };
        bool head = upload->head_left.len > 0, memory = plain && upload->memory_left.len > 0;
        struct msghdr message = { .msg_iov = head ? vectors : vectors + 1,
                                  .msg_iovlen = (size_t)head + (size_t)memory };
        int flags = MSG_NOSIGNAL | (body_follows(x) ? MSG_MORE : 0);
        ssize_t sent = message.msg_iovlen == 1
                           ? send(x->connection->watch.fd, message.msg_iov->iov_base,
                                  message.msg_iov->iov_len, flags)
                           : sendmsg(x->connection->watch.fd, &message, flags);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return failed(x);
        x->attempt->sent += (uint64_t)sent;
        size_t of_head =
            (size_t)sent < upload->head_left.len ? (size_t)sent : upload->head_left.len;
        upload->head_left = slice_from(upload->head_left, of_head);
        upload->memory_left = slice_from(upload->memory_left, (size_t)sent - of_head);
    }
    return UPLOAD_DONE;
}

static enum upload_result send_file(struct exchange *x)
{
    struct upload *upload = &x->upload;

    while (upload->file >= 0 && upload->offset < upload->file_size) {
        off_t offset = (off_t)upload->offset;
        ssize_t sent = sendfile(x->connection->watch.fd, upload->file, &offset,
                                (size_t)(upload->file_size - upload->offset));
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return failed(x);
        if (sent == 0) {
            errno = EIO;
            return UPLOAD_FAILED;
        }
        upload->offset += (uint64_t)sent;
        x->attempt->sent += (uint64_t)sent;
    }
    return UPLOAD_DONE;
}

/* --- streamed or framed --- */

/* Bytes of the body that can be sent now; *last: no more will come. */
static uint64_t available(const struct exchange *x, bool *last)
{
    const struct upload *upload = &x->upload;

    *last = !upload->streamed || x->request->body->whole;
    if (upload->streamed)
        return x->request->body->memory.len;
    return upload->file >= 0 ? upload->file_size - upload->offset : upload->memory_left.len;
}

/* Reads the next `len` bytes of the file. */
static bool read_file(struct upload *upload, char *room, size_t len)
{
    if (!read_exactly(upload->file, room, len, upload->offset))
        return false;
    upload->offset += len;
    return true;
}

/* Takes the next `len` bytes, which are available. */
static bool take(struct exchange *x, char *room, size_t len)
{
    struct upload *upload = &x->upload;

    if (!upload->streamed && upload->file >= 0)
        return read_file(upload, room, len);
    struct slice *source = upload->streamed ? &x->request->body->memory : &upload->memory_left;
    memcpy(room, source->at, len);
    if (upload->streamed)
        body_consume(x->request, len);
    else
        *source = slice_from(*source, len);
    return true;
}

static void add(struct buffer *pieces, struct slice text)
{
    memcpy(pieces->data + pieces->end, text.at, text.len);
    pieces->end += text.len;
}

/* What stands before `len` bytes of the body. */
static void add_start(struct buffer *pieces, enum upload_framing framing, size_t len)
{
    char text[CHUNK_OVERHEAD];

    if (framing == UPLOAD_CHUNKED)
        add(pieces, slice_make(text, (size_t)snprintf(text, sizeof text, "%zx\r\n", len)));
    if (framing == UPLOAD_RECORDS) {
        fastcgi_put_header(text, FASTCGI_STDIN, len);
        add(pieces, slice_make(text, FASTCGI_HEADER));
    }
}

static void add_end(struct buffer *pieces, enum upload_framing framing, size_t len)
{
    if (framing == UPLOAD_CHUNKED)
        add(pieces, SLICE("\r\n"));
    else if (framing == UPLOAD_RECORDS)
        add(pieces, slice_make("\0\0\0\0\0\0\0", -len & 7));
}

static void add_last(struct buffer *pieces, enum upload_framing framing)
{
    if (framing == UPLOAD_CHUNKED)
        add(pieces, SLICE("0\r\n\r\n"));
    else if (framing == UPLOAD_RECORDS)
        add_start(pieces, framing, 0);
}

/* Moves what there is of the body into `pieces`, in a frame of its own where it needs one.
 * False: the file cannot be read. */
static bool fill_pieces(struct exchange *x)
{
    struct upload *upload = &x->upload;
    struct buffer *pieces = upload->pieces;
    size_t most = pieces->size - 3 * CHUNK_OVERHEAD;
    bool last;
    uint64_t len = available(x, &last);

    if (most > FASTCGI_CONTENT_MAX)
        most = FASTCGI_CONTENT_MAX;
    size_t here = len < most ? (size_t)len : most;
    pieces->start = pieces->end = 0;
    if (here > 0) {
        add_start(pieces, upload->framing, here);
        if (!take(x, pieces->data + pieces->end, here))
            return false;
        pieces->end += here;
        add_end(pieces, upload->framing, here);
    }
    if (last && here == len) {
        upload->ended = true;
        add_last(pieces, upload->framing);
    }
    return true;
}

static enum upload_result send_pieces(struct exchange *x)
{
    struct upload *upload = &x->upload;

    if (upload->pieces == NULL) {
        upload->pieces = buffer_take(&x->request->worker->buffers);
        if (upload->pieces == NULL)
            return UPLOAD_NO_MEMORY;
    }
    for (;;) {
        struct buffer *pieces = upload->pieces;
        if (pieces->start == pieces->end) {
            if (upload->ended)
                return UPLOAD_DONE;
            if (!fill_pieces(x))
                return UPLOAD_FAILED;
            if (pieces->end == 0)
                return upload->ended ? UPLOAD_DONE : UPLOAD_STARVED;
        }
        ssize_t sent = send(x->connection->watch.fd, pieces->data + pieces->start,
                            pieces->end - pieces->start, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return failed(x);
        upload->begun |= upload->streamed;
        pieces->start += (size_t)sent;
        x->attempt->sent += (uint64_t)sent;
    }
}

enum upload_result upload_send(struct exchange *x)
{
    const struct upload *upload = &x->upload;
    bool in_pieces = upload->streamed || upload->framing != UPLOAD_PLAIN;
    enum upload_result result;

    if (!x->connection->watch.writable)
        return UPLOAD_BLOCKED;
    if ((result = send_memory(x)) != UPLOAD_DONE)
        return result;
    return in_pieces ? send_pieces(x) : send_file(x);
}
