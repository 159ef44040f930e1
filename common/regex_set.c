#include "common/regex_internal.h"

/* Pairs of first and last bytes. The names are POSIX's and Perl's. */
struct named_set {
    const char *name;
    size_t pairs;
    char ranges[9];
};

static const struct named_set posix_sets[] = {
    { "alnum", 3, "09AZaz" },
    { "alpha", 2, "AZaz" },
    { "ascii", 1, "\0\x7f" },
    { "blank", 2, "\t\t  " },
    { "cntrl", 2, "\0\x1f\x7f\x7f" },
    { "digit", 1, "09" },
    { "graph", 1, "!~" },
    { "lower", 1, "az" },
    { "print", 1, " ~" },
    { "punct", 4, "!/:@[`{~" },
    { "space", 2, "\t\r  " },
    { "upper", 1, "AZ" },
    { "word", 4, "09AZ__az" },
    { "xdigit", 3, "09AFaf" },
};

/* By the letter of the escape; its capital stands for all other bytes. */
static const struct named_set letter_sets[] = {
    { "d", 1, "09" },           { "h", 3, "\t\t  \xa0\xa0" }, { "s", 2, "\t\r  " },
    { "v", 2, "\n\r\x85\x85" }, { "w", 4, "09AZ__az" },
};

void set_fold(struct byte_set *set)
{
    for (unsigned char lower = 'a'; lower <= 'z'; lower++) {
        unsigned char upper = (unsigned char)(lower - 'a' + 'A');
        if (set_has(set, lower))
            set_add(set, upper);
        else if (set_has(set, upper))
            set_add(set, lower);
    }
}

void set_add_range(struct byte_set *set, unsigned char first, unsigned char last)
{
    for (unsigned byte = first; byte <= last; byte++)
        set_add(set, (unsigned char)byte);
}

static bool find_set(const struct named_set *sets, size_t count, struct slice name,
                     struct byte_set *set)
{
    for (size_t i = 0; i < count; i++) {
        if (!slice_is(name, sets[i].name))
            continue;
        *set = (struct byte_set){ 0 };
        for (size_t pair = 0; pair < sets[i].pairs; pair++)
            set_add_range(set, (unsigned char)sets[i].ranges[pair * 2],
                          (unsigned char)sets[i].ranges[pair * 2 + 1]);
        return true;
    }
    return false;
}

bool set_posix(struct byte_set *set, struct slice name)
{
    return find_set(posix_sets, sizeof posix_sets / sizeof *posix_sets, name, set);
}

bool set_letter(struct byte_set *set, char letter)
{
    char lower = ascii_lower(letter);

    if (!find_set(letter_sets, sizeof letter_sets / sizeof *letter_sets, slice_make(&lower, 1),
                  set))
        return false;
    if (letter != lower)
        set_invert(set);
    return true;
}
