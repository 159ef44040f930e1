#include "master/steer.h"

#include "master/processes.h"
#include "master/upgrade.h"

void steer_connections(struct master *master)
{
    const struct generation *current = master->current;
    struct steering in_service = { 0 };

    if (!upgrade_steers(master))
        return;
    for (unsigned slot = 0; slot < current->workers; slot++)
        if (process_in_service(current, slot))
            steering_add(&in_service, slot);
    for (size_t i = 0; i < current->listener_count; i++) {
        struct socket_group *group = listeners_group(&master->listeners, &current->listeners[i]);
        if (group != NULL)
            listeners_steer(&master->listeners, master->log, group, &in_service);
    }
}
