/* values.h: the kinds of values that many directives share. */
#ifndef MUXD_CONF_VALUES_H
#define MUXD_CONF_VALUES_H

#include "common/ip_address.h"
#include "common/regex.h"
#include "conf/directive.h"

extern const struct value_type as_flag;    /* bool: on | off */
extern const struct value_type as_present; /* bool: true because the directive stands there */
extern const struct value_type as_number;  /* uint64_t: decimal digits */
extern const struct value_type as_size;    /* uint64_t: bytes, with k, m (sizes) */
extern const struct value_type as_offset;  /* uint64_t: bytes, with k, m, g (offsets) */
extern const struct value_type as_time;    /* uint64_t: milliseconds; "1h 30m", ms s m h d w M y */
extern const struct value_type as_text;    /* struct slice: the word as it is */
extern const struct value_type as_path;    /* const char *: absolute against conf->prefix */
extern const struct value_type as_buffers; /* struct buffers_value: number size */

/* const char *: a path as of as_path, and up to three levels, which are not needed: temporary
 * files have no names. */
extern const struct value_type as_temp_path;

struct buffers_value {
    uint64_t count;
    uint64_t size;
};

/* A word that is one of a list; the table's `type` is a struct enum_type whose
 * `type` comes first (cast). The value is an int. */
struct enum_choice {
    const char *word; /* NULL ends the list */
    int value;
};
struct enum_type {
    struct value_type type; /* .size = sizeof(int), .set = enum_set */
    const struct enum_choice *choices;
};
void enum_set(struct conf *, struct conf_scope *, const struct conf_node *,
              const struct directive *, void *value);

/* nginx's number formats. False when the text is not one, or overflows.
 * size: k K m M; offset: also g G; time: nginx's ngx_parse_time, in
 * milliseconds (a number without a unit is seconds; units must descend). */
bool value_parse_size(struct slice, uint64_t *bytes);
bool value_parse_offset(struct slice, uint64_t *bytes);
bool value_parse_time(struct slice, uint64_t *milliseconds);

/* Splits "name=value"; false when the text does not start with `name` and '='. */
bool value_option(struct slice text, const char *name, struct slice *value);

/* regex_compile in the configuration's arena. That workers have memory to match it is seen to
 * when they start (regex_memory): a rule that could not be matched would be no rule. */
struct regex *conf_regex(struct conf *, struct slice pattern, bool nocase, struct regex_error *);

/* Reads the word as a network; bits behind its prefix are warned of. False when it is none:
 * nothing is reported then. */
bool value_network(struct conf *, const struct word *, struct cidr *);

#endif
