/* user_file.h: files of users and hashes of their passwords, as htpasswd(1) writes them.
 *
 * A line is user:hash, or user:hash:comment; one that begins with '#' is a comment. The file is
 * read for each request: a changed one counts at once. */
#ifndef MUXD_WORKER_HANDLERS_USER_FILE_H
#define MUXD_WORKER_HANDLERS_USER_FILE_H

#include "common/slice.h"

enum { USER_HASH_MAX = 1024 /* bytes; a longer one is cut, and that of no password */ };

enum user_file_result {
    USER_FOUND,
    USER_UNKNOWN,
    USER_FILE_FAILED, /* errno says why; EISDIR for what is not a file */
};

/* Finds the user's hash, NUL-terminated; the first of several lines counts. */
enum user_file_result user_file_find(const char *path, struct slice user,
                                     char hash[USER_HASH_MAX + 1]);

#endif
