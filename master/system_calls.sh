#!/bin/sh
# Prints the system calls of this machine as two tables in C, by the headers of the compiler that
# is given as a command: their numbers, and in the same order their names, each ended by a NUL.
# (A table of pointers would be three times as large.)
calls=$(echo "#include <sys/syscall.h>" | "$@" -E -dM - |
    sed -n 's/^#define __NR_\([a-z0-9_]*\) .*/\1/p' | sort)
echo "static const unsigned short system_call_numbers[] = {"
printf '    __NR_%s,\n' $calls
echo "};"
echo "static const char system_call_names[] = {"
printf '%s\n' $calls | sed "s/./'&', /g; s/^/    /; s/\$/'\\\\0',/"
echo "};"
