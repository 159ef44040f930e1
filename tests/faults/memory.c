/* Memory; what the libc allocates for its callers (strdup, asprintf, fdopendir) comes by here too.
 */
#include "tests/faults/faults.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

void *malloc(size_t size)
{
    return fails(CALL_MALLOC) ? NULL : ((__typeof__(malloc) *)next_of(CALL_MALLOC))(size);
}

void *calloc(size_t count, size_t size)
{
    return fails(CALL_CALLOC) ? NULL : ((__typeof__(calloc) *)next_of(CALL_CALLOC))(count, size);
}

void *realloc(void *memory, size_t size)
{
    return fails(CALL_REALLOC) ? NULL
                               : ((__typeof__(realloc) *)next_of(CALL_REALLOC))(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails(CALL_ALIGNED_ALLOC)
               ? NULL
               : ((__typeof__(aligned_alloc) *)next_of(CALL_ALIGNED_ALLOC))(alignment, size);
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    return fails(CALL_MMAP)
               ? MAP_FAILED
               : ((__typeof__(mmap) *)next_of(CALL_MMAP))(at, size, protection, flags, fd, offset);
}
