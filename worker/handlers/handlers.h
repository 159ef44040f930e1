/* handlers.h: who may answer a request, one file each in this folder.
 *
 * Each returns what a phase function returns (request.h, enum outcome); each
 * module's directives stand beside its code. static.h has the file handler. */
#ifndef MUXD_WORKER_HANDLERS_HANDLERS_H
#define MUXD_WORKER_HANDLERS_HANDLERS_H

#include "worker/modules.h"

struct request;

/* Post-read phase, and preaccess: the client behind a trusted proxy, into request->client. */
int realip_handler(struct request *);
extern const struct conf_module realip_module;

/* Server-rewrite and rewrite phases: rewrite, if, set, return and break of the server, then of
 * the location (rewrite.h). */
int server_rewrite_handler(struct request *);
int rewrite_handler(struct request *);
extern const struct conf_module rewrite_module;

/* Preaccess phase: limit_req. */
int limit_req_handler(struct request *);
extern const struct conf_module limit_req_module;

/* Preaccess phase, behind it: limit_conn. */
int limit_conn_handler(struct request *);
extern const struct conf_module limit_conn_module;

/* Access phase: allow and deny. */
int access_handler(struct request *);
extern const struct conf_module access_module;

/* Access phase: auth_basic. */
int auth_basic_handler(struct request *);
extern const struct conf_module auth_basic_module;

/* Access phase: auth_request. */
int auth_request_handler(struct request *);
extern const struct conf_module auth_request_module;

/* Precontent phase, behind try_files: mirror. */
int mirror_handler(struct request *);
extern const struct conf_module mirror_module;

/* Precontent phase: try_files. */
int try_files_handler(struct request *);
extern const struct conf_module try_files_module;

/* Content phase, for URIs that end in '/': an index file (an internal redirect to it), else
 * DECLINED; then a list of the folder. */
int index_handler(struct request *);
extern const struct conf_module index_module;
int autoindex_handler(struct request *);
extern const struct conf_module autoindex_module;

/* Content phase: healthz, empty_gif. */
extern const struct conf_module healthz_module;
extern const struct conf_module empty_gif_module;

/* Content phase, behind them: PUT, DELETE, MKCOL, COPY and MOVE, where dav_methods has them; else
 * DECLINED. */
int dav_handler(struct request *);
extern const struct conf_module dav_module;

/* Content phase, before the file itself: a file beside it that is compressed already, for
 * clients that take it; else DECLINED. */
int gzip_static_handler(struct request *);
extern const struct conf_module gzip_static_module;

#endif
