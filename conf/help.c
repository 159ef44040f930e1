#include "conf/directive.h"

const struct directive *directive_find(const struct conf_module *const *modules, size_t count,
                                       struct slice name, const struct conf_module **module)
{
    for (size_t i = 0; i < count; i++)
        for (const struct directive *directive = modules[i]->directives; directive->name != NULL;
             directive++)
            if (slice_is(name, directive->name)) {
                *module = modules[i];
                return directive;
            }
    return NULL;
}

struct slice context_names(struct arena *arena, uint32_t contexts)
{
    static const struct {
        uint32_t context;
        const char *name;
    } names[] = {
        { IN_MAIN, "main" },
        { IN_EVENTS, "events" },
        { IN_HTTP, "http" },
        { IN_SERVER, "server" },
        { IN_LOCATION, "location" },
        { IN_LIMIT_EXCEPT, "limit_except" },
        { IN_SERVER_IF, "if in server" },
        { IN_LOCATION_IF, "if in location" },
        { IN_UPSTREAM, "upstream" },
        { IN_MATCH, "match" },
    };
    struct slice text = { "", 0 };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if ((contexts & names[i].context) == 0)
            continue;
        text = arena_printf(arena, "%.*s%s%s", (int)text.len, text.at, text.len > 0 ? ", " : "",
                            names[i].name);
        if (text.at == NULL)
            return text;
    }
    return text;
}

/* "name size;", "name number ...;", "name { ... }"; a type of one word is repeated
 * by "..." where the directive takes several. */
static struct slice usage(struct arena *arena, const struct directive *directive)
{
    const char *type = directive->type->name;
    bool block = (directive->args.manners & MANNER_BLOCK) != 0;
    bool more = directive->args.most > 1 && strchr(type, ' ') == NULL;
    bool braces = block && strchr(type, '{') == NULL;

    return arena_printf(arena, "%s%s%s%s%s", directive->name, *type == '\0' ? "" : " ", type,
                        more ? " ..." : "", block ? (braces ? " { ... }" : "") : ";");
}

/* nginx's documentation says "—" where there is no default. */
static struct slice initial(struct arena *arena, const struct directive *directive)
{
    if (directive->initial == NULL)
        return SLICE("none");
    return arena_printf(arena, "%s%s%s;", directive->name, *directive->initial == '\0' ? "" : " ",
                        directive->initial);
}

struct slice directive_help(struct arena *arena, const struct directive *directive,
                            const struct conf_module *module)
{
    struct slice syntax = usage(arena, directive);
    struct slice value = initial(arena, directive);
    struct slice contexts = context_names(arena, directive->contexts);

    return arena_printf(arena,
                        "Syntax:   %.*s\n"
                        "Default:  %.*s\n"
                        "Context:  %.*s\n"
                        "Module:   %s\n"
                        "\n"
                        "%s\n",
                        (int)syntax.len, syntax.at, (int)value.len, value.at, (int)contexts.len,
                        contexts.at, module->name, directive->help);
}
