#include "worker/http/head_parts.h"
#include "worker/http/same_name.h"
#include "worker/http/scan.h"

/* --- known names --- */

static const char *const known_names[FIELD_NAMES] = {
    [FIELD_HOST] = "host",
    [FIELD_CONNECTION] = "connection",
    [FIELD_CONTENT_LENGTH] = "content-length",
    [FIELD_TRANSFER_ENCODING] = "transfer-encoding",
    [FIELD_EXPECT] = "expect",
    [FIELD_UPGRADE] = "upgrade",
    [FIELD_IF_MATCH] = "if-match",
    [FIELD_IF_NONE_MATCH] = "if-none-match",
    [FIELD_IF_MODIFIED_SINCE] = "if-modified-since",
    [FIELD_IF_UNMODIFIED_SINCE] = "if-unmodified-since",
    [FIELD_IF_RANGE] = "if-range",
    [FIELD_RANGE] = "range",
    [FIELD_USER_AGENT] = "user-agent",
    [FIELD_REFERER] = "referer",
    [FIELD_ACCEPT_ENCODING] = "accept-encoding",
    [FIELD_AUTHORIZATION] = "authorization",
    [FIELD_COOKIE] = "cookie",
    [FIELD_X_FORWARDED_FOR] = "x-forwarded-for",
    [FIELD_CONTENT_TYPE] = "content-type",
    [FIELD_VIA] = "via",
    [FIELD_KEEP_ALIVE] = "keep-alive",
    [FIELD_TE] = "te",
    [FIELD_TRAILER] = "trailer",
    [FIELD_DATE] = "date",
    [FIELD_DEPTH] = "depth",
    [FIELD_DESTINATION] = "destination",
    [FIELD_OVERWRITE] = "overwrite",
    [FIELD_ACCEPT] = "accept",
    [FIELD_ACCEPT_LANGUAGE] = "accept-language",
};

enum { SLOTS = 64 };

/* A perfect hash: no two known names share a slot. When a name is added and
 * does, search for other factors. */
static unsigned slot_of(size_t len, unsigned char first, unsigned char last)
{
    return ((unsigned)len * 4 + (first | 0x20U) * 13 + (last | 0x20U) * 10) % SLOTS;
}

/* The only known name that each slot may stand for, and its length. */
static const struct slot {
    uint8_t name;
    uint8_t len;
} slots[SLOTS] = {
    [1] = { FIELD_EXPECT, 6 },
    [5] = { FIELD_IF_MATCH, 8 },
    [8] = { FIELD_X_FORWARDED_FOR, 15 },
    [9] = { FIELD_KEEP_ALIVE, 10 },
    [11] = { FIELD_IF_MODIFIED_SINCE, 17 },
    [12] = { FIELD_DESTINATION, 11 },
    [13] = { FIELD_ACCEPT, 6 },
    [15] = { FIELD_CONTENT_LENGTH, 14 },
    [16] = { FIELD_RANGE, 5 },
    [17] = { FIELD_COOKIE, 6 },
    [19] = { FIELD_IF_UNMODIFIED_SINCE, 19 },
    [20] = { FIELD_VIA, 3 },
    [22] = { FIELD_DATE, 4 },
    [25] = { FIELD_IF_NONE_MATCH, 13 },
    [26] = { FIELD_REFERER, 7 },
    [27] = { FIELD_ACCEPT_LANGUAGE, 15 },
    [30] = { FIELD_TE, 2 },
    [32] = { FIELD_HOST, 4 },
    [33] = { FIELD_USER_AGENT, 10 },
    [39] = { FIELD_IF_RANGE, 8 },
    [41] = { FIELD_CONTENT_TYPE, 12 },
    [45] = { FIELD_AUTHORIZATION, 13 },
    [46] = { FIELD_TRANSFER_ENCODING, 17 },
    [47] = { FIELD_ACCEPT_ENCODING, 15 },
    [52] = { FIELD_TRAILER, 7 },
    [56] = { FIELD_DEPTH, 5 },
    [57] = { FIELD_OVERWRITE, 9 },
    [59] = { FIELD_CONNECTION, 10 },
    [63] = { FIELD_UPGRADE, 7 },
};

enum field_name head_field_name(struct slice name)
{
    unsigned char first = (unsigned char)name.at[0];
    unsigned char last = (unsigned char)name.at[name.len - 1];
    struct slot slot = slots[slot_of(name.len, first, last)];

    if (slot.len != name.len || !same_name(name.at, known_names[slot.name], name.len))
        return FIELD_OTHER;
    return (enum field_name)slot.name;
}

/* --- the list --- */

static bool grow(struct head *head)
{
    size_t capacity = head->capacity * 2;
    struct field *fields = arena_alloc(head->arena, capacity * sizeof *fields);

    if (fields == NULL)
        return false;
    memcpy(fields, head->fields, head->field_count * sizeof *fields);
    head->fields = fields;
    head->capacity = capacity;
    return true;
}

static void note_known(struct head *head, enum field_name known)
{
    if (known == FIELD_HOST && head->host_count < UINT8_MAX)
        head->host_count++;
    if (head->known[known] == 0)
        head->known[known] = (uint16_t)head->field_count;
    else
        head->repeated |= UINT32_C(1) << known;
    head->present |= UINT32_C(1) << known;
}

static enum head_result add_field(struct head *head, struct slice name, struct slice value,
                                  enum field_name known)
{
    if (head->field_count >= head->limits.fields || head->field_count >= UINT16_MAX)
        return HEAD_TOO_MANY;
    if (head->field_count == head->capacity && !grow(head))
        return HEAD_NO_MEMORY;
    head->fields[head->field_count++] = (struct field){ name, value, known };
    if (known != FIELD_OTHER)
        note_known(head, known);
    return HEAD_DONE;
}

/* --- field lines --- */

/* The colon behind a name that has more in it than usual bytes, or the byte
 * that cannot stand in a name: a control character, a space, or the end. */
static const char *scan_unusual_name(const char *at, const char *end, bool underscores,
                                     bool *unusual)
{
    for (; at < end && *at != ':' && is_visible(*at); at++)
        if (!is_usual_in_name(*at) && !(underscores && *at == '_'))
            *unusual = true;
    return at;
}

/* The white space around a value is not part of it. */
static struct slice trimmed(const char *at, const char *end)
{
    while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return slice_make(at, (size_t)(end - at));
}

/* The value behind the colon, and the line's end. */
static enum head_result read_value(const char **at, const char *end, struct slice *value)
{
    const char *from = *at;

    while (from < end && (*from == ' ' || *from == '\t'))
        from++;
    const char *to = scan_text(from, end), *next = to;
    if (next < end && *next == '\r')
        next++;
    if (next == end)
        return HEAD_MORE;
    if (*next != '\n')
        return HEAD_BAD_FIELD;
    *value = trimmed(from, to);
    *at = next + 1;
    return HEAD_DONE;
}

enum head_result head_read_field(struct head *head, const char **at, const char *end)
{
    const char *from = *at, *colon = scan_name(from, end);
    bool usual = colon < end && *colon == ':', unusual = false;
    struct slice value;

    if (!usual)
        colon = scan_unusual_name(colon, end, head->limits.allow_underscores, &unusual);
    if (colon == end)
        return HEAD_MORE;
    if (*colon != ':' || colon == from)
        return HEAD_BAD_FIELD;
    *at = colon + 1;
    enum head_result result = read_value(at, end, &value);
    if (result != HEAD_DONE || (unusual && !head->limits.keep_unusual))
        return result;
    struct slice name = slice_make(from, (size_t)(colon - from));
    return add_field(head, name, value, usual ? head_field_name(name) : FIELD_OTHER);
}
