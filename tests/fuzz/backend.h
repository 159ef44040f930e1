/* backend.h: an upstream of a fuzz harness that answers whatever it was told to.
 *
 * It listens on a unix socket and never blocks: the harness gives it a turn whenever it gives one
 * to the worker. What it is sent is read and thrown away. */
#ifndef MUXD_TESTS_FUZZ_BACKEND_H
#define MUXD_TESTS_FUZZ_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BACKEND_CONNECTIONS = 16 };

struct backend {
    int listening;
    const uint8_t *answer; /* the harness's; each connection is sent it from the start */
    size_t len;
    size_t piece; /* bytes sent in one turn */
    bool early;   /* answers before it is asked */
    bool closes;  /* when all is sent, or the worker has closed; else keeps the connection */
    struct {
        int fd; /* -1: free */
        size_t sent;
        bool asked;
    } connections[BACKEND_CONNECTIONS];
};

/* Listens at `path`. False: errno says why. */
bool backend_open(struct backend *, const char *path);

/* What connections are answered from now on; those that are open are closed. */
void backend_script(struct backend *, const uint8_t *answer, size_t len);

/* Accepts, reads and answers what can be without waiting. */
void backend_turn(struct backend *);

/* Closes everything. */
void backend_close(struct backend *);

#endif
