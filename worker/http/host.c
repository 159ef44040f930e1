#include "worker/http/scan.h"
#include "worker/http/uri.h"

/* What one look over a host finds. */
struct host_marks {
    size_t colon;  /* the first; the host's length when there is none */
    bool capitals; /* somewhere */
};

/* What most hosts are made of: nothing about it needs a second look. */
static bool is_plain(char c)
{
    return (unsigned char)(c - 'a') <= 'z' - 'a' || (unsigned char)(c - '0') <= '9' - '0';
}

/* False when a byte is in it that a path or a line could be mistaken for, or an empty label. */
static bool look_over(struct slice host, struct host_marks *marks)
{
    *marks = (struct host_marks){ .colon = host.len };
    for (size_t i = 0; i < host.len; i++) {
        char c = host.at[i];
        if (is_plain(c))
            continue;
        if (!is_visible(c) || c == '/' || (c == '.' && i > 0 && host.at[i - 1] == '.'))
            return false;
        if (c == ':' && marks->colon == host.len)
            marks->colon = i;
        if (c >= 'A' && c <= 'Z')
            marks->capitals = true;
    }
    return true;
}

/* The length of "[...]", behind which only a port may stand; 0 when it is not so. */
static size_t literal_length(struct slice host)
{
    ptrdiff_t close = slice_find(host, ']');

    if (close < 0)
        return 0;
    size_t len = (size_t)close + 1;
    return len == host.len || host.at[len] == ':' ? len : 0;
}

/* The length without port and trailing dot. */
static size_t name_length(struct slice host, size_t colon)
{
    if (host.at[0] == '[')
        return literal_length(host);
    return colon > 0 && host.at[colon - 1] == '.' ? colon - 1 : colon;
}

bool host_validate(struct arena *arena, struct slice host, struct slice *name)
{
    struct host_marks marks;

    if (host.len == 0 || !look_over(host, &marks))
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
