/* pidfile.h: the file that holds the master's process number.
 *
 * Written when the master has its final process number, read by `muxd -s`,
 * removed when the master leaves. Problems are logged as nginx words them. */
#ifndef MUXD_MASTER_PIDFILE_H
#define MUXD_MASTER_PIDFILE_H

#include "common/log.h"

#include <stdbool.h>
#include <sys/types.h>

/* Tries that the file can be written (-t, and before the master leaves the terminal). One that is
 * there stays as it is; one that is not is created and removed. */
bool pidfile_check(const struct log *, const char *path);

/* Writes the number and a newline over the file's content. */
bool pidfile_write(const struct log *, const char *path, pid_t);

/* The number that stands in the file; -1 when it cannot be read or is no
 * process number. */
pid_t pidfile_read(const struct log *, const char *path);

/* Removes the file. */
void pidfile_remove(const struct log *, const char *path);

#endif
