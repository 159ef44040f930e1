#include "worker/http/scan.h"
#include "worker/http/uri.h"

/* Nothing, or a colon and digits, which may be none: RFC 3986 3.2.3. */
static bool is_port(struct slice text)
{
    if (text.len > 0 && text.at[0] != ':')
        return false;
    for (size_t i = 1; i < text.len; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    return true;
}

/* The length of "[...]", behind which only a port may stand; 0 when it is not so. */
static size_t literal_length(struct slice host)
{
    ptrdiff_t close = slice_find(host, ']');

    if (close < 0)
        return 0;
    size_t len = (size_t)close + 1;
    return is_port(slice_from(host, len)) ? len : 0;
}

/* The length without port and trailing dot; 0 when it is no name. */
static size_t name_length(struct slice host, size_t colon)
{
    if (host.at[0] == '[')
        return literal_length(host);
    if (!is_port(slice_from(host, colon)))
        return 0;
    return colon > 0 && host.at[colon - 1] == '.' ? colon - 1 : colon;
}

bool host_validate(struct arena *arena, struct slice host, struct slice *name)
{
    if (host.len == 0)
        return false;
    struct host_marks marks = scan_host(host.at, host.len);
    if (marks.bad)
        return false;
    size_t len = name_length(host, marks.colon);
    if (len == 0)
        return false;
    *name = slice_first(host, len);
    if (!marks.capitals)
        return true;
    char *lower = arena_text(arena, len);
    if (lower == NULL)
        return false;
    for (size_t i = 0; i < len; i++)
        lower[i] = ascii_lower(host.at[i]);
    *name = slice_make(lower, len);
    return true;
}

bool host_validate_known(struct known_host *known, struct arena *arena, struct slice host,
                         struct slice *name)
{
    if (host.len == known->len && host.len > 0 && memcmp(host.at, known->text, host.len) == 0) {
        *name = slice_first(host, known->name_len);
        return true;
    }
    if (!host_validate(arena, host, name))
        return false;
    if (name->at != host.at || host.len > sizeof known->text) /* a copy in small letters */
        return true;
    memcpy(known->text, host.at, host.len);
    known->len = (uint8_t)host.len;
    known->name_len = (uint8_t)name->len;
    return true;
}
