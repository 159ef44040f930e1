/* anchor.h: opening files by their paths from folders that are held.
 *
 * A process may hold the folders that paths begin at, "/" and the current one. From then on it
 * opens every path relative to one of the two: what is found is the same, but the kernel is asked
 * by openat(2) of a descriptor, never by open(2) nor by openat(2) of AT_FDCWD. Who asks so is not
 * this program, and a filter of system calls can tell (master/sandbox.h).
 *
 * Held folders are the process's, as its current folder is. */
#ifndef MUXD_COMMON_ANCHOR_H
#define MUXD_COMMON_ANCHOR_H

#include <dirent.h>
#include <stdbool.h>
#include <sys/types.h>

/* Holds both folders for as long as the process lives; it must not change its current one
 * afterwards. False with errno. */
bool anchors_hold(void);

/* What to open the path from, for openat(2) and its kin: a held folder, and *path is what is left
 * of it; AT_FDCWD before any is held. -1 with errno: the current folder may not be entered. */
int anchor_of(const char **path);

/* open(2) of a path; `mode` counts where a file is made. */
int anchored_open(const char *path, int flags, mode_t mode);

/* opendir(3) of a path. */
DIR *anchored_open_folder(const char *path);

#endif
