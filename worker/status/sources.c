#include "common/anchor.h"
#include "worker/status/view.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- memory --- */

enum { ROLLUP_MAX = 4096 };

/* Kilobytes behind "NAME:"; 0 when it is not there. */
static uint64_t field(const char *text, const char *name)
{
    const char *at = slice_search(slice_of(text), slice_of(name));

    return at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10);
}

/* What a file of /proc holds, NUL-terminated; false when it cannot be read. */
static bool read_small(const char *path, char *text, size_t room)
{
    int fd = anchored_open(path, O_RDONLY | O_CLOEXEC, 0);
    ssize_t len;

    if (fd < 0)
        return false;
    do
        len = read(fd, text, room - 1);
    while (len < 0 && errno == EINTR);
    close(fd);
    if (len <= 0)
        return false;
    text[len] = '\0';
    return true;
}

bool memory_private(pid_t pid, uint64_t *bytes)
{
    char path[64], text[ROLLUP_MAX];
    char *end;

    snprintf(path, sizeof path, "/proc/%ld/smaps_rollup", (long)pid);
    if (read_small(path, text, sizeof text)) {
        *bytes = (field(text, "Private_Clean:") + field(text, "Private_Dirty:")) * 1024;
        return true;
    }
    /* In a sandbox a worker may not look into another one so closely. What it shares with its
     * master but has not changed is counted here. */
    snprintf(path, sizeof path, "/proc/%ld/statm", (long)pid);
    if (!read_small(path, text, sizeof text))
        return false;
    strtoull(text, &end, 10); /* the whole, in pages */
    unsigned long long resident = strtoull(end, &end, 10), shared = strtoull(end, &end, 10);
    if (resident < shared)
        return false;
    *bytes = (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
    return true;
}

/* --- accept queues --- */

/* What sock_diag(7) answers about one unix socket: its attributes begin behind the message. */
static bool find_queue(const struct nlmsghdr *message, size_t len, struct queue_view *view)
{
    size_t head = NLMSG_LENGTH(sizeof(struct unix_diag_msg));

    if (!NLMSG_OK(message, len) || message->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
        message->nlmsg_len < head)
        return false;
    const struct rtattr *attribute =
        (const struct rtattr *)((const char *)message + NLMSG_ALIGN(head));
    size_t left = message->nlmsg_len - head;
    for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
        struct unix_diag_rqlen queue;
        if (attribute->rta_type != UNIX_DIAG_RQLEN || RTA_PAYLOAD(attribute) < sizeof queue)
            continue;
        memcpy(&queue, RTA_DATA(attribute), sizeof queue);
        *view = (struct queue_view){ .waiting = queue.udiag_rqueue, .room = queue.udiag_wqueue };
        return true;
    }
    return false;
}

/* A unix socket's queue is known by its inode. */
static bool unix_queue_view(int fd, struct queue_view *view)
{
    union {
        struct nlmsghdr head;
        char bytes[1024];
    } answer;
    struct stat file;
    struct {
        struct nlmsghdr head;
        struct unix_diag_req body;
    } request = { .head = { .nlmsg_len = sizeof request,
                            .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                            .nlmsg_flags = NLM_F_REQUEST },
                  .body = { .sdiag_family = AF_UNIX,
                            .udiag_states = UINT32_MAX,
                            .udiag_show = UDIAG_SHOW_RQLEN,
                            .udiag_cookie = { UINT32_MAX, UINT32_MAX } } };

    if (fstat(fd, &file) < 0)
        return false;
    request.body.udiag_ino = (uint32_t)file.st_ino;
    int diag = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
    if (diag < 0)
        return false;
    ssize_t len = -1; /* the kernel answers within send(2) */
    if (send(diag, &request, sizeof request, 0) == (ssize_t)sizeof request)
        len = recv(diag, &answer, sizeof answer, 0);
    close(diag);
    return len > 0 && find_queue(&answer.head, (size_t)len, view);
}

/* socket(7), SO_MEMINFO: what was dropped at this socket; 0 where the kernel does not tell. */
static uint32_t dropped_at(int fd)
{
    uint32_t memory[SK_MEMINFO_VARS] = { 0 };
    socklen_t len = sizeof memory;

    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &len) < 0)
        return 0;
    return memory[SK_MEMINFO_DROPS];
}

/* tcp(7): of a listening socket these two fields are its queue. */
bool queue_view(int fd, struct queue_view *view)
{
    struct tcp_info info = { 0 };
    socklen_t len = sizeof info;

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
        return unix_queue_view(fd, view);
    *view = (struct queue_view){ .waiting = info.tcpi_unacked,
                                 .room = info.tcpi_sacked,
                                 .dropped = dropped_at(fd) };
    return true;
}

/* --- workers --- */

const char *worker_state_name(enum worker_state state)
{
    static const char *const names[] = {
        [WORKER_NONE] = "none",           [WORKER_STARTING] = "starting",
        [WORKER_ACCEPTING] = "accepting", [WORKER_STALLED] = "stalled",
        [WORKER_LEAVING] = "leaving",
    };

    return names[state];
}

bool worker_view(const struct lane *lane, struct worker_view *view)
{
    const struct lane_owner *owner = &lane->owner;

    *view = (struct worker_view){
        .state = (enum worker_state)owner->state,
        .pid = owner->pid,
        .slot = owner->slot,
        .generation = owner->generation,
        .in_service = owner->in_service != 0,
        .started = count_read(&owner->started),
        .active = count_read(&lane->active),
        .reading = count_read(&lane->reading),
        .waiting = count_read(&lane->waiting),
        .accepted = count_read(&lane->accepted) - count_read(&owner->accepted_before),
        .requests = count_read(&lane->requests) - count_read(&owner->requests_before),
        .busy = count_read(&lane->busy) - count_read(&owner->busy_before),
        .longest = count_read(&lane->longest),
    };
    if (view->state == WORKER_NONE || view->pid == 0)
        return false;
    view->memory_known = memory_private((pid_t)view->pid, &view->memory);
    return true;
}
