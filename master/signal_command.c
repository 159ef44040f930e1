#include "master/signal_command.h"

#include "master/pidfile.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

struct signal_command {
    const char *word;
    int signal;
};

static const struct signal_command commands[] = {
    { "stop", SIGTERM },
    { "quit", SIGQUIT },
    { "reopen", SIGUSR1 },
    { "reload", SIGHUP },
};

static const struct signal_command *command_find(const char *word)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].word, word) == 0)
            return &commands[i];
    return NULL;
}

bool signal_command_known(const char *word)
{
    return command_find(word) != NULL;
}

bool signal_command_send(const struct log *log, const char *word, const char *pid_path)
{
    const struct signal_command *command = command_find(word);

    log_write(log, LOG_LEVEL_NOTICE, 0, 0, "signal process started");
    pid_t pid = pidfile_read(log, pid_path);
    if (command == NULL || pid < 0)
        return false;
    if (kill(pid, command->signal) < 0) {
        log_write(log, LOG_LEVEL_ALERT, errno, 0, "kill(%ld, %d) failed", (long)pid,
                  command->signal);
        return false;
    }
    return true;
}
