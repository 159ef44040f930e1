#include "worker/http/name_table.h"

/* --- filling --- */

/* Adds to one map; a name that is there already is left. */
static enum name_added put(struct name_map *map, struct arena *arena, uint64_t hash,
                           struct slice key, void *value)
{
    if (name_map_get(map, hash, key) != NULL)
        return NAME_CONFLICT;
    return name_map_put(map, arena, hash, key, value) ? NAME_ADDED : NAME_NO_MEMORY;
}

static enum name_added put_head(struct name_table *table, struct arena *arena, struct slice key,
                                void *value)
{
    return put(&table->heads, arena, name_hash_reverse(key), key, value);
}

enum name_added name_table_add_exact(struct name_table *table, struct arena *arena,
                                     struct slice text, void *value)
{
    return put(&table->exact, arena, name_hash(text), text, value);
}

/* What no name may have, by nginx's rules; *stars is how many it has. */
static bool is_bad(struct slice name, size_t *stars)
{
    *stars = 0;
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '\0' || (name.at[i] == '.' && i + 1 < name.len && name.at[i + 1] == '.'))
            return true;
        *stars += name.at[i] == '*';
    }
    return *stars > 1;
}

enum name_added name_table_add(struct name_table *table, struct arena *arena, struct slice name,
                               void *value)
{
    size_t stars;

    if (is_bad(name, &stars))
        return NAME_BAD;
    if (name.len > 1 && name.at[0] == '.') {
        struct slice key = slice_from(name, 1);
        enum name_added added = name_table_add_exact(table, arena, key, value);
        return added != NAME_ADDED ? added : put_head(table, arena, key, value);
    }
    if (name.len > 2 && slice_starts(name, SLICE("*.")))
        return put_head(table, arena, slice_from(name, 2), value);
    if (name.len > 2 && slice_ends(name, SLICE(".*"))) {
        struct slice key = slice_first(name, name.len - 2);
        return put(&table->tails, arena, name_hash(key), key, value);
    }
    return stars > 0 ? NAME_BAD : name_table_add_exact(table, arena, name, value);
}

/* --- searching --- */

/* The longest wildcard "*.suffix": suffixes are hashed from the name's last byte on. */
static void *find_head(const struct name_map *heads, struct slice name)
{
    void *longest = NULL;
    uint64_t hash = NAME_HASH_SEED;

    for (size_t at = name.len; at > 0 && name.len - at <= heads->longest; at--) {
        if (name.at[at - 1] == '.') {
            void *found = name_map_get(heads, hash, slice_from(name, at));
            if (found != NULL)
                longest = found;
        }
        hash = name_hash_step(hash, name.at[at - 1]);
    }
    return longest;
}

/* The longest wildcard "prefix.*". */
static void *find_tail(const struct name_map *tails, struct slice name)
{
    void *longest = NULL;
    uint64_t hash = NAME_HASH_SEED;

    for (size_t at = 0; at < name.len && at <= tails->longest; at++) {
        if (name.at[at] == '.') {
            void *found = name_map_get(tails, hash, slice_first(name, at));
            if (found != NULL)
                longest = found;
        }
        hash = name_hash_step(hash, name.at[at]);
    }
    return longest;
}

void *name_table_find(const struct name_table *table, struct slice name)
{
    void *found = NULL;

    if (name.len <= table->exact.longest)
        found = name_map_get(&table->exact, name_hash(name), name);
    if (found == NULL && table->heads.count > 0)
        found = find_head(&table->heads, name);
    if (found == NULL && table->tails.count > 0)
        found = find_tail(&table->tails, name);
    return found;
}

struct slice name_lower(struct arena *arena, struct slice name)
{
    size_t first = 0;

    while (first < name.len && ascii_lower(name.at[first]) == name.at[first])
        first++;
    if (first == name.len)
        return name;
    char *copy = arena_text(arena, name.len);
    if (copy == NULL)
        return (struct slice){ NULL, 0 };
    memcpy(copy, name.at, first);
    for (size_t i = first; i < name.len; i++)
        copy[i] = ascii_lower(name.at[i]);
    return slice_make(copy, name.len);
}
