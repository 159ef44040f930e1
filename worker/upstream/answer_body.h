/* answer_body.h: the body of an upstream's answer, taken out of its framing in place. */
#ifndef MUXD_WORKER_UPSTREAM_ANSWER_BODY_H
#define MUXD_WORKER_UPSTREAM_ANSWER_BODY_H

#include "worker/http/chunked.h"
#include "worker/upstream/answer_head.h"

struct answer_body {
    enum answer_framing framing;
    uint64_t left; /* ANSWER_LENGTH: bytes still to come */
    struct chunked chunked;
    struct arena *arena;
    struct slice trailers; /* as sent, with their CRLFs, once the body has ended */
    size_t trailers_room;  /* bytes at trailers.at */
};

enum answer_body_result {
    ANSWER_BODY_MORE,  /* there is more to come */
    ANSWER_BODY_END,   /* this was the last of it */
    ANSWER_BODY_EXTRA, /* likewise, and more came behind it: nobody knows what that is */
    ANSWER_BODY_BAD,   /* the framing is broken */
};

/* Starts a body; `length` is that of ANSWER_LENGTH. Trailers are kept in the arena. Returns
 * whether there is anything to come. */
bool answer_body_init(struct answer_body *, struct arena *, enum answer_framing, uint64_t length);

/* Takes the *len bytes at `data` out of their framing: what they hold of the body stands at
 * `data` after, *len bytes of it. */
enum answer_body_result answer_body_read(struct answer_body *, char *data, size_t *len);

/* The connection has ended: was that the end of the body? */
bool answer_body_may_end(const struct answer_body *);

/* All that its length promises has come. */
bool answer_body_is_whole(const struct answer_body *);

#endif
