/* From a key to the file that has the answer, or to nothing. */
#include "worker/cache/use_internal.h"

#include "common/md5.h"
#include "worker/context.h"
#include "worker/handlers/file_cache.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

/* --- the table --- */

struct cache_table *cache_lock(const struct cache_use *use)
{
    return zone_lock(use->cache->zone, use->exchange->request->worker->log);
}

void cache_unlock(const struct cache_use *use)
{
    zone_unlock(use->cache->zone);
}

/* The one that has claimed an update has died: nobody would ever release it. */
static bool is_dead(const struct cache_known *known)
{
    return known->claim != 0 && kill(known->claimed_by, 0) < 0 && errno == ESRCH;
}

bool cache_claim(struct cache_use *use, uint64_t younger_than)
{
    uint64_t now = use->exchange->request->worker->clock.now;
    struct cache_known known = { 0 };
    struct cache_table *table = cache_lock(use);

    if (table == NULL)
        return false;
    use->claim = cache_table_claim(table, use->digest, getpid(), now, younger_than);
    bool is_known = use->claim == 0 && cache_table_look(table, use->digest, &known);
    cache_unlock(use);
    if (!is_known || !is_dead(&known))
        return use->claim != 0;
    table = cache_lock(use);
    if (table == NULL)
        return false;
    cache_table_release(table, use->digest, known.claim);
    use->claim = cache_table_claim(table, use->digest, getpid(), now, younger_than);
    cache_unlock(use);
    return use->claim != 0;
}

void cache_release(struct cache_use *use)
{
    struct cache_table *table = use->claim != 0 ? cache_lock(use) : NULL;

    if (table != NULL) {
        cache_table_release(table, use->digest, use->claim);
        cache_unlock(use);
    }
    use->claim = 0;
}

void cache_remove_evicted(const struct cache *cache, const struct cache_evicted *evicted,
                          const struct log *log)
{
    char path[PATH_MAX];

    if (!evicted->exists)
        return;
    cache_file_path(cache, evicted->digest, path);
    if (unlink(path) < 0 && errno != ENOENT)
        log_write(log, LOG_LEVEL_CRIT, errno, 0, "unlink() \"%s\" failed", path);
}

/* What the table says of a file. */
struct outlook {
    bool may_exist; /* a table that is new may not know of it */
    bool purges;    /* there are some, and it may be among them */
};

static bool note_use(struct cache_use *use, struct cache_known *known, struct outlook *outlook)
{
    struct request *request = use->exchange->request;
    struct cache_evicted evicted;
    struct cache_table *table = cache_lock(use);

    if (table == NULL)
        return false;
    bool noted = cache_table_use(table, use->digest, request->worker->clock.now, known, &evicted);
    outlook->may_exist = noted && (known->exists || cache_table_is_cold(table));
    outlook->purges = cache_table_purges(table) > 0;
    cache_unlock(use);
    cache_remove_evicted(use->cache, &evicted, request->worker->log);
    if (!noted)
        request_log(request, LOG_LEVEL_ALERT, 0,
                    "could not allocate node in cache keys zone \"%.*s\"",
                    (int)use->cache->zone->name.len, use->cache->zone->name.at);
    return noted;
}

void cache_note_gone(const struct cache_use *use)
{
    struct cache_table *table = cache_lock(use);

    if (table == NULL)
        return;
    cache_table_gone(table, use->digest);
    cache_unlock(use);
}

/* --- variants --- */

static void add_values(struct md5 *md5, const struct head *head, struct slice name)
{
    for (size_t i = 0; i < head->field_count; i++) {
        struct slice rest = head->fields[i].value;
        if (!slice_equal_nocase(head->fields[i].name, name))
            continue;
        while (rest.len > 0) { /* white space around commas says nothing */
            ptrdiff_t comma = slice_find(rest, ',');
            struct slice item = comma < 0 ? rest : slice_first(rest, (size_t)comma);
            md5_add(md5, slice_trim(item));
            md5_add(md5, SLICE(","));
            rest = slice_from(rest, comma < 0 ? rest.len : (size_t)comma + 1);
        }
    }
}

static void add_lower(struct md5 *md5, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        md5_add(md5, slice_make(&c, 1));
    }
}

void cache_variant(const struct cache_use *use, struct slice vary,
                   unsigned char digest[static CACHE_DIGEST])
{
    struct md5 md5;

    _Static_assert((int)CACHE_DIGEST == (int)MD5_SIZE, "the digest is MD5's, as in nginx");
    md5_init(&md5);
    md5_add(&md5, slice_make((const char *)use->main, CACHE_DIGEST));
    while (vary.len > 0) {
        ptrdiff_t comma = slice_find(vary, ',');
        struct slice name = slice_trim(comma < 0 ? vary : slice_first(vary, (size_t)comma));
        add_lower(&md5, name);
        md5_add(&md5, SLICE(":"));
        add_values(&md5, &use->exchange->request->head, name);
        md5_add(&md5, SLICE("\n"));
        vary = slice_from(vary, comma < 0 ? vary.len : (size_t)comma + 1);
    }
    md5_end(&md5, digest);
}

/* --- what was found --- */

/* The file is of the request's variant, or has none. */
static bool is_variant(const struct cache_use *use, unsigned char variant[static CACHE_DIGEST])
{
    if (use->entry.vary.len == 0)
        return true;
    cache_variant(use, use->entry.vary, variant);
    return memcmp(variant, use->entry.variant, CACHE_DIGEST) == 0;
}

static bool is_purged(const struct cache_use *use)
{
    const struct cache_table *table = cache_lock(use);

    if (table == NULL)
        return false;
    bool purged = cache_table_is_purged(table, use->key, cache_file_written(&use->entry));
    cache_unlock(use);
    return purged;
}

static enum cache_found judge(struct cache_use *use)
{
    time_t now = use->exchange->request->worker->clock.wall;

    return use->entry.record.valid_until < now ? CACHE_OLD : CACHE_FRESH;
}

static enum cache_found look_for(struct cache_use *use, struct cache_known *known)
{
    const struct cache_settings *settings = &use->exchange->settings->cache;
    struct outlook outlook;

    use->file = NULL;
    if (!note_use(use, known, &outlook))
        return CACHE_RARE;
    if (known->error != 0 && known->error_until >= use->exchange->request->worker->clock.wall)
        return CACHE_FAILED;
    if (outlook.may_exist)
        cache_open_entry(use);
    if (use->file != NULL && outlook.purges && is_purged(use))
        use->file = NULL;
    if (use->file != NULL)
        return judge(use);
    if (known->exists)
        cache_note_gone(use);
    return known->uses < settings->min_uses ? CACHE_RARE : CACHE_NONE;
}

enum cache_found cache_look_up(struct cache_use *use, struct cache_known *known)
{
    unsigned char variant[CACHE_DIGEST];

    memcpy(use->digest, use->main, CACHE_DIGEST);
    enum cache_found found = look_for(use, known);
    if (use->file == NULL || is_variant(use, variant))
        return found;
    memcpy(use->digest, variant, CACHE_DIGEST);
    return look_for(use, known);
}
