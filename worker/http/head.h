/* head.h: the head of a request, from bytes to slices (RFC 9112).
 *
 * The reader works on the caller's buffer, copies nothing and allocates only
 * to grow the field list. It resumes: after HEAD_MORE call it again with the
 * same bytes and more behind them. Looseness that has been exploited is
 * refused: see enum head_result. It knows syntax only; what fields mean beyond
 * framing is the request's matter (request.h). */
#ifndef MUXD_WORKER_HTTP_HEAD_H
#define MUXD_WORKER_HTTP_HEAD_H

#include "common/arena.h"
#include "common/slice.h"

enum method {
    METHOD_UNKNOWN, /* a token that is none of these */
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_MKCOL,
    METHOD_COPY,
    METHOD_MOVE,
    METHOD_OPTIONS,
    METHOD_PROPFIND,
    METHOD_PROPPATCH,
    METHOD_LOCK,
    METHOD_UNLOCK,
    METHOD_PATCH,
    METHOD_TRACE,
    METHOD_CONNECT,
};

enum head_result {
    HEAD_MORE,      /* incomplete: read more */
    HEAD_DONE,      /* the empty line was read */
    HEAD_BAD_LINE,  /* 400: malformed request line */
    HEAD_BAD_FIELD, /* 400: malformed field line, bare CR, NUL, obs-fold, space before colon ... */
    HEAD_BAD_VERSION,    /* 505: HTTP/2.0 and above; malformed versions are HEAD_BAD_LINE */
    HEAD_LINE_TOO_LONG,  /* 414: the request line passes limits.line */
    HEAD_FIELD_TOO_LONG, /* 494 (sent as 400): a field line passes limits.line */
    HEAD_TOO_LARGE,      /* 494: all field lines together pass limits.total */
    HEAD_TOO_MANY,       /* 494: more than limits.fields fields */
    HEAD_NO_MEMORY,      /* 500: the field list could not grow */
};

/* Fields that the server itself looks at; a field's `known` names it. */
enum field_name {
    FIELD_OTHER,
    FIELD_HOST,
    FIELD_CONNECTION,
    FIELD_CONTENT_LENGTH,
    FIELD_TRANSFER_ENCODING,
    FIELD_EXPECT,
    FIELD_UPGRADE,
    FIELD_IF_MATCH,
    FIELD_IF_NONE_MATCH,
    FIELD_IF_MODIFIED_SINCE,
    FIELD_IF_UNMODIFIED_SINCE,
    FIELD_IF_RANGE,
    FIELD_RANGE,
    FIELD_USER_AGENT,
    FIELD_REFERER,
    FIELD_ACCEPT_ENCODING,
    FIELD_AUTHORIZATION,
    FIELD_COOKIE,
    FIELD_X_FORWARDED_FOR,
    FIELD_CONTENT_TYPE,
    FIELD_VIA,
    FIELD_KEEP_ALIVE,
    FIELD_TE,
    FIELD_TRAILER,
    FIELD_DATE,
    FIELD_DEPTH,
    FIELD_DESTINATION,
    FIELD_OVERWRITE,
    FIELD_ACCEPT,
    FIELD_ACCEPT_LANGUAGE,
    FIELD_NAMES,
};

struct field {
    struct slice name;  /* as sent */
    struct slice value; /* without surrounding white space; may be empty */
    enum field_name known;
};

struct head_limits {
    size_t line;            /* bytes of one line, its CRLF included */
    size_t total;           /* bytes of all field lines */
    size_t fields;          /* number of fields */
    bool allow_underscores; /* in names: else such a field counts as unusual */
    bool keep_unusual;      /* fields with unusual names (ignore_invalid_headers off) are kept, not
                               dropped; what DESIGN forbids is refused in any case */
};

enum { HEAD_INLINE_FIELDS = 24 };

struct head {
    /* what was read */
    struct slice line; /* the request line without CRLF, for logs ($request) */
    struct slice method_text;
    enum method method;
    struct slice target; /* as sent: origin, absolute, authority or asterisk form */
    struct slice scheme; /* of an absolute-form target, else empty */
    struct slice
        host; /* authority of an absolute-form (or CONNECT) target, else empty; with port */
    struct slice
        path; /* raw path of the target, without query and fragment; "/" when the target has none;
                 "*" for asterisk form */
    struct slice query;   /* after the first '?' up to a '#'; empty when none */
    bool has_query;       /* there was a '?' */
    bool complex_path;    /* has '%', "//" or "/.": needs uri_normalize */
    uint8_t major, minor; /* 0.9 requests are refused as HEAD_BAD_LINE */
    struct field *fields;
    size_t field_count;
    uint8_t host_count; /* Host fields, up to 255: more than one is an error (RFC 9112 3.2) */
    uint16_t known[FIELD_NAMES]; /* 1 + index of the first field of the name; 0: absent */
    uint32_t present;            /* bit 1 << enum field_name: a field has the name */
    uint32_t repeated;           /* likewise: more than one */
    size_t size; /* bytes of the whole head, its empty line included, once HEAD_DONE */

    /* how far it is */
    struct arena *arena;
    struct head_limits limits;
    size_t capacity;
    size_t parsed;      /* bytes of whole lines that were read */
    size_t fields_from; /* where the first field line starts */
    bool in_fields;     /* the request line is read */
    struct field inline_fields[HEAD_INLINE_FIELDS];
};

/* Starts a new head; `arena` is used only when more than HEAD_INLINE_FIELDS
 * fields arrive. Does not clear the large arrays it need not clear. */
void head_init(struct head *, struct arena *, struct head_limits);

/* Reads on in `buffer`, which begins with the head's first byte and holds all
 * that has arrived (perhaps bytes behind the head too). Empty lines before the
 * request line are skipped, as RFC 9112 2.2 advises (at most a few). A lone LF
 * ends a line as CRLF does (RFC 9112 2.2; nginx accepts it). */
enum head_result head_read(struct head *, struct slice buffer);

/* The buffer moved: its first byte, once at `from`, is now at `to`. Shifts
 * every slice of the head. */
void head_rebase(struct head *, const char *from, const char *to);

/* First field of a known name, or NULL. */
static inline const struct field *head_known(const struct head *head, enum field_name name)
{
    return head->known[name] == 0 ? NULL : &head->fields[head->known[name] - 1];
}

/* Sets of known names, as bits of head.present. */
enum {
    FIELDS_CONDITIONAL = 1 << FIELD_IF_MATCH | 1 << FIELD_IF_NONE_MATCH |
                         1 << FIELD_IF_MODIFIED_SINCE | 1 << FIELD_IF_UNMODIFIED_SINCE,
    FIELDS_FRAMING = 1 << FIELD_CONTENT_LENGTH | 1 << FIELD_TRANSFER_ENCODING,
};

/* A field has one of the names. */
static inline bool head_has_any(const struct head *head, uint32_t names)
{
    return (head->present & names) != 0;
}

/* First field with this name (case-insensitive), or NULL. */
const struct field *head_find(const struct head *, struct slice name);

/* The known field of this name (of at least one byte), or FIELD_OTHER. */
enum field_name head_field_name(struct slice name);

/* Name of a method as it is sent; NULL for METHOD_UNKNOWN. */
const char *method_name(enum method);

/* How the body is framed (RFC 9112 6.3). */
enum framing {
    FRAMING_NONE,
    FRAMING_LENGTH, /* *length bytes */
    FRAMING_CHUNKED,
    FRAMING_BAD,     /* 400: length and coding, two lengths, a bad number, Transfer-Encoding in
                        HTTP/1.0, chunked twice or not alone */
    FRAMING_UNKNOWN, /* 501: a transfer coding that is not chunked */
};
enum framing head_framing(const struct head *, uint64_t *length);

/* The connection may be kept after this request, by version and Connection
 * field (RFC 9112 9.3): HTTP/1.1 unless "close" is listed, HTTP/1.0 only when
 * "keep-alive" is listed. */
bool head_keep_alive(const struct head *);

/* True when the comma-separated list holds `token` (case-insensitive). */
bool list_has_token(struct slice list, struct slice token);

#endif
