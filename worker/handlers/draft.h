/* draft.h: a file that is written aside, and put in its place when it is whole.
 *
 * Until then nobody sees it, and whatever happens, a full disk, a lost client or a killed
 * worker, what stood in the place is still there as it was. */
#ifndef MUXD_WORKER_HANDLERS_DRAFT_H
#define MUXD_WORKER_HANDLERS_DRAFT_H

#include "worker/handlers/file_open.h"

struct draft {
    int fd;
    int folder;    /* where its name stands; the place's */
    char name[32]; /* "": it has none */
};

/* What the file becomes. */
struct draft_facts {
    mode_t mode;     /* permissions */
    time_t modified; /* -1: now */
};

/* Starts a file in the folder of the place. False with errno. */
bool draft_open(struct draft *, const struct place *);

/* Writes at its end; copies a file, from its beginning. False with errno. */
bool draft_write(struct draft *, struct slice);
bool draft_copy(struct draft *, int from);

/* Puts it in its place, instead of what is there. The draft is closed. False with errno. */
bool draft_commit(struct draft *, const struct place *, const struct draft_facts *);

/* Throws it away. errno is kept. */
void draft_drop(struct draft *);

/* The same for a file without a name in some folder, as temp_file_open makes them: it is
 * linked where that can be done, else copied. */
bool draft_place_file(int fd, const struct place *, const struct draft_facts *);

#endif
