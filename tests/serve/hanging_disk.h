/* hanging_disk.h: a folder on a disk that does not answer, for tests of servers that
 * block on one.
 *
 * It is a FUSE file system with one file, "file", that holds "late\n". A process of its own
 * answers the kernel's questions, but opening the file it answers only when it is let
 * go: until then open(2) blocks, whatever its flags. */
#ifndef MUXD_TESTS_SERVE_HANGING_DISK_H
#define MUXD_TESTS_SERVE_HANGING_DISK_H

#include "tests/serve/harness.h"

struct hanging_disk {
    struct server *server;
    const char *path;
    pid_t pid;     /* who answers the kernel; 0: nobody */
    int asked[2];  /* pipe: one byte for each open(2) that blocks */
    int let_go[2]; /* pipe: closed when it is let go */
};

/* Mounts it on a new folder of the server ("html/disk"), before the server starts.
 * False, with errno set, where this process may not mount. */
bool hanging_disk_mount(struct hanging_disk *, struct server *, const char *path);

/* Waits until somebody is blocked by it. */
void hanging_disk_wait(struct hanging_disk *);

/* Answers, from now on. */
void hanging_disk_let_go(struct hanging_disk *);

/* Takes it away; whoever waits for it gets an error. */
void hanging_disk_remove(struct hanging_disk *);

#endif
