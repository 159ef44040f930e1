#include "conf/wildcard.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

/* --- matching a name --- */

static const struct {
    char name[8];
    int (*has)(int);
} classes[] = {
    { "alnum", isalnum }, { "alpha", isalpha }, { "blank", isblank }, { "cntrl", iscntrl },
    { "digit", isdigit }, { "graph", isgraph }, { "lower", islower }, { "print", isprint },
    { "punct", ispunct }, { "space", isspace }, { "upper", isupper }, { "xdigit", isxdigit },
};

static bool class_has(struct slice name, unsigned char byte)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (slice_is(name, classes[i].name))
            return classes[i].has(byte) != 0;
    return false;
}

/* A byte that stands for itself, perhaps behind a backslash; *at moves behind it. */
static unsigned char take_byte(struct slice pattern, size_t *at)
{
    if (pattern.at[*at] == '\\' && *at + 1 < pattern.len)
        ++*at;
    return (unsigned char)pattern.at[(*at)++];
}

/* One member of a set: [:class:], a-z or a; *at moves behind it. */
static bool member_matches(struct slice pattern, size_t *at, unsigned char byte)
{
    struct slice rest = slice_from(pattern, *at);
    const char *end = slice_search(rest, SLICE(":]"));

    if (slice_starts(rest, SLICE("[:")) && end != NULL && end > rest.at + 1) {
        size_t len = (size_t)(end - rest.at);
        *at += len + strlen(":]");
        return class_has(slice_make(rest.at + 2, len - 2), byte);
    }
    unsigned char first = take_byte(pattern, at), last = first;
    if (*at + 1 < pattern.len && pattern.at[*at] == '-' && pattern.at[*at + 1] != ']') {
        ++*at;
        last = take_byte(pattern, at);
    }
    return byte >= first && byte <= last;
}

/* A set begins at *at, which moves behind it; one that does not end is an ordinary '['. */
static bool set_matches(struct slice pattern, size_t *at, unsigned char byte)
{
    size_t i = *at + 1;
    bool others = i < pattern.len && (pattern.at[i] == '!' || pattern.at[i] == '^');
    bool found = false;

    i += others;
    for (size_t first = i; i < pattern.len && (i == first || pattern.at[i] != ']');)
        found |= member_matches(pattern, &i, byte);
    if (i >= pattern.len) {
        ++*at;
        return byte == '[';
    }
    *at = i + 1;
    return found != others;
}

/* What stands at *at, no '*', matches one byte; *at moves behind it. */
static bool byte_matches(struct slice pattern, size_t *at, unsigned char byte)
{
    if (pattern.at[*at] == '[')
        return set_matches(pattern, at, byte);
    if (pattern.at[*at] != '?')
        return take_byte(pattern, at) == byte;
    ++*at;
    return true;
}

/* Only the last '*' is ever gone back to: it can take what an earlier one would have. */
static bool matches(struct slice pattern, struct slice name)
{
    size_t at = 0, star = 0, taken = 0, i = 0;
    bool any = false;

    while (i < name.len) {
        size_t next = at;
        if (at < pattern.len && pattern.at[at] == '*') {
            any = true;
            star = ++at;
            taken = i;
        } else if (at < pattern.len && byte_matches(pattern, &next, (unsigned char)name.at[i])) {
            at = next;
            i++;
        } else if (any) {
            at = star;
            i = ++taken;
        } else {
            return false;
        }
    }
    while (at < pattern.len && pattern.at[at] == '*')
        at++;
    return at == pattern.len;
}

bool wildcard_matches(struct slice pattern, struct slice name)
{
    if (slice_starts(name, SLICE(".")) && !slice_starts(pattern, SLICE(".")) &&
        !slice_starts(pattern, SLICE("\\.")))
        return false;
    return matches(pattern, name);
}

/* --- finding files --- */

static bool add(struct array *paths, struct arena *arena, struct slice start, struct slice name)
{
    const char **path = array_push(paths, arena);

    return path != NULL && (*path = arena_cstr(arena, arena_join(arena, start, name))) != NULL;
}

/* Nothing of it can match, as nothing of it can be seen. */
static bool is_out_of_sight(int error_number)
{
    return error_number == ENOENT || error_number == ENOTDIR || error_number == EACCES;
}

/* Adds what matches in a folder, whose path ends in '/' or is empty. */
static enum wildcard_result look_into(struct arena *arena, struct slice start, struct slice pattern,
                                      struct array *paths)
{
    const char *folder = start.len == 0 ? "." : arena_cstr(arena, start);
    const struct dirent *entry;

    if (folder == NULL)
        return WILDCARD_NO_MEMORY;
    DIR *listing = opendir(folder);
    if (listing == NULL && errno == ENOMEM)
        return WILDCARD_NO_MEMORY;
    if (listing == NULL)
        return is_out_of_sight(errno) ? WILDCARD_OK : WILDCARD_FAILED;
    enum wildcard_result result = WILDCARD_OK;
    while (errno = 0, result == WILDCARD_OK && (entry = readdir(listing)) != NULL)
        if (wildcard_matches(pattern, slice_of(entry->d_name)) &&
            !add(paths, arena, start, slice_of(entry->d_name)))
            result = WILDCARD_NO_MEMORY;
    int error_number = errno;
    closedir(listing);
    errno = error_number;
    return result == WILDCARD_OK && error_number != 0 ? WILDCARD_FAILED : result;
}

/* One more part of the pattern, with the slashes before it, behind each path found so far. */
static enum wildcard_result go_on(struct arena *arena, struct slice slashes, struct slice part,
                                  struct array *paths)
{
    struct array longer = { .item_size = sizeof(const char *) };
    const char *const *items = paths->items;
    enum wildcard_result result = WILDCARD_OK;
    bool is_name = true;

    for (size_t i = 0; i < part.len; i++)
        is_name = is_name && strchr("*?[\\", part.at[i]) == NULL;
    for (size_t i = 0; i < paths->count && result == WILDCARD_OK; i++) {
        struct slice start = arena_join(arena, slice_of(items[i]), slashes);
        if (start.at == NULL)
            result = WILDCARD_NO_MEMORY;
        else if (!is_name)
            result = look_into(arena, start, part, &longer);
        else if (!add(&longer, arena, start, part))
            result = WILDCARD_NO_MEMORY;
    }
    *paths = longer;
    return result;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum wildcard_result wildcard_expand(struct arena *arena, const char *pattern, struct array *paths)
{
    struct array found = { .item_size = sizeof(const char *) };
    enum wildcard_result result = WILDCARD_OK;
    struct stat ignored;

    if (!add(&found, arena, SLICE(""), SLICE("")))
        return WILDCARD_NO_MEMORY;
    while (*pattern != '\0' && result == WILDCARD_OK) {
        size_t slashes = strspn(pattern, "/");
        size_t len = strcspn(pattern + slashes, "/");
        result =
            go_on(arena, slice_make(pattern, slashes), slice_make(pattern + slashes, len), &found);
        pattern += slashes + len;
    }
    if (result != WILDCARD_OK || found.count == 0)
        return result;
    qsort(found.items, found.count, sizeof(const char *), compare_paths);
    for (size_t i = 0; i < found.count; i++) {
        const char *path = ((const char *const *)found.items)[i], **place;
        if (lstat(path, &ignored) < 0)
            continue;
        if ((place = array_push(paths, arena)) == NULL)
            return WILDCARD_NO_MEMORY;
        *place = path;
    }
    return WILDCARD_OK;
}
