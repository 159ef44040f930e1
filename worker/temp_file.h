/* temp_file.h: temporary files. */
#ifndef MUXD_WORKER_TEMP_FILE_H
#define MUXD_WORKER_TEMP_FILE_H

#include <limits.h>

/* A new file in the folder, open for reading and writing, without a name: it is gone with its
 * descriptor. -1 with errno. */
int temp_file_open(const char *folder);

/* Likewise, but it has a name, its path: the caller renames or removes it. */
int temp_file_named(const char *folder, char path[static PATH_MAX]);

#endif
