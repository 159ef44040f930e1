/* load.c: many connections, of which a few at a time have a request under way.
 *
 * Keeps so many connections open, of which ACTIVE have a request under way at any time. One
 * makes STAY requests, each when the answer to the one before has come; then any other that has
 * none under way, chosen at random, takes its place. Answers are read by their length alone,
 * which all to one request share: it takes less time than servers do.
 *
 * Usage: load PORT PATH CONNECTIONS ACTIVE STAY DEPTH SECONDS; DEPTH requests are written at a
 * time (pipelined). Prints a line when all are connected, and another at the end: how many
 * requests were answered, in how many seconds. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, INPUT = 256 * 1024, TEXT = 64 * 1024 };

struct load {
    int loop;
    struct client *clients;
    unsigned *resting; /* numbers of the clients that have no request under way */
    unsigned resting_count;
    char text[TEXT]; /* the requests of one write */
    size_t text_len;
    size_t answer_len; /* of what answers them */
    uint64_t answered; /* writes */
    uint64_t random;   /* state of the generator */
    unsigned stay;
};

struct client {
    int fd;
    size_t left;   /* bytes of the answer that are to come; 0: resting */
    unsigned made; /* requests, since it became active */
};

static void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* xorshift64*, Vigna: An experimental exploration of Marsaglia's xorshift generators. */
static unsigned random_below(struct load *load, unsigned bound)
{
    load->random ^= load->random >> 12;
    load->random ^= load->random << 25;
    load->random ^= load->random >> 27;
    return (unsigned)((load->random * UINT64_C(0x2545F4914F6CDD1D) >> 32) * bound >> 32);
}

static void ask(struct load *load, struct client *client)
{
    client->left = load->answer_len;
    client->made++;
    if (send(client->fd, load->text, load->text_len, MSG_NOSIGNAL) != (ssize_t)load->text_len)
        die("send");
}

/* The length of an answer, from its own head. */
static size_t length_of(int fd)
{
    char text[TEXT];
    size_t len = 0;
    char *end;

    do {
        ssize_t got = recv(fd, text + len, sizeof text - 1 - len, 0);
        if (got <= 0)
            die("recv");
        len += (size_t)got;
        text[len] = '\0';
        end = strstr(text, "\r\n\r\n");
    } while (end == NULL);
    const char *field = strstr(text, "\r\nContent-Length: ");
    if (strncmp(text, "HTTP/1.1 200", strlen("HTTP/1.1 200")) != 0 || field == NULL || field > end)
        die("unexpected answer");
    size_t head = (size_t)(end + strlen("\r\n\r\n") - text);
    size_t whole = head + strtoul(field + strlen("\r\nContent-Length: "), NULL, 10);
    while (len < whole) {
        ssize_t got = recv(fd, text, sizeof text, 0);
        if (got <= 0)
            die("recv");
        len += (size_t)got;
    }
    return whole;
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in name = { .sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    if (fd < 0 || connect(fd, (struct sockaddr *)&name, sizeof name) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
        die("connect");
    return fd;
}

/* Connects; each connection makes one request at least, as an idle one of a browser has. */
static void open_clients(struct load *load, uint16_t port, unsigned count, const char *one)
{
    load->clients = calloc(count, sizeof *load->clients);
    load->resting = calloc(count, sizeof *load->resting);
    if (load->clients == NULL || load->resting == NULL)
        die("calloc");
    for (unsigned i = 0; i < count; i++) {
        struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u32 = i };
        int fd = connect_to(port);
        if (send(fd, one, strlen(one), MSG_NOSIGNAL) != (ssize_t)strlen(one))
            die("send");
        load->answer_len = length_of(fd);
        if (epoll_ctl(load->loop, EPOLL_CTL_ADD, fd, &event) < 0)
            die("epoll_ctl");
        load->clients[i].fd = fd;
        load->resting[load->resting_count++] = i;
    }
}

static void begin_any(struct load *load)
{
    unsigned place = random_below(load, load->resting_count);
    struct client *client = &load->clients[load->resting[place]];

    load->resting[place] = load->resting[--load->resting_count];
    client->made = 0;
    ask(load, client);
}

/* Reads what has come; when the answer is whole, the next request is made. */
static void serve(struct load *load, unsigned number)
{
    static char input[INPUT];
    struct client *client = &load->clients[number];

    if (client->left == 0)
        return;
    ssize_t got = recv(client->fd, input, sizeof input, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0 || (size_t)got > client->left)
        die("recv");
    client->left -= (size_t)got;
    if (client->left > 0)
        return;
    load->answered++;
    if (client->made < load->stay) {
        ask(load, client);
        return;
    }
    load->resting[load->resting_count++] = number;
    begin_any(load);
}

static void run(struct load *load, double until)
{
    struct epoll_event events[EVENTS];

    while (now() < until) {
        int count = epoll_wait(load->loop, events, EVENTS, 1000);
        if (count < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < count; i++)
            serve(load, events[i].data.u32);
    }
}

int main(int argc, char *argv[])
{
    static struct load load;
    char one[TEXT / 4];

    if (argc != 8) {
        fprintf(stderr, "usage: load PORT PATH CONNECTIONS ACTIVE STAY DEPTH SECONDS\n");
        return EXIT_FAILURE;
    }
    unsigned count = (unsigned)atoi(argv[3]), active = (unsigned)atoi(argv[4]);
    size_t depth = strtoul(argv[6], NULL, 10);
    load.stay = (unsigned)strtoul(argv[5], NULL, 10);
    load.random = 1;
    load.loop = epoll_create1(0);
    snprintf(one, sizeof one, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argv[2]);
    if (load.loop < 0 || active < 1 || active > count || depth < 1 ||
        strlen(one) * depth > sizeof load.text)
        die("load");
    for (size_t i = 0; i < depth; i++)
        load.text_len += strlen(strcpy(load.text + load.text_len, one));
    open_clients(&load, (uint16_t)atoi(argv[1]), count, one);
    load.answer_len *= depth;
    for (unsigned i = 0; i < active; i++)
        begin_any(&load);
    printf("%u connections\n", count);
    fflush(stdout);
    double began = now();
    run(&load, began + atof(argv[7]));
    printf("%llu requests in %.3f s\n", (unsigned long long)load.answered * depth, now() - began);
}
