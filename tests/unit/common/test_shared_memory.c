#include "common/shared_memory.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

static void wait_for(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0)
        ck_assert_int_eq(errno, EINTR);
}

START_TEST(impossible_sizes_fail)
{
    ck_assert_ptr_null(shared_memory_map(0));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_ptr_null(shared_memory_map(100));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_ptr_null(shared_memory_map(SIZE_MAX / 4));
    ck_assert_int_eq(errno, ENOMEM);
}
END_TEST

/* What one process writes, others read, at the same place. */
START_TEST(processes_share_it)
{
    struct shared_memory *memory = shared_memory_map(32768);

    ck_assert_ptr_nonnull(memory);
    ck_assert(shared_memory_lock(memory));
    ck_assert_ptr_null(shared_memory_root(memory));
    unsigned *counter = shared_memory_alloc(memory, sizeof *counter);
    *counter = 0;
    shared_memory_set_root(memory, counter);
    shared_memory_unlock(memory);
    pid_t children[4];
    for (unsigned i = 0; i < 4; i++) {
        children[i] = fork();
        if (children[i] != 0)
            continue;
        for (unsigned n = 0; n < 10000; n++) {
            shared_memory_lock(memory);
            ++*(unsigned *)shared_memory_root(memory);
            shared_memory_unlock(memory);
        }
        _exit(0);
    }
    for (unsigned i = 0; i < 4; i++)
        wait_for(children[i]);
    ck_assert(shared_memory_lock(memory));
    ck_assert_uint_eq(*counter, 40000);
    ck_assert_uint_eq(shared_memory_losses(memory), 0);
    shared_memory_free(memory, counter);
    shared_memory_unlock(memory);
    shared_memory_unmap(memory);
}
END_TEST

/* The next one is told, finds it empty, and goes on; who comes after it is not told. */
START_TEST(who_dies_with_the_lock_leaves_it_empty)
{
    struct shared_memory *memory = shared_memory_map(32768);
    pid_t child = fork();

    if (child == 0) {
        shared_memory_lock(memory);
        shared_memory_set_root(memory, shared_memory_alloc(memory, 1000));
        raise(SIGKILL);
    }
    wait_for(child);
    ck_assert(!shared_memory_lock(memory));
    ck_assert_ptr_null(shared_memory_root(memory));
    ck_assert_uint_eq(shared_memory_losses(memory), 1);
    ck_assert_ptr_nonnull(shared_memory_alloc(memory, 16000));
    shared_memory_unlock(memory);
    ck_assert(shared_memory_lock(memory));
    shared_memory_unlock(memory);
    shared_memory_unmap(memory);
}
END_TEST

/* A chain of three pieces, taken apart and built anew: torn at nearly every instant. */
struct link {
    struct link *next;
    unsigned value;
};

static bool is_whole(const struct link *link)
{
    unsigned count = 0;

    for (unsigned value = link->value; link != NULL; link = link->next, count++)
        if (link->value != value)
            return false;
    return count == 3;
}

/* What a worker does in a zone for ever; exits when it finds something torn. */
_Noreturn static void churn(struct shared_memory *memory)
{
    for (unsigned value = 0;; value++) {
        struct link *link = NULL;
        shared_memory_lock(memory);
        if (shared_memory_root(memory) != NULL) {
            if (!is_whole(shared_memory_root(memory)))
                _exit(1);
            for (link = shared_memory_root(memory); link != NULL;) {
                struct link *next = link->next;
                shared_memory_free(memory, link);
                link = next;
            }
        }
        shared_memory_set_root(memory, NULL);
        for (unsigned i = 0; i < 3; i++) {
            struct link *first = shared_memory_alloc(memory, sizeof *first);
            if (first == NULL)
                _exit(2);
            *first = (struct link){ link, value };
            shared_memory_set_root(memory, first);
            link = first;
        }
        shared_memory_unlock(memory);
    }
}

/* kill -9 at any instant, again and again: nobody hangs, nobody finds anything torn. */
START_TEST(killed_at_any_instant)
{
    struct shared_memory *memory = shared_memory_map(32768);
    pid_t children[3] = { 0 };

    for (unsigned round = 0; round < 600; round++) {
        pid_t *child = &children[round % 3];
        if (*child != 0) {
            int status;
            kill(*child, SIGKILL);
            ck_assert_int_eq(waitpid(*child, &status, 0), *child);
            ck_assert(WIFSIGNALED(status));
        }
        *child = fork();
        if (*child == 0)
            churn(memory);
        ck_assert_int_gt(*child, 0);
    }
    for (unsigned i = 0; i < 3; i++) {
        kill(children[i], SIGKILL);
        wait_for(children[i]);
    }
    shared_memory_lock(memory);
    ck_assert(shared_memory_root(memory) == NULL || is_whole(shared_memory_root(memory)));
    shared_memory_unlock(memory);
    shared_memory_unmap(memory);
}
END_TEST

int main(void)
{
    return unit_main(unit_suite("shared_memory", (const TTest *[]){
                                                     impossible_sizes_fail,
                                                     processes_share_it,
                                                     who_dies_with_the_lock_leaves_it_empty,
                                                     killed_at_any_instant,
                                                     NULL,
                                                 }));
}
