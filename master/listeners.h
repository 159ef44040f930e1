/* listeners.h: every listening socket of the master, over all configurations.
 *
 * Sockets belong to the master and outlive workers and configurations: what
 * waits in their queues is taken by whoever serves the slot next. A TCP address
 * has one SO_REUSEPORT socket a worker slot (a group), a unix address one for
 * all. A change is a transaction: opened sockets are pending until they are
 * committed or abandoned; those that the new configuration does not want are
 * quiesced, drained by the old workers, and then retired, from the end. */
#ifndef MUXD_MASTER_LISTENERS_H
#define MUXD_MASTER_LISTENERS_H

#include "master/handshakes.h"
#include "master/listening_socket.h"
#include "master/overflow.h"
#include "master/steering.h"

/* While an address is in use: nginx's patience. */
enum {
    LISTEN_ATTEMPTS = 5,
    LISTEN_RETRY = 500, /* ms between two */
};

/* The sockets of one address. */
struct socket_group {
    struct socket_group *next;
    struct listen_options options; /* as they are set now */
    int *sockets;                  /* in the order of their listen(2) */
    unsigned count;                /* open */
    unsigned lent;    /* of these, the first ones: the service manager's, for good (activation.h) */
    unsigned shared;  /* likewise: another master has them too (upgrade.h) */
    unsigned pending; /* of these, the last ones: opened by the transaction under way */
    unsigned wanted;  /* by the committed configuration; the rest retires */
    bool emptied;     /* of what retires only what is lent is left, and nothing waits there */
    bool quiesced;    /* no new connection begins; a unix socket has lost its name for good */
    bool steered;     /* `steering` is attached */
    struct steering steering;
    struct overflow overflow;
};

struct listeners {
    struct socket_group *first;
    bool unsteerable;              /* the kernel cannot; said once */
    const struct listener *failed; /* the first that the last listeners_open did not open */
};

/* Opens what is missing for the configuration's `count` listeners with `slots`
 * workers, and points each at its sockets (an array in the arena). Problems are
 * logged. After LISTENING_BUSY it may be called again; all outcomes are followed by
 * listeners_commit or listeners_abandon at last. */
enum listening listeners_open(struct listeners *, const struct log *, struct arena *,
                              struct listener *listeners, size_t count, unsigned slots);

/* -t: tries whether the addresses could be had; one in use is no problem. */
bool listeners_test(const struct log *, const struct listener *listeners, size_t count);

/* Closes what the transaction has opened. */
void listeners_abandon(struct listeners *);

/* The configuration of the last listeners_open is in force: sets changed options on the
 * sockets that were kept, and quiesces addresses that are no longer listened on. True
 * when there is something to retire. */
bool listeners_commit(struct listeners *, const struct log *, const struct listener *listeners,
                      size_t count);

/* The socket is one of those that are to retire. */
bool listeners_retiring(const struct listeners *, int fd);

/* Whether handshakes that may have begun `age` ms ago are under way with the addresses of the
 * sockets that are to retire. */
enum handshakes listeners_handshakes(const struct listeners *, uint64_t age);

/* Nothing waits in the sockets that are to retire. */
bool listeners_drained(const struct listeners *);

/* Closes what is to retire. */
void listeners_retire(struct listeners *);

/* Lets no new connection begin on any address. */
void listeners_quiesce(struct listeners *, const struct log *);

/* Whose a socket is that was opened by somebody else. */
enum socket_origin {
    SOCKET_OF_MASTER,  /* another master's, until that leaves */
    SOCKET_OF_MANAGER, /* the service manager's: it is never shut down, nor loses its file */
};

/* Takes a listening socket, behind those of its address that were taken before. False when it is
 * none, or memory is out. */
bool listeners_inherit(struct listeners *, int fd, enum socket_origin);

/* In a child that will be another master: lets all sockets survive execve(2). */
bool listeners_pass(const struct listeners *);

/* The numbers of all sockets, "6;7;", in the order in which they are to be taken; or of the
 * manager's only. Of malloc; NULL when memory is out. */
char *listeners_numbers(const struct listeners *, bool lent_only);

/* Says which of the manager's sockets the committed configuration does not listen on. */
void listeners_warn_unused(const struct listeners *, const struct log *);

/* All sockets there are: another master has them too, from now on; or no longer. */
void listeners_share(struct listeners *);
void listeners_unshare(struct listeners *, const struct log *);

/* There are sockets that the committed configuration does not want. */
bool listeners_surplus(const struct listeners *);

/* Another master may have steered: what was steered last counts no more. */
void listeners_resteer(struct listeners *);

/* The group that the listener's sockets belong to. */
struct socket_group *listeners_group(struct listeners *, const struct listener *);

/* Steers new connections to these sockets of the group, if that is a change. */
void listeners_steer(struct listeners *, const struct log *, struct socket_group *,
                     const struct steering *);

/* Closes everything, and removes the files of unix sockets. */
void listeners_close(struct listeners *, const struct log *);

/* In a worker: closes the sockets that are not of these listeners. */
void listeners_leave(struct listeners *, const struct listener *listeners, size_t count);

#endif
