/* harness.h: the real muxd, started on a free port for one test.
 *
 * A test starts a server from a piece of configuration, speaks to it over
 * sockets and stops it; clients, responses and texts belong to the server and
 * are freed with it. Every wait has a generous deadline and ends as soon as
 * what it waits for is there, so no test depends on timing; whatever goes
 * wrong here fails the test with the server's logs printed.
 *
 *     START_TEST(returns_text)
 *     {
 *         struct server *server = server_start("server { listen 127.0.0.1:@port@;\n"
 *                                              "location /ok { return 200 OK; } }");
 *         ck_assert_str_eq(get(server, "/ok")->body, "OK");
 *         server_stop(server);
 *     }
 *     END_TEST
 *
 *     int main(void)
 *     {
 *         return serve_main("return", (const TTest *[]){ returns_text, NULL });
 *     }
 *
 * The same programs run in several settings, told by the environment:
 * MUXD_BINARY (the program), MUXD_LOOP (epoll, select: the `use` directive)
 * and MUXD_WORKERS (worker_processes). */
#ifndef MUXD_TESTS_SERVE_HARNESS_H
#define MUXD_TESTS_SERVE_HARNESS_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

enum {
    DEADLINE = 10000, /* milliseconds that any one wait may last */
    PORTS_MAX = 8,
};

/* ---- the server ---- */

struct server {
    pid_t pid;            /* of the master; 0 when it is not running */
    char root[64];        /* its prefix, a new folder with conf/, logs/ and html/ in it */
    int ports[PORTS_MAX]; /* behind @port@, @port2@ ... ; 0: not used */
    struct owned *owned;  /* clients, responses and texts, freed by server_stop */
    const char *allowed[8];
};

/* What a server is started with. In every text, @port@, @port2@ ... @port8@ are
 * replaced by free ports, and @root@ by the server's prefix. What `main` and
 * `events` do not say themselves is added: daemon off, worker_processes, pid,
 * error_log logs/error.log info, `use`, and access_log logs/access.log in http. */
struct setup {
    const char *http;             /* what stands in http { }; NULL: no http block */
    const char *main;             /* directives of the main context */
    const char *events;           /* what stands in events { } */
    const char *config;           /* the whole file, with nothing added, instead of the above */
    const char *const *arguments; /* more of the command line, NULL-terminated */
    unsigned long files;          /* RLIMIT_NOFILE of the server; 0: the test's own */
    unsigned long name_spaces;    /* clone(2): CLONE_NEWPID and the like; 0: the test's own */
    /* Called in the server's process, last of all before it becomes muxd; NULL: nothing is. No
     * checks there: libcheck's own descriptor may be gone. */
    void (*prepare)(void *argument);
    void *argument;
    const char *binary; /* of muxd, where it is not MUXD_BINARY: after `prepare` */
};

/* What `name_spaces` has to be for these: who is not root gets them in a user name space. 0
 * where the system does not let this process have them. */
unsigned long name_spaces_for(unsigned long flags);

/* The whole main of a test program: runs the tests (a NULL-terminated list) in
 * processes of their own and returns the exit status. */
int serve_main(const char *name, const TTest *const *tests);

/* Lets the program and the servers that it starts have as many files as the system allows. */
void allow_many_files(void);

/* Starts a server with `http` as the content of its http block, and returns when
 * it accepts connections. */
struct server *server_start(const char *http);

/* The same with more to say. */
struct server *server_start_with(const struct setup *);

/* A server that is not running yet: its folder, for server_file; then start it. */
struct server *server_new(void);
void server_run(struct server *, const struct setup *);

/* Closes the clients, stops the server with QUIT and waits for it. Fails unless it
 * leaves with status 0 and its logs hold no [alert], [emerg], [crit] nor a
 * sanitizer's report. Removes its folder and frees everything. */
void server_stop(struct server *);

/* The first half of server_stop: its folder stays, to be looked at. */
void server_quit(struct server *);

/* As server_stop and server_quit, when the server has already been told to leave. */
void server_join(struct server *);
void server_wait(struct server *);

/* Log lines that contain `text` are no failure in this test (a literal). */
void server_allow(struct server *, const char *text);

/* Sends a signal to the master. */
void server_signal(struct server *, int signal_number);

/* Writes a new configuration over the old one; ports and @root@ stay what they are.
 * The server does not notice until it is told to reload. */
void server_configure(struct server *, const struct setup *);

/* The processes of the workers: how many, and at most `most` of them in `pids`. */
size_t server_workers(struct server *, pid_t *pids, size_t most);

/* The same of any process: its children. */
size_t children_of(pid_t, pid_t *pids, size_t most);

/* All of them, once they are as many as MUXD_WORKERS says. */
enum { WORKERS_MOST = 8 };
struct workers {
    pid_t pids[WORKERS_MOST];
};
struct workers server_all_workers(struct server *);

/* They are the same ones as before. */
bool workers_are(const struct workers *before, const struct workers *now);

/* MUXD_LOOP is select, and MUXD_WORKERS as a number. */
bool loop_is_select(void);
unsigned worker_count(void);

/* ---- files of the server; paths are relative to its folder ---- */

/* Writes a file ("html/a.txt"), with the folders on its way. */
void server_file(struct server *, const char *path, const char *text);
void server_file_bytes(struct server *, const char *path, const void *bytes, size_t len);

/* A file's whole text, "" when there is none. Stays valid until server_stop. */
const char *server_read(struct server *, const char *path);

/* The absolute path of a file. */
const char *server_path(struct server *, const char *path);

/* Waits until the file contains `text`, and returns the whole. */
const char *server_wait_file(struct server *, const char *path, const char *text);

/* server_wait_file of logs/error.log. */
const char *server_wait_log(struct server *, const char *text);

/* How often `text` stands in `in`. */
unsigned count_of(const char *in, const char *text);

/* ---- one request, one response ---- */

struct response {
    struct server *server;   /* whose it is */
    int status;              /* 200; 0: the connection was closed without an answer */
    const char *status_line; /* "HTTP/1.1 200 OK" */
    const char *head;        /* as received, the empty line included */
    const char *body;        /* chunks joined; followed by a NUL that is not counted */
    size_t body_len;
    bool chunked;
    bool to_close; /* the body had no length: it ended with the connection */
};

/* Value of a header, name without case; NULL when there is none; the first of
 * several. */
const char *header(const struct response *, const char *name);

/* How many headers of this name there are. */
unsigned header_count(const struct response *, const char *name);

/* GETs a path from the first port over a connection of its own (HTTP/1.1, Host:
 * localhost, Connection: close). `more` is further header lines, each with its
 * "\r\n"; may be "". */
struct response *get(struct server *, const char *path);
struct response *get_with(struct server *, const char *path, const char *more);

/* Sends a text as it is, over a connection of its own, and reads one response. */
struct response *ask(struct server *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Status of the response that `ask` gets. */
int ask_status(struct server *, const char *text);

/* ---- connections ---- */

/* Listens on the n-th port, as another program would: a descriptor, to be closed. */
int port_occupy(struct server *, unsigned n);

struct client {
    struct server *server;
    int fd; /* -1: closed */
    char *received;
    size_t len, capacity; /* bytes received that no response has taken yet */
};

/* Connects to @port@, to the n-th port (1: @port@, 2: @port2@), to an IPv6 one on
 * ::1, and to a unix socket (path relative to the server's folder). */
struct client *client_open(struct server *);
struct client *client_open_port(struct server *, unsigned n);
struct client *client_open_ipv6(struct server *, unsigned n);
struct client *client_open_unix(struct server *, const char *path);

/* Sends all of a text (a printf format: a '%' of a URI is written "%%"). False when the server
 * closed the connection before that. */
bool client_send(struct client *, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool client_send_bytes(struct client *, const void *bytes, size_t len);

/* Sends each byte in a packet of its own. */
bool client_send_slowly(struct client *, const char *text);

/* Reads one response. A client that sent HEAD says so: the response then has no body.
 * Interim responses (1xx) are responses of their own, without a body. */
struct response *client_read(struct client *);
struct response *client_read_head(struct client *);

/* Reads at least `len` bytes (fewer when the server closes), taken by no response yet;
 * NUL-terminated, valid until the next read. */
const char *client_read_bytes(struct client *, size_t len);

/* Reads everything until the server closes. NUL-terminated. */
const char *client_read_all(struct client *);

/* The server closes the connection, and sends nothing more before that. */
void client_expect_closed(struct client *);

/* The connection is open and nothing has come: checked at once, without waiting. */
bool client_is_silent(struct client *);

/* Closes; _reset by RST, _finish only the sending side. */
void client_close(struct client *);
void client_reset(struct client *);
void client_finish(struct client *);

/* ---- other runs of the program ---- */

struct run {
    int status;       /* exit status; 128 + signal when it died of one */
    const char *text; /* what it wrote to standard output and standard error */
};

/* Runs muxd to its end: the arguments are given as they are (NULL-terminated), with
 * @root@ and the ports replaced. A daemon that it leaves behind is killed at the end
 * of the test program. */
struct run *server_command(struct server *, const char *const *arguments);

/* The same for the server's own folder and configuration: -p, -c, and these. */
struct run *server_run_here(struct server *, const char *const *arguments);

/* The same with -s and this word: reload, quit ... */
struct run *server_say(struct server *, const char *word);

/* muxd -t of a whole configuration text: written to conf/test.conf of the server's
 * folder (ports and @root@ replaced) and checked there. */
struct run *config_test(struct server *, const char *config);
struct run *config_test_bytes(struct server *, const void *bytes, size_t len);

/* A configuration that is refused, and what is said of it. */
struct mistake {
    const char *config, *problem;
};

/* muxd -t of each (the last one is empty) in an http block, or between two other texts: it
 * leaves with status 1 and says the problem. Needs no server. */
void expect_mistakes(const struct mistake *);
void expect_mistakes_in(const char *before, const struct mistake *, const char *behind);

/* ---- counters ---- */

/* What the master says to "status" on its control socket (logs/muxd.sock): lines of
 * Prometheus' text, each behind "out ". */
const char *server_status(struct server *);

/* The value of one, by its name with its labels; one that is not there fails the test. */
long long metric_in(const char *status, const char *name);
long long server_metric(struct server *, const char *name);

/* Totals of the whole server. */
enum total {
    TOTAL_ACCEPTED,
    TOTAL_HANDLED,
    TOTAL_REQUESTS, /* begun */
    TOTAL_ANSWERED, /* with 2xx */
    TOTAL_RECEIVED,
    TOTAL_SENT,
    TOTAL_TIMED, /* ended */
    TOTALS,
};
struct totals {
    long long of[TOTALS];
};

/* Reads them anew; one that is less than it was fails the test. Begin with zeros. */
void totals_follow(struct server *, struct totals *);

/* ---- waiting, owning ---- */

/* Gives memory from malloc, or a function to be called, to the server's end. Returns
 * the memory; a NULL (memory is out) fails the test. */
void *server_own(struct server *, void *memory);
void server_at_end(struct server *, void (*release)(void *), void *argument);

/* Fails the test, with the server's logs printed. */
void server_fail(struct server *, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* A copy of the text with @root@ and the ports replaced; owned by the server. */
const char *server_expand(struct server *, const char *text);

/* Milliseconds of the monotonic clock. */
long long clock_now(void);

/* Waits a little between two looks; fails the test at the deadline. `looks` starts
 * at 0. Used by EVENTUALLY. */
void wait_a_little(unsigned *looks, const char *what, const char *file, int line);

/* Waits until the condition holds. */
#define EVENTUALLY(condition)                                       \
    do {                                                            \
        for (unsigned looks_ = 0; !(condition);)                    \
            wait_a_little(&looks_, #condition, __FILE__, __LINE__); \
    } while (0)

#endif
