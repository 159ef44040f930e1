#include "common/title.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The title's place is the process's own, one for all: the kernel decided it. */
static struct {
    char *at;
    size_t size;
    char **environment; /* the copy, which must stay as long as anybody has its strings */
} place;

/* The environment's strings as one copy, so that their old place can be
 * written over. Returns false when memory is out; environ is unchanged. */
static bool move_environment(void)
{
    size_t count = 0, size = 0;

    for (; environ[count] != NULL; count++)
        size += strlen(environ[count]) + 1;
    char **names = malloc((count + 1) * sizeof *names);
    char *text = malloc(size + 1);
    if (names == NULL || text == NULL) {
        free(names);
        free(text);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(environ[i]) + 1;
        memcpy(text, environ[i], len);
        names[i] = text;
        text += len;
    }
    names[count] = NULL;
    environ = place.environment = names;
    return true;
}

/* The end of `strings` if they follow `end` without a gap, else as far as they do. */
static char *extend(char *end, char *const strings[])
{
    for (size_t i = 0; strings[i] != NULL && strings[i] == end; i++)
        end += strlen(strings[i]) + 1;
    return end;
}

void title_init(int argc, char *const argv[])
{
    if (argc < 1 || argv[0] == NULL || place.at != NULL)
        return;
    char *end = extend(argv[0], argv);
    char *whole = extend(end, environ);
    if (whole > end && move_environment())
        end = whole;
    place.at = argv[0];
    place.size = (size_t)(end - argv[0]);
}

void title_set(const char *title)
{
    if (place.size == 0)
        return;
    int len = snprintf(place.at, place.size, "muxd: %s", title);
    if (len < 0)
        return;
    /* What is left of the arguments would be shown behind the title. */
    if ((size_t)len < place.size)
        memset(place.at + len, 0, place.size - (size_t)len);
}
