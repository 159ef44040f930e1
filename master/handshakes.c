#include "master/handshakes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    ANSWER_SIZE = 32 * 1024,
    PATIENCE = 1,         /* seconds until the kernel has answered */
    FIRST_TIMEOUT = 1000, /* ms until a SYN-ACK is sent again; doubled each time */
    RETRANSMISSIONS_MAX = 8,
    TIMER_SLACK = 50, /* ms; timers are late, and by a quarter of their time at most */
};

/* Asks for all handshakes with the port. */
static bool ask(int fd, const struct address *address)
{
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 request;
    } message = {
        .header = { .nlmsg_len = sizeof message,
                    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
        .request = { .sdiag_family = (uint8_t)address->name.any.sa_family,
                     .sdiag_protocol = IPPROTO_TCP,
                     .idiag_states = 1 << TCP_SYN_RECV,
                     .id.idiag_sport = htons((uint16_t)address_port(address)) },
    };
    ssize_t sent;

    do
        sent = send(fd, &message, sizeof message, 0);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)sizeof message;
}

/* How long ago it began, at most. */
static uint64_t age_of(const struct inet_diag_msg *handshake)
{
    unsigned sent_again = handshake->idiag_retrans < RETRANSMISSIONS_MAX ? handshake->idiag_retrans
                                                                         : RETRANSMISSIONS_MAX;
    /* What all timeouts so far make together, the one that runs included. */
    uint64_t whole = ((UINT64_C(2) << sent_again) - 1) * FIRST_TIMEOUT;
    uint64_t age = whole > handshake->idiag_expires ? whole - handshake->idiag_expires : 0;

    return age + age / 4 + TIMER_SLACK;
}

/* One datagram of the answer: NONE when more may follow, WAIT when one is old enough; *done
 * at the end. */
static enum handshakes look_through(const char *answer, size_t len, uint64_t age, bool *done)
{
    const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)answer;

    for (; NLMSG_OK(message, len); message = NLMSG_NEXT(message, len)) {
        if (message->nlmsg_type == NLMSG_ERROR)
            return HANDSHAKES_UNKNOWN;
        *done = message->nlmsg_type == NLMSG_DONE;
        if (*done)
            return HANDSHAKES_NONE;
        const struct inet_diag_msg *handshake = NLMSG_DATA(message);
        if (message->nlmsg_len >= NLMSG_LENGTH(sizeof *handshake) && age_of(handshake) >= age)
            return HANDSHAKES_WAIT;
    }
    return HANDSHAKES_NONE;
}

static enum handshakes read_answer(int fd, uint64_t age)
{
    char answer[ANSWER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
    enum handshakes result = HANDSHAKES_NONE;
    bool done = false;

    while (result == HANDSHAKES_NONE && !done) {
        ssize_t got = recv(fd, answer, sizeof answer, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return HANDSHAKES_UNKNOWN;
        result = look_through(answer, (size_t)got, age, &done);
    }
    return result;
}

enum handshakes handshakes_with(const struct address *address, uint64_t age)
{
    const struct timeval patience = { .tv_sec = PATIENCE };
    enum handshakes result = HANDSHAKES_UNKNOWN;
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

    if (fd < 0)
        return HANDSHAKES_UNKNOWN;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        ask(fd, address))
        result = read_answer(fd, age);
    close(fd);
    return result;
}
