/* Any bytes as a configuration: read as a tree, printed, and applied to a small
 * table. Includes that the bytes ask for start in a folder that does not exist; those of absolute
 * paths are not tried, to leave the machine's files alone. */
#include "conf/values.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct settings {
    bool flag, here;
    uint64_t number, size, offset, time;
    struct slice text;
    const char *path;
    struct buffers_value buffers;
    int color;
};

static void open_block(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                       const struct directive *directive, void *value)
{
    static const struct {
        char first;
        enum conf_context context;
    } contexts[] = { { 'h', IN_HTTP }, { 's', IN_SERVER }, { 'l', IN_LOCATION } };

    (void)value;
    for (size_t i = 0; i < sizeof contexts / sizeof *contexts; i++)
        if (directive->name[0] == contexts[i].first)
            conf_open_block(conf, scope, node, contexts[i].context, NULL);
}

static const struct value_type as_block = { "{ ... }", 0, open_block };
static const struct enum_choice colors[] = { { "red", 1 }, { "green", 2 }, { 0 } };
static const struct enum_type as_color = { { "red | green", sizeof(int), enum_set }, colors };

#define FIELD(name) offsetof(struct settings, name)
#define ANYWHERE (IN_MAIN | IN_HTTP_ALL)

static const struct directive directives[] = {
    { "h", IN_MAIN, BLOCK_ONCE(0, 0), &as_block, 0, NULL, "" },
    { "s", IN_HTTP, BLOCK(0, 0), &as_block, 0, NULL, "" },
    { "l", IN_SERVER | IN_LOCATION, BLOCK(1, 2), &as_block, 0, NULL, "" },
    { "flag", ANYWHERE, ARGS(1), &as_flag, FIELD(flag), "on", "" },
    { "here", IN_LOCATION, ARGS_LOCAL(0, 0), &as_present, FIELD(here), NULL, "" },
    { "number", ANYWHERE, ARGS(1), &as_number, FIELD(number), "7", "" },
    { "size", ANYWHERE, ARGS(1), &as_size, FIELD(size), "1k", "" },
    { "offset", ANYWHERE, ARGS(1), &as_offset, FIELD(offset), "1g", "" },
    { "time", ANYWHERE, ARGS(1), &as_time, FIELD(time), "75s", "" },
    { "text", ANYWHERE, ARGS_BETWEEN(1, 3), &as_text, FIELD(text), "x", "" },
    { "alias", IN_LOCATION, ARGS(1), &as_text, FIELD(text), NULL, "" },
    { "path", ANYWHERE, ARGS(1), &as_path, FIELD(path), "x", "" },
    { "buffers", ANYWHERE, ARGS(2), &as_buffers, FIELD(buffers), "4 8k", "" },
    { "color", ANYWHERE, ARGS(1), &as_color.type, FIELD(color), "red", "" },
    { 0 },
};

static const struct conf_module module = { .name = "fuzz",
                                           .size = sizeof(struct settings),
                                           .directives = directives };
static const struct conf_module *const modules[] = { &module };

/* Every word must lie where its place says. */
static void walk(const struct conf_node *node)
{
    for (; node != NULL; node = node->next) {
        if (node->count == 0)
            abort();
        for (size_t i = 0; i < node->count; i++)
            if (node->words[i].at.line == 0 || node->words[i].at.column == 0 ||
                node->words[i].text.len > CONF_WORD_MAX)
                abort();
        walk(node->children);
    }
}

static void print(struct arena *arena, const struct conf_messages *messages)
{
    for (const struct conf_message *message = messages->first; message != NULL;
         message = message->next)
        if (conf_message_text(arena, message).at == NULL)
            abort();
}

static void read_as_tree(struct slice text)
{
    struct arena arena;
    struct conf_messages messages;
    struct conf_tree tree;

    arena_init(&arena, NULL);
    conf_messages_init(&messages, &arena);
    conf_tree_init(&tree, &arena, &messages, "/none/");
    if (conf_tree_read_text(&tree, "text", text) != (messages.errors == 0))
        abort();
    walk(tree.root);
    print(&arena, &messages);
    arena_free(&arena);
}

/* -g takes the bytes up to the first NUL. */
static void load(struct slice text)
{
    struct arena arena;

    arena_init(&arena, NULL);
    const char *global = arena_cstr(&arena, text);
    const struct conf *conf = conf_load(&arena, &(struct conf_request){ .path = "/dev/null",
                                                                        .prefix = "/none/",
                                                                        .global = global,
                                                                        .modules = modules,
                                                                        .module_count = 1 });
    if (conf == NULL || conf_settings(conf->main, &module) == NULL)
        abort();
    print(&arena, &conf->messages);
    arena_free(&arena);
}

static char folder[] = "/tmp/fuzz_conf.XXXXXX";
static char path[sizeof folder + sizeof "/muxd.conf"];

static void remove_file(void)
{
    unlink(path);
    rmdir(folder);
}

/* In a folder of its own: a pattern to include would match what else is there. */
static int open_file(void)
{
    if (mkdtemp(folder) == NULL || atexit(remove_file) != 0)
        abort();
    snprintf(path, sizeof path, "%s/muxd.conf", folder);
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

/* The bytes as a file, which may have blocks. */
static void load_file(struct slice text)
{
    static int fd = -1;
    struct arena arena;

    if (fd < 0)
        fd = open_file();
    if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, text.at, text.len, 0) != (ssize_t)text.len)
        abort();
    arena_init(&arena, NULL);
    const struct conf *conf = conf_load(
        &arena, &(struct conf_request){
                    .path = path, .prefix = "/none/", .modules = modules, .module_count = 1 });
    if (conf == NULL)
        abort();
    print(&arena, &conf->messages);
    arena_free(&arena);
}

static bool asks_for_files(struct slice text)
{
    return memmem(text.at, text.len, "include", strlen("include")) != NULL &&
           memchr(text.at, '/', text.len) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = { (const char *)data, size };

    if (size == 0 || asks_for_files(text))
        return 0;
    read_as_tree(text);
    load(text);
    load_file(text);
    return 0;
}
