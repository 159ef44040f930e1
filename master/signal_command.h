/* signal_command.h: muxd -s: telling a running master what to do.
 *
 * What has an outcome worth waiting for goes through the control socket; the rest, and
 * that too where there is no control socket, is a signal to the process of the pid file. */
#ifndef MUXD_MASTER_SIGNAL_COMMAND_H
#define MUXD_MASTER_SIGNAL_COMMAND_H

#include "common/log.h"
#include "master/settings.h"

#include <stdbool.h>

/* The word is one that -s takes: stop, quit, reopen, reload, upgrade. */
bool signal_command_known(const char *word);

/* Does what the word says. False, with the reason logged as nginx words it or said by the
 * master, when there is no master, it may not be spoken to, or it could not do it. */
bool signal_command_send(const struct log *, const char *word, const struct main_settings *);

#endif
