#include "master/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The group has an address that somebody can connect to. A unix socket without its
 * file has none, and another one may have taken the name. */
static bool has_name(const struct socket_group *group)
{
    return !group->quiesced || !listening_is_unix(&group->options);
}

static struct socket_group *group_find(struct listeners *listeners, const struct address *address)
{
    for (struct socket_group *group = listeners->first; group != NULL; group = group->next)
        if (has_name(group) && address_equal(&group->options.address, address))
            return group;
    return NULL;
}

struct socket_group *listeners_group(struct listeners *listeners, const struct listener *listener)
{
    return group_find(listeners, &listener->options.address);
}

/* A new group without sockets, last in the list; NULL when memory is out. */
static struct socket_group *group_new(struct listeners *listeners,
                                      const struct listen_options *options)
{
    struct socket_group **last = &listeners->first;
    struct socket_group *group = calloc(1, sizeof *group);

    if (group == NULL)
        return NULL;
    group->options = *options;
    while (*last != NULL)
        last = &(*last)->next;
    *last = group;
    return group;
}

static unsigned larger_of(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

/* How many of the first ones are somebody else's too. */
static unsigned group_foreign(const struct socket_group *group)
{
    return larger_of(group->shared, group->lent);
}

/* Closes the group's sockets from the end until `count` are left. One that is somebody else's
 * too goes on listening. */
static void group_shrink(struct socket_group *group, unsigned count)
{
    while (group->count > count) {
        group->count--;
        if (group->count < group_foreign(group))
            close(group->sockets[group->count]);
        else
            listening_close(group->sockets[group->count]);
    }
}

/* How many are read: those wanted, and those that another master has too. */
static unsigned group_read(const struct socket_group *group)
{
    return larger_of(group->wanted, group->shared);
}

/* How many are not to be emptied. */
static unsigned group_kept(const struct socket_group *group)
{
    return group->emptied ? group->count : group_read(group);
}

/* Frees the groups that have no socket. */
static void remove_empty(struct listeners *listeners)
{
    struct socket_group **link = &listeners->first;

    while (*link != NULL) {
        struct socket_group *group = *link;
        if (group->count > 0) {
            link = &group->next;
            continue;
        }
        *link = group->next;
        free(group->sockets);
        free(group);
    }
}

/* Two addresses that only SO_REUSEPORT lets be bound together. */
static bool overlap(const struct listen_options *a, const struct listen_options *b)
{
    if (listening_is_unix(a) || listening_is_unix(b))
        return false;
    if (address_port(&a->address) != address_port(&b->address))
        return false;
    return address_is_wildcard(&a->address) || address_is_wildcard(&b->address);
}

/* An address that overlaps with one of muxd's own looks taken in any case: there
 * is nothing to be learnt by a probe. */
static bool covered(const struct listeners *listeners, const struct listen_options *options)
{
    for (const struct socket_group *group = listeners->first; group != NULL; group = group->next)
        if (group->count > 0 && overlap(&group->options, options))
            return true;
    return false;
}

/* The manager's socket, alone, is no group that could be steered: it becomes one when the
 * second socket joins, which is not to get connections before it is in force. */
static void steer_from_now_on(struct listeners *listeners, const struct log *log,
                              struct socket_group *group)
{
    if (group->lent > 0 && !group->steered && steering_count(&group->steering) > 0)
        listeners_steer(listeners, log, group, &group->steering);
}

/* Opens one more socket of the group, as the new configuration wants it. */
static enum listening group_grow(struct listeners *listeners, const struct log *log,
                                 struct socket_group *group, const struct listen_options *options)
{
    struct listen_options own = *options;

    int *sockets = realloc(group->sockets, (group->count + 1) * sizeof *sockets);

    if (sockets == NULL) {
        log_write(log, LOG_LEVEL_EMERG, errno, 0, "realloc() failed");
        return LISTENING_FAILED;
    }
    group->sockets = sockets;
    own.ipv6only = group->options.ipv6only; /* else it would be no part of the group */
    enum listening result = listening_open(log, &own, &sockets[group->count]);
    if (result == LISTENING_OK) {
        group->count++;
        group->pending++;
        steer_from_now_on(listeners, log, group);
    }
    return result;
}

static unsigned sockets_wanted(const struct listen_options *options, unsigned slots)
{
    return listening_is_unix(options) ? 1 : slots;
}

static enum listening group_open(struct listeners *listeners, const struct log *log,
                                 struct socket_group *group, const struct listen_options *options,
                                 unsigned wanted)
{
    enum listening result = LISTENING_OK;

    while (group->count < wanted && result == LISTENING_OK)
        result = group_grow(listeners, log, group, options);
    return result;
}

/* Finds or makes the group of each listener, and probes the new addresses: all
 * before the first is bound, so that they cannot disturb each other. */
static enum listening prepare_groups(struct listeners *listeners, const struct log *log,
                                     const struct listener *wanted, size_t count)
{
    enum listening worst = LISTENING_OK;

    for (size_t i = 0; i < count; i++) {
        const struct listen_options *options = &wanted[i].options;
        struct socket_group *group = group_find(listeners, &options->address);
        if (group != NULL && group->count > 0)
            continue;
        if (group == NULL && group_new(listeners, options) == NULL) {
            log_write(log, LOG_LEVEL_EMERG, errno, 0, "calloc() failed");
            listeners->failed = &wanted[i];
            return LISTENING_FAILED;
        }
        if (listening_is_unix(options) || covered(listeners, options))
            continue;
        enum listening result = listening_probe(log, options, false);
        if (result > worst) {
            worst = result;
            listeners->failed = &wanted[i];
        }
    }
    return worst;
}

/* Points the listener at the sockets of its group: at those that are to retire too, so
 * that the new workers can help to drain them. */
static bool lend_sockets(struct arena *arena, struct listener *listener,
                         const struct socket_group *group, unsigned count)
{
    listener->sockets = arena_alloc(arena, group->count * sizeof *listener->sockets);
    if (listener->sockets == NULL)
        return false;
    memcpy(listener->sockets, group->sockets, group->count * sizeof *listener->sockets);
    listener->socket_count = count;
    listener->socket_total = group->count;
    return true;
}

enum listening listeners_open(struct listeners *listeners, const struct log *log,
                              struct arena *arena, struct listener *wanted, size_t count,
                              unsigned slots)
{
    enum listening worst = prepare_groups(listeners, log, wanted, count);

    for (size_t i = 0; i < count && worst == LISTENING_OK; i++) {
        struct socket_group *group = listeners_group(listeners, &wanted[i]);
        unsigned sockets = sockets_wanted(&wanted[i].options, slots);
        worst = group_open(listeners, log, group, &wanted[i].options, sockets);
        if (worst == LISTENING_OK && !lend_sockets(arena, &wanted[i], group, sockets))
            worst = LISTENING_FAILED;
        if (worst != LISTENING_OK)
            listeners->failed = &wanted[i];
    }
    return worst;
}

bool listeners_test(const struct log *log, const struct listener *listeners, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (listening_probe(log, &listeners[i].options, true) == LISTENING_FAILED)
            return false;
    return true;
}

void listeners_abandon(struct listeners *listeners)
{
    for (struct socket_group *group = listeners->first; group != NULL; group = group->next) {
        group_shrink(group, group->count - group->pending);
        group->pending = 0;
    }
    remove_empty(listeners);
}

/* New options for sockets that stay. */
static void group_configure(const struct log *log, struct socket_group *group,
                            const struct listen_options *options)
{
    for (unsigned i = 0; i + group->pending < group->count; i++)
        listening_configure(log, group->sockets[i], options, &group->options);
    bool ipv6only = group->options.ipv6only;
    group->options = *options;
    /* It cannot change once bound, and sockets that differ in it are no group. */
    group->options.ipv6only = ipv6only;
}

/* No longer listened on: what has begun is served, nothing more begins. */
static void group_quiesce(const struct log *log, struct socket_group *group)
{
    /* Nobody else could listen on the manager's unix socket when its file is gone. */
    if (group->lent > 0 && listening_is_unix(&group->options))
        return;
    for (unsigned i = 0; i < group->count && !group->quiesced; i++)
        listening_quiesce(log, group->sockets[i], &group->options);
    group->quiesced = true;
}

/* Listened on again before it was closed. */
static void group_resume(const struct log *log, struct socket_group *group)
{
    for (unsigned i = 0; i < group->count && group->quiesced; i++)
        listening_resume(log, group->sockets[i], &group->options);
    group->quiesced = false;
}

bool listeners_commit(struct listeners *listeners, const struct log *log,
                      const struct listener *wanted, size_t count)
{
    bool retiring = false;

    for (struct socket_group *group = listeners->first; group != NULL; group = group->next)
        group->wanted = 0;
    for (size_t i = 0; i < count; i++) {
        struct socket_group *group = listeners_group(listeners, &wanted[i]);
        group->wanted = wanted[i].socket_count;
        group->emptied = false;
        group_configure(log, group, &wanted[i].options);
        group_resume(log, group);
    }
    for (struct socket_group *group = listeners->first; group != NULL; group = group->next) {
        group->pending = 0;
        if (group->wanted == 0 && group->shared == 0)
            group_quiesce(log, group);
        retiring = retiring || group_kept(group) < group->count;
    }
    return retiring;
}

bool listeners_retiring(const struct listeners *listeners, int fd)
{
    for (const struct socket_group *group = listeners->first; group != NULL; group = group->next)
        for (unsigned i = group_kept(group); i < group->count; i++)
            if (group->sockets[i] == fd)
                return true;
    return false;
}

enum handshakes listeners_handshakes(const struct listeners *listeners, uint64_t age)
{
    enum handshakes worst = HANDSHAKES_NONE;

    for (const struct socket_group *group = listeners->first; group != NULL; group = group->next) {
        if (group_kept(group) == group->count || listening_is_unix(&group->options))
            continue;
        /* Where nothing more can begin, all that there is has begun before. */
        uint64_t least = group->quiesced ? 0 : age;
        enum handshakes found = handshakes_with(&group->options.address, least);
        worst = found > worst ? found : worst;
    }
    return worst;
}

bool listeners_drained(const struct listeners *listeners)
{
    for (const struct socket_group *group = listeners->first; group != NULL; group = group->next)
        for (unsigned i = group_kept(group); i < group->count; i++)
            if (listening_has_waiting(group->sockets[i]))
                return false;
    return true;
}

void listeners_retire(struct listeners *listeners)
{
    for (struct socket_group *group = listeners->first; group != NULL; group = group->next) {
        group_shrink(group, larger_of(group_read(group), group->lent));
        group->emptied = group_read(group) < group->count;
    }
    remove_empty(listeners);
}

/* New connections go to the sockets that somebody else has too. */
static void group_hand_back(struct listeners *listeners, const struct log *log,
                            struct socket_group *group)
{
    struct steering theirs = { 0 };

    for (unsigned i = 0; i < group_foreign(group); i++)
        steering_add(&theirs, i);
    listeners_steer(listeners, log, group, &theirs);
}

void listeners_quiesce(struct listeners *listeners, const struct log *log)
{
    for (struct socket_group *group = listeners->first; group != NULL; group = group->next) {
        group->wanted = group->lent; /* what waits there is for who comes next */
        if (group_foreign(group) == 0)
            group_quiesce(log, group);
        else if (group_foreign(group) < group->count)
            group_hand_back(listeners, log, group);
    }
}

void listeners_steer(struct listeners *listeners, const struct log *log, struct socket_group *group,
                     const struct steering *steering)
{
    if (listeners->unsteerable || listening_is_unix(&group->options) || group->count == 0)
        return;
    if (group->steered && memcmp(&group->steering, steering, sizeof *steering) == 0)
        return;
    group->steering = *steering;
    group->steered = steering_attach(group->sockets[0], steering);
    if (group->steered || (group->lent == group->count && errno == EINVAL))
        return;
    listeners->unsteerable = true;
    log_write(log, LOG_LEVEL_WARN, errno, 0,
              "setsockopt(SO_ATTACH_REUSEPORT_CBPF) failed: connections are spread by the kernel "
              "alone, and some may be lost when a worker leaves");
}

void listeners_close(struct listeners *listeners, const struct log *log)
{
    for (struct socket_group *group = listeners->first; group != NULL; group = group->next) {
        if (listening_is_unix(&group->options) && group_foreign(group) == 0)
            group_quiesce(log, group);
        else if (group->lent > 0 && group->shared == 0)
            group_resume(log, group); /* the manager listens on */
        group_shrink(group, 0);
    }
    remove_empty(listeners);
}

/* How many of the group's sockets the listeners have. */
static unsigned sockets_lent(const struct listener *listeners, size_t count,
                             const struct socket_group *group)
{
    for (size_t i = 0; i < count && has_name(group); i++)
        if (address_equal(&listeners[i].options.address, &group->options.address))
            return listeners[i].socket_total;
    return 0;
}

void listeners_leave(struct listeners *listeners, const struct listener *kept, size_t count)
{
    for (struct socket_group *group = listeners->first; group != NULL; group = group->next)
        for (unsigned i = sockets_lent(kept, count, group); i < group->count; i++)
            close(group->sockets[i]);
}

/* --- two masters --- */

/* The address that the socket listens on. */
static bool listening_address(int fd, struct address *address)
{
    int accepts = 0;
    socklen_t len = sizeof accepts;

    *address = (struct address){ .len = sizeof address->name };
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &len) < 0 || !accepts)
        return false;
    return getsockname(fd, &address->name.any, &address->len) == 0;
}

bool listeners_inherit(struct listeners *listeners, int fd, enum socket_origin origin)
{
    /* What its options are is not known: all that the configuration says is set. */
    struct listen_options options = { .backlog = -1,
                                      .rcvbuf = -1,
                                      .sndbuf = -1,
                                      .fastopen = -1,
                                      .so_keepalive = -1,
                                      .ipv6only = true };
    socklen_t len = sizeof(int);
    int ipv6only = 1;

    if (!listening_address(fd, &options.address) || !listening_adopt(fd))
        return false;
    if (getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &ipv6only, &len) == 0)
        options.ipv6only = ipv6only != 0;
    struct socket_group *group = group_find(listeners, &options.address);
    if (group == NULL)
        group = group_new(listeners, &options);
    int *sockets =
        group != NULL ? realloc(group->sockets, (group->count + 1) * sizeof *sockets) : NULL;
    if (sockets == NULL)
        return false;
    group->sockets = sockets;
    sockets[group->count++] = fd;
    if (origin == SOCKET_OF_MANAGER)
        group->lent = group->count;
    else
        group->shared = group->count;
    return true;
}

bool listeners_pass(const struct listeners *listeners)
{
    for (const struct socket_group *group = listeners->first; group != NULL; group = group->next)
        for (unsigned i = 0; i < group->count; i++)
            if (fcntl(group->sockets[i], F_SETFD, 0) < 0)
                return false;
    return true;
}

char *listeners_numbers(const struct listeners *listeners, bool lent_only)
{
    enum { NUMBER_MAX = sizeof "2147483647;" };
    size_t sockets = 0, len = 0;

    for (const struct socket_group *group = listeners->first; group != NULL; group = group->next)
        sockets += group->count;
    char *text = calloc(sockets + 1, NUMBER_MAX);
    for (const struct socket_group *group = listeners->first; text != NULL && group != NULL;
         group = group->next) {
        unsigned count = lent_only ? group->lent : group->count;
        for (unsigned i = 0; i < count; i++)
            len += (size_t)sprintf(text + len, "%d;", group->sockets[i]);
    }
    return text;
}

void listeners_warn_unused(const struct listeners *listeners, const struct log *log)
{
    for (const struct socket_group *group = listeners->first; group != NULL; group = group->next) {
        char text[ADDRESS_TEXT_MAX];
        if (group->lent == 0 || group->wanted > 0)
            continue;
        address_text(&group->options.address, text);
        log_write(log, LOG_LEVEL_WARN, 0, 0,
                  "the service manager passes a socket on %s, which no \"listen\" names: nobody "
                  "accepts there",
                  text);
    }
}

void listeners_share(struct listeners *listeners)
{
    for (struct socket_group *group = listeners->first; group != NULL; group = group->next)
        group->shared = group->count;
}

void listeners_unshare(struct listeners *listeners, const struct log *log)
{
    listeners_resteer(listeners);
    for (struct socket_group *group = listeners->first; group != NULL; group = group->next) {
        group->shared = 0;
        if (group->wanted == 0)
            group_quiesce(log, group);
    }
}

bool listeners_surplus(const struct listeners *listeners)
{
    for (const struct socket_group *group = listeners->first; group != NULL; group = group->next)
        if (group_kept(group) < group->count)
            return true;
    return false;
}

void listeners_resteer(struct listeners *listeners)
{
    for (struct socket_group *group = listeners->first; group != NULL; group = group->next)
        group->steered = false;
}
