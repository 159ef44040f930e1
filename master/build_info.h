/* build_info.h: what -v, -V and -h print. */
#ifndef MUXD_MASTER_BUILD_INFO_H
#define MUXD_MASTER_BUILD_INFO_H

#include "master/options.h"

/* The version; with -V how it was built and what is built in; with -h how it is
 * called. To standard error, as nginx does. False when memory is out. */
bool build_info_print(const struct options *, struct arena *);

/* muxd -h NAME: the help of one directive, to standard output. False when there is no
 * such directive, which is said on standard error with the nearest one there is. */
bool build_info_directive(const char *name, struct arena *);

/* "gcc 12.2.0" */
const char *build_info_compiler(void);

#endif
