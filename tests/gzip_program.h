/* gzip_program.h: what gzip(1) makes of something. */
#ifndef MUXD_TESTS_GZIP_PROGRAM_H
#define MUXD_TESTS_GZIP_PROGRAM_H

#include "common/slice.h"

#include <check.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* All of `input` through gzip with one option ("-6", "-d"): memory from malloc. Fails the
 * test when the program is not satisfied. */
static inline struct slice gzip_program(const char *option, struct slice input)
{
    int in = memfd_create("input", MFD_CLOEXEC), out = memfd_create("output", MFD_CLOEXEC);
    int status;

    ck_assert(in >= 0 && out >= 0);
    ck_assert_int_eq(write(in, input.at, input.len), (ssize_t)input.len);
    ck_assert_int_eq(lseek(in, 0, SEEK_SET), 0);
    pid_t pid = fork();
    ck_assert(pid >= 0);
    if (pid == 0) {
        if (dup2(in, 0) == 0 && dup2(out, 1) == 1)
            execlp("gzip", "gzip", "-c", option, (char *)NULL);
        _exit(127);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "gzip %s failed", option);
    size_t len = (size_t)lseek(out, 0, SEEK_END);
    char *text = malloc(len + 1);
    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(pread(out, text, len, 0), (ssize_t)len);
    close(in);
    close(out);
    return slice_make(text, len);
}

#endif
