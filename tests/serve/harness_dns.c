#include "tests/serve/harness_dns.h"

#include "tests/dns_reply.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXT_MAX = 2000, RECORDS_MAX = 32, LINE_MAX_LEN = 300 };

/* What the test and the server's process share. */
struct name_server {
    pid_t pid;
    _Atomic unsigned current; /* of the texts */
    char texts[2][TEXT_MAX];
};

struct line {
    char owner[LINE_MAX_LEN], type[16], data[LINE_MAX_LEN];
    unsigned ttl;
};

static unsigned type_number(const char *type)
{
    static const struct {
        const char *name;
        unsigned number;
    } types[] = {
        { "A", REPLY_A }, { "AAAA", REPLY_AAAA }, { "CNAME", REPLY_CNAME }, { "SRV", REPLY_SRV }
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (strcmp(types[i].name, type) == 0)
            return types[i].number;
    return 0;
}

/* The records of the name in the text: those of the type, or what it is an alias of, into
 * `found`; *known: it has some. */
static size_t find_records(const char *text, const char *name, unsigned type, struct line *lines,
                           struct reply_record *found, bool *known)
{
    size_t count = 0;

    *known = false;
    for (; *text != '\0' && count < RECORDS_MAX; text += strcspn(text, "\n"), text += *text != 0) {
        struct line *line = &lines[count];
        if (sscanf(text, "%299s %15s %u %299[^\n]", line->owner, line->type, &line->ttl,
                   line->data) != 4 ||
            strcmp(line->owner, name) != 0)
            continue;
        *known = true;
        unsigned number = type_number(line->type);
        if (number == type || number == REPLY_CNAME)
            found[count++] = (struct reply_record){ "", number, line->ttl, line->data };
    }
    return count;
}

static void answer(struct name_server *dns, int fd)
{
    char query[REPLY_MAX + 1] = { 0 }, room[REPLY_MAX], name[256];
    struct line lines[RECORDS_MAX];
    struct reply_record found[RECORDS_MAX];
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    unsigned type;
    bool known;

    ssize_t got = recvfrom(fd, query, REPLY_MAX, 0, (struct sockaddr *)&from, &len);
    if (got <= 0 || !reply_question(query, (size_t)got, name, &type))
        return;
    const char *text = dns->texts[atomic_load(&dns->current)];
    size_t count = find_records(text, name, type, lines, found, &known);
    size_t size = reply_write(room, query, known ? 0 : 3, found, count);
    sendto(fd, room, size, 0, (const struct sockaddr *)&from, len);
}

static void name_server_stop(void *argument)
{
    struct name_server *dns = argument;

    kill(dns->pid, SIGKILL);
    waitpid(dns->pid, NULL, 0);
    munmap(dns, sizeof(*dns));
}

static int open_socket(struct server *server, unsigned n)
{
    char port[] = "@portN@";
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    port[5] = (char)('0' + n);
    address.sin_port = htons((uint16_t)atoi(server_expand(server, port)));
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        server_fail(server, "no name server: %s", strerror(errno));
    return fd;
}

struct name_server *name_server_start(struct server *server, unsigned n, const char *records)
{
    struct name_server *dns =
        mmap(NULL, sizeof(*dns), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int fd = open_socket(server, n);

    ck_assert_ptr_ne(dns, MAP_FAILED);
    name_server_set(dns, records);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            answer(dns, fd);
    }
    dns->pid = pid;
    close(fd);
    server_at_end(server, name_server_stop, dns);
    return dns;
}

void name_server_set(struct name_server *dns, const char *records)
{
    unsigned other = 1 - atomic_load(&dns->current);

    ck_assert_uint_lt(strlen(records), TEXT_MAX);
    strcpy(dns->texts[other], records);
    atomic_store(&dns->current, other);
}
