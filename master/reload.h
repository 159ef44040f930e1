/* reload.h: SIGHUP as one transaction.
 *
 * The new configuration is read and checked, its log files and sockets are
 * opened, its workers started: only when every one of them accepts does it come
 * into force. Whatever fails before that is logged and undone, and the old
 * configuration goes on as if nothing had been. It is done when the old workers
 * have ended accepting: whoever connects then is served by the new ones. */
#ifndef MUXD_MASTER_RELOAD_H
#define MUXD_MASTER_RELOAD_H

#include "master/master.h"

/* Begins a reload; one that is under way is finished first. */
void reload_begin(struct master *, uint64_t now);

/* The command of the control socket: begins one, and answers when it has ended. */
void reload_command(struct master *, struct control_client *, struct slice arguments, uint64_t now);

/* The step of the loop: opens, waits for the new workers, commits or gives up, waits for
 * the old ones. */
void reload_advance(struct master *, uint64_t now);

/* The master leaves: gives up what is not in force yet. */
void reload_abandon(struct master *);

#endif
