#include "worker/http/scan.h"
#include "worker/http/uri.h"

/* No byte that a path or a line could be mistaken for, and no empty label. */
static bool is_sound(struct slice host)
{
    for (size_t i = 0; i < host.len; i++)
        if (!is_visible(host.at[i]) || host.at[i] == '/' ||
            (host.at[i] == '.' && i > 0 && host.at[i - 1] == '.'))
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
    return len == host.len || host.at[len] == ':' ? len : 0;
}

/* The length without port and trailing dot. */
static size_t name_length(struct slice host)
{
    if (host.at[0] == '[')
        return literal_length(host);
    ptrdiff_t colon = slice_find(host, ':');
    size_t len = colon < 0 ? host.len : (size_t)colon;
    return len > 0 && host.at[len - 1] == '.' ? len - 1 : len;
}

static bool has_capitals(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] >= 'A' && text.at[i] <= 'Z')
            return true;
    return false;
}

bool host_validate(struct arena *arena, struct slice host, struct slice *name)
{
    if (host.len == 0 || !is_sound(host))
        return false;
    size_t len = name_length(host);
    if (len == 0)
        return false;
    *name = slice_first(host, len);
    if (!has_capitals(*name))
        return true;
    char *lower = arena_text(arena, len);
    if (lower == NULL)
        return false;
    for (size_t i = 0; i < len; i++)
        lower[i] = ascii_lower(host.at[i]);
    *name = slice_make(lower, len);
    return true;
}
