/* harness_dns.h: a name server, in a process of its own, whose answers the test changes. */
#ifndef MUXD_TESTS_SERVE_HARNESS_DNS_H
#define MUXD_TESTS_SERVE_HARNESS_DNS_H

#include "tests/serve/harness.h"

struct name_server;

/* Answers on UDP's 127.0.0.1:@portN@ until server_stop. `records` are lines of "name type ttl
 * data" ("a.example A 60 127.0.0.1"; types A, AAAA, CNAME, SRV); other names do not exist.
 * May be called before the server runs. */
struct name_server *name_server_start(struct server *, unsigned n, const char *records);

/* From now on it answers with these. */
void name_server_set(struct name_server *, const char *records);

#endif
