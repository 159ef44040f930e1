#include "master/upgrade.h"

#include "master/drain.h"
#include "master/reload.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SOCKETS_VARIABLE "MUXD"
#define LENT_VARIABLE "MUXD_LENT"
#define READY_VARIABLE "MUXD_READY"
#define STDERR_VARIABLE "MUXD_STDERR"
#define READY_WORD "muxd: ready\n"
#define OLD_SUFFIX ".oldbin"

/* Milliseconds. */
enum {
    READY_WITHIN = 30000,
    LOOK_EVERY = 10, /* for what the new master says */
    PREDECESSOR_LOOK_EVERY = 100,
};

/* --- in the new master --- */

/* The descriptor that a variable names, not to be passed on; -1: there is none. */
static int descriptor_of(const char *name)
{
    const char *text = getenv(name);
    uint64_t number;

    if (text == NULL || !slice_to_number(slice_of(text), INT32_MAX, &number) ||
        fcntl((int)number, F_SETFD, FD_CLOEXEC) < 0)
        return -1;
    return (int)number;
}

/* Takes the next number off "6;7;8;". False when there is none, or something else. */
static bool next_number(struct slice *rest, uint64_t *number)
{
    ptrdiff_t end = slice_find(*rest, ';');

    if (end < 0 || !slice_to_number(slice_first(*rest, (size_t)end), INT32_MAX, number))
        return false;
    *rest = slice_from(*rest, (size_t)end + 1);
    return true;
}

static enum socket_origin origin_of(uint64_t fd)
{
    const char *lent = getenv(LENT_VARIABLE);
    struct slice rest = slice_of(lent != NULL ? lent : "");
    uint64_t number;

    while (next_number(&rest, &number))
        if (number == fd)
            return SOCKET_OF_MANAGER;
    return SOCKET_OF_MASTER;
}

static void take_sockets(struct master *master, struct slice rest)
{
    while (rest.len > 0) {
        uint64_t fd;
        if (!next_number(&rest, &fd) ||
            !listeners_inherit(&master->listeners, (int)fd, origin_of(fd))) {
            log_write(master->log, LOG_LEVEL_EMERG, 0, 0,
                      "invalid socket in the " SOCKETS_VARIABLE
                      " environment variable, ignoring the rest of it");
            return;
        }
    }
}

void upgrade_inherit(struct master *master)
{
    const char *sockets = getenv(SOCKETS_VARIABLE);

    if (sockets == NULL)
        return;
    log_write(master->log, LOG_LEVEL_NOTICE, 0, 0, "using inherited sockets from \"%s\"", sockets);
    take_sockets(master, slice_of(sockets));
    listeners_share(&master->listeners);
    master->upgrade.predecessor = getppid();
    master->upgrade.ready = descriptor_of(READY_VARIABLE);
    master->upgrade.standard_error = descriptor_of(STDERR_VARIABLE);
    unsetenv(SOCKETS_VARIABLE);
    unsetenv(LENT_VARIABLE);
    unsetenv(READY_VARIABLE);
    unsetenv(STDERR_VARIABLE);
}

void upgrade_restore_stderr(struct master *master)
{
    int fd = master->upgrade.standard_error;

    if (fd < 0)
        return;
    if (dup2(fd, STDERR_FILENO) < 0)
        log_write(master->log, LOG_LEVEL_ALERT, errno, 0, "dup2(STDERR) failed");
    close(fd);
    master->upgrade.standard_error = -1;
}

void upgrade_ready(struct master *master)
{
    struct upgrade *upgrade = &master->upgrade;
    ssize_t written;

    if (upgrade->ready < 0)
        return;
    do
        written = write(upgrade->ready, READY_WORD, sizeof READY_WORD - 1);
    while (written < 0 && errno == EINTR);
    close(upgrade->ready);
    upgrade->ready = -1;
}

/* The old master has gone: the sockets are this one's alone. */
static void come_of_age(struct master *master, uint64_t now)
{
    master->upgrade.predecessor = 0;
    listeners_unshare(&master->listeners, master->log);
    if (master->phase == MASTER_SERVING && master->reload.next == NULL)
        drain_older(master, listeners_surplus(&master->listeners), now);
}

/* The old master may have gone. */
static void look_for_predecessor(struct master *master, uint64_t now)
{
    if (master->upgrade.predecessor == 0)
        return;
    if (getppid() != master->upgrade.predecessor)
        come_of_age(master, now);
    else
        master_wake_at(master, now + PREDECESSOR_LOOK_EVERY);
}

/* --- in the old master --- */

static const char *old_path(const struct master *master, const char *path)
{
    const char *old = arena_printf(&master->current->arena, "%s" OLD_SUFFIX, path).at;

    return old != NULL ? old : path;
}

const char *upgrade_pid_path(const struct master *master)
{
    const char *path = master->current->settings->pid;

    return master->upgrade.successor != 0 ? old_path(master, path) : path;
}

static void rename_pid_file(const struct master *master, const char *from, const char *to)
{
    if (rename(from, to) < 0)
        log_write(master->log, LOG_LEVEL_ALERT, errno, 0, "rename() \"%s\" to \"%s\" failed", from,
                  to);
}

/* Out of the new one's way, or back again. */
static void move_files(struct master *master, bool away)
{
    const struct main_settings *settings = master->current->settings;
    const char *old_pid = old_path(master, settings->pid);

    rename_pid_file(master, away ? settings->pid : old_pid, away ? old_pid : settings->pid);
    if (master->control.socket.fd >= 0)
        control_socket_rename(&master->control.socket, master->log,
                              away ? old_path(master, settings->control) : settings->control);
}

/* In the child: passes the sockets, and says which they are. */
static bool pass_sockets(const struct listeners *listeners)
{
    char *all = listeners_numbers(listeners, false), *lent = listeners_numbers(listeners, true);
    bool passed = all != NULL && lent != NULL && listeners_pass(listeners) &&
                  setenv(SOCKETS_VARIABLE, all, 1) == 0 && setenv(LENT_VARIABLE, lent, 1) == 0;

    free(all);
    free(lent);
    return passed;
}

/* In the child: a number in the environment, of a descriptor that survives execve(2). */
static bool pass_descriptor(const char *name, int fd)
{
    char number[16];

    snprintf(number, sizeof number, "%d", fd);
    return fd >= 0 && fcntl(fd, F_SETFD, 0) == 0 && setenv(name, number, 1) == 0;
}

/* In the child: becomes the new master. What it says before it has a log of its own goes
 * into the pipe. */
static _Noreturn void execute(const struct master *master, int report)
{
    char *const *arguments = master->launch->arguments;

    signal(SIGPIPE, SIG_DFL);
    if (pass_sockets(&master->listeners) && pass_descriptor(STDERR_VARIABLE, dup(STDERR_FILENO)) &&
        pass_descriptor(READY_VARIABLE, report) && dup2(report, STDERR_FILENO) >= 0 &&
        sigprocmask(SIG_SETMASK, &master->signals.original, NULL) == 0)
        execvp(arguments[0], arguments);
    dprintf(report, "muxd: [alert] failed to execute \"%s\" (%d: %s)\n", arguments[0], errno,
            strerror(errno));
    _exit(EXIT_FAILURE);
}

/* Why there can be no upgrade now; NULL: there can be one. */
static const char *obstacle(const struct master *master)
{
    if (master->phase != MASTER_SERVING || master->current->leaving)
        return "the server is leaving";
    if (master->upgrade.successor != 0 || master->upgrade.predecessor != 0)
        return "an upgrade is under way: the old or the new master has to leave first";
    if (master->reload.next != NULL)
        return "a reload is under way";
    return NULL;
}

/* The pipe that the new master talks into; this one never waits for it. */
static bool open_report(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) < 0)
        return false;
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        return true;
    close(ends[0]);
    close(ends[1]);
    return false;
}

const char *upgrade_begin(struct master *master, bool whole, uint64_t now)
{
    struct upgrade *upgrade = &master->upgrade;
    int ends[2];

    look_for_predecessor(master, now);
    const char *why = obstacle(master);
    if (why != NULL)
        return why;
    if (!open_report(ends))
        return "no pipe could be made";
    move_files(master, true);
    pid_t pid = fork();
    if (pid == 0)
        execute(master, ends[1]);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        move_files(master, false);
        return "fork() failed";
    }
    log_write(master->log, LOG_LEVEL_NOTICE, 0, 0, "start new binary process %ld", (long)pid);
    listeners_share(&master->listeners);
    *upgrade = (struct upgrade){
        .successor = pid,
        .whole = whole,
        .ticket = upgrade->ticket,
        .report = ends[0],
        .ready = -1,
        .standard_error = -1,
        .due = now + READY_WITHIN,
    };
    return NULL;
}

void upgrade_command(struct master *master, struct control_client *client, struct slice arguments,
                     uint64_t now)
{
    (void)arguments;
    const char *why = upgrade_begin(master, true, now);
    if (why == NULL) {
        control_wait(client, CONTROL_UPGRADE, master->upgrade.ticket);
        return;
    }
    control_err(client, "muxd: [error] not upgraded: %s", why);
    control_end(client, false);
}

static void close_report(struct upgrade *upgrade)
{
    if (upgrade->report >= 0)
        close(upgrade->report);
    upgrade->report = -1;
}

/* The new master serves; with `whole` it is this one's turn to leave. */
static void handed_over(struct master *master)
{
    struct upgrade *upgrade = &master->upgrade;
    char line[80];

    close_report(upgrade);
    upgrade->serving = true;
    log_write(master->log, LOG_LEVEL_NOTICE, 0, 0, "the new binary process %ld serves",
              (long)upgrade->successor);
    if (!upgrade->whole)
        return;
    notify_successor(&master->notify, upgrade->successor);
    snprintf(line, sizeof line, "upgraded: process %ld serves", (long)upgrade->successor);
    control_conclude(&master->control, CONTROL_UPGRADE, upgrade->ticket, true, line);
    /* As if by the one who has asked for it: through the signals' queue. */
    if (kill(getpid(), SIGQUIT) < 0)
        log_write(master->log, LOG_LEVEL_ALERT, errno, 0, "kill() failed");
}

/* Warnings may come before the word, any number of them. No part of it but the first byte
 * can begin it anew. */
static void take_said(struct upgrade *upgrade, const char *bytes, size_t len)
{
    static const char word[] = READY_WORD;
    size_t room = sizeof upgrade->said - 1 - upgrade->said_len;
    size_t kept = len < room ? len : room;

    memcpy(upgrade->said + upgrade->said_len, bytes, kept);
    upgrade->said_len += kept;
    for (size_t i = 0; i < len && word[upgrade->matched] != '\0'; i++)
        if (bytes[i] == word[upgrade->matched])
            upgrade->matched++;
        else
            upgrade->matched = bytes[i] == word[0];
}

/* What the new master has said so far. */
static void listen_to_successor(struct master *master, uint64_t now)
{
    struct upgrade *upgrade = &master->upgrade;
    char bytes[512];
    ssize_t got;

    while ((got = read(upgrade->report, bytes, sizeof bytes)) > 0)
        take_said(upgrade, bytes, (size_t)got);
    if (upgrade->matched == strlen(READY_WORD)) {
        handed_over(master);
        return;
    }
    if (upgrade->whole && now >= upgrade->due) {
        log_write(master->log, LOG_LEVEL_ERROR, 0, 0, "the new binary does not serve in time");
        if (kill(upgrade->successor, SIGKILL) < 0)
            log_write(master->log, LOG_LEVEL_ALERT, errno, 0, "kill() failed");
        upgrade->due = UINT64_MAX;
    }
    master_wake_at(master, now + LOOK_EVERY);
}

void upgrade_advance(struct master *master, uint64_t now)
{
    struct upgrade *upgrade = &master->upgrade;

    look_for_predecessor(master, now);
    if (upgrade->successor != 0 && upgrade->report >= 0)
        listen_to_successor(master, now);
}

void upgrade_reclaim(struct master *master)
{
    master->upgrade.reclaimed = true;
    master->current->leaving = false;
    listeners_resteer(&master->listeners);
}

bool upgrade_reaped(struct master *master, pid_t pid, uint64_t now)
{
    struct upgrade *upgrade = &master->upgrade;
    bool left = master->current->leaving;

    if (upgrade->successor == 0 || pid != upgrade->successor)
        return false;
    if (upgrade->report >= 0)
        listen_to_successor(master, now);
    close_report(upgrade);
    listeners_unshare(&master->listeners, master->log);
    if (master->phase == MASTER_SERVING)
        move_files(master, false);
    upgrade->successor = 0;
    if (upgrade->said_len > 0)
        control_tell(&master->control, CONTROL_UPGRADE, upgrade->ticket, upgrade->said);
    control_conclude(&master->control, CONTROL_UPGRADE, upgrade->ticket, false,
                     "muxd: [error] not upgraded: the new binary has ended; the old one serves");
    upgrade->ticket++;
    log_write(master->log, LOG_LEVEL_NOTICE, 0, 0, "the new binary process %ld has ended: %s",
              (long)pid, upgrade->said_len > 0 ? upgrade->said : "it said nothing");
    /* Workers that were told to leave, and have not yet, are followed by new ones. */
    master->current->leaving = false;
    if (left && master->phase == MASTER_SERVING)
        reload_begin(master, now);
    return true;
}

bool upgrade_steers(const struct master *master)
{
    const struct upgrade *upgrade = &master->upgrade;

    if (upgrade->successor != 0)
        return upgrade->reclaimed;
    return upgrade->predecessor == 0 || (master->announced && master->phase == MASTER_SERVING);
}
