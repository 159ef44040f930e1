/* gateway.h: requests that a program behind FastCGI, uwsgi or SCGI answers.
 *
 * The three say the same in other words: a list of parameters (RFC 3875's meta-variables)
 * and the body; the answer is that of a CGI program. gateway.c makes the list and has the
 * handler; gateway_settings.c what their directives have alike; fastcgi.c, uwsgi.c and scgi.c
 * have the tables of directives, and write the list down. */
#ifndef MUXD_WORKER_HANDLERS_GATEWAY_H
#define MUXD_WORKER_HANDLERS_GATEWAY_H

#include "common/regex.h"
#include "worker/http/core.h"
#include "worker/upstream/exchange.h"

/* fastcgi_param name value [if_not_empty] */
struct gateway_param {
    struct slice name;
    struct template value;
    bool if_not_empty;
};

/* What the modules' settings begin with. */
struct gateway_settings {
    struct exchange_settings exchange; /* first */
    bool passes;                       /* fastcgi_pass or its kin stands here */
    struct position at;
    struct template pass;         /* the address */
    struct upstream_group *group; /* its, when it has no variables */
    struct array params;          /* of struct gateway_param */
};

/* A parameter as it is sent. */
struct gateway_pair {
    struct slice name, value;
};

struct gateway {
    struct upstream_protocol protocol; /* first */
    enum module_id module;
    enum upload_framing framing; /* of the request's body */
    bool tunnels;                /* 101 is an answer */

    /* Writes what goes before the body into x->upload.head: 0, or a status. */
    int (*write)(struct exchange *, const struct gateway_pair *, size_t count);
};

extern const struct conf_module fastcgi_module, uwsgi_module, scgi_module;

/* The content handler of a location that passes to the gateway. */
int gateway_handle(struct request *, const struct gateway *);

/* Bytes of the body that goes upstream. */
uint64_t gateway_body_length(const struct exchange *);

/* --- directives --- */

extern const struct value_type as_gateway_params; /* struct array of struct gateway_param */

/* For the setter of X_pass: makes `handler` the location's, and `address`, the word without a
 * scheme, what the settings pass to. */
void gateway_set_pass(struct conf *, struct conf_scope *, const struct word *, struct slice address,
                      struct gateway_settings *, content_handler *handler);

/* For the modules' checks; `prefix` is that of their directives. */
void gateway_check(struct conf *, struct conf_scope *, const struct conf_module *,
                   struct gateway_settings *, const char *prefix);

/* The address has a port, or is a unix socket's. */
bool gateway_has_port(struct slice address);

#endif
