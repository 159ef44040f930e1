/* title.h: the name that ps(1) shows for this process.
 *
 * The kernel shows the bytes where argv was laid out at start; a longer title
 * needs the environment's place behind them, so that is moved away first. */
#ifndef MUXD_COMMON_TITLE_H
#define MUXD_COMMON_TITLE_H

/* Remembers the memory of argv and environ, and moves environ out of it. Call
 * once, first in main, before threads and setenv. When memory is out, titles
 * are cut to argv's own length. argv's strings are overwritten by the first
 * title_set: copy what is needed later. */
void title_init(int argc, char *const argv[]);

/* Shows "muxd: TITLE", cut to the space there is. Does nothing before title_init. */
void title_set(const char *title);

#endif
