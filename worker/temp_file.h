/* temp_file.h: temporary files, which are gone with their descriptor. */
#ifndef MUXD_WORKER_TEMP_FILE_H
#define MUXD_WORKER_TEMP_FILE_H

/* A new file in the folder, open for reading and writing, without a name. -1 with errno. */
int temp_file_open(const char *folder);

#endif
