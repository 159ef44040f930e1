/* The request on its way to the upstream: a head, and a body from memory, a file, or the
 * client itself. */
#include "worker/context.h"
#include "worker/http/body.h"
#include "worker/net/connection.h"
#include "worker/upstream/exchange_steps.h"

#include <errno.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { CHUNK_OVERHEAD = 16 }; /* a size line, and the CRLF behind the data */

void upload_rewind(struct upload *upload)
{
    upload->head_left = upload->head;
    upload->memory_left = upload->memory;
    upload->offset = 0;
}

static enum upload_result failed(struct exchange *x)
{
    if (errno != EAGAIN)
        return UPLOAD_FAILED;
    x->connection->watch.writable = false;
    return UPLOAD_BLOCKED;
}

/* Head and body in memory leave together. */
static enum upload_result send_memory(struct exchange *x)
{
    struct upload *upload = &x->upload;

    while (upload->head_left.len + upload->memory_left.len > 0) {
        struct iovec vectors[] = {
            { (void *)(uintptr_t)upload->head_left.at, upload->head_left.len },
            { (void *)(uintptr_t)upload->memory_left.at, upload->memory_left.len },
        };
        bool head = upload->head_left.len > 0, memory = upload->memory_left.len > 0;
        struct msghdr message = { .msg_iov = head ? vectors : vectors + 1,
                                  .msg_iovlen = (size_t)head + (size_t)memory };
        int flags = MSG_NOSIGNAL | (upload->file >= 0 ? MSG_MORE : 0);
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

/* --- streamed --- */

static bool add(struct buffer *pieces, struct slice text)
{
    if (text.len > pieces->size - pieces->end)
        return false;
    memcpy(pieces->data + pieces->end, text.at, text.len);
    pieces->end += text.len;
    return true;
}

/* Moves what has come from the client into `pieces`, in a chunk of its own where the
 * length was not said before. */
static void fill_pieces(struct exchange *x)
{
    struct upload *upload = &x->upload;
    struct buffer *pieces = upload->pieces;
    struct body *body = x->request->body;
    char size[CHUNK_OVERHEAD];

    pieces->start = pieces->end = 0;
    struct slice piece = slice_first(body->memory, pieces->size - 2 * CHUNK_OVERHEAD);
    if (piece.len > 0) {
        if (upload->chunked)
            add(pieces,
                slice_make(size, (size_t)snprintf(size, sizeof size, "%zx\r\n", piece.len)));
        add(pieces, piece);
        if (upload->chunked)
            add(pieces, SLICE("\r\n"));
        body_consume(x->request, piece.len);
    }
    if (body->whole && body->memory.len == 0) {
        upload->ended = true;
        if (upload->chunked)
            add(pieces, SLICE("0\r\n\r\n"));
    }
}

static enum upload_result send_streamed(struct exchange *x)
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
            fill_pieces(x);
            if (pieces->end == 0)
                return upload->ended ? UPLOAD_DONE : UPLOAD_STARVED;
        }
        ssize_t sent = send(x->connection->watch.fd, pieces->data + pieces->start,
                            pieces->end - pieces->start, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return failed(x);
        upload->begun = true;
        pieces->start += (size_t)sent;
        x->attempt->sent += (uint64_t)sent;
    }
}

enum upload_result upload_send(struct exchange *x)
{
    enum upload_result result;

    if (!x->connection->watch.writable)
        return UPLOAD_BLOCKED;
    if ((result = send_memory(x)) != UPLOAD_DONE || (result = send_file(x)) != UPLOAD_DONE)
        return result;
    return x->upload.streamed ? send_streamed(x) : UPLOAD_DONE;
}
