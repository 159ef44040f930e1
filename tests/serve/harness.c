/* The life of a server: its folder, ports, configuration, process and end. */
#include "tests/serve/harness_internal.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What a server's end releases, newest first. */
struct owned {
    struct owned *next;
    void (*release)(void *);
    void *argument;
};

long long clock_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

void wait_a_little(unsigned *looks, const char *what, const char *file, int line)
{
    enum { LOOK_EVERY = 5 };

    if (++*looks > DEADLINE / LOOK_EVERY)
        _ck_assert_failed(file, line, "Never happened: ", "%s", what);
    poll(NULL, 0, LOOK_EVERY);
}

bool loop_is_select(void)
{
    const char *loop = getenv("MUXD_LOOP");

    return loop != NULL && strcmp(loop, "select") == 0;
}

unsigned worker_count(void)
{
    const char *workers = getenv("MUXD_WORKERS");

    return workers == NULL ? 1 : (unsigned)strtoul(workers, NULL, 10);
}

/* ---- ownership ---- */

void server_at_end(struct server *server, void (*release)(void *), void *argument)
{
    struct owned *owned = malloc(sizeof(*owned));

    ck_assert_ptr_nonnull(owned);
    *owned = (struct owned){ server->owned, release, argument };
    server->owned = owned;
}

void *server_own(struct server *server, void *memory)
{
    ck_assert_ptr_nonnull(memory);
    server_at_end(server, free, memory);
    return memory;
}

static void release_all(struct server *server)
{
    while (server->owned != NULL) {
        struct owned *owned = server->owned;
        server->owned = owned->next;
        owned->release(owned->argument);
        free(owned);
    }
}

void server_fail(struct server *server, const char *format, ...)
{
    static const char *const logs[] = { "logs/error.log", "logs/output.txt" };
    char reason[2048];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    for (size_t i = 0; i < sizeof(logs) / sizeof(*logs); i++) {
        const char *text = server_read(server, logs[i]);
        size_t len = strlen(text);
        size_t most = 6000;
        fprintf(stderr, "---- the end of %s/%s ----\n%s\n", server->root, logs[i],
                len > most ? text + len - most : text);
    }
    ck_abort_msg("%s", reason);
    abort();
}

/* ---- ports ---- */

static void close_lock(void *argument)
{
    close((int)(intptr_t)argument);
}

/* Servers share ports by SO_REUSEPORT without noticing, so a port is locked among
 * all tests of the machine by the name of an abstract socket. The lock, or -1. */
static int lock_port(int port)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int lock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int len = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "muxd-test-port-%d", port);

    if (lock >= 0 &&
        bind(lock, (struct sockaddr *)&name,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) != 0) {
        close(lock);
        lock = -1;
    }
    return lock;
}

static bool port_is_free(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    bool is_free = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return is_free;
}

/* A port below those that the kernel gives to clients. */
static int take_port(struct server *server)
{
    enum { LOWEST = 11000, COUNT = 20000 };

    for (int attempt = 0; attempt < COUNT; attempt++) {
        int port = LOWEST + (getpid() * 13 + attempt) % COUNT;
        int lock = lock_port(port);
        if (lock < 0)
            continue;
        if (port_is_free(port)) {
            server_at_end(server, close_lock, (void *)(intptr_t)lock);
            return port;
        }
        close(lock);
    }
    server_fail(server, "no free port");
}

int port_occupy(struct server *server, unsigned n)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (server->ports[n - 1] == 0)
        server->ports[n - 1] = take_port(server);
    address.sin_port = htons((uint16_t)server->ports[n - 1]);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    return fd;
}

/* ---- texts ---- */

/* Length of a placeholder at `text`, its value in *value; 0 when there is none. */
static size_t placeholder(struct server *server, const char *text, char value[80])
{
    unsigned n = 1;
    int len = 0;

    if (strncmp(text, "@root@", 6) == 0) {
        strcpy(value, server->root);
        return 6;
    }
    if (strncmp(text, "@port@", 6) == 0)
        len = 6;
    else if (sscanf(text, "@port%1u@%n", &n, &len) != 1 || len == 0 || n < 1 || n > PORTS_MAX)
        return 0;
    if (server->ports[n - 1] == 0)
        server->ports[n - 1] = take_port(server);
    sprintf(value, "%d", server->ports[n - 1]);
    return (size_t)len;
}

const char *server_expand(struct server *server, const char *text)
{
    char *expanded = NULL, value[80];
    size_t len;
    FILE *out = open_memstream(&expanded, &len);

    ck_assert_ptr_nonnull(out);
    while (*text != '\0') {
        size_t taken = *text == '@' ? placeholder(server, text, value) : 0;
        if (taken > 0)
            fputs(value, out);
        else
            fputc(*text, out);
        text += taken > 0 ? taken : 1;
    }
    fclose(out);
    return server_own(server, expanded);
}

static void print_unless_said(FILE *out, const char *said, const char *name, const char *value)
{
    if (said == NULL || strstr(said, name) == NULL)
        fprintf(out, "%s %s;\n", name, value);
}

void server_configure(struct server *server, const struct setup *setup)
{
    char *text = NULL, workers[12];
    size_t len;
    FILE *out = open_memstream(&text, &len);

    ck_assert_ptr_nonnull(out);
    snprintf(workers, sizeof(workers), "%u", worker_count());
    if (setup->config != NULL) {
        fputs(setup->config, out);
    } else {
        print_unless_said(out, setup->main, "daemon", "off");
        print_unless_said(out, setup->main, "worker_processes", workers);
        print_unless_said(out, setup->main, "pid", "@root@/logs/muxd.pid");
        print_unless_said(out, setup->main, "error_log", "@root@/logs/error.log info");
        fprintf(out, "%s\nevents {\n", setup->main == NULL ? "" : setup->main);
        print_unless_said(out, setup->events, "use", loop_is_select() ? "select" : "epoll");
        fprintf(out, "%s\n}\n", setup->events == NULL ? "" : setup->events);
        if (setup->http != NULL) {
            fputs("http {\n", out);
            print_unless_said(out, setup->http, "access_log", "@root@/logs/access.log");
            fprintf(out, "%s\n}\n", setup->http);
        }
    }
    fclose(out);
    server_file(server, "conf/muxd.conf", server_expand(server, text));
    free(text);
}

/* ---- start ---- */

struct server *server_new(void)
{
    struct server *server = calloc(1, sizeof(*server));
    const char *folder = getenv("TMPDIR");

    ck_assert_ptr_nonnull(server);
    if (folder == NULL || strlen(folder) > 40)
        folder = "/tmp";
    snprintf(server->root, sizeof(server->root), "%s/muxd-XXXXXX", folder);
    ck_assert_ptr_nonnull(mkdtemp(server->root));
    /* Started by root, the workers are nobody: they read below here. */
    ck_assert_int_eq(chmod(server->root, 0755), 0);
    server_file(server, "logs/output.txt", "");
    server_file(server, "html/index.html", "welcome\n");
    return server;
}

const char *muxd_binary(void)
{
    const char *binary = getenv("MUXD_BINARY");

    ck_assert_msg(binary != NULL, "MUXD_BINARY does not say which program is tested");
    return binary;
}

/* In the child: becomes muxd. */
static void become_server(struct server *server, const struct setup *setup)
{
    const char *arguments[32] = { muxd_binary(), "-p", server->root, "-c", "conf/muxd.conf" };
    size_t count = 5;
    struct rlimit files;

    for (size_t i = 0; setup->arguments != NULL && setup->arguments[i] != NULL && count < 31; i++)
        arguments[count++] = setup->arguments[i];
    if (setup->files > 0 && getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = setup->files;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    int output = open(server_path(server, "logs/output.txt"), O_WRONLY | O_APPEND);
    int input = open("/dev/null", O_RDONLY);
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (setup->binary != NULL)
        arguments[0] = setup->binary;
    if (setup->prepare != NULL)
        setup->prepare(setup->argument);
    execv(arguments[0], (char *const *)(uintptr_t)arguments);
    perror(arguments[0]);
    _exit(127);
}

/* Something accepts on the port, whatever family it listens on. */
static bool port_accepts(int port)
{
    struct sockaddr_in ipv4 = { .sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6,
                                 .sin6_port = htons((uint16_t)port),
                                 .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool accepts = connect(fd, (struct sockaddr *)&ipv4, sizeof(ipv4)) == 0;

    close(fd);
    if (!accepts && (fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) >= 0) {
        accepts = connect(fd, (struct sockaddr *)&ipv6, sizeof(ipv6)) == 0;
        close(fd);
    }
    return accepts;
}

static bool file_is_empty(struct server *server, const char *path)
{
    char *text = file_text(server, path);
    bool is_empty = text[0] == '\0';

    free(text);
    return is_empty;
}

/* The pid file names another process: the first one is about to leave. */
static bool becomes_daemon(struct server *server)
{
    char *text = file_text(server, "logs/muxd.pid");
    int pid = atoi(text);

    free(text);
    return pid > 0 && pid != server->pid;
}

/* The pid file is written when the sockets listen and the signals are handled; a
 * configuration that is not the harness's own may have none, but then a port. */
static bool is_ready(struct server *server, const struct setup *setup)
{
    if (setup->config == NULL && file_is_empty(server, "logs/muxd.pid"))
        return false;
    return server->ports[0] == 0 || port_accepts(server->ports[0]);
}

/* The first process has left: a daemon goes on under the number in the pid file. */
static void find_daemon(struct server *server, int status)
{
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        server_fail(server, "the server did not start (status %#x)", (unsigned)status);
    EVENTUALLY(!file_is_empty(server, "logs/muxd.pid"));
    server->pid = atoi(server_read(server, "logs/muxd.pid"));
}

void server_run(struct server *server, const struct setup *setup)
{
    server_configure(server, setup);
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* daemons stay children */
    server->pid = (pid_t)syscall(SYS_clone, setup->name_spaces | SIGCHLD, NULL, NULL, NULL, 0);
    ck_assert_int_ge(server->pid, 0);
    if (server->pid == 0)
        become_server(server, setup);
    for (unsigned looks = 0;;) {
        int status;
        if (waitpid(server->pid, &status, WNOHANG) == server->pid)
            find_daemon(server, status);
        bool is_itself = setup->name_spaces != 0 || !becomes_daemon(server);
        if (is_ready(server, setup) && is_itself)
            return;
        if (looks > DEADLINE / 5 - 2)
            server_fail(server, "the server does not accept connections");
        wait_a_little(&looks, "the server accepts", __FILE__, __LINE__);
    }
}

struct server *server_start_with(const struct setup *setup)
{
    struct server *server = server_new();

    server_run(server, setup);
    return server;
}

struct server *server_start(const char *http)
{
    return server_start_with(&(struct setup){ .http = http });
}

/* ---- stop ---- */

void server_signal(struct server *server, int signal_number)
{
    ck_assert_int_gt(server->pid, 0);
    ck_assert_int_eq(kill(server->pid, signal_number), 0);
}

void server_allow(struct server *server, const char *text)
{
    size_t i = 0;

    while (server->allowed[i] != NULL)
        i++;
    ck_assert_uint_lt(i + 1, sizeof(server->allowed) / sizeof(*server->allowed));
    server->allowed[i] = text;
}

static bool line_is_bad(const struct server *server, const char *line)
{
    static const char *const bad[] = { "[alert]",        "[emerg]",    "[crit]",
                                       "runtime error:", "Sanitizer:", NULL };

    for (size_t i = 0; server->allowed[i] != NULL; i++)
        if (strstr(line, server->allowed[i]) != NULL)
            return false;
    for (size_t i = 0; bad[i] != NULL; i++)
        if (strstr(line, bad[i]) != NULL)
            return true;
    return false;
}

static void check_log(struct server *server, const char *path)
{
    char *text = strdup(server_read(server, path));

    server_own(server, text);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
        if (line_is_bad(server, line))
            server_fail(server, "in %s: %s", path, line);
}

static void close_clients(struct server *server)
{
    for (struct owned *owned = server->owned; owned != NULL; owned = owned->next)
        if (owned->release == client_release)
            client_close(owned->argument);
}

void server_wait(struct server *server)
{
    int status = 0;
    long long deadline = clock_now() + DEADLINE;

    close_clients(server);
    while (waitpid(server->pid, &status, WNOHANG) == 0) {
        if (clock_now() > deadline)
            server_fail(server, "the server does not leave");
        poll(NULL, 0, 2);
    }
    server->pid = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        server_fail(server, "the server left with status %#x", (unsigned)status);
    check_log(server, "logs/error.log");
    check_log(server, "logs/output.txt");
}

void server_quit(struct server *server)
{
    close_clients(server);
    server_signal(server, SIGQUIT);
    server_wait(server);
}

void server_join(struct server *server)
{
    if (server->pid != 0)
        server_wait(server);
    folder_remove(server->root);
    release_all(server);
    free(server);
}

void server_stop(struct server *server)
{
    if (server->pid != 0)
        server_quit(server);
    server_join(server);
}
