#include "master/steering.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static uint64_t random_state = 1;

static uint32_t next_random(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 32);
}

/* --- the machine of bpf(4), as far as these programs need it --- */

struct machine {
    uint32_t accumulator;
    size_t at; /* instruction to run next */
    uint32_t random;
};

/* One instruction; true when it returned. */
static bool step(struct machine *machine, const struct sock_filter *program)
{
    const struct sock_filter *instruction = &program[machine->at++];

    switch (instruction->code) {
    case BPF_LD | BPF_W | BPF_ABS:
        if (instruction->k != (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM))
            ck_abort_msg("not the random number");
        machine->accumulator = machine->random;
        return false;
    case BPF_ALU | BPF_MOD | BPF_K:
        if (instruction->k == 0)
            ck_abort_msg("a division by zero");
        machine->accumulator %= instruction->k;
        return false;
    case BPF_ALU | BPF_ADD | BPF_K:
        machine->accumulator += instruction->k;
        return false;
    case BPF_JMP | BPF_JGE | BPF_K:
        machine->at += machine->accumulator >= instruction->k ? instruction->jt : instruction->jf;
        return false;
    case BPF_RET | BPF_A:
        return true;
    default:
        ck_abort_msg("an instruction that is not expected: %#x", instruction->code);
    }
}

/* What the program returns for a random number. */
static uint32_t run(const struct sock_filter *program, size_t len, uint32_t random)
{
    struct machine machine = { .random = random };
    size_t steps = 0;

    do /* a check that passes costs a system call: these are made only in need */
        if (machine.at >= len || ++steps > len)
            ck_abort_msg("the program does not return");
    while (!step(&machine, program));
    return machine.accumulator;
}

/* --- sets of sockets --- */

/* The program leads this number to the socket of its rank. */
static void check_number(const struct sock_filter *program, size_t len, uint32_t random,
                         const unsigned *sockets, unsigned count)
{
    uint32_t socket = run(program, len, random);

    if (socket != sockets[random % count])
        ck_abort_msg("%u leads to socket %u, not %u", random, socket, sockets[random % count]);
}

/* Every rank is reached, and each number leads to the socket of its rank. */
static void check(const struct steering *steering)
{
    static struct sock_filter program[STEERING_PROGRAM_MAX];
    unsigned sockets[STEERING_SOCKETS_MAX], count = 0;
    size_t len = steering_program(steering, program);

    for (unsigned socket = 0; socket < STEERING_SOCKETS_MAX; socket++)
        if (steering_has(steering, socket))
            sockets[count++] = socket;
    ck_assert_uint_eq(steering_count(steering), count);
    ck_assert_uint_gt(len, 0);
    ck_assert_uint_le(len, STEERING_PROGRAM_MAX);
    ck_assert_uint_le(len, BPF_MAXINSNS);
    for (unsigned rank = 0; rank < count; rank++)
        check_number(program, len, rank, sockets, count);
    for (int i = 0; i < 50; i++)
        check_number(program, len, next_random(), sockets, count);
    check_number(program, len, UINT32_MAX, sockets, count);
}

START_TEST(none_in_service)
{
    struct sock_filter program[STEERING_PROGRAM_MAX];
    struct steering steering = { 0 };

    ck_assert_uint_eq(steering_count(&steering), 0);
    ck_assert_uint_eq(steering_program(&steering, program), 0);
    ck_assert(steering_attach(-1, &steering)); /* nothing is tried */
}
END_TEST

START_TEST(each_socket_alone)
{
    for (unsigned socket = 0; socket < STEERING_SOCKETS_MAX; socket++) {
        struct steering steering = { 0 };
        steering_add(&steering, socket);
        ck_assert_uint_eq(steering_count(&steering), 1);
        check(&steering);
    }
}
END_TEST

START_TEST(every_set_of_ten)
{
    for (unsigned set = 1; set < 1 << 10; set++) {
        struct steering steering = { .bits = { set } };
        check(&steering);
    }
}
END_TEST

START_TEST(random_sets)
{
    for (int i = 0; i < 100; i++) {
        struct steering steering = { 0 };
        unsigned room = 1 + next_random() % STEERING_SOCKETS_MAX, density = 1 + next_random() % 16;
        steering_add(&steering, next_random() % room);
        for (unsigned socket = 0; socket < room; socket++)
            if (next_random() % 16 < density)
                steering_add(&steering, socket);
        check(&steering);
    }
}
END_TEST

START_TEST(the_longest_programs)
{
    struct steering all = { 0 }, odd = { 0 }, even = { 0 };

    for (unsigned socket = 0; socket < STEERING_SOCKETS_MAX; socket++) {
        steering_add(&all, socket);
        steering_add(socket % 2 == 0 ? &even : &odd, socket);
    }
    check(&all);
    check(&odd);
    check(&even);
}
END_TEST

START_TEST(every_socket_gets_its_share)
{
    struct sock_filter program[STEERING_PROGRAM_MAX];
    struct steering steering = { 0 };
    unsigned hits[8] = { 0 };

    steering_add(&steering, 1);
    steering_add(&steering, 2);
    steering_add(&steering, 5);
    steering_add(&steering, 7);
    size_t len = steering_program(&steering, program);
    for (int i = 0; i < 40000; i++)
        hits[run(program, len, next_random())]++;
    for (unsigned socket = 0; socket < 8; socket++)
        if (steering_has(&steering, socket))
            ck_assert(hits[socket] > 9500 && hits[socket] < 10500);
        else
            ck_assert_uint_eq(hits[socket], 0);
}
END_TEST

/* --- the kernel --- */

enum { GROUP = 4 };

static int listen_on(struct sockaddr_in *name)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    socklen_t len = sizeof *name;

    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)name, len), 0);
    ck_assert_int_eq(listen(fd, 64), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)name, &len), 0);
    return fd;
}

/* Connects and returns which socket of the group has the connection. */
static int who_gets_it(const int *group, const struct sockaddr_in *name)
{
    int client = socket(AF_INET, SOCK_STREAM, 0), got = -1;

    ck_assert_int_eq(connect(client, (const struct sockaddr *)name, sizeof *name), 0);
    for (int i = 0; i < GROUP; i++) {
        int accepted = accept(group[i], NULL, NULL);
        if (accepted < 0)
            continue;
        ck_assert_int_eq(got, -1);
        got = i;
        close(accepted);
    }
    close(client);
    return got;
}

START_TEST(the_kernel_follows)
{
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int group[GROUP];

    for (int i = 0; i < GROUP; i++)
        group[i] = listen_on(&name);
    for (unsigned set = 1; set < 1U << GROUP; set++) {
        struct steering steering = { .bits = { set } };
        bool attached = steering_attach(group[set % GROUP], &steering);
        if (!attached) {
            ck_assert_int_eq(errno, ENOPROTOOPT); /* a kernel without */
            return;
        }
        for (int i = 0; i < 10; i++) {
            int got = who_gets_it(group, &name);
            ck_assert_int_ge(got, 0);
            ck_assert(steering_has(&steering, (unsigned)got));
        }
    }
    for (int i = 0; i < GROUP; i++)
        close(group[i]);
}
END_TEST

START_TEST(the_kernel_takes_the_longest_program)
{
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct steering even = { 0 };
    int fd = listen_on(&name);

    for (unsigned socket = 0; socket < STEERING_SOCKETS_MAX; socket += 2)
        steering_add(&even, socket);
    ck_assert(steering_attach(fd, &even) || errno == ENOPROTOOPT || errno == ENOMEM);
    close(fd);
    errno = 0;
    ck_assert(!steering_attach(fd, &even));
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        none_in_service,
        each_socket_alone,
        every_set_of_ten,
        random_sets,
        the_longest_programs,
        every_socket_gets_its_share,
        the_kernel_follows,
        the_kernel_takes_the_longest_program,
        NULL,
    };

    return unit_main(unit_suite("steering", tests));
}
