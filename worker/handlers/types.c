#include "worker/handlers/static.h"

#include "worker/http/name_map.h"

struct type_table {
    struct name_map map; /* lower-case extension -> struct slice */
};

enum { EXTENSION_MAX = 64 }; /* bytes; longer ones are not in any table */

static const struct {
    const char *extension, *type;
} default_types[] = {
    { "html", "text/html" },
    { "gif", "image/gif" },
    { "jpg", "image/jpeg" },
};

/* Writes the extension in lower case; false when it is longer than any in use. */
static bool lower(struct slice extension, char text[EXTENSION_MAX], struct slice *lowered)
{
    if (extension.len > EXTENSION_MAX)
        return false;
    for (size_t i = 0; i < extension.len; i++)
        text[i] = ascii_lower(extension.at[i]);
    *lowered = slice_make(text, extension.len);
    return true;
}

static bool find_default(struct slice extension, struct slice *type)
{
    for (size_t i = 0; i < sizeof default_types / sizeof *default_types; i++)
        if (slice_is_nocase(extension, default_types[i].extension)) {
            *type = slice_of(default_types[i].type);
            return true;
        }
    return false;
}

bool type_find(const struct type_table *table, struct slice extension, struct slice *type)
{
    char text[EXTENSION_MAX];
    struct slice name;

    if (extension.len == 0)
        return false;
    if (table == NULL)
        return find_default(extension, type);
    if (!lower(extension, text, &name))
        return false;
    const struct slice *found = name_map_get(&table->map, name_hash(name), name);
    if (found == NULL)
        return false;
    *type = *found;
    return true;
}

/* One extension of a line. Of two types for it the later one is in force, as in nginx. */
static bool add_extension(struct conf *conf, struct type_table *table, const struct word *word,
                          struct slice type)
{
    char text[EXTENSION_MAX];
    struct slice name;

    if (!lower(word->text, text, &name)) {
        conf_error(conf, word->at, "the extension is longer than %d bytes", EXTENSION_MAX);
        return true;
    }
    uint64_t hash = name_hash(name);
    struct slice *old = name_map_get(&table->map, hash, name);
    if (old != NULL) {
        conf_warn(conf, word->at,
                  "duplicate extension \"%.*s\", content type: \"%.*s\", previous content type: "
                  "\"%.*s\"",
                  (int)word->text.len, word->text.at, (int)type.len, type.at, (int)old->len,
                  old->at);
        *old = type;
        return true;
    }
    struct slice *value = arena_alloc(conf->arena, sizeof *value);
    name = arena_copy(conf->arena, name);
    if (value == NULL || name.at == NULL)
        return false;
    *value = type;
    return name_map_put(&table->map, conf->arena, hash, name, value);
}

/* `type extension ...;` */
static bool add_line(struct conf *conf, struct type_table *table, const struct conf_node *line)
{
    if (line->block) {
        conf_error(conf, line->words[0].at, "unexpected \"{\"");
        return true;
    }
    for (size_t i = 1; i < line->count; i++)
        if (!add_extension(conf, table, &line->words[i], line->words[0].text))
            return false;
    return true;
}

/* types { type extension ...; ... }: several blocks in one place add up. */
static void set_types(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                      const struct directive *directive, void *value)
{
    struct type_table **table = value;

    (void)scope;
    (void)directive;
    if (*table == NULL)
        *table = arena_zalloc(conf->arena, sizeof **table);
    if (*table == NULL)
        goto no_memory;
    for (const struct conf_node *line = node->children; line != NULL; line = line->next)
        if (!add_line(conf, *table, line))
            goto no_memory;
    return;

no_memory:
    conf_error(conf, node->words[0].at, "no memory for this block");
}

const struct value_type as_types = { "{ type extension ...; ... }", sizeof(struct type_table *),
                                     set_types };

/* What follows the last dot of the last segment, unless the segment begins with that dot. */
static struct slice uri_extension(struct slice uri)
{
    for (size_t i = uri.len; i > 2; i--) {
        char c = uri.at[i - 1];
        if (c == '.' && uri.at[i - 2] != '/')
            return slice_from(uri, i);
        if (c == '/')
            break;
    }
    return SLICE("");
}

struct slice request_content_type(const struct request *request)
{
    const struct static_settings *settings = static_settings(request);
    struct slice type;

    if (request->response.content_type.len > 0) /* X-Accel-Redirect brought one along */
        return request->response.content_type;
    return type_find(settings->types, uri_extension(request->uri), &type) ? type
                                                                          : settings->default_type;
}
