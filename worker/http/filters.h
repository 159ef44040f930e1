/* filters.h: the steps an answer passes before its head is rendered, in nginx's order:
 * conditional, headers, gunzip, sub, addition, charset, gzip, range.
 *
 * The first and the last may change the status; each returns 0 to go on, or the status
 * of an error whose page becomes the answer instead. */
#ifndef MUXD_WORKER_HTTP_FILTERS_H
#define MUXD_WORKER_HTTP_FILTERS_H

#include "worker/modules.h"

struct request;

/* Runs the steps. 0, or the status whose error page is the answer instead: 412, 416, 500. */
int filters_run(struct request *);

/* Those that a block's settings ask for, bit 1 << its place in the list: one whose module
 * nothing is said of, in the block and around it, is not run. */
uint8_t filters_wanted(const struct conf *, const struct conf_scope *);

/* RFC 9110 13: If-Unmodified-Since, If-Match, If-Modified-Since, If-None-Match, in nginx's
 * order and meaning, against etag and last_modified of a 200: it stays, becomes 304, or
 * 412 is returned. */
int filter_conditional(struct request *);

/* Range and If-Range (RFC 9110 14) of a 200 with `ranges`: it stays, becomes 206 with one
 * part or multipart/byteranges, or 416 is returned, with content_range set. 500: memory
 * is out. */
int filter_range(struct request *);

/* expires, add_header, add_trailer. False: memory is out. */
bool filter_headers(struct request *);

/* gunzip: an answer in gzip is decompressed for a client that does not take it. False:
 * memory is out. */
bool filter_gunzip(struct request *);

/* sub_filter: texts in the answer are replaced. False: memory is out. */
bool filter_sub(struct request *);

/* add_before_body, add_after_body: the answers of subrequests stand around the answer.
 * False: memory is out. */
bool filter_addition(struct request *);

/* charset: the Content-Type tells it. False: memory is out. */
bool filter_charset(struct request *);

/* gzip: the answer is compressed, when its settings and the client's head say so. False:
 * memory is out. */
bool filter_gzip(struct request *);

/* Bytes of memory that each of the two takes for an answer. */
size_t gzip_writer_memory(void);
size_t gzip_reader_memory(void);

extern const struct conf_module addition_module;
extern const struct conf_module charset_module;
extern const struct conf_module gunzip_module;
extern const struct conf_module sub_module;
extern const struct conf_module headers_module; /* add_header, add_trailer, expires */

#endif
