#include "worker/net/dns_message.h"

enum {
    CLASS_INTERNET = 1,
    POINTER = 0xc0, /* the two high bits of a length: the name goes on elsewhere */
    POINTER_OFFSET = 0x3fff,
    FLAG_ANSWER = 0x8000,   /* QR */
    FLAGS_OPCODE = 0x7800,  /* 0: a standard query */
    FLAG_TRUNCATED = 0x200, /* TC */
    FLAG_RECURSION = 0x100, /* RD */
    FLAGS_CODE = 0xf,       /* RCODE */
    QUESTION_FIXED = 4,     /* type and class behind the name */
    RECORD_FIXED = 10,      /* type, class, TTL and length */
    SOA_NUMBERS = 20,       /* behind its two names: serial, refresh, retry, expire, minimum */
    SOA_MINIMUM = 16,
};

/* --- numbers --- */

static unsigned get16(const char *at)
{
    return (unsigned)(unsigned char)at[0] << 8 | (unsigned char)at[1];
}

static uint32_t get32(const char *at)
{
    return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static char *put16(char *at, unsigned number)
{
    at[0] = (char)(number >> 8);
    at[1] = (char)number;
    return at + 2;
}

/* --- names --- */

bool dns_name_set(struct dns_name *name, struct slice text)
{
    size_t label = 0;

    if (slice_ends(text, SLICE(".")))
        text.len--;
    if (text.len == 0 || text.len > DNS_NAME_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool dot = text.at[i] == '.';
        if ((dot && label == 0) || (!dot && ++label > DNS_LABEL_MAX))
            return false;
        if (dot)
            label = 0;
        name->text[i] = ascii_lower(text.at[i]);
    }
    name->len = (uint8_t)text.len;
    return label > 0;
}

/* Each label behind its length, and a length of 0. */
static char *put_name(char *at, struct slice name)
{
    while (name.len > 0) {
        ptrdiff_t dot = slice_find(name, '.');
        struct slice label = dot < 0 ? name : slice_first(name, (size_t)dot);
        *at++ = (char)label.len;
        memcpy(at, label.at, label.len);
        at += label.len;
        name = slice_from(name, dot < 0 ? name.len : (size_t)dot + 1);
    }
    *at++ = '\0';
    return at;
}

/* Adds a label. A dot in it would make it look like two. */
static bool name_add(struct dns_name *name, struct slice label)
{
    size_t len = name->len == 0 ? label.len : name->len + 1 + label.len;

    if (len > DNS_NAME_MAX || slice_find(label, '.') >= 0)
        return false;
    if (name->len > 0)
        name->text[name->len++] = '.';
    for (size_t i = 0; i < label.len; i++)
        name->text[name->len++] = ascii_lower(label.at[i]);
    return true;
}

/* Reads the name at *at, which moves behind it. A pointer has to lead to before the place
 * where the part of the name that it ends began: so none leads in a circle. */
static bool get_name(struct slice message, size_t *at, struct dns_name *name)
{
    size_t place = *at, began = *at;
    bool jumped = false;

    name->len = 0;
    while (place < message.len) {
        unsigned len = (unsigned char)message.at[place++];
        if (!jumped)
            *at = place;
        if (len == 0)
            return true;
        if ((len & POINTER) == POINTER) {
            if (place == message.len)
                return false;
            size_t target = get16(message.at + place - 1) & POINTER_OFFSET;
            if (target >= began)
                return false;
            if (!jumped)
                *at = place + 1;
            jumped = true;
            place = began = target;
            continue;
        }
        if (len > DNS_LABEL_MAX || len > message.len - place ||
            !name_add(name, slice_make(message.at + place, len)))
            return false;
        place += len;
    }
    return false;
}

static bool name_equal(const struct dns_name *a, const struct dns_name *b)
{
    return slice_equal(dns_name_text(a), dns_name_text(b));
}

/* --- the question --- */

size_t dns_write_query(char *room, uint16_t id, const struct dns_name *name, enum dns_type type)
{
    char *at = put16(room, id);

    at = put16(at, FLAG_RECURSION);
    at = put16(at, 1); /* question */
    at = put16(at, 0);
    at = put16(at, 0);
    at = put16(at, 0);
    at = put_name(at, dns_name_text(name));
    at = put16(at, type);
    at = put16(at, CLASS_INTERNET);
    return (size_t)(at - room);
}

/* --- records --- */

/* A record of any kind. */
struct raw_record {
    struct dns_name owner;
    unsigned type, class;
    uint32_t ttl;
    size_t data, len; /* offset and length in the message */
};

static bool get_record(struct slice message, size_t *at, struct raw_record *record)
{
    if (!get_name(message, at, &record->owner) || message.len - *at < RECORD_FIXED)
        return false;
    const char *fixed = message.at + *at;
    record->type = get16(fixed);
    record->class = get16(fixed + 2);
    record->ttl = get32(fixed + 4);
    record->len = get16(fixed + 8);
    record->data = *at += RECORD_FIXED;
    if (record->len > message.len - *at)
        return false;
    *at += record->len;
    /* With the highest bit set it is no time (RFC 2181 8). */
    if (record->ttl > INT32_MAX)
        record->ttl = 0;
    if (record->ttl > DNS_TTL_MAX)
        record->ttl = DNS_TTL_MAX;
    return true;
}

/* A name that is all of a record's data, or its end. */
static bool get_data_name(struct slice message, const struct raw_record *record, size_t skip,
                          struct dns_name *name)
{
    size_t at = record->data + skip;

    return skip < record->len &&
           get_name(slice_first(message, record->data + record->len), &at, name) &&
           at == record->data + record->len;
}

/* --- the answer --- */

/* The next record of the answer's name, of one type, into *record; `left` and `at` say where
 * it is looked for, and move behind it. */
static bool find_record(const struct dns_answer *answer, unsigned type, size_t *at, unsigned *left,
                        struct raw_record *record)
{
    while (*left > 0) {
        (*left)--;
        if (!get_record(answer->message, at, record)) {
            *left = 0;
            return false;
        }
        if (record->type == type && record->class == CLASS_INTERNET &&
            name_equal(&record->owner, &answer->name))
            return true;
    }
    return false;
}

/* Takes one step from the answer's name to what it is an alias of. */
static bool follow_alias(struct dns_answer *answer)
{
    size_t at = answer->records;
    unsigned left = answer->count;
    struct raw_record record;
    struct dns_name target;

    if (!find_record(answer, DNS_CNAME, &at, &left, &record) ||
        !get_data_name(answer->message, &record, 0, &target) || target.len == 0)
        return false;
    answer->name = target;
    if (record.ttl < answer->ttl)
        answer->ttl = record.ttl;
    return true;
}

/* Sets where the answers end, if all of them are whole. */
static bool find_authority(struct dns_answer *answer)
{
    struct raw_record record;

    answer->authority = answer->records;
    for (unsigned i = 0; i < answer->count; i++)
        if (!get_record(answer->message, &answer->authority, &record))
            return false;
    return true;
}

/* The message says that it answers this question, and no other. */
static bool is_answer_to(struct slice message, uint16_t id, const struct dns_name *name,
                         enum dns_type type, size_t *at)
{
    struct dns_name asked;

    if (message.len < DNS_HEADER || get16(message.at) != id)
        return false;
    unsigned flags = get16(message.at + 2);
    if ((flags & FLAG_ANSWER) == 0 || (flags & FLAGS_OPCODE) != 0 || get16(message.at + 4) != 1)
        return false;
    *at = DNS_HEADER;
    if (!get_name(message, at, &asked) || message.len - *at < QUESTION_FIXED)
        return false;
    const char *fixed = message.at + *at;
    *at += QUESTION_FIXED;
    return name_equal(&asked, name) && get16(fixed) == type && get16(fixed + 2) == CLASS_INTERNET;
}

enum dns_result dns_answer_begin(struct dns_answer *answer, struct slice message, uint16_t id,
                                 const struct dns_name *name, enum dns_type type)
{
    size_t at;

    if (!is_answer_to(message, id, name, type, &at))
        return DNS_OTHER;
    unsigned flags = get16(message.at + 2);
    *answer = (struct dns_answer){
        .message = message,
        .records = at,
        .at = at,
        .type = type,
        .code = (enum dns_code)(flags & FLAGS_CODE),
        .truncated = (flags & FLAG_TRUNCATED) != 0,
        .name = *name,
        .ttl = DNS_TTL_MAX,
    };
    if (answer->truncated) /* what there is may end anywhere */
        return DNS_ANSWER;
    answer->count = answer->left = get16(message.at + 6);
    answer->authorities = get16(message.at + 8);
    if (!find_authority(answer))
        return DNS_BROKEN;
    for (unsigned i = 0; follow_alias(answer); i++)
        if (i == DNS_ALIASES_MAX)
            return DNS_BROKEN;
    return DNS_ANSWER;
}

static bool get_address(const struct dns_answer *answer, const struct raw_record *raw,
                        struct dns_record *record)
{
    if (raw->len != (answer->type == DNS_A ? 4 : 16))
        return false;
    memcpy(record->ip, answer->message.at + raw->data, raw->len);
    return true;
}

static bool get_service(const struct dns_answer *answer, const struct raw_record *raw,
                        struct dns_record *record)
{
    const char *data = answer->message.at + raw->data;

    if (!get_data_name(answer->message, raw, 6, &record->target))
        return false;
    record->priority = (uint16_t)get16(data);
    record->weight = (uint16_t)get16(data + 2);
    record->port = (uint16_t)get16(data + 4);
    return true;
}

bool dns_answer_next(struct dns_answer *answer, struct dns_record *record)
{
    struct raw_record raw;

    while (find_record(answer, answer->type, &answer->at, &answer->left, &raw)) {
        record->ttl = raw.ttl;
        if (answer->type == DNS_SRV ? get_service(answer, &raw, record)
                                    : get_address(answer, &raw, record))
            return true;
    }
    return false;
}

/* --- absence --- */

/* A zone that the name is in, or it itself. */
static bool is_zone_of(const struct dns_name *zone, const struct dns_name *name)
{
    struct slice end = dns_name_text(zone), whole = dns_name_text(name);

    if (end.len == 0 || slice_equal(end, whole))
        return true;
    return slice_ends(whole, end) && whole.at[whole.len - end.len - 1] == '.';
}

bool dns_answer_absence(const struct dns_answer *answer, uint32_t *seconds)
{
    struct slice message = answer->message;
    size_t at = answer->authority;
    struct raw_record soa;
    struct dns_name ignored;

    for (unsigned i = 0; i < answer->authorities; i++) {
        if (!get_record(message, &at, &soa))
            return false;
        if (soa.type != DNS_SOA || soa.class != CLASS_INTERNET ||
            !is_zone_of(&soa.owner, &answer->name))
            continue;
        size_t numbers = soa.data, end = soa.data + soa.len;
        struct slice data = slice_first(message, end);
        if (!get_name(data, &numbers, &ignored) || !get_name(data, &numbers, &ignored) ||
            end - numbers != SOA_NUMBERS)
            return false;
        uint32_t minimum = get32(message.at + numbers + SOA_MINIMUM);
        *seconds = minimum < soa.ttl ? minimum : soa.ttl;
        return true;
    }
    return false;
}
