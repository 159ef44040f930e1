#include "master/options.h"

#include "common/version.h"
#include "master/signal_command.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* A letter that takes an argument. */
struct argument {
    char letter;
    size_t offset;    /* of its const char * in struct options */
    const char *what; /* as the complaint about its lack calls it */
};

static const struct argument arguments[] = {
    { 'c', offsetof(struct options, conf_path), "file name" },
    { 'e', offsetof(struct options, error_log), "file name" },
    { 'g', offsetof(struct options, global), "parameter" },
    { 'p', offsetof(struct options, prefix), "directory name" },
    { 's', offsetof(struct options, signal), "parameter" },
};

/* A letter that stands for itself. Returns false when there is no such. */
static bool set_switch(struct options *options, char letter)
{
    switch (letter) {
    case '?':
    case 'h':
        options->version = options->help = true;
        return true;
    case 'v':
        options->version = true;
        return true;
    case 'V':
        options->version = options->build = true;
        return true;
    case 't':
        options->test = true;
        return true;
    case 'T':
        options->test = options->dump = true;
        return true;
    case 'q':
        options->quiet = true;
        return true;
    default:
        return false;
    }
}

static const struct argument *argument_find(char letter)
{
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++)
        if (arguments[i].letter == letter)
            return &arguments[i];
    return NULL;
}

/* The words of one place of argv: where reading stands. */
struct cursor {
    char *const *argv;
    int argc;
    int at;
};

/* The next word, taken; NULL when there is none. */
static const char *take_word(struct cursor *cursor)
{
    return cursor->at + 1 < cursor->argc ? cursor->argv[++cursor->at] : NULL;
}

static struct slice read_argument(struct options *options, struct arena *arena,
                                  struct cursor *cursor, const struct argument *argument,
                                  const char *rest)
{
    const char *value = *rest != '\0' ? rest : take_word(cursor);

    if (value == NULL)
        return arena_printf(arena, "option \"-%c\" requires %s", argument->letter, argument->what);
    if (argument->letter == 's' && !signal_command_known(value))
        return arena_printf(arena, "invalid option: \"-s %s\"", value);
    memcpy((char *)options + argument->offset, &value, sizeof value);
    return SLICE("");
}

/* A word that begins with '-': letters up to one that takes an argument. */
static struct slice read_letters(struct options *options, struct arena *arena,
                                 struct cursor *cursor)
{
    for (const char *letter = cursor->argv[cursor->at] + 1; *letter != '\0'; letter++) {
        const struct argument *argument = argument_find(*letter);
        if (argument != NULL)
            return read_argument(options, arena, cursor, argument, letter + 1);
        if (!set_switch(options, *letter))
            return arena_printf(arena, "invalid option: \"%c\"", *letter);
    }
    return SLICE("");
}

/* "-h NAME": a word where nginx allows none. */
static bool take_directive(struct options *options, struct cursor *cursor)
{
    const char *word = cursor->argv[cursor->at];

    if (!options->help || options->directive != NULL || *word == '\0')
        return false;
    if (strcmp(cursor->argv[cursor->at - 1], "-h") != 0)
        return false;
    options->directive = word;
    return true;
}

/* "status [--watch]", "--strict" */
static bool take_long_word(struct options *options, const char *word)
{
    if (strcmp(word, "--strict") == 0 && !options->strict)
        return options->strict = true;
    if (strcmp(word, "status") == 0 && !options->status && !options->help)
        return options->status = true;
    if (strcmp(word, "--watch") == 0 && options->status && !options->watch)
        return options->watch = true;
    return false;
}

struct slice options_parse(struct options *options, struct arena *arena, int argc,
                           char *const argv[])
{
    struct cursor cursor = { .argv = argv, .argc = argc, .at = 1 };
    struct slice problem = SLICE("");

    *options = (struct options){ 0 };
    for (; cursor.at < argc && problem.len == 0; cursor.at++) {
        const char *word = argv[cursor.at];
        if (take_long_word(options, word))
            continue;
        if (*word == '-')
            problem = read_letters(options, arena, &cursor);
        else if (!take_directive(options, &cursor))
            problem = arena_printf(arena, "invalid option: \"%s\"", word);
    }
    if (problem.len == 0 && options->strict && !options->test)
        problem = SLICE("option \"--strict\" requires \"-t\"");
    return problem;
}

const char *options_prefix(const struct options *options, struct arena *arena)
{
    struct slice prefix = slice_of(options->prefix != NULL ? options->prefix : MUXD_PREFIX);
    struct slice folder = SLICE("");

    if (!slice_starts(prefix, SLICE("/"))) {
        char *current = getcwd(NULL, 0);
        if (current == NULL)
            return NULL;
        folder = arena_printf(arena, "%s/", strcmp(current, "/") == 0 ? "" : current);
        free(current);
    }
    while (slice_starts(prefix, SLICE("./")))
        prefix = slice_from(prefix, 2);
    if (slice_is(prefix, "."))
        prefix = SLICE("");
    const char *slash = prefix.len == 0 || slice_ends(prefix, SLICE("/")) ? "" : "/";
    struct slice whole = arena_printf(arena, "%.*s%.*s%s", (int)folder.len, folder.at,
                                      (int)prefix.len, prefix.at, slash);
    if (arena->exhausted) {
        errno = ENOMEM;
        return NULL;
    }
    return whole.at;
}

const char *options_conf_path(const struct options *options, struct arena *arena,
                              const char *prefix)
{
    const char *path = options->conf_path != NULL ? options->conf_path : MUXD_CONF_PATH;

    return arena_printf(arena, "%s%s", *path == '/' ? "" : prefix, path).at;
}
