#include "master/activation.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum { FIRST_SOCKET = 3 }; /* sd_listen_fds(3): SD_LISTEN_FDS_START */

/* A number of the environment; 0 when it is none. */
static uint64_t number_of(const char *name)
{
    const char *text = getenv(name);
    uint64_t number = 0;

    if (text == NULL || !slice_to_number(slice_of(text), INT_MAX - FIRST_SOCKET, &number))
        return 0;
    return number;
}

void activation_inherit(struct listeners *listeners, const struct log *log)
{
    uint64_t count = number_of("LISTEN_FDS");

    if (count == 0 || number_of("LISTEN_PID") != (uint64_t)getpid())
        return;
    for (int fd = FIRST_SOCKET; fd < FIRST_SOCKET + (int)count; fd++)
        if (!listeners_inherit(listeners, fd))
            log_write(log, LOG_LEVEL_WARN, 0, 0,
                      "descriptor %d of LISTEN_FDS is no listening socket, ignored", fd);
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDNAMES");
}
