/* name_map.h: from a name to a value, for tables that are filled at load.
 *
 * Open addressing in the configuration's arena; a search costs one hash of the
 * name and, as a rule, one comparison. The hash is the caller's to compute, so
 * that a search for each prefix or suffix of a text can go on with the hash of
 * the one before: start with NAME_HASH_SEED and take one name_hash_step a byte. */
#ifndef MUXD_WORKER_HTTP_NAME_MAP_H
#define MUXD_WORKER_HTTP_NAME_MAP_H

#include "common/arena.h"
#include "common/slice.h"

struct name_map_entry {
    uint64_t hash;
    struct slice name;
    void *value; /* NULL: a free place */
};

/* Zero-initialise. */
struct name_map {
    struct name_map_entry *entries;
    size_t capacity; /* 0 or a power of two */
    size_t count;
    size_t longest; /* bytes of the longest name: no need to search for a longer one */
};

#define NAME_HASH_SEED UINT64_C(0xcbf29ce484222325)

/* FNV-1a over one more byte. */
static inline uint64_t name_hash_step(uint64_t hash, char c)
{
    return (hash ^ (unsigned char)c) * UINT64_C(0x100000001b3);
}

/* Hash of the bytes from first to last. */
static inline uint64_t name_hash(struct slice name)
{
    uint64_t hash = NAME_HASH_SEED;

    for (size_t i = 0; i < name.len; i++)
        hash = name_hash_step(hash, name.at[i]);
    return hash;
}

/* Hash of the bytes from last to first. */
static inline uint64_t name_hash_reverse(struct slice name)
{
    uint64_t hash = NAME_HASH_SEED;

    for (size_t i = name.len; i > 0; i--)
        hash = name_hash_step(hash, name.at[i - 1]);
    return hash;
}

/* Adds a name that is not there yet; `value` is not NULL. The bytes of the name
 * are not copied. False when memory is out. */
bool name_map_put(struct name_map *, struct arena *, uint64_t hash, struct slice name, void *value);

/* The value of the name, or NULL. */
void *name_map_get(const struct name_map *, uint64_t hash, struct slice name);

#endif
