/* control.h: what `muxd -s reload` and `muxd status` say to the master, and hear.
 *
 * A client connects to the control socket (control_socket.h) and sends requests, one
 * line each: the name of a command (commands.h) and, behind a blank, its arguments. The
 * answer is lines too:
 *
 *     out TEXT     for standard output
 *     err TEXT     for standard error
 *     end STATUS   0 or 1: the last one; the next request may follow
 *
 * The handler of a command answers at once, or leaves the client waiting until what it
 * has asked for is done. Nothing here blocks the master: clients, requests, answers and
 * silence are bounded. */
#ifndef MUXD_MASTER_CONTROL_H
#define MUXD_MASTER_CONTROL_H

#include "master/control_socket.h"

#include <poll.h>

struct main_settings;
struct master;

enum {
    CONTROL_CLIENTS_MAX = 16,     /* at a time; one more is told so */
    CONTROL_REQUEST_MAX = 1024,   /* bytes of a line, with its newline */
    CONTROL_ANSWER_MAX = 4 << 20, /* bytes that a client has not read yet; then it is closed */
    CONTROL_SILENCE = 60000,      /* ms without a request until a client is closed */
    CONTROL_POLLS = 1 + CONTROL_CLIENTS_MAX,
};

enum control_phase {
    CONTROL_READING, /* the next request */
    CONTROL_WAITING, /* for the end of the answer */
    CONTROL_CLOSING, /* as soon as the answer is sent */
};

/* What a client waits for that other modules do. */
enum control_subject {
    CONTROL_NOTHING,
    CONTROL_RELOAD,
    CONTROL_UPGRADE,
};

struct control_client {
    int fd; /* -1: the place is free */
    enum control_phase phase;
    enum control_subject subject;
    unsigned ticket; /* which one of the subject's it waits for */
    uint64_t due;    /* monotonic ms: READING: closed then */
    char request[CONTROL_REQUEST_MAX];
    size_t request_len;
    char *answer; /* of malloc */
    size_t answer_len, answer_sent, answer_room;
};

struct control {
    struct control_socket socket;
    struct control_client clients[CONTROL_CLIENTS_MAX];
};

/* Without a socket, and without clients. */
void control_init(struct control *);

/* Opens the socket that a configuration wants, in `opened`; "none" when it wants none, or one
 * that it has not named cannot be had. False, with the reason logged, when it must not
 * come into force: the socket is another master's, or was named. */
bool control_open(const struct main_settings *, const struct log *, struct control_socket *opened);

/* What to poll(2) for: CONTROL_POLLS of them, those that are not used with fd -1. */
void control_watch(const struct control *, struct pollfd *polls);

/* Does what poll(2) has said can be done: takes clients, reads requests and handles them,
 * sends answers. */
void control_serve(struct master *, const struct pollfd *polls, uint64_t now);

/* The step of the loop: closes who has been silent for too long. */
void control_advance(struct master *, uint64_t now);

/* One line of the answer, for standard output. Control characters are the caller's matter;
 * newlines begin another line. */
void control_out(struct control_client *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for standard error. */
void control_err(struct control_client *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Ends the answer. */
void control_end(struct control_client *, bool success);

/* The client waits for this one of the subject: it is one of those that control_tell
 * and control_conclude speak to. */
void control_wait(struct control_client *, enum control_subject, unsigned ticket);

/* One line for standard error to all who wait for this one of the subject, or an
 * earlier one. */
void control_tell(struct control *, enum control_subject, unsigned ticket, const char *line);

/* It is done: the last line, on standard output when that is a success (NULL: none), and the
 * end. */
void control_conclude(struct control *, enum control_subject, unsigned ticket, bool success,
                      const char *line);

/* Sends what can be sent at once, closes the clients and the socket, and removes its file. */
void control_close(struct control *);

/* In a child: closes the descriptors. */
void control_leave(struct control *);

#endif
