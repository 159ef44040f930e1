#include "master/signal_command.h"

#include "master/control_call.h"
#include "master/pidfile.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct signal_command {
    const char *word;
    int signal;
    bool reports; /* the control socket has a command of this name, which says how it went */
};

static const struct signal_command commands[] = {
    { "stop", SIGTERM, false }, { "quit", SIGQUIT, false },   { "reopen", SIGUSR1, false },
    { "reload", SIGHUP, true }, { "upgrade", SIGUSR2, true },
};

static const struct signal_command *signal_command_find(const char *word)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].word, word) == 0)
            return &commands[i];
    return NULL;
}

bool signal_command_known(const char *word)
{
    return signal_command_find(word) != NULL;
}

static bool send_signal(const struct log *log, const struct signal_command *command,
                        const char *pid_path)
{
    pid_t pid = pidfile_read(log, pid_path);

    if (pid < 0)
        return false;
    if (kill(pid, command->signal) < 0) {
        log_write(log, LOG_LEVEL_ALERT, errno, 0, "kill(%ld, %d) failed", (long)pid,
                  command->signal);
        return false;
    }
    return true;
}

/* Through the control socket. */
static bool send_request(const struct log *log, const struct signal_command *command, int fd)
{
    int status = control_call_printing(fd, command->word);

    if (status < 0)
        log_write(log, LOG_LEVEL_EMERG, errno, 0,
                  "the master does not say how the %s went: see its error log", command->word);
    return status == EXIT_SUCCESS;
}

bool signal_command_send(const struct log *log, const char *word,
                         const struct main_settings *settings)
{
    const struct signal_command *command = signal_command_find(word);

    log_write(log, LOG_LEVEL_NOTICE, 0, 0, "signal process started");
    if (command == NULL)
        return false;
    if (!command->reports)
        return send_signal(log, command, settings->pid);
    int fd = settings->control != NULL ? control_connect(settings->control) : -1;
    if (fd >= 0) {
        bool done = send_request(log, command, fd);
        close(fd);
        return done;
    }
    if (settings->control != NULL && errno != ENOENT && errno != ECONNREFUSED) {
        log_write(log, LOG_LEVEL_EMERG, errno, 0, "connect() to the control socket \"%s\" failed",
                  settings->control);
        return false;
    }
    if (!send_signal(log, command, settings->pid))
        return false;
    log_write(log, LOG_LEVEL_WARN, 0, 0,
              "there is no control socket: the signal is sent, and the error log says how the %s "
              "goes",
              word);
    return true;
}
