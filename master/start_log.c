#include "master/start_log.h"

#include <errno.h>
#include <string.h>

void start_log_open(struct start_log *start, struct arena *arena, const char *path, bool asked)
{
    *start = (struct start_log){ .log = log_stderr };
    if (strcmp(path, "stderr") == 0)
        return;
    start->file = log_file_open(&start->files, path);
    if (start->file != NULL && log_add_file(&start->log, arena, start->file, LOG_LEVEL_NOTICE))
        return;
    if (asked)
        log_write(&log_stderr, LOG_LEVEL_ALERT, errno, 0,
                  "could not open error log file: open() \"%s\" failed", path);
    start_log_close(start);
}

void start_log_close(struct start_log *start)
{
    start->log = log_stderr;
    if (start->file != NULL)
        log_file_close(&start->files, start->file);
    start->file = NULL;
}
