/* start_log.h: where is said what goes wrong before a configuration is in force.
 *
 * Warnings and worse go to standard error, and everything from notices on to the
 * file of -e, or the built-in one: a start at boot has no terminal. */
#ifndef MUXD_MASTER_START_LOG_H
#define MUXD_MASTER_START_LOG_H

#include "common/log.h"

struct start_log {
    struct log log;
    struct log_files files;
    struct log_file *file; /* NULL: standard error only */
};

/* Opens it on this path; "stderr" is no file. One that cannot be opened is done
 * without; with `asked` (-e) that is said. */
void start_log_open(struct start_log *, struct arena *, const char *path, bool asked);

/* Closes the file; standard error goes on. */
void start_log_close(struct start_log *);

#endif
