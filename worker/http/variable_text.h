/* variable_text.h: what getters of variables share: making small texts. */
#ifndef MUXD_WORKER_HTTP_VARIABLE_TEXT_H
#define MUXD_WORKER_HTTP_VARIABLE_TEXT_H

#include "worker/http/request.h"

enum { NUMBER_TEXT_MAX = 20 }; /* digits of the largest uint64_t */

/* Writes the number, at least `digits` digits of it, at `at`, which has room for
 * NUMBER_TEXT_MAX. Its length. */
size_t number_put(char *at, uint64_t number, unsigned digits);

/* A header's name, "User-Agent", is what the variable's, "user_agent", stands for. */
bool is_header_variable(struct slice header, struct slice variable);

/* A copy of the text in the request's arena becomes the value. False: memory is out. */
bool value_copy(struct request *, struct slice text, struct slice *value);

/* The value is a number: "17". */
bool value_number(struct request *, uint64_t number, struct slice *value);

/* The value is a time: "3.017". */
bool value_seconds(struct request *, uint64_t seconds, unsigned milliseconds, struct slice *value);

#endif
