/* buffers.h: input and output buffers, lent to connections while they are busy.
 *
 * One size fits the usual request and answer; free buffers are kept on a
 * last-in first-out list, so that a quiet worker uses the same warm one again
 * and an idle connection holds none. */
#ifndef MUXD_WORKER_NET_BUFFERS_H
#define MUXD_WORKER_NET_BUFFERS_H

#include <stddef.h>

struct buffer {
    struct buffer *next; /* on the free list, or in an output queue */
    size_t size;         /* of data */
    size_t start, end;   /* bytes in use: data[start .. end) */
    char data[];
};

struct buffer_pool {
    struct buffer *free;
    size_t size;  /* of a standard buffer's data */
    size_t count; /* on the free list */
    size_t limit; /* kept at most */
};

/* Starts an empty pool of buffers of `size` bytes, at most `limit` kept. */
void buffer_pool_init(struct buffer_pool *, size_t size, size_t limit);

/* An empty buffer; NULL when memory is out. */
struct buffer *buffer_take(struct buffer_pool *);

/* An empty buffer of another size, for large heads; buffer_give frees it. */
struct buffer *buffer_take_sized(struct buffer_pool *, size_t size);

/* Gives a buffer back. NULL is ignored. */
void buffer_give(struct buffer_pool *, struct buffer *);

/* Frees all that is on the list. */
void buffer_pool_free(struct buffer_pool *);

#endif
