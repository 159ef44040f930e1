/* lint.h: what a configuration may say, and should not: the well-known traps.
 *
 * Nothing here is an error: the server does as it is told. `muxd -t` shows what is found as
 * warnings, each with its place and, at the caret, what to write instead. One table in lint.c
 * lists the checks; each is a function that looks at one block. */
#ifndef MUXD_WORKER_LINT_LINT_H
#define MUXD_WORKER_LINT_LINT_H

#include "conf/directive.h"

/* Adds a warning for each trap to conf->messages, which are in the order of the text then.
 * `conf` has been loaded without errors. Looks at files and folders that it names. */
void lint_configuration(struct conf *);

#endif
