#include "worker/http/name_map.h"

enum { FIRST_CAPACITY = 16 };

/* FNV's low bits alone are weak: the high half is mixed in. */
static size_t place_of(uint64_t hash, size_t capacity)
{
    return (size_t)(hash ^ hash >> 32) & (capacity - 1);
}

static void insert(struct name_map *map, struct name_map_entry entry)
{
    size_t place = place_of(entry.hash, map->capacity);

    while (map->entries[place].value != NULL)
        place = (place + 1) & (map->capacity - 1);
    map->entries[place] = entry;
}

/* The old table stays in the arena: doubling keeps that under the new one's size. */
static bool grow(struct name_map *map, struct arena *arena)
{
    struct name_map larger = *map;

    larger.capacity = map->capacity == 0 ? FIRST_CAPACITY : map->capacity * 2;
    larger.entries = arena_zalloc(arena, larger.capacity * sizeof *larger.entries);
    if (larger.entries == NULL)
        return false;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->entries[i].value != NULL)
            insert(&larger, map->entries[i]);
    *map = larger;
    return true;
}

bool name_map_put(struct name_map *map, struct arena *arena, uint64_t hash, struct slice name,
                  void *value)
{
    if ((map->count + 1) * 2 > map->capacity && !grow(map, arena))
        return false;
    insert(map, (struct name_map_entry){ hash, name, value });
    map->count++;
    if (name.len > map->longest)
        map->longest = name.len;
    return true;
}

void *name_map_get(const struct name_map *map, uint64_t hash, struct slice name)
{
    if (map->count == 0)
        return NULL;
    for (size_t place = place_of(hash, map->capacity); map->entries[place].value != NULL;
         place = (place + 1) & (map->capacity - 1)) {
        const struct name_map_entry *entry = &map->entries[place];
        if (entry->hash == hash && slice_equal(entry->name, name))
            return entry->value;
    }
    return NULL;
}
