#include "master/signals.h"

#include <errno.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct signal_meaning {
    int number;
    const char *name;
    enum signal_action action;
};

static const struct signal_meaning meanings[] = {
    { SIGCHLD, "SIGCHLD", ACTION_REAP },     { SIGTERM, "SIGTERM", ACTION_TERM },
    { SIGINT, "SIGINT", ACTION_STOP },       { SIGQUIT, "SIGQUIT", ACTION_QUIT },
    { SIGHUP, "SIGHUP", ACTION_RELOAD },     { SIGUSR1, "SIGUSR1", ACTION_REOPEN },
    { SIGWINCH, "SIGWINCH", ACTION_RETIRE }, { SIGUSR2, "SIGUSR2", ACTION_UPGRADE },
};

enum { MEANINGS = sizeof meanings / sizeof *meanings };

static const struct signal_meaning *meaning_find(int number)
{
    for (size_t i = 0; i < MEANINGS; i++)
        if (meanings[i].number == number)
            return &meanings[i];
    return NULL;
}

bool signals_open(struct signals *signals)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct sigaction usual = { .sa_handler = SIG_DFL };
    sigset_t taken;

    sigemptyset(&taken);
    for (size_t i = 0; i < MEANINGS; i++) {
        sigaddset(&taken, meanings[i].number);
        /* An ignored signal (nohup(1)) never reaches a signalfd, and ignoring
         * SIGCHLD would reap the workers behind our back. */
        if (sigaction(meanings[i].number, &usual, NULL) < 0)
            return false;
    }
    if (sigaction(SIGPIPE, &ignore, NULL) < 0)
        return false;
    if (sigprocmask(SIG_BLOCK, &taken, &signals->original) < 0)
        return false;
    signals->fd = signalfd(-1, &taken, SFD_NONBLOCK | SFD_CLOEXEC);
    return signals->fd >= 0;
}

bool signals_next(struct signals *signals, struct signal_received *received)
{
    struct signalfd_siginfo info;
    ssize_t got;

    do
        got = read(signals->fd, &info, sizeof info);
    while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof info)
        return false;
    const struct signal_meaning *meaning = meaning_find((int)info.ssi_signo);
    *received = (struct signal_received){
        .number = (int)info.ssi_signo,
        .name = meaning != NULL ? meaning->name : "?",
        .action = meaning != NULL ? meaning->action : ACTION_NONE,
        .sender = (pid_t)info.ssi_pid,
    };
    return true;
}

sigset_t signals_worker_mask(const struct signals *signals)
{
    sigset_t mask = signals->original;

    for (size_t i = 0; i < MEANINGS; i++)
        sigdelset(&mask, meanings[i].number);
    return mask;
}

void signals_leave(struct signals *signals)
{
    if (signals->fd >= 0)
        close(signals->fd);
    signals->fd = -1;
}
