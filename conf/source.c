#include "conf/source.h"

#include "conf/parser.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Open addressing; at most half full. */
struct source_table {
    struct source **slots;
    size_t size; /* a power of two */
    size_t count;
    size_t bytes; /* in all files that were read */
};

enum { TABLE_FIRST_SIZE = 16, READ_FIRST_SIZE = 4096 };

struct source_table *source_table_new(struct arena *arena)
{
    struct source_table *table = arena_zalloc(arena, sizeof *table);

    if (table == NULL)
        return NULL;
    table->size = TABLE_FIRST_SIZE;
    table->slots = arena_zalloc(arena, table->size * sizeof(struct source *));
    return table->slots == NULL ? NULL : table;
}

/* FNV-1a */
static uint64_t hash_of(const char *path)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (; *path != '\0'; path++)
        hash = (hash ^ (unsigned char)*path) * 0x100000001b3;
    return hash;
}

static struct source **slot_of(const struct source_table *table, const char *path)
{
    size_t at = hash_of(path) & (table->size - 1);

    while (table->slots[at] != NULL && strcmp(table->slots[at]->name, path) != 0)
        at = (at + 1) & (table->size - 1);
    return &table->slots[at];
}

static bool table_grow(struct source_table *table, struct arena *arena)
{
    struct source_table grown = { .size = table->size * 2,
                                  .count = table->count,
                                  .bytes = table->bytes };

    grown.slots = arena_zalloc(arena, grown.size * sizeof(struct source *));
    if (grown.slots == NULL)
        return false;
    for (size_t i = 0; i < table->size; i++)
        if (table->slots[i] != NULL)
            *slot_of(&grown, table->slots[i]->name) = table->slots[i];
    *table = grown;
    return true;
}

static bool table_add(struct source_table *table, struct arena *arena, struct source *source)
{
    if ((table->count + 1) * 2 > table->size && !table_grow(table, arena))
        return false;
    *slot_of(table, source->name) = source;
    table->count++;
    return true;
}

/* Doubles the room, or makes the first; false when memory is out. */
static bool make_room(struct arena *arena, char **text, size_t len, size_t *room)
{
    size_t larger = *room * 2;
    char *copy = arena_text(arena, larger);

    if (copy == NULL)
        return false;
    memcpy(copy, *text, len);
    *text = copy;
    *room = larger;
    return true;
}

/* Reads to the end; `room` is what the file will probably need. A pipe or
 * device, and a file that grows meanwhile, need more. */
static enum source_result read_all(struct arena *arena, int fd, size_t room, size_t most,
                                   struct slice *result)
{
    char *text = arena_text(arena, room);
    size_t len = 0;

    if (text == NULL)
        return SOURCE_NO_MEMORY;
    for (;;) {
        if (len == room && !make_room(arena, &text, len, &room))
            return SOURCE_NO_MEMORY;
        ssize_t count = read(fd, text + len, room - len);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return SOURCE_FAILED;
        if (count == 0)
            break;
        len += (size_t)count;
        if (len > most)
            return SOURCE_TOO_LARGE;
    }
    *result = slice_make(text, len);
    return SOURCE_OK;
}

/* nginx names the call that reads pread(). */
static enum source_result read_open(struct arena *arena, int fd, size_t most, struct slice *text,
                                    const char **call)
{
    struct stat status;

    *call = "fstat";
    if (fstat(fd, &status) != 0)
        return SOURCE_FAILED;
    *call = "pread";
    if (S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return SOURCE_FAILED;
    }
    if (!S_ISREG(status.st_mode))
        return read_all(arena, fd, READ_FIRST_SIZE, most < CONF_PIPE_MAX ? most : CONF_PIPE_MAX,
                        text);
    if (status.st_size > (off_t)most)
        return SOURCE_TOO_LARGE;
    return read_all(arena, fd, (size_t)status.st_size + 1, most, text);
}

/* Not blocking: a FIFO without a writer must not hang the start. */
static enum source_result read_file(struct arena *arena, const char *path, size_t most,
                                    struct slice *text, const char **call)
{
    *call = "open";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return SOURCE_FAILED;
    enum source_result result = read_open(arena, fd, most, text, call);
    int reason = errno;
    close(fd);
    errno = reason;
    return result;
}

enum source_result source_read(struct source_table *table, struct arena *arena, const char *path,
                               struct source **result, const char **call)
{
    const struct source *known = *slot_of(table, path);
    struct source *source = arena_zalloc(arena, sizeof *source);

    if (source == NULL)
        return SOURCE_NO_MEMORY;
    *result = source;
    source->name = path;
    source->file = true;
    if (known != NULL) {
        source->text = known->text;
        source->included_twice = true;
        return SOURCE_OK;
    }
    size_t most = CONF_BYTES_MAX - table->bytes;
    enum source_result read = read_file(arena, path, most, &source->text, call);
    if (read != SOURCE_OK)
        return read;
    table->bytes += source->text.len;
    return table_add(table, arena, source) ? SOURCE_OK : SOURCE_NO_MEMORY;
}
