/* harness_cache.h: what the tests of caches share: clients that ask, an upstream that is asked or
 * not, and the files that are left behind.
 *
 * The configuration is to have CACHE_SHOW, which tells in X-Cache what became of a request. */
#ifndef MUXD_TESTS_SERVE_HARNESS_CACHE_H
#define MUXD_TESTS_SERVE_HARNESS_CACHE_H

#include "tests/serve/harness_upstream.h"

#define CACHE_SHOW "add_header X-Cache $upstream_cache_status always;\n"

/* Sends a request (HTTP/1.1, Connection: close), whose response is read later. `more` is as of
 * get_with. */
struct client *cache_ask(struct server *, const char *method, const char *path, const char *more);

/* The connection of the upstream that is asked next, its request taken off: *request, unless that
 * is NULL. */
struct client *cache_asked(struct server *, int listening, const char **request);

/* Answers as the upstream: 200 with these fields, each with its "\r\n", and this body. Closes. */
void cache_answer(struct client *up, const char *fields, const char *body);

/* The response to a GET that the upstream is asked for, and answers so. */
struct response *cache_fetch(struct server *, int listening, const char *path, const char *fields,
                             const char *body);

/* The same, and what the client gets is 200 with this body and X-Cache. */
void expect_fetch(struct server *, int listening, const char *path, const char *fields,
                  const char *state, const char *body);

/* A GET is answered so without asking the upstream. */
void expect_cached(struct server *, const char *path, const char *state, const char *body);

/* The path of a file below a folder of the server whose name is an entry's; NULL: there is
 * none. */
const char *cache_find_file(struct server *, const char *folder);

/* How many entries a folder of the server has, those whose names begin with a dot left out. */
unsigned count_files(struct server *, const char *folder);

#endif
