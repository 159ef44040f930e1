#!/bin/sh
# Prints the system calls of this machine as a table in C, by the headers of the compiler that
# is given as a command.
echo "static const struct { int number; const char *name; } system_calls[] = {"
echo "#include <sys/syscall.h>" | "$@" -E -dM - |
    sed -n 's/^#define __NR_\([a-z0-9_]*\) .*/    { __NR_\1, "\1" },/p' | sort
echo "};"
