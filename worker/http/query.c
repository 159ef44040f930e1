#include "worker/http/uri.h"

bool query_argument(struct slice query, struct slice name, struct slice *value)
{
    if (name.len == 0)
        return false;
    while (query.len > name.len) {
        ptrdiff_t ampersand = slice_find(query, '&');
        struct slice pair = ampersand < 0 ? query : slice_first(query, (size_t)ampersand);
        if (pair.len > name.len && pair.at[name.len] == '=' &&
            slice_equal_nocase(slice_first(pair, name.len), name)) {
            *value = slice_from(pair, name.len + 1);
            return true;
        }
        if (ampersand < 0)
            break;
        query = slice_from(query, (size_t)ampersand + 1);
    }
    return false;
}
