#include "worker/handlers/file_cache.h"

#include "worker/context.h"
#include "worker/handlers/file_cache_internal.h"
#include "worker/http/request.h"

#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    INACTIVE = 10 * 1000,    /* ms an unused file stays open without open_file_cache */
    DESCRIPTORS_LEAST = 32,  /* kept at least; worker.c leaves room for them */
    DESCRIPTORS_CLOSED = 16, /* at a time, when there are no more */
};

/* A reference that a request gives back when it ends. */
struct held_file {
    struct held_file *next;
    struct open_file *file;
};

/* --- the cache --- */

/* Descriptors that files may keep: what the connections do not need. */
static size_t descriptor_bound(const struct worker *worker, size_t entries)
{
    struct rlimit files = { RLIM_INFINITY, RLIM_INFINITY };
    size_t taken = 2 * (size_t)worker->connection_limit + DESCRIPTORS_LEAST;

    getrlimit(RLIMIT_NOFILE, &files);
    size_t room = files.rlim_cur > taken ? (size_t)files.rlim_cur - taken : 0;
    if (room > entries)
        room = entries;
    return room > DESCRIPTORS_LEAST ? room : DESCRIPTORS_LEAST;
}

struct file_cache *file_cache_open(struct worker *worker, size_t entries, size_t memory)
{
    struct file_cache *cache = calloc(1, sizeof *cache);

    if (cache == NULL)
        return NULL;
    if (getrandom(&cache->seed, sizeof cache->seed, GRND_NONBLOCK) < 0)
        cache->seed = (uintptr_t)cache ^ (uint64_t)time(NULL);
    cache->limits = (struct file_cache_limits){ .max = entries, .inactive = INACTIVE };
    cache->budget.content_max = memory;
    cache->budget.descriptors_max = descriptor_bound(worker, entries);
    cache->built_in = (struct file_table){ .timers = &worker->timers,
                                           .limits = &cache->limits,
                                           .count_max = entries,
                                           .budget = &cache->budget };
    if (file_table_init(&cache->built_in))
        return cache;
    free(cache);
    return NULL;
}

void file_cache_close(struct file_cache *cache)
{
    file_table_clear(&cache->built_in);
    while (cache->configured != NULL) {
        struct file_table *next = cache->configured->next;
        file_table_clear(cache->configured);
        free(cache->configured);
        cache->configured = next;
    }
    free(cache);
}

/* The table of an open_file_cache directive; NULL when memory is out. */
static struct file_table *table_new(struct file_cache *cache,
                                    const struct file_cache_limits *limits)
{
    struct file_table *table = calloc(1, sizeof *table);

    if (table == NULL)
        return NULL;
    table->timers = cache->built_in.timers;
    table->limits = limits;
    table->count_max = (size_t)limits->max;
    table->budget = &cache->budget;
    if (file_table_init(table))
        return table;
    free(table);
    return NULL;
}

struct file_table *file_cache_table(struct file_cache *cache,
                                    const struct file_cache_limits *limits)
{
    struct file_table *table;

    if (limits == NULL)
        return &cache->built_in;
    for (table = cache->configured; table != NULL; table = table->next)
        if (table->limits == limits)
            return table;
    table = table_new(cache, limits);
    if (table == NULL)
        return NULL;
    table->next = cache->configured;
    cache->configured = table;
    return table;
}

bool file_cache_shrink(struct file_cache *cache)
{
    size_t closed = file_table_shrink(&cache->built_in, DESCRIPTORS_CLOSED);

    for (struct file_table *table = cache->configured; table != NULL; table = table->next)
        closed += file_table_shrink(table, DESCRIPTORS_CLOSED);
    return closed > 0;
}

/* --- references --- */

void file_hold(struct open_file *file)
{
    file->references++;
}

void file_release(struct open_file *file)
{
    if (--file->references > 0)
        return;
    if (file->fd >= 0)
        close(file->fd);
    free((char *)(uintptr_t)file->content.at);
    free((char *)(uintptr_t)file->head.at);
    free(file);
}

bool file_hold_for_request(struct request *request, struct open_file *file)
{
    struct held_file *held = arena_alloc(&request->arena, sizeof *held);

    if (held == NULL)
        return false;
    *held = (struct held_file){ request->held, file };
    request->held = held;
    file_hold(file);
    return true;
}

void files_release(struct request *request)
{
    while (request->held != NULL) {
        struct held_file *held = request->held;
        request->held = held->next;
        file_release(held->file);
    }
}
