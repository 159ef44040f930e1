/* Files and folders. The names with _chk or _2 are what a fortified program calls instead. */
#include "tests/faults/faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static bool has_mode(int flags)
{
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list more;

    va_start(more, flags);
    if (has_mode(flags))
        mode = va_arg(more, mode_t);
    va_end(more);
    return fails(CALL_OPEN) ? -1 : ((__typeof__(open) *)next_of(CALL_OPEN))(path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list more;

    va_start(more, flags);
    if (has_mode(flags))
        mode = va_arg(more, mode_t);
    va_end(more);
    return fails(CALL_OPENAT)
               ? -1
               : ((__typeof__(openat) *)next_of(CALL_OPENAT))(folder, path, flags, mode);
}

int __open64_2(const char *path, int flags);
int __open64_2(const char *path, int flags)
{
    return open(path, flags);
}

int __openat64_2(int folder, const char *path, int flags);
int __openat64_2(int folder, const char *path, int flags)
{
    return openat(folder, path, flags);
}

FILE *fopen(const char *path, const char *mode)
{
    return fails(CALL_FOPEN) ? NULL : ((__typeof__(fopen) *)next_of(CALL_FOPEN))(path, mode);
}

FILE *fdopen(int fd, const char *mode)
{
    return fails(CALL_FDOPEN) ? NULL : ((__typeof__(fdopen) *)next_of(CALL_FDOPEN))(fd, mode);
}

DIR *opendir(const char *path)
{
    return fails(CALL_OPENDIR) ? NULL : ((__typeof__(opendir) *)next_of(CALL_OPENDIR))(path);
}

DIR *fdopendir(int fd)
{
    return fails(CALL_FDOPENDIR) ? NULL : ((__typeof__(fdopendir) *)next_of(CALL_FDOPENDIR))(fd);
}

struct dirent *readdir(DIR *folder)
{
    return fails(CALL_READDIR) ? NULL : ((__typeof__(readdir) *)next_of(CALL_READDIR))(folder);
}

ssize_t read(int fd, void *buffer, size_t len)
{
    enum verdict verdict = verdict_of(CALL_READ);

    if (verdict == FAIL)
        return -1;
    return cut_done(verdict, fd,
                    ((__typeof__(read) *)next_of(CALL_READ))(fd, buffer, cut(verdict, fd, len)));
}

ssize_t pread(int fd, void *buffer, size_t len, off_t at)
{
    enum verdict verdict = verdict_of(CALL_PREAD);

    return verdict == FAIL
               ? -1
               : ((__typeof__(pread) *)next_of(CALL_PREAD))(fd, buffer, cut(verdict, fd, len), at);
}

ssize_t __read_chk(int fd, void *buffer, size_t len, size_t size);
ssize_t __read_chk(int fd, void *buffer, size_t len, size_t size)
{
    if (len > size)
        abort();
    return read(fd, buffer, len);
}

ssize_t __pread64_chk(int fd, void *buffer, size_t len, off_t at, size_t size);
ssize_t __pread64_chk(int fd, void *buffer, size_t len, off_t at, size_t size)
{
    if (len > size)
        abort();
    return pread(fd, buffer, len, at);
}

ssize_t write(int fd, const void *buffer, size_t len)
{
    enum verdict verdict = verdict_of(CALL_WRITE);

    if (verdict == FAIL)
        return -1;
    return cut_done(verdict, fd,
                    ((__typeof__(write) *)next_of(CALL_WRITE))(fd, buffer, cut(verdict, fd, len)));
}

ssize_t pwrite(int fd, const void *buffer, size_t len, off_t at)
{
    enum verdict verdict = verdict_of(CALL_PWRITE);

    return verdict == FAIL ? -1
                           : ((__typeof__(pwrite) *)next_of(CALL_PWRITE))(
                                 fd, buffer, cut(verdict, fd, len), at);
}

ssize_t sendfile(int out, int in, off_t *at, size_t len)
{
    enum verdict verdict = verdict_of(CALL_SENDFILE);

    if (verdict == FAIL)
        return -1;
    return cut_done(
        verdict, out,
        ((__typeof__(sendfile) *)next_of(CALL_SENDFILE))(out, in, at, cut(verdict, out, len)));
}

/* What is short of it is never taken for the end. */
ssize_t splice(int in, off_t *in_at, int out, off_t *out_at, size_t len, unsigned flags)
{
    enum verdict verdict = verdict_of(CALL_SPLICE);

    if (verdict == FAIL)
        return -1;
    if (verdict != PASS)
        len = verdict == CUT_ONE ? 1 : (len + 1) / 2;
    return ((__typeof__(splice) *)next_of(CALL_SPLICE))(in, in_at, out, out_at, len, flags);
}

int stat(const char *path, struct stat *found)
{
    return fails(CALL_STAT) ? -1 : ((__typeof__(stat) *)next_of(CALL_STAT))(path, found);
}

int lstat(const char *path, struct stat *found)
{
    return fails(CALL_LSTAT) ? -1 : ((__typeof__(lstat) *)next_of(CALL_LSTAT))(path, found);
}

int fstat(int fd, struct stat *found)
{
    return fails(CALL_FSTAT) ? -1 : ((__typeof__(fstat) *)next_of(CALL_FSTAT))(fd, found);
}

int fstatat(int folder, const char *path, struct stat *found, int flags)
{
    return fails(CALL_FSTATAT)
               ? -1
               : ((__typeof__(fstatat) *)next_of(CALL_FSTATAT))(folder, path, found, flags);
}

int statvfs(const char *path, struct statvfs *found)
{
    return fails(CALL_STATVFS) ? -1 : ((__typeof__(statvfs) *)next_of(CALL_STATVFS))(path, found);
}

int access(const char *path, int mode)
{
    return fails(CALL_ACCESS) ? -1 : ((__typeof__(access) *)next_of(CALL_ACCESS))(path, mode);
}

char *realpath(const char *path, char *resolved)
{
    return fails(CALL_REALPATH) ? NULL
                                : ((__typeof__(realpath) *)next_of(CALL_REALPATH))(path, resolved);
}

char *__realpath_chk(const char *path, char *resolved, size_t size);
char *__realpath_chk(const char *path, char *resolved, size_t size)
{
    if (size < PATH_MAX)
        abort();
    return realpath(path, resolved);
}

char *getcwd(char *buffer, size_t size)
{
    return fails(CALL_GETCWD) ? NULL : ((__typeof__(getcwd) *)next_of(CALL_GETCWD))(buffer, size);
}

int chdir(const char *path)
{
    return fails(CALL_CHDIR) ? -1 : ((__typeof__(chdir) *)next_of(CALL_CHDIR))(path);
}

int mkdir(const char *path, mode_t mode)
{
    return fails(CALL_MKDIR) ? -1 : ((__typeof__(mkdir) *)next_of(CALL_MKDIR))(path, mode);
}

int mkdirat(int folder, const char *path, mode_t mode)
{
    return fails(CALL_MKDIRAT) ? -1
                               : ((__typeof__(mkdirat) *)next_of(CALL_MKDIRAT))(folder, path, mode);
}

int rename(const char *from, const char *to)
{
    return fails(CALL_RENAME) ? -1 : ((__typeof__(rename) *)next_of(CALL_RENAME))(from, to);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    return fails(CALL_RENAMEAT)
               ? -1
               : ((__typeof__(renameat) *)next_of(CALL_RENAMEAT))(from_folder, from, to_folder, to);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    return fails(CALL_LINKAT) ? -1
                              : ((__typeof__(linkat) *)next_of(CALL_LINKAT))(from_folder, from,
                                                                             to_folder, to, flags);
}

int unlink(const char *path)
{
    return fails(CALL_UNLINK) ? -1 : ((__typeof__(unlink) *)next_of(CALL_UNLINK))(path);
}

int unlinkat(int folder, const char *path, int flags)
{
    return fails(CALL_UNLINKAT)
               ? -1
               : ((__typeof__(unlinkat) *)next_of(CALL_UNLINKAT))(folder, path, flags);
}
