#include "master/commands.h"

#include "master/reload.h"
#include "master/status.h"
#include "master/upgrade.h"

static const struct command commands[] = {
    { "reload", reload_command },
    { "status", status_command },
    { "upgrade", upgrade_command },
};

const struct command *command_find(struct slice name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (slice_is(name, commands[i].name))
            return &commands[i];
    return NULL;
}
