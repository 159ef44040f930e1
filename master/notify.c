#include "master/notify.h"

#include "common/slice.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    STATE_MAX = 256,
    MICROSECONDS = 1000, /* of a millisecond */
    WATCHDOG_SHARE = 2,  /* signs of life in the time that the manager waits for one */
};

/* "/path" or "@abstract". False when it is neither, or too long. */
static bool take_name(struct notify *notify, const char *path)
{
    size_t len = strlen(path);

    if ((*path != '/' && *path != '@') || len < 2 || len >= sizeof notify->name.sun_path)
        return false;
    notify->name = (struct sockaddr_un){ .sun_family = AF_UNIX };
    memcpy(notify->name.sun_path, path, len);
    if (*path == '@')
        notify->name.sun_path[0] = '\0';
    notify->name_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    return true;
}

/* A number of the environment; 0 when it is none. */
static uint64_t number_of(const char *name)
{
    const char *text = getenv(name);
    uint64_t number = 0;

    if (text == NULL || !slice_to_number(slice_of(text), UINT32_MAX, &number))
        return 0;
    return number;
}

void notify_open(struct notify *notify)
{
    const char *path = getenv("NOTIFY_SOCKET");

    *notify = (struct notify){ .fd = -1 };
    if (path == NULL || !take_name(notify, path))
        return;
    notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (getenv("WATCHDOG_PID") == NULL || number_of("WATCHDOG_PID") == (uint64_t)getpid())
        notify->watchdog = number_of("WATCHDOG_USEC") / MICROSECONDS / WATCHDOG_SHARE;
}

__attribute__((format(printf, 2, 3))) static void tell(struct notify *notify, const char *format,
                                                       ...)
{
    char state[STATE_MAX];
    va_list args;

    if (notify->fd < 0)
        return;
    va_start(args, format);
    int len = vsnprintf(state, sizeof state, format, args);
    va_end(args);
    struct iovec text = { .iov_base = state, .iov_len = (size_t)len };
    struct msghdr message = { .msg_name = &notify->name,
                              .msg_namelen = notify->name_len,
                              .msg_iov = &text,
                              .msg_iovlen = 1 };
    /* A manager that does not read has its own reasons. */
    if (len > 0 && len < STATE_MAX && sendmsg(notify->fd, &message, MSG_NOSIGNAL) < 0)
        return;
}

void notify_ready(struct notify *notify, unsigned generation, unsigned workers)
{
    tell(notify, "READY=1\nSTATUS=Serving: generation %u, %u workers\nMAINPID=%ld", generation,
         workers, (long)getpid());
}

void notify_reloading(struct notify *notify)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    tell(notify, "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=Reading the configuration",
         (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
}

void notify_failed(struct notify *notify, unsigned generation)
{
    tell(notify, "READY=1\nSTATUS=Serving: generation %u; the last reload failed", generation);
}

void notify_successor(struct notify *notify, pid_t pid)
{
    tell(notify, "MAINPID=%ld", (long)pid);
    notify_leave(notify);
}

void notify_stopping(struct notify *notify)
{
    tell(notify, "STOPPING=1\nSTATUS=Finishing what is being answered");
}

uint64_t notify_advance(struct notify *notify, uint64_t now)
{
    if (notify->fd < 0 || notify->watchdog == 0)
        return UINT64_MAX;
    if (now >= notify->due) {
        tell(notify, "WATCHDOG=1");
        notify->due = now + notify->watchdog;
    }
    return notify->due;
}

void notify_leave(struct notify *notify)
{
    if (notify->fd >= 0)
        close(notify->fd);
    notify->fd = -1;
}
