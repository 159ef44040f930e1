#include "worker/status/tallies.h"

static struct conf_tallies *tallies_of(struct conf *conf)
{
    if (conf->tallies == NULL && (conf->tallies = arena_zalloc(conf->arena, sizeof *conf->tallies)))
        conf->tallies->last = &conf->tallies->first;
    return conf->tallies;
}

struct tally *conf_tally(struct conf *conf, enum tally_kind kind, struct slice group,
                         struct slice name)
{
    struct conf_tallies *tallies = tallies_of(conf);

    if (tallies == NULL)
        return NULL;
    for (struct tally *tally = tallies->first; tally != NULL; tally = tally->next)
        if (tally->kind == kind && slice_equal(tally->group, group) &&
            slice_equal(tally->name, name))
            return tally;
    struct tally *tally = arena_zalloc(conf->arena, sizeof *tally);
    if (tally == NULL)
        return NULL;
    tally->kind = kind;
    tally->group = group;
    tally->name = name;
    tally->series = SERIES_NOBODY;
    *tallies->last = tally;
    tallies->last = &tally->next;
    tallies->count++;
    return tally;
}

const struct tally *tally_next(const struct tally *from, enum tally_kind kind)
{
    while (from != NULL && from->kind != kind)
        from = from->next;
    return from;
}
