#include "worker/cache/cache.h"

#include "worker/cache/table.h"
#include "worker/http/core.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

/* --- files --- */

static void put_hex(char *out, const unsigned char *digest)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < CACHE_DIGEST; i++) {
        *out++ = digits[digest[i] >> 4];
        *out++ = digits[digest[i] & 15];
    }
}

/* "/c/29/b7f54b2df7773722d382f4809d65029c": each level is named by the digits before the one
 * above it, from the end on. */
size_t cache_file_path(const struct cache *cache, const unsigned char digest[static CACHE_DIGEST],
                       char *out)
{
    char name[CACHE_NAME];
    char *at = out + cache->path_len;
    size_t left = CACHE_NAME;

    put_hex(name, digest);
    memcpy(out, cache->path, cache->path_len);
    *at++ = '/';
    for (size_t i = 0; i < CACHE_LEVELS_MAX && cache->levels[i] > 0; i++) {
        left -= cache->levels[i];
        memcpy(at, name + left, cache->levels[i]);
        at += cache->levels[i];
        *at++ = '/';
    }
    memcpy(at, name, CACHE_NAME);
    at[CACHE_NAME] = '\0';
    return (size_t)(at - out) + CACHE_NAME;
}

bool cache_make_levels(const struct cache *cache, char *path, size_t len)
{
    for (size_t i = cache->path_len + 1; i < len; i++) {
        if (path[i] != '/')
            continue;
        path[i] = '\0';
        int made = mkdir(path, 0700);
        path[i] = '/';
        if (made < 0 && errno != EEXIST)
            return false;
    }
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool cache_name_digest(const char *name, unsigned char digest[static CACHE_DIGEST])
{
    for (size_t i = 0; i < CACHE_DIGEST; i++) {
        int high = hex_value(name[2 * i]), low = high < 0 ? -1 : hex_value(name[2 * i + 1]);
        if (low < 0)
            return false;
        digest[i] = (unsigned char)(high << 4 | low);
    }
    return name[CACHE_NAME] == '\0';
}

/* --- the zone --- */

static void *make_table(const struct zone *zone, struct shared_memory *memory)
{
    (void)zone;
    return cache_table_new(memory);
}

const struct zone_kind cache_zones = { "cache", make_table };

const struct cache *cache_next(const struct zone *zone)
{
    while (zone != NULL && zone->kind != &cache_zones)
        zone = zone->next;
    return zone == NULL ? NULL : cache_of(zone);
}

bool cache_figures(const struct cache *cache, const struct log *log, struct cache_figures *figures)
{
    const struct cache_table *table = zone_lock(cache->zone, log);

    if (table == NULL)
        return false;
    *figures = cache_table_figures(table);
    zone_unlock(cache->zone);
    return true;
}

/* --- proxy_cache_path --- */

struct reading {
    struct conf *conf;
    const struct word *word;
    struct cache *cache;
    struct slice name; /* of the zone */
    uint64_t size;
};

/* 1:2:2 */
static bool read_levels(struct reading *reading, struct slice text)
{
    for (size_t i = 0; i < CACHE_LEVELS_MAX && text.len > 0; i++) {
        if (*text.at != '1' && *text.at != '2')
            return false;
        reading->cache->levels[i] = (uint8_t)(*text.at - '0');
        text = slice_from(text, 1);
        if (text.len == 0)
            return true;
        if (*text.at != ':')
            return false;
        text = slice_from(text, 1);
    }
    return false;
}

static bool read_zone(struct reading *reading, struct slice text)
{
    return zone_parse(reading->conf, reading->word, text, &reading->name, &reading->size);
}

static bool read_flag(struct slice text, bool *flag)
{
    *flag = slice_is(text, "on");
    return *flag || slice_is(text, "off");
}

/* Files are written where they are to stay, whatever is said: else they would have to be copied
 * where the folder of temporary files is on another file system. */
static bool read_temp(struct reading *reading, struct slice text)
{
    bool ignored;

    (void)reading;
    return read_flag(text, &ignored);
}

static bool read_purger(struct reading *reading, struct slice text)
{
    return read_flag(text, &reading->cache->purges);
}

/* What is written "name=value". */
static const struct parameter {
    const char *name;
    bool (*read)(struct reading *, struct slice text);
    bool (*parse)(struct slice, uint64_t *); /* when `read` is NULL: into the field */
    size_t offset;
} parameters[] = {
    { "levels", read_levels, NULL, 0 },
    { "keys_zone", read_zone, NULL, 0 },
    { "use_temp_path", read_temp, NULL, 0 },
    { "purger", read_purger, NULL, 0 },
    { "inactive", NULL, value_parse_time, offsetof(struct cache, inactive) },
    { "max_size", NULL, value_parse_offset, offsetof(struct cache, max_size) },
    { "min_free", NULL, value_parse_offset, offsetof(struct cache, min_free) },
    { "manager_files", NULL, value_parse_offset, offsetof(struct cache, manager.files) },
    { "manager_sleep", NULL, value_parse_time, offsetof(struct cache, manager.sleep) },
    { "manager_threshold", NULL, value_parse_time, offsetof(struct cache, manager.threshold) },
    { "loader_files", NULL, value_parse_offset, offsetof(struct cache, loader.files) },
    { "loader_sleep", NULL, value_parse_time, offsetof(struct cache, loader.sleep) },
    { "loader_threshold", NULL, value_parse_time, offsetof(struct cache, loader.threshold) },
    { "purger_files", NULL, value_parse_offset, offsetof(struct cache, purger.files) },
    { "purger_sleep", NULL, value_parse_time, offsetof(struct cache, purger.sleep) },
    { "purger_threshold", NULL, value_parse_time, offsetof(struct cache, purger.threshold) },
};

static bool read_parameter(struct reading *reading, const struct parameter *parameter,
                           struct slice text)
{
    uint64_t *field = (uint64_t *)((char *)reading->cache + parameter->offset);

    return parameter->read != NULL ? parameter->read(reading, text) : parameter->parse(text, field);
}

static bool read_word(struct reading *reading)
{
    struct slice word = reading->word->text, text;

    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        if (!value_option(word, parameters[i].name, &text))
            continue;
        size_t errors = reading->conf->messages.errors;
        if (read_parameter(reading, &parameters[i], text))
            return true;
        if (reading->conf->messages.errors == errors)
            conf_error(reading->conf, reading->word->at, "invalid %s value \"%.*s\"",
                       parameters[i].name, (int)word.len, word.at);
        return false;
    }
    conf_error(reading->conf, reading->word->at, "invalid parameter \"%.*s\"", (int)word.len,
               word.at);
    return false;
}

/* A path as it stands before a '/'. */
static bool set_folder(struct conf *conf, const struct word *word, struct cache *cache)
{
    struct slice text = word->text;

    while (text.len > 1 && slice_ends(text, SLICE("/")))
        text.len--;
    cache->path = conf_absolute(conf, conf->prefix, text);
    cache->path_len = cache->path == NULL ? 0 : strlen(cache->path);
    if (cache->path == NULL)
        conf_error(conf, word->at, "no memory for a cache");
    else if (cache->path_len + CACHE_PATH_MAX + sizeof CACHE_TEMP_FOLDER > PATH_MAX)
        conf_error(conf, word->at, "the path of a cache is too long");
    else
        return true;
    return false;
}

/* What must be the same for the zone to survive a reload: which files it knows. */
static struct slice identity(struct arena *arena, const struct cache *cache)
{
    return arena_printf(arena, "%s %d:%d:%d", cache->path, cache->levels[0], cache->levels[1],
                        cache->levels[2]);
}

static void set_path(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    struct cache *cache = arena_alloc(conf->arena, sizeof *cache);
    struct reading reading = { .conf = conf, .cache = cache };

    (void)scope;
    (void)value;
    if (cache == NULL) {
        conf_error(conf, node->words[0].at, "no memory for a cache");
        return;
    }
    *cache = (struct cache){ .inactive = 10 * 60 * 1000,
                             .max_size = UINT64_MAX,
                             .manager = { 100, 50, 200 },
                             .loader = { 100, 50, 200 },
                             .purger = { 10, 50, 50 } };
    bool good = set_folder(conf, &node->words[1], cache);
    for (size_t i = 2; i < node->count; i++) {
        reading.word = &node->words[i];
        good &= read_word(&reading);
    }
    if (good && reading.name.len == 0)
        conf_error(conf, node->words[0].at, "\"%s\" must have \"keys_zone\" parameter",
                   directive->name);
    else if (good && zone_declare(conf, node, directive,
                                  &(struct zone_claim){ reading.name, reading.size, &cache_zones,
                                                        identity(conf->arena, cache), cache }))
        cache->zone = conf_zone(conf, node->words[0].at, reading.name, 0, &cache_zones);
}

const struct value_type as_cache_path = { "path keys_zone=name:size [levels=...] ...", 0,
                                          set_path };
