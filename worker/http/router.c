#include "worker/http/router.h"

#include "worker/http/request.h"

/* --- building --- */

static void node_init(struct route_node *node, struct slice label)
{
    *node = (struct route_node){
        .label = label,
        .children = { .item_size = sizeof(struct route_node *) },
        .firsts = { .item_size = 1 },
    };
}

struct location_table *location_table_new(struct arena *arena)
{
    struct location_table *table = arena_zalloc(arena, sizeof *table);

    if (table == NULL)
        return NULL;
    node_init(&table->root, (struct slice){ "", 0 });
    table->regexes.item_size = sizeof(struct location *);
    return table;
}

/* The place of the child whose label begins with `first`, or NULL. */
static struct route_node **child_of(const struct route_node *node, char first)
{
    struct slice firsts = { node->firsts.items, node->firsts.count };
    ptrdiff_t at = slice_find(firsts, first);

    return at < 0 ? NULL : (struct route_node **)node->children.items + at;
}

static struct route_node *child_add(struct route_node *node, struct arena *arena,
                                    struct slice label)
{
    struct route_node *child = arena_alloc(arena, sizeof *child);
    char *first = array_push(&node->firsts, arena);
    struct route_node **place = array_push(&node->children, arena);

    if (child == NULL || first == NULL || place == NULL)
        return NULL;
    node_init(child, label);
    *first = label.at[0];
    *place = child;
    return child;
}

/* A new node takes the first `len` bytes of the label of *place, and the node
 * that was there becomes its child. */
static struct route_node *node_split(struct route_node **place, struct arena *arena, size_t len)
{
    struct route_node *lower = *place;
    struct route_node *upper = arena_alloc(arena, sizeof *upper);

    if (upper == NULL)
        return NULL;
    node_init(upper, slice_first(lower->label, len));
    char *first = array_push(&upper->firsts, arena);
    struct route_node **child = array_push(&upper->children, arena);
    if (first == NULL || child == NULL)
        return NULL;
    lower->label = slice_from(lower->label, len);
    *first = lower->label.at[0];
    *child = lower;
    *place = upper;
    return upper;
}

static size_t common_length(struct slice a, struct slice b)
{
    size_t len = 0;

    while (len < a.len && len < b.len && a.at[len] == b.at[len])
        len++;
    return len;
}

/* The node of the whole name, made where it is missing; NULL: memory is out. */
static struct route_node *node_of(struct route_node *node, struct arena *arena, struct slice name)
{
    while (name.len > 0) {
        struct route_node **place = child_of(node, name.at[0]);
        if (place == NULL)
            return child_add(node, arena, name);
        size_t common = common_length((*place)->label, name);
        node = common < (*place)->label.len ? node_split(place, arena, common) : *place;
        if (node == NULL)
            return NULL;
        name = slice_from(name, common);
    }
    return node;
}

static enum location_added add_path(struct location_table *table, struct arena *arena,
                                    const struct location *location)
{
    struct route_node *node = node_of(&table->root, arena, location->name);

    if (node == NULL)
        return LOCATION_NO_MEMORY;
    const struct location **place = location->kind == LOCATION_EXACT ? &node->exact : &node->prefix;
    if (*place != NULL)
        return LOCATION_DUPLICATE;
    *place = location;
    return LOCATION_ADDED;
}

static enum location_added add_regex(struct location_table *table, struct arena *arena,
                                     const struct location *location)
{
    const struct location **place = array_push(&table->regexes, arena);

    if (place == NULL)
        return LOCATION_NO_MEMORY;
    *place = location;
    return LOCATION_ADDED;
}

static enum location_added add_named(struct location_table *table, struct arena *arena,
                                     const struct location *location)
{
    uint64_t hash = name_hash(location->name);

    if (name_map_get(&table->named, hash, location->name) != NULL)
        return LOCATION_ADDED;
    return name_map_put(&table->named, arena, hash, location->name, (void *)(uintptr_t)location)
               ? LOCATION_ADDED
               : LOCATION_NO_MEMORY;
}

enum location_added location_table_add(struct location_table *table, struct arena *arena,
                                       const struct location *location)
{
    switch (location->kind) {
    case LOCATION_REGEX:
        return add_regex(table, arena, location);
    case LOCATION_NAMED:
        return add_named(table, arena, location);
    case LOCATION_PREFIX:
    case LOCATION_PREFIX_FINAL:
    case LOCATION_EXACT:
        break;
    }
    return add_path(table, arena, location);
}

/* --- searching --- */

static bool redirects(const struct route_node *node)
{
    return (node->exact != NULL && node->exact->auto_redirect) ||
           (node->prefix != NULL && node->prefix->auto_redirect);
}

/* The path has ended above `child`, with only `missing` of the label left. */
static enum location_match match_slash(const struct route_node *child, struct slice missing,
                                       const struct location **location)
{
    if (missing.len != 1 || missing.at[0] != '/' || !redirects(child))
        return MATCH_NOTHING;
    *location = child->exact != NULL ? child->exact : child->prefix;
    return MATCH_SLASH;
}

/* The path ends at the node. */
static enum location_match match_end(const struct route_node *node,
                                     const struct location **location)
{
    if (node->exact != NULL) {
        *location = node->exact;
        return MATCH_FINAL;
    }
    if (node->prefix != NULL) {
        *location = node->prefix;
        return MATCH_PREFIX;
    }
    struct route_node **slash = child_of(node, '/');
    return slash == NULL ? MATCH_NOTHING : match_slash(*slash, (*slash)->label, location);
}

enum location_match location_table_find(const struct location_table *table, struct slice path,
                                        const struct location **location)
{
    const struct route_node *node = &table->root;
    enum location_match longest = MATCH_NOTHING;

    while (path.len > 0) {
        if (node->prefix != NULL) {
            *location = node->prefix;
            longest = MATCH_PREFIX;
        }
        struct route_node **place = child_of(node, path.at[0]);
        if (place == NULL)
            return longest;
        node = *place;
        if (!slice_starts(path, node->label)) {
            if (!slice_starts(node->label, path))
                return longest;
            enum location_match end =
                match_slash(node, slice_from(node->label, path.len), location);
            return end == MATCH_NOTHING ? longest : end;
        }
        path = slice_from(path, node->label.len);
    }
    enum location_match end = match_end(node, location);
    return end == MATCH_NOTHING ? longest : end;
}

/* What a search in one block, and the blocks inside it, has come to. */
enum search {
    SEARCH_OPEN, /* *location is the longest prefix so far, if any: an outer regex may win */
    SEARCH_SETTLED,
    SEARCH_SLASH,
    SEARCH_NO_MEMORY,
};

static enum search search(struct request *, const struct location_table *,
                          const struct location **);

/* The first regex of the block that matches wins, with its own locations inside. */
static enum search search_regexes(struct request *request, const struct location_table *table,
                                  const struct location **location)
{
    const struct location *const *regexes = table->regexes.items;

    for (size_t i = 0; i < table->regexes.count; i++) {
        enum search inner;
        switch (capture_match(request, &regexes[i]->pattern, request->uri)) {
        case CAPTURE_NO_MATCH:
            break;
        case CAPTURE_NO_MEMORY:
            return SEARCH_NO_MEMORY;
        case CAPTURE_MATCH:
            *location = regexes[i];
            inner = search(request, regexes[i]->inner, location);
            return inner == SEARCH_NO_MEMORY ? inner : SEARCH_SETTLED;
        }
    }
    return SEARCH_OPEN;
}

/* nginx's algorithm: the exact or longest prefix; inside it, its own locations
 * first; then this block's regexes, unless the prefix forbids them (^~). */
static enum search search(struct request *request, const struct location_table *table,
                          const struct location **location)
{
    if (table == NULL)
        return SEARCH_OPEN;
    switch (location_table_find(table, request->uri, location)) {
    case MATCH_FINAL:
        return SEARCH_SETTLED;
    case MATCH_SLASH:
        return SEARCH_SLASH;
    case MATCH_NOTHING:
        break;
    case MATCH_PREFIX: {
        bool forbids = (*location)->kind == LOCATION_PREFIX_FINAL;
        enum search inner = search(request, (*location)->inner, location);
        if (inner != SEARCH_OPEN || forbids)
            return inner;
        break;
    }
    }
    return search_regexes(request, table, location);
}

enum route http_find_location(struct request *request, const struct location **location)
{
    *location = NULL;
    switch (search(request, request->server->locations, location)) {
    case SEARCH_NO_MEMORY:
        return ROUTE_NO_MEMORY;
    case SEARCH_SLASH:
        return ROUTE_SLASH;
    case SEARCH_OPEN:
    case SEARCH_SETTLED:
        break;
    }
    return *location == NULL ? ROUTE_NONE : ROUTE_FOUND;
}

const struct location *http_find_named(const struct server *server, struct slice name)
{
    return server->locations == NULL
               ? NULL
               : name_map_get(&server->locations->named, name_hash(name), name);
}
