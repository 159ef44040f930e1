/* commands.h: the commands of the control socket. */
#ifndef MUXD_MASTER_COMMANDS_H
#define MUXD_MASTER_COMMANDS_H

#include "common/slice.h"
#include "master/control.h"

struct command {
    const char *name;
    /* Answers with control_out, control_err and control_end; or calls control_wait,
     * and answers later. `arguments` is what stands behind the name. */
    void (*handle)(struct master *, struct control_client *, struct slice arguments, uint64_t now);
};

/* The command of this name; NULL when there is none. */
const struct command *command_find(struct slice name);

#endif
