#include "worker/upstream/answer_body.h"

bool answer_body_init(struct answer_body *body, struct arena *arena, enum answer_framing framing,
                      uint64_t length)
{
    *body = (struct answer_body){ .framing = framing, .arena = arena };
    switch (framing) {
    case ANSWER_LENGTH:
        body->left = length;
        return length > 0;
    case ANSWER_CHUNKED:
        chunked_init(&body->chunked);
        return true;
    case ANSWER_CLOSED:
        return true;
    case ANSWER_EMPTY:
    case ANSWER_BROKEN:
        break;
    }
    return false;
}

static enum answer_body_result read_length(struct answer_body *body, size_t *len)
{
    bool extra = *len > body->left;

    if (extra)
        *len = (size_t)body->left;
    body->left -= *len;
    if (extra)
        return ANSWER_BODY_EXTRA;
    return body->left == 0 ? ANSWER_BODY_END : ANSWER_BODY_MORE;
}

enum { TRAILERS_ROOM = 256 }; /* bytes to begin with */

/* The decoder bounds how long trailers are; room is doubled, however small their pieces. */
static bool keep_trailers(struct answer_body *body, struct slice text)
{
    size_t len = body->trailers.len + text.len;

    if (text.len == 0)
        return true;
    if (len > body->trailers_room) {
        size_t room = body->trailers_room > 0 ? body->trailers_room : TRAILERS_ROOM;
        while (room < len)
            room *= 2;
        char *larger = arena_text(body->arena, room);
        if (larger == NULL)
            return false;
        if (body->trailers.len > 0)
            memcpy(larger, body->trailers.at, body->trailers.len);
        body->trailers.at = larger;
        body->trailers_room = room;
    }
    memcpy((char *)(uintptr_t)body->trailers.at + body->trailers.len, text.at, text.len);
    body->trailers.len = len;
    return true;
}

/* The end of the trailers is the empty line behind them. */
static enum answer_body_result end_chunked(struct answer_body *body, struct slice rest)
{
    size_t empty = strlen("\r\n");

    if (body->trailers.len >= empty)
        body->trailers.len -= empty;
    return rest.len > 0 ? ANSWER_BODY_EXTRA : ANSWER_BODY_END;
}

static enum answer_body_result read_chunked(struct answer_body *body, char *data, size_t *len)
{
    struct slice in = slice_make(data, *len), piece = { NULL, 0 };
    bool in_trailers = body->chunked.state >= CHUNKED_TRAILER;
    const char *trailers = in.at;
    size_t made = 0;

    *len = 0;
    for (;;) {
        switch (chunked_read(&body->chunked, &in, &piece)) {
        case CHUNKED_PIECE:
            memmove(data + made, piece.at, piece.len);
            made += piece.len;
            *len = made;
            break;
        case CHUNKED_LAST:
            in_trailers = true;
            trailers = in.at;
            break;
        case CHUNKED_MORE:
            if (in_trailers &&
                !keep_trailers(body, slice_make(trailers, (size_t)(in.at - trailers))))
                return ANSWER_BODY_BAD;
            return ANSWER_BODY_MORE;
        case CHUNKED_END:
            if (!keep_trailers(body, slice_make(trailers, (size_t)(in.at - trailers))))
                return ANSWER_BODY_BAD;
            return end_chunked(body, in);
        case CHUNKED_BAD:
            return ANSWER_BODY_BAD;
        }
    }
}

enum answer_body_result answer_body_read(struct answer_body *body, char *data, size_t *len)
{
    switch (body->framing) {
    case ANSWER_LENGTH:
        return read_length(body, len);
    case ANSWER_CHUNKED:
        return read_chunked(body, data, len);
    case ANSWER_CLOSED:
        return ANSWER_BODY_MORE;
    case ANSWER_EMPTY:
    case ANSWER_BROKEN:
        break;
    }
    bool extra = *len > 0;
    *len = 0;
    return extra ? ANSWER_BODY_EXTRA : ANSWER_BODY_END;
}

bool answer_body_may_end(const struct answer_body *body)
{
    return body->framing == ANSWER_CLOSED;
}

bool answer_body_is_whole(const struct answer_body *body)
{
    return body->framing == ANSWER_EMPTY || (body->framing == ANSWER_LENGTH && body->left == 0);
}
