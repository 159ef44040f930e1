/* gzip.h: gzip files, written and read piece by piece (RFC 1952).
 *
 * The container around DEFLATE data: a head, the data, a checksum and the length. Each
 * direction is one piece of memory of a fixed size. */
#ifndef MUXD_COMMON_GZIP_H
#define MUXD_COMMON_GZIP_H

#include "common/deflate.h"
#include "common/inflate.h"

struct gzip_writer;

/* How many bytes a writer takes; aligned as by malloc. */
size_t gzip_writer_size(void);

/* Makes memory of that size, whatever is in it, a writer; level and input as for
 * deflate_init. */
void gzip_writer_init(struct gzip_writer *, int level, size_t input);

/* As deflate_run, with the container. */
enum deflate_result gzip_write(struct gzip_writer *, struct slice *input, enum deflate_flush,
                               char *room, size_t len, size_t *made);

/* Bytes taken and written so far. */
uint64_t gzip_written_from(const struct gzip_writer *);
uint64_t gzip_written(const struct gzip_writer *);

enum gzip_result {
    GZIP_NEEDS_INPUT, /* all input was taken; in the middle of a file */
    GZIP_NEEDS_ROOM,  /* the room is full: call again */
    GZIP_COMPLETE,    /* all input was taken, and a file ends with it; another may follow */
    GZIP_BAD,         /* this is no gzip file, or a damaged one */
};

struct gzip_reader;

size_t gzip_reader_size(void);
void gzip_reader_init(struct gzip_reader *);

/* Takes bytes off `input`, of one file after another, and writes at most `len` of what is
 * in them to `room`; *made says how many. */
enum gzip_result gzip_read(struct gzip_reader *, struct slice *input, char *room, size_t len,
                           size_t *made);

#endif
