#include "common/shared_memory.h"

#include "common/slab.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

struct shared_memory {
    pthread_mutex_t lock;
    size_t size;             /* of the mapping */
    _Atomic unsigned losses; /* looked at without the lock, too */
    void *root;
    struct slab *slab;
};

static bool empty(struct shared_memory *memory)
{
    memory->root = NULL;
    memory->slab = slab_init(memory + 1, memory->size - sizeof *memory);
    return memory->slab != NULL;
}

/* A mutex that tells the next process when its owner has died. 0, or an errno value. */
static int lock_init(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attributes;
    int error = pthread_mutexattr_init(&attributes);

    if (error != 0)
        return error;
    error = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (error == 0)
        error = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    if (error == 0)
        error = pthread_mutex_init(lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return error;
}

struct shared_memory *shared_memory_map(size_t size)
{
    if (size < sizeof(struct shared_memory)) {
        errno = EINVAL;
        return NULL;
    }
    struct shared_memory *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    memory->size = size;
    int error = empty(memory) ? lock_init(&memory->lock) : EINVAL;
    if (error == 0)
        return memory;
    munmap(memory, size);
    errno = error;
    return NULL;
}

void shared_memory_unmap(struct shared_memory *memory)
{
    munmap(memory, memory->size);
}

bool shared_memory_lock(struct shared_memory *memory)
{
    if (pthread_mutex_lock(&memory->lock) != EOWNERDEAD)
        return true;
    /* One that dies in here leaves the lock as it has found it: to be made good. */
    memory->losses++;
    empty(memory);
    pthread_mutex_consistent(&memory->lock);
    return false;
}

void shared_memory_unlock(struct shared_memory *memory)
{
    pthread_mutex_unlock(&memory->lock);
}

void *shared_memory_alloc(struct shared_memory *memory, size_t size)
{
    return slab_alloc(memory->slab, size);
}

void shared_memory_free(struct shared_memory *memory, void *piece)
{
    slab_free(memory->slab, piece);
}

void *shared_memory_root(const struct shared_memory *memory)
{
    return memory->root;
}

void shared_memory_set_root(struct shared_memory *memory, void *root)
{
    memory->root = root;
}

unsigned shared_memory_losses(const struct shared_memory *memory)
{
    return memory->losses;
}
