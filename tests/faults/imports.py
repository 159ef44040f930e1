#!/usr/bin/env python3
"""Looks whether each function of libc that muxd calls can be made to fail by the library, or is one
that needs not: a new one has to be thought about.

    imports.py PROGRAM LIBRARY"""
import re
import subprocess
import sys

# Why nothing is to be learnt from a failure.
EXCUSED = {
    "it cannot fail, or only by its caller's fault": """
        __errno_location __sched_cpucount __environ environ clock_gettime time dirfd dirname dlerror
        dlsym feof ferror free freeaddrinfo getauxval getenv geteuid getpid getppid gettid getuid
        globfree64 gmtime_r inet_ntop inet_pton memchr memcmp memcpy memmem memmove mempcpy memrchr
        memset mktime qsort raise sigaddset sigdelset sigemptyset sigfillset signal strchr strcmp
        strcpy strcspn strerror strftime strlen strncmp strnlen strpbrk strrchr strspn strstr strtod
        strtol strtoll strtoull sysconf umask uname gethostname unsetenv tzset localtime_r
        isalnum isalpha isblank iscntrl isdigit isgraph islower isprint ispunct isspace isupper
        isxdigit eventfd_write sched_getaffinity pthread_sigmask snprintf sprintf vsnprintf closedir dlclose
        munmap stdout""",
    "it ends the process": "_exit exit abort __libc_start_main __stack_chk_fail",
    "it is a check of one that cannot fail": """
        __fdelt_chk __memcpy_chk __sprintf_chk __snprintf_chk __strcpy_chk __vsnprintf_chk""",
    "what it needs comes from malloc, which fails": """
        __asprintf_chk __vasprintf_chk asprintf vasprintf open_memstream setenv strdup""",
    "it writes to a stream: what the command line prints, and memory": """
        __dprintf_chk __fprintf_chk __printf_chk fclose fflush fputc fputs fwrite putc putchar puts
        dprintf fprintf printf""",
    "it reads the limits of a container: without them there are none": "fgets",
    "a wait that is cut short is begun again": "nanosleep pthread_join pthread_cond_timedwait",
    "Linux has all it needs in the caller's memory": """
        pthread_cond_destroy pthread_cond_init pthread_cond_signal pthread_condattr_destroy
        pthread_condattr_init pthread_condattr_setclock pthread_mutex_destroy pthread_mutex_init
        pthread_mutex_unlock pthread_mutexattr_destroy pthread_mutexattr_init
        pthread_mutexattr_setpshared pthread_mutexattr_setrobust""",
    "it fails when its owner has died, which tests/serve/test_crash.c is about": """
        pthread_mutex_lock pthread_mutex_consistent""",
}
# Of newer C, and what clang calls.
OTHER_NAMES = {"bcmp": "memcmp", "__isoc23_strtol": "strtol", "__isoc23_strtoll": "strtoll",
               "__isoc23_strtoull": "strtoull"}
NOT_LIBC = re.compile("__(asan|ubsan|lsan|sanitizer|interceptor)_")


def symbols(program, *kinds):
    """Names of its dynamic table, without versions; `kinds`: what nm(1) shows them as."""
    lines = subprocess.run(["nm", "-D", program], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1].split("@")[0] for line in lines.splitlines()
            if line.split()[-2] in kinds}


def main():
    program, library = sys.argv[1:]
    excused = {name for names in EXCUSED.values() for name in names.split()}
    wrapped = symbols(library, "T", "W")
    called = {OTHER_NAMES.get(name, name) for name in symbols(program, "U")}
    unknown = {name for name in called - wrapped - excused if not NOT_LIBC.match(name)}
    for name in sorted(unknown):
        print(f"{name}: tests/faults neither makes it fail nor says why it need not")
    for name in sorted(excused & wrapped):
        print(f"{name}: tests/faults makes it fail and says that it need not")
    return bool(unknown or excused & wrapped)


if __name__ == "__main__":
    sys.exit(main())
