/* dns_message.h: questions to a name server and its answers, from names to bytes and back
 * (RFC 1035 4; SRV: RFC 2782; AAAA: RFC 3596).
 *
 * Nothing but bytes: who is asked, and when again, is dns_query.h's matter. A name server
 * is not trusted: every offset is checked, a compressed name only ever points backwards and
 * so comes to an end, and only records of the name that was asked for are read, or of what
 * that is an alias of (CNAME). */
#ifndef MUXD_WORKER_NET_DNS_MESSAGE_H
#define MUXD_WORKER_NET_DNS_MESSAGE_H

#include "common/slice.h"

enum dns_type {
    DNS_A = 1,
    DNS_CNAME = 5,
    DNS_SOA = 6,
    DNS_AAAA = 28,
    DNS_SRV = 33,
};

/* What a server says of a question, by its number in the message. */
enum dns_code {
    DNS_NO_ERROR = 0,
    DNS_FORMAT_ERROR = 1,
    DNS_SERVER_FAILURE = 2,
    DNS_NO_SUCH_NAME = 3, /* NXDOMAIN */
    DNS_NOT_IMPLEMENTED = 4,
    DNS_REFUSED = 5,
};

enum {
    DNS_HEADER = 12,        /* bytes before the question */
    DNS_NAME_MAX = 253,     /* bytes of a name as text: "a.example", without a dot at the end */
    DNS_LABEL_MAX = 63,     /* bytes between two dots */
    DNS_QUERY_MAX = 512,    /* bytes of a question */
    DNS_ALIASES_MAX = 16,   /* CNAMEs that one answer is followed through */
    DNS_TTL_MAX = 86400 * 7 /* seconds: what is longer counts as this */
};

/* A name as text, in lower case. */
struct dns_name {
    uint8_t len;
    char text[DNS_NAME_MAX];
};

/* Reads a host name as people write it, perhaps with a dot at its end. False: it is none that
 * could be asked for. */
bool dns_name_set(struct dns_name *, struct slice text);

static inline struct slice dns_name_text(const struct dns_name *name)
{
    return slice_make(name->text, name->len);
}

/* Writes a question into `room` of DNS_QUERY_MAX bytes. Its length. */
size_t dns_write_query(char *room, uint16_t id, const struct dns_name *, enum dns_type);

enum dns_result {
    DNS_ANSWER, /* the answer to this question */
    DNS_OTHER,  /* no answer, or one to another question: as if it had not come */
    DNS_BROKEN, /* an answer that cannot be read */
};

/* An answer, and how far it was read. */
struct dns_answer {
    struct slice message;
    size_t records;       /* offset of the first one */
    size_t at;            /* of the next one */
    unsigned count, left; /* records in all, and to come */
    size_t authority;     /* offset of the records behind them */
    unsigned authorities; /* how many there are */
    enum dns_type type;   /* that was asked for */
    enum dns_code code;
    bool truncated;       /* there is more: to be asked for by TCP */
    struct dns_name name; /* what the records are of: that which was asked for, or its alias */
    uint32_t ttl;         /* seconds that this alias is good for; DNS_TTL_MAX: it is none */
};

/* Begins to read the answer to a question. Follows aliases: `name` is the last one. */
enum dns_result dns_answer_begin(struct dns_answer *, struct slice message, uint16_t id,
                                 const struct dns_name *, enum dns_type);

struct dns_record {
    uint32_t ttl;                    /* seconds, at most DNS_TTL_MAX */
    uint8_t ip[16];                  /* A: 4 bytes; AAAA: 16 */
    uint16_t priority, weight, port; /* SRV */
    struct dns_name target;          /* SRV */
};

/* The next record of answer->name that was asked for. False: there is none, or what follows
 * cannot be read. */
bool dns_answer_next(struct dns_answer *, struct dns_record *);

/* An answer without records: seconds that there being none may be kept, as the SOA of the zone
 * says that comes along (RFC 2308 5), at most DNS_TTL_MAX. False: none came. */
bool dns_answer_absence(const struct dns_answer *, uint32_t *seconds);

#endif
