/* A client that makes a connection for each request, from several processes at once, and
 * counts what went wrong.
 *
 *     connect HOST:PORT PATH PROCESSES [optional]
 *
 * Runs until its standard input ends; then prints one line: requests answered, refused and
 * failed, and what the first failure was. An answer is a whole one: status 200, as many bytes
 * as Content-Length says, and the end of the connection. With "optional" nobody
 * need listen there: a connection that is refused is no failure, but one that is accepted
 * must be answered. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PROCESSES_MAX = 64,
    REASON_MAX = 160,
    ANSWER_MAX = 65536,
    PATIENCE = 10, /* seconds that an answer may take */
};

/* What one process has seen; shared with its parent. */
struct report {
    unsigned long answered, refused, failed;
    char reason[REASON_MAX];
    _Atomic bool stop;
};

struct target {
    struct sockaddr_in address;
    char request[512];
    bool optional;
};

static void failed(struct report *report, const char *what, int error)
{
    if (report->failed++ == 0)
        snprintf(report->reason, sizeof(report->reason), "after %lu: %s: %s", report->answered,
                 what, strerror(error));
}

/* Everything up to the end of the connection; -1 when that is an error. */
static ssize_t receive_all(int fd, char *answer)
{
    size_t len = 0;
    ssize_t got;

    while (len < ANSWER_MAX - 1 && (got = recv(fd, answer + len, ANSWER_MAX - 1 - len, 0)) != 0) {
        if (got < 0 && errno != EINTR)
            return -1;
        len += got > 0 ? (size_t)got : 0;
    }
    answer[len] = '\0';
    return (ssize_t)len;
}

/* Status 200, and a body of the length that the head names. */
static bool is_whole(const char *answer, size_t len)
{
    const char *length = strstr(answer, "Content-Length: ");
    const char *end = strstr(answer, "\r\n\r\n");

    if (strncmp(answer, "HTTP/1.1 200 ", 13) != 0 || length == NULL || end == NULL)
        return false;
    return strtoul(length + 16, NULL, 10) == len - (size_t)(end + 4 - answer);
}

static void request_once(const struct target *target, struct report *report, char *answer)
{
    const struct timeval patience = { .tv_sec = PATIENCE };
    size_t len = strlen(target->request);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (const struct sockaddr *)&target->address, sizeof(target->address)) != 0) {
        if (target->optional)
            report->refused++;
        else
            failed(report, "connect", errno);
    } else if (send(fd, target->request, len, MSG_NOSIGNAL) != (ssize_t)len) {
        failed(report, "send", errno);
    } else {
        ssize_t got = receive_all(fd, answer);
        if (got < 0)
            failed(report, "recv", errno);
        else if (!is_whole(answer, (size_t)got))
            failed(report, got == 0 ? "closed without an answer" : "not a whole answer", 0);
        else
            report->answered++;
    }
    close(fd);
}

static void run(const struct target *target, struct report *report)
{
    char *answer = malloc(ANSWER_MAX);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (answer != NULL && !report->stop) {
        request_once(target, report, answer);
        if (target->optional)
            poll(NULL, 0, 1); /* nobody may be there: no busy loop */
    }
    free(answer);
    _exit(0);
}

static bool parse(struct target *target, int argc, char *const argv[])
{
    char *colon = argc >= 4 ? strchr(argv[1], ':') : NULL;

    if (colon == NULL)
        return false;
    *colon = '\0';
    target->address =
        (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1)) };
    target->optional = argc > 4 && strcmp(argv[4], "optional") == 0;
    snprintf(target->request, sizeof(target->request),
             "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", argv[2]);
    return inet_pton(AF_INET, argv[1], &target->address.sin_addr) == 1;
}

static void print(const struct report *reports, int count)
{
    struct report sum = { 0 };

    for (int i = 0; i < count; i++) {
        sum.answered += reports[i].answered;
        sum.refused += reports[i].refused;
        sum.failed += reports[i].failed;
        if (sum.reason[0] == '\0')
            memcpy(sum.reason, reports[i].reason, sizeof(sum.reason));
    }
    printf("answered %lu refused %lu failed %lu %s\n", sum.answered, sum.refused, sum.failed,
           sum.reason);
}

int main(int argc, char *argv[])
{
    struct target target;
    int count = argc >= 4 ? atoi(argv[3]) : 0;
    char byte;

    if (!parse(&target, argc, argv) || count < 1 || count > PROCESSES_MAX) {
        fprintf(stderr, "usage: connect HOST:PORT PATH PROCESSES [optional]\n");
        return EXIT_FAILURE;
    }
    struct report *reports = mmap(NULL, (size_t)count * sizeof(*reports), PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (reports == MAP_FAILED)
        return EXIT_FAILURE;
    for (int i = 0; i < count; i++)
        if (fork() == 0)
            run(&target, &reports[i]);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    for (int i = 0; i < count; i++)
        reports[i].stop = true;
    while (wait(NULL) > 0)
        continue;
    print(reports, count);
    return EXIT_SUCCESS;
}
