/* load.h: clients that make a connection for each request and never stop, while a test does
 * something to the server that they must not notice. */
#ifndef MUXD_TESTS_SERVE_LOAD_H
#define MUXD_TESTS_SERVE_LOAD_H

#include "tests/serve/harness.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

#define LOAD_REQUEST "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

enum { LOAD_PROCESSES = 4, FAILURE_TEXT = 200 };

/* What the processes of a load have seen, in memory that they share with the test. */
struct load_report {
    _Atomic unsigned long requests;
    unsigned long failures;
    char failure[FAILURE_TEXT];
    _Atomic bool stop;
};

struct load {
    struct load_report *reports; /* LOAD_PROCESSES of them */
    pid_t pids[LOAD_PROCESSES];
};

/* What it connects to. */
union load_target {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_un un;
};

/* Begins to ask for / there; each answer is to contain `body`. */
struct load load_start(const union load_target *, socklen_t len, const char *body);

/* The same at @port@. */
struct load load_tcp(const struct server *, const char *body);

/* Kills all workers, and waits for those that take their place. The log's lines about it must be
 * allowed. */
void load_kill_workers(struct server *);

/* The same three times, while clients ask for `path` with a number below `numbers` behind it,
 * whatever becomes of their connections. */
void load_through_kills(struct server *, const char *path, unsigned numbers);

/* Ends the load: none of its requests has failed. How many there were. */
unsigned long load_stop(struct server *, struct load *);

#endif
