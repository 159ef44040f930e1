/* shared_memory.h: memory that a process shares with those it forks, with a lock and an
 * allocator in it.
 *
 * It is mapped before the fork and stands at one address in every process that
 * has inherited it: pointers into it are good in all of them. Whoever locks it
 * may end at any instant (kill -9). What it was about to change may be torn then,
 * and is not looked at again: the next one that locks finds the memory empty
 * and is told so. */
#ifndef MUXD_COMMON_SHARED_MEMORY_H
#define MUXD_COMMON_SHARED_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct shared_memory;

/* Maps memory of `size` bytes, the allocator's own included; it is empty. NULL with errno
 * set: ENOMEM, or EINVAL when the size is too small to hold anything. */
struct shared_memory *shared_memory_map(size_t size);

/* Unmaps it in this process; the others go on with it. Not while this process has it
 * locked. */
void shared_memory_unmap(struct shared_memory *);

/* Waits for the lock and takes it. False (it is locked all the same) when the one that had
 * it has died: the memory has been emptied, the root is NULL again. The lock is for
 * moments: whoever has it makes no system call. */
bool shared_memory_lock(struct shared_memory *);
void shared_memory_unlock(struct shared_memory *);

/* --- while it is locked --- */

/* `size` bytes aligned to 16, not zeroed; NULL when there is no room. */
void *shared_memory_alloc(struct shared_memory *, size_t size);

/* Gives back what shared_memory_alloc returned; NULL is nothing. */
void shared_memory_free(struct shared_memory *, void *);

/* Where the owner's data begin: NULL in empty memory, and what was put there since. */
void *shared_memory_root(const struct shared_memory *);
void shared_memory_set_root(struct shared_memory *, void *);

/* How often it was emptied: a pointer that was got when the number was another one is
 * no good any more. */
unsigned shared_memory_losses(const struct shared_memory *);

#endif
