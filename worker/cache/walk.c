/* Through the folders of a cache. */
#include "common/anchor.h"
#include "worker/cache/keeper_internal.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    struct cache_turn *turn;
    cache_visit *visit;
    char path[PATH_MAX];
    size_t len;
};

static void failed(const struct cache_keeper *keeper, const char *call, const char *path)
{
    if (errno != ENOENT) /* somebody else was faster */
        log_write(keeper->log, LOG_LEVEL_CRIT, errno, 0, "%s \"%s\" failed", call, path);
}

/* The name of a folder of this many digits; what is not is not the cache's. */
static bool is_level(const char *name, size_t digits)
{
    return strlen(name) == digits && strspn(name, "0123456789abcdef") == digits;
}

static bool visit_file(struct place *place, const char *name)
{
    unsigned char digest[CACHE_DIGEST];
    char expected[PATH_MAX];
    struct stat found;

    if (!cache_name_digest(name, digest))
        return true;
    cache_file_path(place->turn->cache, digest, expected);
    if (strcmp(place->path, expected) != 0)
        return true;
    if (lstat(place->path, &found) < 0) {
        failed(place->turn->keeper, "lstat()", place->path);
        return true;
    }
    return !S_ISREG(found.st_mode) ||
           place->visit(place->turn, place->path, digest, (uint64_t)found.st_size);
}

static bool walk_folder(struct place *place, unsigned level);

/* The entry of a folder at this level. */
static bool visit_name(struct place *place, const char *name, unsigned level)
{
    const uint8_t *levels = place->turn->cache->levels;
    bool is_last = level == CACHE_LEVELS_MAX || levels[level] == 0;
    size_t len = place->len, name_len = strlen(name);
    bool goes_on;

    if ((!is_last && !is_level(name, levels[level])) || len + 1 + name_len >= PATH_MAX)
        return true;
    place->path[len] = '/';
    memcpy(place->path + len + 1, name, name_len + 1);
    place->len = len + 1 + name_len;
    goes_on = is_last ? visit_file(place, name) : walk_folder(place, level + 1);
    place->len = len;
    place->path[len] = '\0';
    return goes_on;
}

static bool walk_folder(struct place *place, unsigned level)
{
    DIR *folder = anchored_open_folder(place->path);
    const struct dirent *entry;
    bool goes_on = true;

    if (folder == NULL) {
        if (errno != ENOTDIR)
            failed(place->turn->keeper, "opendir()", place->path);
        return true;
    }
    while (goes_on && (entry = readdir(folder)) != NULL)
        goes_on = visit_name(place, entry->d_name, level);
    closedir(folder);
    return goes_on;
}

bool cache_walk(struct cache_turn *turn, cache_visit *visit)
{
    struct place place = { .turn = turn, .visit = visit, .len = turn->cache->path_len };

    memcpy(place.path, turn->cache->path, place.len + 1);
    return walk_folder(&place, 0);
}

/* --- temporary files --- */

/* "1234.56" of process 1234, which has ended. */
static bool is_orphan(const char *name)
{
    char *end;
    long process = strtol(name, &end, 10);

    return end != name && *end == '.' && process > 0 && process <= INT_MAX &&
           kill((pid_t)process, 0) < 0 && errno == ESRCH;
}

void cache_sweep(struct cache_keeper *keeper, const struct cache *cache)
{
    char path[PATH_MAX];
    const struct dirent *entry;

    snprintf(path, sizeof path, "%s" CACHE_TEMP_FOLDER, cache->path);
    DIR *folder = anchored_open_folder(path);
    if (folder == NULL) {
        failed(keeper, "opendir()", path);
        return;
    }
    while ((entry = readdir(folder)) != NULL)
        if (is_orphan(entry->d_name) && unlinkat(dirfd(folder), entry->d_name, 0) < 0)
            failed(keeper, "unlink()", entry->d_name);
    closedir(folder);
}
