#include "master/environment.h"

#include <unistd.h>

/* Where the value of "NAME=value" is, or -1 for a mere name. */
static ptrdiff_t equals_sign(struct slice variable)
{
    return slice_find(variable, '=');
}

/* The variable of this name in the environment as it is; NULL when it is not there. */
static char *present(struct slice name)
{
    for (char **variable = environ; *variable != NULL; variable++)
        if (strncmp(*variable, name.at, name.len) == 0 && (*variable)[name.len] == '=')
            return *variable;
    return NULL;
}

static bool names_time_zone(const struct array *wanted)
{
    const struct slice *variables = wanted->items;

    for (size_t i = 0; i < wanted->count; i++)
        if (slice_is(variables[i], "TZ") || slice_starts(variables[i], SLICE("TZ=")))
            return true;
    return false;
}

bool environment_set(const struct array *wanted, struct arena *arena)
{
    const struct slice *variables = wanted->items;
    char **kept = arena_zalloc(arena, (wanted->count + 2) * sizeof *kept);
    size_t count = 0;

    if (kept == NULL)
        return false;
    for (size_t i = 0; i < wanted->count; i++) {
        bool given = equals_sign(variables[i]) >= 0;
        char *variable = given ? arena_cstr(arena, variables[i]) : present(variables[i]);
        if (variable == NULL && given)
            return false;
        if (variable != NULL)
            kept[count++] = variable;
    }
    if (!names_time_zone(wanted) && present(SLICE("TZ")) != NULL)
        kept[count++] = present(SLICE("TZ"));
    environ = kept;
    return true;
}
