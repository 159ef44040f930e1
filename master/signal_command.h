/* signal_command.h: muxd -s: telling a running master what to do. */
#ifndef MUXD_MASTER_SIGNAL_COMMAND_H
#define MUXD_MASTER_SIGNAL_COMMAND_H

#include "common/log.h"

#include <stdbool.h>

/* The word is one that -s takes: stop, quit, reopen, reload. */
bool signal_command_known(const char *word);

/* Sends the signal of `word` to the process of the pid file. False, with the reason
 * logged as nginx words it, when there is none or it may not be signalled. */
bool signal_command_send(const struct log *, const char *word, const char *pid_path);

#endif
