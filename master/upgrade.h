/* upgrade.h: a new binary takes over on the same sockets (USR2), nginx's way.
 *
 * The old master executes the new one with its listening sockets, which it names in the
 * environment: MUXD=6;7;8; in the order in which they joined their groups, and in MUXD_LENT
 * those that are the service manager's. Its pid file and control socket are renamed to
 * .oldbin. The two serve side by side until one of them is told to leave: the old one by
 * WINCH and QUIT; or the new one by QUIT, after HUP to the old.
 * Sockets that both have are neither shut down nor silenced by the one that leaves; and one
 * of them steers at a time: the new one from when its workers accept, the old one again
 * when it is told so, or the new one has ended. `muxd -s upgrade` does it all. */
#ifndef MUXD_MASTER_UPGRADE_H
#define MUXD_MASTER_UPGRADE_H

#include "master/master.h"

/* In a master that starts: takes the sockets of the one that has executed it, if any. */
void upgrade_inherit(struct master *);

/* In the new master: what it says goes where the old one's standard error goes, no longer to
 * the old one. Before workers are forked. */
void upgrade_restore_stderr(struct master *);

/* In the new master: its workers accept; the old one hears of it. */
void upgrade_ready(struct master *);

/* USR2: executes the new binary. `whole`: leaves when that serves. NULL, or why not. */
const char *upgrade_begin(struct master *, bool whole, uint64_t now);

/* The command of the control socket. */
void upgrade_command(struct master *, struct control_client *, struct slice arguments,
                     uint64_t now);

/* The step of the loop: hears from the new master, and notices that the old one has gone. */
void upgrade_advance(struct master *, uint64_t now);

/* HUP while there is a new master: this one serves again. */
void upgrade_reclaim(struct master *);

/* A child has ended: true when it was the new master, and all is as before. */
bool upgrade_reaped(struct master *, pid_t, uint64_t now);

/* This master decides where new connections go. */
bool upgrade_steers(const struct master *);

/* The pid file's path at the end, of the current settings; in the arena of the generation. */
const char *upgrade_pid_path(const struct master *);

#endif
