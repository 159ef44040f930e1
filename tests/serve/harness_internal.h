/* harness_internal.h: what the harness's own files share. */
#ifndef MUXD_TESTS_SERVE_HARNESS_INTERNAL_H
#define MUXD_TESTS_SERVE_HARNESS_INTERNAL_H

#include "tests/serve/harness.h"

/* The program under test. */
const char *muxd_binary(void);

/* A file's whole text from malloc, NUL-terminated; "" when it cannot be read. */
char *file_text(struct server *, const char *path);

/* Removes a folder with all that is in it. */
void folder_remove(const char *path);

/* Closes and frees a client: what server_at_end is given for it. */
void client_release(void *client);

#endif
