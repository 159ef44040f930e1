#include "worker/http/mime_types.h"

enum { TYPE_MAX = 128 }; /* bytes; longer ones are in no list */

static const struct slice always = SLICE_INIT("text/html");

static bool lower(struct slice type, char text[TYPE_MAX], struct slice *lowered)
{
    if (type.len > TYPE_MAX)
        return false;
    for (size_t i = 0; i < type.len; i++)
        text[i] = ascii_lower(type.at[i]);
    *lowered = slice_make(text, type.len);
    return true;
}

static void add_type(struct conf *conf, struct mime_types *types, const struct word *word)
{
    char text[TYPE_MAX];
    struct slice name;

    if (!lower(word->text, text, &name)) {
        conf_error(conf, word->at, "the MIME type is longer than %d bytes", TYPE_MAX);
        return;
    }
    uint64_t hash = name_hash(name);
    if (slice_equal(name, always) || name_map_get(&types->names, hash, name) != NULL) {
        conf_warn(conf, word->at, "duplicate MIME type \"%.*s\"", (int)word->text.len,
                  word->text.at);
        return;
    }
    name = arena_copy(conf->arena, name);
    if (name.at == NULL || !name_map_put(&types->names, conf->arena, hash, name, types))
        conf_error(conf, word->at, "no memory for a MIME type");
}

/* mime-type ... */
static void set_mime_types(struct conf *conf, struct conf_scope *scope,
                           const struct conf_node *node, const struct directive *directive,
                           void *value)
{
    struct mime_types *types = value;

    (void)scope;
    (void)directive;
    for (size_t i = 1; i < node->count; i++)
        if (slice_is(node->words[i].text, "*"))
            types->any = true;
        else
            add_type(conf, types, &node->words[i]);
}

const struct value_type as_mime_types = { "mime-type ...", sizeof(struct mime_types),
                                          set_mime_types };

bool mime_types_match(const struct mime_types *types, struct slice content_type)
{
    char text[TYPE_MAX];
    struct slice name;
    ptrdiff_t end = slice_find(content_type, ';');

    if (types->any)
        return true;
    if (end >= 0)
        content_type = slice_first(content_type, (size_t)end);
    if (!lower(slice_trim(content_type), text, &name) || name.len == 0)
        return false;
    return slice_equal(name, always) || name_map_get(&types->names, name_hash(name), name) != NULL;
}
