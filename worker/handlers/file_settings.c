/* The directives of the file cache. */
#include "worker/handlers/file_cache.h"

#include "conf/values.h"

enum { INACTIVE_DEFAULT = 60 * 1000 };

/* Reads one parameter of open_file_cache; false when it is not one. */
static bool read_parameter(struct slice text, struct file_cache_limits *limits, bool *off)
{
    struct slice value;

    if (value_option(text, "max", &value))
        return slice_to_number(value, INT32_MAX, &limits->max) && limits->max > 0;
    if (value_option(text, "inactive", &value))
        return value_parse_time(value, &limits->inactive);
    *off = slice_is(text, "off");
    return *off;
}

/* open_file_cache off | max=number [inactive=time] */
static void set_cache(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                      const struct directive *directive, void *value)
{
    const struct file_cache_limits **limits = value;
    struct file_cache_limits *own = arena_zalloc(conf->arena, sizeof *own);
    bool off = false;

    (void)scope;
    if (own == NULL) {
        conf_error(conf, node->words[0].at, "no memory for this directive");
        return;
    }
    own->inactive = INACTIVE_DEFAULT;
    for (size_t i = 1; i < node->count; i++)
        if (!read_parameter(node->words[i].text, own, &off)) {
            conf_error(conf, node->words[i].at, "invalid \"%s\" parameter \"%.*s\"",
                       directive->name, (int)node->words[i].text.len, node->words[i].text.at);
            return;
        }
    *limits = off ? NULL : own;
    if (!off && own->max == 0)
        conf_error(conf, node->words[0].at, "\"%s\" must have the \"max\" parameter",
                   directive->name);
}

static const struct value_type as_cache = { "off | max=number [inactive=time]",
                                            sizeof(struct file_cache_limits *), set_cache };

static bool symlinks_mode(struct slice text, int *mode)
{
    static const struct enum_choice choices[] = {
        { "off", SYMLINKS_FOLLOWED },
        { "on", SYMLINKS_REFUSED },
        { "if_not_owner", SYMLINKS_OF_OWNER },
        { NULL, 0 },
    };

    for (const struct enum_choice *choice = choices; choice->word != NULL; choice++)
        if (slice_is(text, choice->word)) {
            *mode = choice->value;
            return true;
        }
    return false;
}

/* disable_symlinks off | on | if_not_owner [from=part] */
static void set_symlinks(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                         const struct directive *directive, void *value)
{
    struct symlinks_value *symlinks = value;
    const struct word *words = node->words;
    unsigned modes = 0;
    struct slice from;

    for (size_t i = 1; i < node->count; i++) {
        if (symlinks_mode(words[i].text, &symlinks->mode)) {
            modes++;
        } else if (value_option(words[i].text, "from", &from)) {
            symlinks->has_from = template_compile(conf, scope, words[i].at, from, &symlinks->from);
        } else {
            conf_error(conf, words[i].at, "invalid parameter \"%.*s\"", (int)words[i].text.len,
                       words[i].text.at);
            return;
        }
    }
    if (modes == 0)
        conf_error(conf, words[0].at,
                   "\"%s\" must have \"off\", \"on\" or \"if_not_owner\" parameter",
                   directive->name);
    else if (modes == 2)
        conf_error(conf, words[1].at, "duplicate parameters \"%.*s %.*s\"", (int)words[1].text.len,
                   words[1].text.at, (int)words[2].text.len, words[2].text.at);
}

static const struct value_type as_symlinks = { "off | on | if_not_owner [from=part]",
                                               sizeof(struct symlinks_value), set_symlinks };

#define FIELD(name) offsetof(struct file_cache_settings, name)

static const struct directive file_cache_directives[] = {
    { "open_file_cache", IN_HTTP_ALL, ARGS_BETWEEN(1, 2), &as_cache, FIELD(limits), "off",
      "trust what is known of a file for a while, without looking" },
    { "open_file_cache_valid", IN_HTTP_ALL, ARGS(1), &as_time, FIELD(valid), "60s",
      "the time after which a known file is looked at again" },
    { "open_file_cache_min_uses", IN_HTTP_ALL, ARGS(1), &as_number, FIELD(min_uses), "1",
      "uses from which on a known file is trusted without looking" },
    { "open_file_cache_errors", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(errors), "off",
      "remember failures too" },
    { "disable_symlinks", IN_HTTP_ALL, ARGS_BETWEEN(1, 2), &as_symlinks, FIELD(symlinks), "off",
      "refuse symbolic links on the way to a file" },
    { 0 },
};

const struct conf_module file_cache_module = {
    .name = "open_file_cache",
    .id = MODULE_FILE_CACHE,
    .size = sizeof(struct file_cache_settings),
    .directives = file_cache_directives,
};
