#include "worker/upstream/answer_head.h"

#include "worker/http/head.h"
#include "worker/http/same_name.h"
#include "worker/http/scan.h"

/* --- known names --- */

static const char *const known_names[ANSWER_FIELD_NAMES] = {
    [ANSWER_ACCEPT_RANGES] = "accept-ranges",
    [ANSWER_CACHE_CONTROL] = "cache-control",
    [ANSWER_CONNECTION] = "connection",
    [ANSWER_CONTENT_DISPOSITION] = "content-disposition",
    [ANSWER_CONTENT_ENCODING] = "content-encoding",
    [ANSWER_CONTENT_LENGTH] = "content-length",
    [ANSWER_CONTENT_RANGE] = "content-range",
    [ANSWER_CONTENT_TYPE] = "content-type",
    [ANSWER_DATE] = "date",
    [ANSWER_ETAG] = "etag",
    [ANSWER_EXPIRES] = "expires",
    [ANSWER_KEEP_ALIVE] = "keep-alive",
    [ANSWER_LAST_MODIFIED] = "last-modified",
    [ANSWER_LINK] = "link",
    [ANSWER_LOCATION] = "location",
    [ANSWER_PROXY_CONNECTION] = "proxy-connection",
    [ANSWER_REFRESH] = "refresh",
    [ANSWER_SERVER] = "server",
    [ANSWER_SET_COOKIE] = "set-cookie",
    [ANSWER_STATUS] = "status",
    [ANSWER_TRAILER] = "trailer",
    [ANSWER_TRANSFER_ENCODING] = "transfer-encoding",
    [ANSWER_UPGRADE] = "upgrade",
    [ANSWER_VARY] = "vary",
    [ANSWER_WWW_AUTHENTICATE] = "www-authenticate",
    [ANSWER_X_ACCEL_BUFFERING] = "x-accel-buffering",
    [ANSWER_X_ACCEL_CHARSET] = "x-accel-charset",
    [ANSWER_X_ACCEL_EXPIRES] = "x-accel-expires",
    [ANSWER_X_ACCEL_LIMIT_RATE] = "x-accel-limit-rate",
    [ANSWER_X_ACCEL_REDIRECT] = "x-accel-redirect",
    [ANSWER_X_PAD] = "x-pad",
};

enum { SLOTS = 64, FIELDS_FIRST = 16 };

/* A perfect hash, as that of head_fields.c: no two known names share a slot. */
static unsigned slot_of(struct slice name)
{
    unsigned first = (unsigned char)name.at[0], last = (unsigned char)name.at[name.len - 1];

    return ((unsigned)name.len * 5 + (first | 0x20U) * 9 + (last | 0x20U) * 5) % SLOTS;
}

static const struct slot {
    uint8_t name, len;
} slots[SLOTS] = {
    [0] = { ANSWER_CONTENT_DISPOSITION, 19 },
    [1] = { ANSWER_LAST_MODIFIED, 13 },
    [2] = { ANSWER_X_ACCEL_EXPIRES, 15 },
    [5] = { ANSWER_X_PAD, 5 },
    [7] = { ANSWER_X_ACCEL_CHARSET, 15 },
    [9] = { ANSWER_CONTENT_LENGTH, 14 },
    [11] = { ANSWER_X_ACCEL_LIMIT_RATE, 18 },
    [12] = { ANSWER_X_ACCEL_REDIRECT, 16 },
    [14] = { ANSWER_CONTENT_ENCODING, 16 },
    [16] = { ANSWER_X_ACCEL_BUFFERING, 17 },
    [17] = { ANSWER_DATE, 4 },
    [19] = { ANSWER_CONNECTION, 10 },
    [23] = { ANSWER_VARY, 4 },
    [24] = { ANSWER_CACHE_CONTROL, 13 },
    [26] = { ANSWER_LOCATION, 8 },
    [35] = { ANSWER_SERVER, 6 },
    [36] = { ANSWER_ETAG, 4 },
    [38] = { ANSWER_PROXY_CONNECTION, 16 },
    [40] = { ANSWER_STATUS, 6 },
    [41] = { ANSWER_ACCEPT_RANGES, 13 },
    [44] = { ANSWER_TRANSFER_ENCODING, 17 },
    [45] = { ANSWER_REFRESH, 7 },
    [46] = { ANSWER_KEEP_ALIVE, 10 },
    [47] = { ANSWER_EXPIRES, 7 },
    [48] = { ANSWER_CONTENT_TYPE, 12 },
    [49] = { ANSWER_TRAILER, 7 },
    [53] = { ANSWER_CONTENT_RANGE, 13 },
    [54] = { ANSWER_SET_COOKIE, 10 },
    [55] = { ANSWER_LINK, 4 },
    [56] = { ANSWER_WWW_AUTHENTICATE, 16 },
    [57] = { ANSWER_UPGRADE, 7 },
};

enum answer_field_name answer_field_name(struct slice name)
{
    if (name.len == 0)
        return ANSWER_OTHER;
    struct slot slot = slots[slot_of(name)];
    if (slot.len != name.len || !same_name(name.at, known_names[slot.name], name.len))
        return ANSWER_OTHER;
    return (enum answer_field_name)slot.name;
}

const struct answer_field *answer_known(const struct answer_head *head, enum answer_field_name name)
{
    const struct answer_field *fields = head->fields.items;

    return head->known[name] == 0 ? NULL : &fields[head->known[name] - 1];
}

void answer_head_init(struct answer_head *head, struct arena *arena, enum answer_kind kind)
{
    *head = (struct answer_head){
        .fields = { .item_size = sizeof(struct answer_field) },
        .arena = arena,
        .kind = kind,
    };
}

/* --- the status line --- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "404 Not Found" and "404": three digits and, behind a space, any text. */
static bool read_status(struct answer_head *head, struct slice text)
{
    unsigned status = 0;

    if (text.len < 3 || (text.len > 3 && text.at[3] != ' '))
        return false;
    for (size_t i = 0; i < 3; i++) {
        if (!is_digit(text.at[i]))
            return false;
        status = status * 10 + (unsigned)(text.at[i] - '0');
    }
    head->status = status;
    head->status_text = text;
    return status >= 100;
}

/* The end of the line at `at`, its text in *line; NULL: it is not whole, or, *bad, holds
 * what no line may. */
static const char *read_line(const char *at, const char *end, struct slice *line, bool *bad)
{
    const char *stop = scan_text(at, end), *next = stop;

    if (next < end && *next == '\r')
        next++;
    if (next == end)
        return NULL;
    *bad = *next != '\n';
    *line = slice_make(at, (size_t)(stop - at));
    return *bad ? NULL : next + 1;
}

static const struct slice version = SLICE_INIT("HTTP/1.");

/* What there is of the line can still become a status line. */
static bool may_be_status_line(struct slice line)
{
    return slice_starts(line, version) || slice_starts(version, line);
}

static enum answer_result read_status_line(struct answer_head *head, struct slice bytes)
{
    struct slice line;
    bool bad = false;

    if (!may_be_status_line(bytes))
        return ANSWER_BAD_LINE;
    const char *next = read_line(bytes.at, bytes.at + bytes.len, &line, &bad);
    if (next == NULL)
        return bad ? ANSWER_BAD_LINE : ANSWER_MORE;
    if (line.len < version.len + 2 || !is_digit(line.at[version.len]) ||
        line.at[version.len + 1] != ' ' || !read_status(head, slice_from(line, version.len + 2)))
        return ANSWER_BAD_LINE;
    head->minor = (uint8_t)(line.at[version.len] - '0');
    head->parsed = (size_t)(next - bytes.at);
    head->in_fields = true;
    return ANSWER_DONE;
}

/* A CGI answer begins with fields, unless its program thinks it is a server. */
static enum answer_result begin(struct answer_head *head, struct slice bytes)
{
    if (bytes.len == 0)
        return ANSWER_MORE;
    if (head->kind == ANSWER_CGI && !may_be_status_line(bytes)) {
        head->in_fields = true;
        return ANSWER_DONE;
    }
    return read_status_line(head, bytes);
}

/* --- field lines --- */

/* RFC 9110 5.6.2: what stands in a name beside letters, digits and '-'. */
static bool is_token(char c)
{
    return is_usual_in_name(c) || (c != '\0' && strchr("!#$%&'*+.^_`|~", c) != NULL);
}

static const char *read_name(const char *at, const char *end)
{
    at = scan_name(at, end);
    while (at < end && is_token(*at))
        at++;
    return at;
}

static enum answer_result add_field(struct answer_head *head, struct slice name, struct slice value)
{
    enum answer_field_name known = answer_field_name(name);

    if (head->fields.count >= ANSWER_FIELDS_MAX)
        return ANSWER_TOO_MANY;
    struct answer_field *field = array_push(&head->fields, head->arena);
    if (field == NULL)
        return ANSWER_NO_MEMORY;
    *field = (struct answer_field){ name, value, known };
    if (head->known[known] == 0)
        head->known[known] = (uint16_t)head->fields.count;
    else
        head->repeated |= UINT64_C(1) << known;
    return ANSWER_DONE;
}

static enum answer_result read_field(struct answer_head *head, const char **at, const char *end)
{
    const char *colon = read_name(*at, end);
    struct slice value;
    bool bad = false;

    if (colon == end)
        return ANSWER_MORE;
    if (*colon != ':' || colon == *at)
        return ANSWER_BAD_FIELD;
    const char *next = read_line(colon + 1, end, &value, &bad);
    if (next == NULL)
        return bad ? ANSWER_BAD_FIELD : ANSWER_MORE;
    struct slice name = slice_make(*at, (size_t)(colon - *at));
    *at = next;
    return add_field(head, name, slice_trim(value));
}

/* What a CGI answer means without a status line (RFC 3875 6.3.3). */
static enum answer_result finish(struct answer_head *head)
{
    const struct answer_field *status = answer_known(head, ANSWER_STATUS);

    if (head->status != 0)
        return ANSWER_DONE;
    if (status != NULL)
        return read_status(head, status->value) ? ANSWER_DONE : ANSWER_BAD_FIELD;
    bool elsewhere = answer_known(head, ANSWER_LOCATION) != NULL;
    head->status = elsewhere ? ANSWER_STATUS_FOUND : ANSWER_STATUS_OK;
    return ANSWER_DONE;
}

/* The empty line that ends the head, at which *at stands. */
static enum answer_result read_end(struct answer_head *head, const char *start, const char *at,
                                   const char *end)
{
    if (*at == '\r')
        at++;
    if (at == end)
        return ANSWER_MORE;
    if (*at != '\n')
        return ANSWER_BAD_FIELD;
    head->size = (size_t)(at + 1 - start);
    return finish(head);
}

enum answer_result answer_head_read(struct answer_head *head, struct slice bytes)
{
    const char *end = bytes.at + bytes.len;

    if (!head->in_fields) {
        enum answer_result result = begin(head, bytes);
        if (result != ANSWER_DONE)
            return result;
    }
    for (const char *at = bytes.at + head->parsed; at < end;) {
        if (*at == '\r' || *at == '\n')
            return read_end(head, bytes.at, at, end);
        enum answer_result result = read_field(head, &at, end);
        if (result != ANSWER_DONE)
            return result;
        head->parsed = (size_t)(at - bytes.at);
    }
    return ANSWER_MORE;
}

/* --- what the fields say --- */

static bool is_repeated(const struct answer_head *head, enum answer_field_name name)
{
    return (head->repeated & UINT64_C(1) << name) != 0;
}

static bool has_no_body(const struct answer_head *head, bool to_head)
{
    return to_head || head->status < 200 || head->status == 204 || head->status == 304;
}

enum answer_framing answer_framing(const struct answer_head *head, bool to_head, uint64_t *length)
{
    const struct answer_field *coding = answer_known(head, ANSWER_TRANSFER_ENCODING);
    const struct answer_field *size = answer_known(head, ANSWER_CONTENT_LENGTH);

    *length = UINT64_MAX;
    if (size != NULL && (coding != NULL || is_repeated(head, ANSWER_CONTENT_LENGTH) ||
                         !slice_to_number(size->value, INT64_MAX, length)))
        return ANSWER_BROKEN;
    bool http_1_1 = head->kind == ANSWER_HTTP && head->minor > 0;
    if (coding != NULL && (!http_1_1 || is_repeated(head, ANSWER_TRANSFER_ENCODING) ||
                           !slice_is_nocase(coding->value, "chunked")))
        return ANSWER_BROKEN;
    if (has_no_body(head, to_head))
        return ANSWER_EMPTY;
    if (coding != NULL)
        return ANSWER_CHUNKED;
    return size != NULL ? ANSWER_LENGTH : ANSWER_CLOSED;
}

bool answer_keeps_alive(const struct answer_head *head)
{
    const struct answer_field *fields = head->fields.items;

    if (head->kind != ANSWER_HTTP || head->minor == 0)
        return false;
    for (size_t i = head->known[ANSWER_CONNECTION]; i > 0 && i <= head->fields.count; i++)
        if (fields[i - 1].known == ANSWER_CONNECTION &&
            list_has_token(fields[i - 1].value, SLICE("close")))
            return false;
    return true;
}
