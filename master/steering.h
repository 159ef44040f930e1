/* steering.h: which worker gets the next connection.
 *
 * The kernel spreads new connections over the sockets of a SO_REUSEPORT group
 * by a hash, blind to who reads them. A classic BPF program attached to the
 * group (socket(7), SO_ATTACH_REUSEPORT_CBPF) picks one of the sockets in
 * service at random instead; replacing it, which is atomic, takes sockets out
 * of service and puts them back. Sockets are numbered in the order of their
 * listen(2). */
#ifndef MUXD_MASTER_STEERING_H
#define MUXD_MASTER_STEERING_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STEERING_SOCKETS_MAX = 1024,
    /* Two to begin, one to end, three for each run of neighbours: at most half of all. */
    STEERING_PROGRAM_MAX = 3 + 3 * (STEERING_SOCKETS_MAX / 2),
};

/* Which sockets of a group are in service. */
struct steering {
    uint64_t bits[STEERING_SOCKETS_MAX / 64];
};

static inline void steering_add(struct steering *steering, unsigned socket)
{
    steering->bits[socket / 64] |= UINT64_C(1) << socket % 64;
}

static inline bool steering_has(const struct steering *steering, unsigned socket)
{
    return (steering->bits[socket / 64] >> socket % 64 & 1) != 0;
}

/* How many are in service. */
unsigned steering_count(const struct steering *);

/* Writes the program for these sockets to `program`, room for
 * STEERING_PROGRAM_MAX. Its number of instructions; 0 when none is in service. */
size_t steering_program(const struct steering *, struct sock_filter *program);

/* Attaches the program for these sockets to the group of `fd`. False with errno set;
 * ENOPROTOOPT where the kernel cannot. Changes nothing, and returns true, when none
 * is in service: connections then wait where the last program sent them. */
bool steering_attach(int fd, const struct steering *);

#endif
