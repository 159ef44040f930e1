#include "worker/http/forwarded.h"

#include "worker/http/request.h"

static bool is_separator(char c)
{
    return c == ' ' || c == ',';
}

/* Cuts the last word off the list; empty when there is none. */
static struct slice last_word(struct slice *list)
{
    while (list->len > 0 && is_separator(list->at[list->len - 1]))
        list->len--;
    size_t start = list->len;
    while (start > 0 && !is_separator(list->at[start - 1]))
        start--;
    struct slice word = slice_from(*list, start);
    list->len = start;
    return word;
}

enum forwarded { FORWARDED_NOT, FORWARDED_ONCE, FORWARDED_ON /* the list is at its end */ };

static enum forwarded read_list(struct slice list, const struct array *proxies, bool recursive,
                                struct ip_address *address)
{
    enum forwarded found = FORWARDED_NOT;
    struct ip_address next;

    do {
        if (!cidrs_contain(proxies, address) || !ip_parse_with_port(last_word(&list), &next))
            return found;
        *address = next;
        found = FORWARDED_ONCE;
    } while (recursive && list.len > 0);
    return FORWARDED_ON;
}

bool forwarded_read(struct slice list, const struct array *proxies, bool recursive,
                    struct ip_address *address)
{
    return read_list(list, proxies, recursive, address) != FORWARDED_NOT;
}

bool forwarded_for(const struct request *request, const struct array *proxies, bool recursive,
                   struct ip_address *address)
{
    const struct head *head = &request->head;
    bool found = false;

    if (head_known(head, FIELD_X_FORWARDED_FOR) == NULL)
        return false;
    for (size_t i = head->field_count; i-- > 0;) {
        if (head->fields[i].known != FIELD_X_FORWARDED_FOR)
            continue;
        enum forwarded result = read_list(head->fields[i].value, proxies, recursive, address);
        found = found || result != FORWARDED_NOT;
        if (!recursive || result != FORWARDED_ON)
            break;
    }
    return found;
}
