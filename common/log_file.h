/* log_file.h: the files that logs are appended to.
 *
 * They are shared by path in a registry, so that each is opened once and
 * reopened (USR1) once, whatever refers to it. A descriptor keeps its number
 * when its file is reopened. */
#ifndef MUXD_COMMON_LOG_FILE_H
#define MUXD_COMMON_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    LOG_FULL_PAUSE = 1000, /* ms that a file which took no more is left alone */
    LOG_PIPE_WAIT = 50,    /* ms that a slow reader of a pipe is waited for */
};

/* A file that lines are appended to, shared by all that name its path. */
struct log_file {
    struct log_file *next;
    char *path;
    int fd;
    bool standard;       /* stderr: never reopened nor closed */
    bool blocking;       /* it is a pipe that others share, whose flags are not ours to change */
    uint64_t full_until; /* monotonic ms: it took no more; nothing is tried before */
    unsigned references;
};

/* The log files of a process. Zero-initialise. */
struct log_files {
    struct log_file *first;
};

/* The file of this path, opened for appending (created 0644) unless the registry
 * has it already; a reference is taken. "stderr" is standard error. NULL with
 * errno set. */
struct log_file *log_file_open(struct log_files *, const char *path);

/* Gives a reference back; the last one closes the file. */
void log_file_close(struct log_files *, struct log_file *);

/* Opens every file anew and replaces the descriptors in place, so that no line is
 * lost. With uid not (uid_t)-1 the files are given to that user first (they must
 * be reopened by workers). What fails keeps its old descriptor; false then, with
 * errno of the last failure and *failed, unless NULL, its path. */
bool log_files_reopen(struct log_files *, uid_t uid, const char **failed);

/* Gives every file to the user, so that its processes can reopen them. */
bool log_files_chown(struct log_files *, uid_t uid, const char **failed);

/* Appends bytes by one write(2) where the kernel takes them at once. False when
 * some could not be written (errno says why): the disk is full, or the reader of a
 * pipe has stopped reading. Such a file is then skipped for LOG_FULL_PAUSE, with
 * ENOSPC. Blocks for LOG_PIPE_WAIT at most. */
bool log_file_write(struct log_file *, const char *bytes, size_t len);

#endif
