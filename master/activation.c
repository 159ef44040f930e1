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

/* Takes the next name off "web:admin"; empty where there is none. */
static struct slice next_name(struct slice *rest)
{
    ptrdiff_t colon = slice_find(*rest, ':');
    struct slice name = colon < 0 ? *rest : slice_first(*rest, (size_t)colon);

    *rest = slice_from(*rest, colon < 0 ? rest->len : (size_t)colon + 1);
    return name;
}

void activation_inherit(struct listeners *listeners, const struct log *log)
{
    const char *listed = getenv("LISTEN_FDNAMES");
    struct slice names = slice_of(listed != NULL ? listed : "");
    uint64_t count = number_of("LISTEN_FDS");

    if (count == 0 || number_of("LISTEN_PID") != (uint64_t)getpid())
        return;
    for (int fd = FIRST_SOCKET; fd < FIRST_SOCKET + (int)count; fd++) {
        struct slice name = next_name(&names);
        if (listeners_inherit(listeners, fd, SOCKET_OF_MANAGER))
            log_write(log, LOG_LEVEL_NOTICE, 0, 0,
                      "using descriptor %d (\"%.*s\") of the service manager", fd, (int)name.len,
                      name.at);
        else
            log_write(log, LOG_LEVEL_WARN, 0, 0,
                      "descriptor %d (\"%.*s\") of the service manager is no listening socket, "
                      "ignored",
                      fd, (int)name.len, name.at);
    }
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDNAMES");
}
