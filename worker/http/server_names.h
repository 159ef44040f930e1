/* server_names.h: the names of the servers behind one address.
 *
 * nginx's order of search: the exact name, the longest "*.name", the longest
 * "name.*" (name_table.h), the first regex in the order of the text, the default
 * server. */
#ifndef MUXD_WORKER_HTTP_SERVER_NAMES_H
#define MUXD_WORKER_HTTP_SERVER_NAMES_H

#include "worker/http/core.h"
#include "worker/http/name_table.h"

/* server_name's words are appended to the server that the scope belongs to. */
extern const struct value_type as_server_names;

/* A server without server_name is called ""; sets server->name. Call when the
 * server's block has been read. False when memory is out. */
bool server_names_close(struct conf *, struct server *);

struct server_name_table {
    struct name_table names;
    struct array regexes; /* of struct server_regex */
};

struct server_regex {
    const struct capture_regex *pattern;
    const struct server *server;
};

/* Builds the table of an address; reports names that are not names and, as
 * warnings, names that a server before has already. NULL when memory is out. */
struct server_name_table *server_names_build(struct conf *, const struct http_address *);

/* The server that has the host (lower case) as a name or under a wildcard; not
 * by regex. NULL when there is none. */
const struct server *server_names_find(const struct server_name_table *, struct slice host);

#endif
