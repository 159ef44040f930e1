/* file_tree.h: folders with all that is in them, removed and copied.
 *
 * No symbolic link in them is followed: one is removed as such, and not copied, nor is what is
 * neither a file nor a folder. A folder deeper than TREE_DEPTH_MAX is too deep (ELOOP). */
#ifndef MUXD_WORKER_HANDLERS_FILE_TREE_H
#define MUXD_WORKER_HANDLERS_FILE_TREE_H

#include "worker/handlers/file_open.h"

enum { TREE_DEPTH_MAX = 100 }; /* each takes a descriptor */

/* Removes a folder and what is in it; goes on after what cannot be removed. False with the errno
 * of the first failure. */
bool tree_remove(const struct place *);

/* Copies a folder to a place where nothing is: permissions and times too. False with errno; what
 * was copied by then is left. */
bool tree_copy(const struct place *from, const struct place *to);

/* Copies a file's content, in place of what is there, with these permissions and its time. */
bool tree_copy_file(int from, const struct place *to, mode_t mode);

#endif
