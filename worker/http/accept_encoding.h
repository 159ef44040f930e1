/* accept_encoding.h: which content codings a client takes (RFC 9110 12.5.3).
 *
 * As nginx has it: only what is named counts, "*" does not; an old browser, an old version
 * of HTTP, or a proxy on the way can be a reason not to compress. */
#ifndef MUXD_WORKER_HTTP_ACCEPT_ENCODING_H
#define MUXD_WORKER_HTTP_ACCEPT_ENCODING_H

#include "common/slice.h"

struct request;

enum { QUALITY_MAX = 1000 };

/* The quality value, in thousandths, that an Accept-Encoding gives to a coding ("gzip");
 * 0: it is not named, or refused, or what follows it is not well formed. */
unsigned accept_encoding_quality(struct slice accept_encoding, struct slice coding);

/* Whether nothing that gzip_http_version, gzip_disable and gzip_proxied say forbids to send
 * the client encoded content at all; a subrequest's answer is a part of it at most, and never
 * encoded by itself. */
bool request_may_encode(struct request *);

/* Whether the request may be answered in gzip: both of the above. */
bool request_accepts_gzip(struct request *);

#endif
