#include "conf/reader.h"
#include "conf/source.h"
#include "conf/wildcard.h"

#include <errno.h>

static const struct slice no_hint = { "", 0 };

static bool is_being_read(const struct reader *reader, const char *path)
{
    for (; reader != NULL; reader = reader->outer)
        if (reader->lexer.source->file && strcmp(reader->lexer.source->name, path) == 0)
            return true;
    return false;
}

void reader_file(struct conf_tree *tree, const struct reader *outer, struct position at,
                 const char *path, struct conf_node ***last)
{
    struct source *source;
    const char *call = "";

    switch (source_read(tree->files, tree->arena, path, &source, &call)) {
    case SOURCE_OK:
        reader_source(tree, outer, source, last);
        break;
    case SOURCE_FAILED:
        conf_message_add(tree->messages, CONF_EMERG, at, no_hint, "%s() \"%s\" failed (%d: %s)",
                         call, path, errno, strerror(errno));
        break;
    case SOURCE_TOO_LARGE:
        conf_message_add(tree->messages, CONF_EMERG, at, no_hint,
                         "\"%s\" is too large: a configuration may have %d MB, a pipe %d MB", path,
                         CONF_BYTES_MAX >> 20, CONF_PIPE_MAX >> 20);
        tree->stopped = true;
        break;
    case SOURCE_NO_MEMORY:
        tree->stopped = true;
        break;
    }
}

static void include_path(struct reader *reader, struct position at, const char *path,
                         struct conf_node ***last)
{
    if (is_being_read(reader, path)) {
        conf_message_add(reader->tree->messages, CONF_EMERG, at, no_hint,
                         "recursive include of \"%s\"", path);
        return;
    }
    if (reader->depth + 1 >= CONF_INCLUDE_DEPTH_MAX) {
        conf_message_add(reader->tree->messages, CONF_EMERG, at, no_hint,
                         "too many nested includes: \"%s\" is not read", path);
        return;
    }
    if (++reader->tree->includes > CONF_INCLUDES_MAX) {
        reader_stop(reader, at, "too many included files");
        return;
    }
    reader_file(reader->tree, reader, at, path, last);
}

/* The files that the pattern matches, in order; none is no error, as in nginx. */
static void include_pattern(struct reader *reader, struct position at, const char *pattern,
                            struct conf_node ***last)
{
    struct conf_tree *tree = reader->tree;
    struct array paths = { .item_size = sizeof(const char *) };

    switch (wildcard_expand(tree->arena, pattern, &paths)) {
    case WILDCARD_OK:
        break;
    case WILDCARD_NO_MEMORY:
        tree->stopped = true;
        return;
    case WILDCARD_FAILED:
        conf_message_add(tree->messages, CONF_EMERG, at, no_hint, "glob() \"%s\" failed (%d: %s)",
                         pattern, errno, strerror(errno));
        return;
    }
    const char *const *items = paths.items;
    for (size_t i = 0; i < paths.count && !tree->stopped; i++)
        include_path(reader, at, items[i], last);
}

const char *conf_tree_path(const struct conf_tree *tree, struct slice path)
{
    if (path.len > 0 && path.at[0] == '/')
        return arena_cstr(tree->arena, path);
    return arena_printf(tree->arena, "%s%.*s", tree->prefix, (int)path.len, path.at).at;
}

void reader_include(struct reader *reader, const struct conf_node *node, struct conf_node ***last)
{
    const struct word *words = node->words;

    if (node->block) {
        reader_report(reader, words[0].at, no_hint,
                      "directive \"include\" is not terminated by \";\"");
        return;
    }
    if (node->count != 2) {
        reader_report(reader, words[0].at, no_hint,
                      "invalid number of arguments in \"include\" directive");
        return;
    }
    const char *path = conf_tree_path(reader->tree, words[1].text);
    if (path == NULL)
        reader->tree->stopped = true;
    else if (strpbrk(path, "*?[") != NULL)
        include_pattern(reader, words[1].at, path, last);
    else
        include_path(reader, words[1].at, path, last);
}
