#include "master/steering.h"

#include <sys/socket.h>

/* Neighbouring sockets that are all in service. */
struct run {
    unsigned first; /* socket */
    unsigned rank;  /* how many sockets in service come before it */
    unsigned count;
};

unsigned steering_count(const struct steering *steering)
{
    unsigned count = 0;

    for (size_t i = 0; i < STEERING_SOCKETS_MAX / 64; i++)
        count += (unsigned)__builtin_popcountll(steering->bits[i]);
    return count;
}

/* The run that begins at or after `from`; count 0 when there is none. */
static struct run next_run(const struct steering *steering, unsigned from, unsigned rank)
{
    struct run run = { .first = from, .rank = rank };

    while (run.first < STEERING_SOCKETS_MAX && !steering_has(steering, run.first))
        run.first++;
    while (run.first + run.count < STEERING_SOCKETS_MAX &&
           steering_has(steering, run.first + run.count))
        run.count++;
    return run;
}

/*
 * A = random % count is a rank among the sockets in service. Each run of
 * neighbours has a stretch of ranks, and the socket is the rank plus what the
 * stretch lies behind:
 *
 *     ld  random
 *     mod #count
 *     jge #end of the stretch, over the next two     (for each run but the last)
 *     add #distance
 *     ret a
 */
size_t steering_program(const struct steering *steering, struct sock_filter *program)
{
    struct sock_filter *at = program;
    unsigned count = steering_count(steering);
    struct run run = next_run(steering, 0, 0);

    if (count == 0)
        return 0;
    *at++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                         (uint32_t)SKF_AD_OFF + SKF_AD_RANDOM);
    *at++ = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, count);
    while (run.count > 0) {
        unsigned end = run.rank + run.count;
        if (end < count)
            *at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, end, 2, 0);
        *at++ = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, run.first - run.rank);
        *at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
        run = next_run(steering, run.first + run.count, end);
    }
    return (size_t)(at - program);
}

bool steering_attach(int fd, const struct steering *steering)
{
    struct sock_filter instructions[STEERING_PROGRAM_MAX];
    struct sock_fprog program = { .filter = instructions };

    program.len = (unsigned short)steering_program(steering, instructions);
    if (program.len == 0)
        return true;
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) == 0;
}
