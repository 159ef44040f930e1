/* log_target.h: a file that access logs go to, and the lines on their way to it.
 *
 * All access logs of one path share a target. A worker collects lines in the
 * target's buffer: with buffer= until it is full or flush= has passed, else to
 * the end of the present turn of the loop, so that the requests of one turn
 * cost one write(2) together. Whole lines are written, always. */
#ifndef MUXD_WORKER_HTTP_LOG_TARGET_H
#define MUXD_WORKER_HTTP_LOG_TARGET_H

#include "common/log.h"
#include "conf/directive.h"
#include "worker/event/timer.h"

struct worker;

struct log_target {
    struct log_target *next; /* of the configuration */
    const char *path;
    struct position at;    /* where it was named first */
    struct log_file *file; /* NULL until it is opened */
    uint64_t buffer_size;  /* buffer=; 0: none */
    uint64_t flush;        /* flush=, ms; 0: none */

    /* a worker's own */
    struct worker *worker; /* NULL in the master */
    char *buffer;          /* NULL until the first line */
    size_t capacity, used;
    struct timer timer;  /* writes the buffer out */
    uint64_t complained; /* monotonic ms: errors are logged at most once a second */
};

/* In a fresh worker. False when memory for a buffer= is out. */
bool log_target_start(struct log_target *, struct worker *);

/* Room for one whole line of `len` bytes, its newline included; what is in the
 * way is written out first. NULL when the line is longer than the buffer (or
 * there is no memory for one): it goes out by log_target_write. */
char *log_target_reserve(struct log_target *, size_t len);
void log_target_commit(struct log_target *, size_t len);

/* Writes one line, behind those in the buffer. */
void log_target_write(struct log_target *, const char *line, size_t len);

/* Puts one whole line, its newline included, behind those in the buffer. */
void log_target_put(struct log_target *, struct slice line);

/* Writes out what the buffer holds. */
void log_target_flush(struct log_target *);

/* True once a second at most: for messages about lines that could not be written. */
bool log_may_complain(uint64_t *complained);

#endif
