#include "master/series.h"

#include <stdio.h>
#include <stdlib.h>

static char *key_of(const struct tally *tally)
{
    char *key = NULL;
    int len = asprintf(&key, "%d %.*s\n%.*s", (int)tally->kind, (int)tally->group.len,
                       tally->group.at, (int)tally->name.len, tally->name.at);

    return len < 0 ? NULL : key;
}

/* The series whose owner has the key; else a free one; SERIES_NOBODY when there is none. */
static unsigned find(const struct series_owners *owners, const char *key)
{
    unsigned free_one = SERIES_NOBODY;

    for (unsigned i = SERIES_NOBODY; i-- > SERIES_ALL + 1;) {
        if (owners->owner[i].key == NULL)
            free_one = i;
        else if (strcmp(owners->owner[i].key, key) == 0)
            return i;
    }
    return free_one;
}

/* Takes the series of the key, which is the owner's from here on. */
static unsigned take(struct series_owners *owners, struct board *board, char *key)
{
    unsigned series = find(owners, key);
    struct series_owner *owner = &owners->owner[series];

    if (series == SERIES_NOBODY || owner->key != NULL) {
        free(key);
    } else {
        owner->key = key;
        board_begin(board, series);
    }
    if (series != SERIES_NOBODY)
        owner->generations++;
    return series;
}

void series_assign(struct series_owners *owners, struct board *board, struct conf *conf,
                   struct series_use *use, const struct log *log)
{
    size_t missed = 0;

    if (use->owners != NULL || conf->tallies == NULL)
        return;
    use->series = calloc(conf->tallies->count, sizeof *use->series);
    if (use->series == NULL) {
        log_write(log, LOG_LEVEL_ERROR, 0, 0, "no memory for tallies of requests");
        return;
    }
    use->owners = owners;
    for (struct tally *tally = conf->tallies->first; tally != NULL; tally = tally->next) {
        char *key = key_of(tally);
        tally->series = key != NULL ? take(owners, board, key) : SERIES_NOBODY;
        if (tally->series == SERIES_NOBODY)
            missed++;
        else
            use->series[use->count++] = tally->series;
    }
    if (missed > 0)
        log_write(log, LOG_LEVEL_WARN, 0, 0,
                  "there is room to count the requests of %u status zones and upstream servers: "
                  "those of %zu more are not counted",
                  (unsigned)SERIES_NOBODY - 1, missed);
}

void series_release(struct series_use *use)
{
    for (size_t i = 0; i < use->count; i++) {
        struct series_owner *owner = &use->owners->owner[use->series[i]];
        if (--owner->generations > 0)
            continue;
        free(owner->key);
        owner->key = NULL;
    }
    free(use->series);
    *use = (struct series_use){ 0 };
}
