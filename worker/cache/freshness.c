#include "worker/cache/freshness.h"

#include "common/date.h"
#include "worker/cache/file.h"
#include "worker/http/head.h"
#include "worker/upstream/exchange_settings.h"

/* --- X-Accel-Expires --- */

/* "@1700000000" or seconds from now; 0: not at all. What is neither says nothing. */
static bool read_accel_expires(const struct answer_head *head, int64_t now,
                               struct freshness *freshness)
{
    const struct answer_field *field = answer_known(head, ANSWER_X_ACCEL_EXPIRES);
    uint64_t seconds;

    if (field == NULL)
        return false;
    bool absolute = slice_starts(field->value, SLICE("@"));
    if (!slice_to_number(slice_from(field->value, absolute), UINT32_MAX, &seconds))
        return false;
    if (seconds == 0 && !absolute)
        freshness->storable = false;
    freshness->valid_until = absolute ? (int64_t)seconds : now + (int64_t)seconds;
    return true;
}

/* --- Cache-Control --- */

struct directives {
    bool forbidden; /* no-cache, no-store, private */
    bool has_age, has_shared_age;
    uint64_t age, shared_age;
};

/* Seconds of a directive's value, quoted or not; one that is no number is 0: stale at once
 * (RFC 9111 4.2.1). */
static uint64_t seconds_of(struct slice value)
{
    uint64_t seconds;

    if (value.len >= 2 && *value.at == '"' && value.at[value.len - 1] == '"')
        value = slice_make(value.at + 1, value.len - 2);
    return slice_to_number(value, UINT32_MAX, &seconds) ? seconds : 0;
}

static void read_directive(struct slice text, struct directives *directives,
                           struct freshness *freshness)
{
    ptrdiff_t sign = slice_find(text, '=');
    struct slice name = slice_trim(sign < 0 ? text : slice_first(text, (size_t)sign));
    uint64_t seconds = sign < 0 ? 0 : seconds_of(slice_trim(slice_from(text, (size_t)sign + 1)));

    if (slice_is_nocase(name, "no-cache") || slice_is_nocase(name, "no-store") ||
        slice_is_nocase(name, "private")) {
        directives->forbidden = true;
    } else if (slice_is_nocase(name, "s-maxage")) {
        directives->has_shared_age = true;
        directives->shared_age = seconds;
    } else if (slice_is_nocase(name, "max-age")) {
        directives->has_age = true;
        directives->age = seconds;
    } else if (slice_is_nocase(name, "stale-while-revalidate")) {
        freshness->stale_updating = (uint32_t)seconds;
        freshness->stale_error = (uint32_t)seconds;
    } else if (slice_is_nocase(name, "stale-if-error")) {
        freshness->stale_error = (uint32_t)seconds;
    }
}

/* Where a list's next item ends: at a comma that is not quoted. */
static size_t item_len(struct slice list)
{
    bool quoted = false;
    size_t len = 0;

    for (; len < list.len && (quoted || list.at[len] != ','); len++)
        quoted ^= list.at[len] == '"';
    return len;
}

static void read_list(struct slice list, struct directives *directives, struct freshness *freshness)
{
    while (list.len > 0) {
        struct slice item = slice_first(list, item_len(list));
        read_directive(slice_trim(item), directives, freshness);
        list = slice_from(list, item.len < list.len ? item.len + 1 : item.len);
    }
}

/* `said`: X-Accel-Expires goes before it. */
static bool read_cache_control(const struct answer_head *head, int64_t now, bool said,
                               struct freshness *freshness)
{
    const struct answer_field *fields = head->fields.items;
    struct directives directives = { 0 };

    for (size_t i = 0; i < head->fields.count; i++)
        if (fields[i].known == ANSWER_CACHE_CONTROL)
            read_list(fields[i].value, &directives, freshness);
    if (said)
        return true;
    uint64_t age = directives.has_shared_age ? directives.shared_age : directives.age;
    bool has_age = directives.has_shared_age || directives.has_age;
    if (directives.forbidden || (has_age && age == 0))
        freshness->storable = false;
    if (has_age)
        freshness->valid_until = now + (int64_t)age;
    return directives.forbidden || has_age;
}

/* --- the rest --- */

static void read_expires(const struct answer_head *head, int64_t now, struct freshness *freshness)
{
    const struct answer_field *field = answer_known(head, ANSWER_EXPIRES);

    if (field == NULL)
        return;
    time_t when = date_parse(field->value);
    if (when == -1 || when < now)
        freshness->storable = false;
    else
        freshness->valid_until = when;
}

/* All Vary fields as one list; what depends on everything cannot be told apart. */
static bool read_vary(const struct answer_head *head, struct arena *arena,
                      struct freshness *freshness)
{
    const struct answer_field *fields = head->fields.items;
    struct slice all = SLICE("");

    for (size_t i = 0; i < head->fields.count; i++) {
        if (fields[i].known != ANSWER_VARY || fields[i].value.len == 0)
            continue;
        if (all.len > 0)
            all = arena_printf(arena, "%.*s, %.*s", (int)all.len, all.at, (int)fields[i].value.len,
                               fields[i].value.at);
        else
            all = fields[i].value;
        if (all.at == NULL)
            return false;
    }
    if (all.len > CACHE_VARY_MAX || list_has_token(all, SLICE("*")))
        freshness->storable = false;
    else
        freshness->vary = all;
    return true;
}

bool freshness_of(const struct answer_head *head, uint32_t ignore, int64_t now, struct arena *arena,
                  struct freshness *freshness)
{
    *freshness = (struct freshness){ .storable = true, .vary = SLICE_INIT("") };
    bool said = (ignore & IGNORE_X_ACCEL_EXPIRES) == 0 && read_accel_expires(head, now, freshness);
    if ((ignore & IGNORE_CACHE_CONTROL) == 0)
        said = read_cache_control(head, now, said, freshness) || said;
    if (!said && (ignore & IGNORE_EXPIRES) == 0)
        read_expires(head, now, freshness);
    if ((ignore & IGNORE_SET_COOKIE) == 0 && answer_known(head, ANSWER_SET_COOKIE) != NULL)
        freshness->storable = false;
    return (ignore & IGNORE_VARY) != 0 || read_vary(head, arena, freshness);
}
