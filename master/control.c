#include "master/control.h"

#include "master/commands.h"
#include "master/master.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void control_init(struct control *control)
{
    control->socket = control_socket_none;
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        control->clients[i] = (struct control_client){ .fd = -1 };
}

bool control_open(const struct main_settings *settings, const struct log *log,
                  struct control_socket *opened)
{
    enum log_level level = settings->control_given ? LOG_LEVEL_EMERG : LOG_LEVEL_WARN;

    *opened = control_socket_none;
    if (settings->control == NULL || !settings->master_process)
        return true;
    switch (control_socket_open(log, level, settings->control, opened)) {
    case CONTROL_OPENED:
        return true;
    case CONTROL_TAKEN:
        return false;
    case CONTROL_FAILED:
        break;
    }
    return !settings->control_given;
}

static void client_close(struct control_client *client)
{
    close(client->fd);
    free(client->answer);
    *client = (struct control_client){ .fd = -1 };
}

/* --- answers --- */

/* Room for `len` more bytes of the answer. A client for whom there is none gets no more. */
static bool answer_grow(struct control_client *client, size_t len)
{
    size_t needed = client->answer_len + len;
    size_t room = client->answer_room > 0 ? client->answer_room : CONTROL_REQUEST_MAX;

    if (needed <= client->answer_room)
        return true;
    while (room < needed)
        room *= 2;
    char *answer = room <= CONTROL_ANSWER_MAX ? realloc(client->answer, room) : NULL;
    if (answer == NULL) {
        client->phase = CONTROL_CLOSING;
        return false;
    }
    client->answer = answer;
    client->answer_room = room;
    return true;
}

static void answer_add(struct control_client *client, struct slice text)
{
    if (client->phase == CONTROL_CLOSING || !answer_grow(client, text.len))
        return;
    memcpy(client->answer + client->answer_len, text.at, text.len);
    client->answer_len += text.len;
}

/* "out TEXT", and the same for each line that follows in the text. */
static void answer_lines(struct control_client *client, struct slice word, struct slice text)
{
    ptrdiff_t newline;

    do {
        newline = slice_find(text, '\n');
        answer_add(client, word);
        answer_add(client, newline < 0 ? text : slice_first(text, (size_t)newline));
        answer_add(client, SLICE("\n"));
        text = slice_from(text, (size_t)(newline + 1));
    } while (newline >= 0);
}

static void answer_format(struct control_client *client, struct slice word, const char *format,
                          va_list args)
{
    char *text = NULL;
    int len = vasprintf(&text, format, args);

    if (len < 0) {
        client->phase = CONTROL_CLOSING;
        return;
    }
    answer_lines(client, word, slice_make(text, (size_t)len));
    free(text);
}

void control_out(struct control_client *client, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    answer_format(client, SLICE("out "), format, args);
    va_end(args);
}

void control_err(struct control_client *client, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    answer_format(client, SLICE("err "), format, args);
    va_end(args);
}

void control_end(struct control_client *client, bool success)
{
    answer_add(client, success ? SLICE("end 0\n") : SLICE("end 1\n"));
    client->subject = CONTROL_NOTHING;
    if (client->phase == CONTROL_WAITING)
        client->phase = CONTROL_READING;
}

void control_wait(struct control_client *client, enum control_subject subject, unsigned ticket)
{
    client->subject = subject;
    client->ticket = ticket;
}

/* The client waits for it. */
static bool waits_for(const struct control_client *client, enum control_subject subject,
                      unsigned ticket)
{
    return client->fd >= 0 && client->subject == subject && client->ticket <= ticket;
}

void control_tell(struct control *control, enum control_subject subject, unsigned ticket,
                  const char *line)
{
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        if (waits_for(&control->clients[i], subject, ticket))
            control_err(&control->clients[i], "%s", line);
}

void control_conclude(struct control *control, enum control_subject subject, unsigned ticket,
                      bool success, const char *line)
{
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct control_client *client = &control->clients[i];
        if (!waits_for(client, subject, ticket))
            continue;
        if (line != NULL && success)
            control_out(client, "%s", line);
        else if (line != NULL)
            control_err(client, "%s", line);
        control_end(client, success);
    }
}

/* Sends what the kernel takes now. False when the client has gone. */
static bool answer_flush(struct control_client *client)
{
    while (client->answer_sent < client->answer_len) {
        ssize_t sent = send(client->fd, client->answer + client->answer_sent,
                            client->answer_len - client->answer_sent, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN;
        client->answer_sent += (size_t)sent;
    }
    client->answer_len = client->answer_sent = 0;
    return true;
}

/* --- requests --- */

static void handle(struct master *master, struct control_client *client, struct slice line,
                   uint64_t now)
{
    ptrdiff_t blank = slice_find(line, ' ');
    struct slice name = blank < 0 ? line : slice_first(line, (size_t)blank);
    struct slice arguments = blank < 0 ? SLICE("") : slice_from(line, (size_t)blank + 1);
    const struct command *command = command_find(name);

    client->phase = CONTROL_WAITING;
    if (command != NULL) {
        command->handle(master, client, arguments, now);
        return;
    }
    control_err(client, "muxd: [error] the running server does not know the command \"%.*s\"",
                (int)name.len, name.at);
    control_end(client, false);
}

static void refuse_request(struct control_client *client, const char *why)
{
    control_err(client, "muxd: [error] %s", why);
    control_end(client, false);
    client->phase = CONTROL_CLOSING;
}

/* Handles the requests that are there, one after the other. */
static void take_requests(struct master *master, struct control_client *client, uint64_t now)
{
    char line[CONTROL_REQUEST_MAX];

    while (client->phase == CONTROL_READING) {
        struct slice waiting = slice_make(client->request, client->request_len);
        ptrdiff_t newline = slice_find(waiting, '\n');
        if (newline < 0)
            break;
        memcpy(line, client->request, (size_t)newline);
        client->request_len -= (size_t)newline + 1;
        memmove(client->request, client->request + newline + 1, client->request_len);
        client->due = now + CONTROL_SILENCE;
        handle(master, client, slice_make(line, (size_t)newline), now);
    }
    if (client->phase == CONTROL_READING && client->request_len == CONTROL_REQUEST_MAX)
        refuse_request(client, "the request is too long");
}

/* Reads what is there. False when the client has gone. */
static bool read_requests(struct master *master, struct control_client *client, uint64_t now)
{
    while (client->phase == CONTROL_READING) {
        ssize_t got = recv(client->fd, client->request + client->request_len,
                           CONTROL_REQUEST_MAX - client->request_len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno == EAGAIN;
        if (got == 0)
            return false;
        client->request_len += (size_t)got;
        take_requests(master, client, now);
    }
    return true;
}

/* --- clients --- */

static void accept_client(struct control *control, int fd, uint64_t now)
{
    static const char full[] = "err muxd: [error] too many clients of the control socket\nend 1\n";

    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (control->clients[i].fd >= 0)
            continue;
        control->clients[i] = (struct control_client){ .fd = fd, .due = now + CONTROL_SILENCE };
        return;
    }
    /* It fits into the socket's buffer; a client that has gone does not miss it. */
    if (send(fd, full, sizeof full - 1, MSG_NOSIGNAL) < 0)
        errno = 0;
    close(fd);
}

static void accept_clients(struct control *control, uint64_t now)
{
    int fd;

    while ((fd = control_socket_accept(&control->socket)) >= 0)
        accept_client(control, fd, now);
}

static bool has_answer(const struct control_client *client)
{
    return client->answer_sent < client->answer_len;
}

static short events_of(const struct control_client *client)
{
    int events = has_answer(client) ? POLLOUT : 0;

    if (client->phase == CONTROL_READING)
        events |= POLLIN;
    return (short)events;
}

void control_watch(const struct control *control, struct pollfd *polls)
{
    polls[0] = (struct pollfd){ .fd = control->socket.fd, .events = POLLIN };
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        polls[1 + i] = (struct pollfd){ .fd = control->clients[i].fd,
                                        .events = events_of(&control->clients[i]) };
}

static void serve_client(struct master *master, struct control_client *client, short events,
                         uint64_t now)
{
    bool here = (events & (POLLERR | POLLHUP)) == 0 || (events & POLLIN) != 0;

    if (here && client->phase == CONTROL_READING) {
        take_requests(master, client, now); /* what came while it waited */
        here = read_requests(master, client, now);
    }
    /* One that sends no more may still read. */
    here = answer_flush(client) && here;
    if (!here || (client->phase == CONTROL_CLOSING && !has_answer(client)))
        client_close(client);
}

void control_serve(struct master *master, const struct pollfd *polls, uint64_t now)
{
    struct control *control = &master->control;

    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        if (polls[1 + i].fd >= 0 && polls[1 + i].revents != 0)
            serve_client(master, &control->clients[i], polls[1 + i].revents, now);
    if (polls[0].fd >= 0 && polls[0].revents != 0)
        accept_clients(control, now);
}

void control_advance(struct master *master, uint64_t now)
{
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct control_client *client = &master->control.clients[i];
        if (client->fd < 0)
            continue;
        /* One whose answer found no memory while it waited hears of it by the end. */
        if (client->phase == CONTROL_CLOSING
                ? !has_answer(client)
                : client->phase == CONTROL_READING && now >= client->due)
            client_close(client);
        else if (client->phase == CONTROL_READING)
            master_wake_at(master, client->due);
    }
}

void control_close(struct control *control)
{
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (control->clients[i].fd < 0)
            continue;
        answer_flush(&control->clients[i]);
        client_close(&control->clients[i]);
    }
    control_socket_close(&control->socket);
}

void control_leave(struct control *control)
{
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        if (control->clients[i].fd >= 0)
            client_close(&control->clients[i]);
    control_socket_leave(&control->socket);
}
