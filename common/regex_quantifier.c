#include "common/regex_internal.h"

static bool read_count(struct parser *parser, size_t *at, uint32_t *count)
{
    uint32_t value = 0;

    while (*at < parser->pattern.len && parser->pattern.at[*at] >= '0' &&
           parser->pattern.at[*at] <= '9') {
        value = value * 10 + (uint32_t)(parser->pattern.at[*at] - '0');
        if (value > REGEX_REPEAT_MAX)
            return parser_fail(parser, *at, "number over 65535 in a quantifier");
        ++*at;
    }
    *count = value;
    return true;
}

enum braces { BRACES_TEXT, BRACES_COUNTS, BRACES_UNCLEAR };

/* What "{" begins: {n}, {n,}, {n,m}; what Perl has come to read so and PCRE
 * reads as text ({,m}, blanks inside); or plain text. */
static enum braces classify_braces(struct slice rest)
{
    size_t at = 1, digits = 0, commas = 0, blanks = 0, before_comma = 0;

    for (; at < rest.len && rest.at[at] != '}'; at++) {
        char c = rest.at[at];
        if (c >= '0' && c <= '9')
            digits++;
        else if (c == ',' && commas++ == 0)
            before_comma = digits;
        else if (c == ' ' || c == '\t')
            blanks++;
        else
            return BRACES_TEXT;
    }
    if (at == rest.len || digits == 0)
        return BRACES_TEXT;
    return blanks > 0 || (commas > 0 && before_comma == 0) ? BRACES_UNCLEAR : BRACES_COUNTS;
}

static bool read_braces(struct parser *parser, uint32_t *min, uint32_t *max)
{
    size_t at = parser->at + 1;

    if (!read_count(parser, &at, min))
        return false;
    *max = *min;
    if (parser->pattern.at[at] == ',') {
        at++;
        *max = REGEX_FOREVER;
        if (parser->pattern.at[at] != '}' && !read_count(parser, &at, max))
            return false;
    }
    if (*min > *max)
        return parser_fail(parser, parser->at, "numbers out of order in a quantifier");
    parser->at = at + 1;
    return true;
}

enum quantifier parse_quantifier(struct parser *parser, uint32_t *min, uint32_t *max)
{
    char c = parser->at < parser->pattern.len ? parser->pattern.at[parser->at] : '\0';

    if (parser->quoting)
        return QUANTIFIER_NONE;
    if (c == '*' || c == '+' || c == '?') {
        *min = c == '+';
        *max = c == '?' ? 1 : REGEX_FOREVER;
        parser->at++;
        return QUANTIFIER_READ;
    }
    if (c != '{')
        return QUANTIFIER_NONE;
    switch (classify_braces(slice_from(parser->pattern, parser->at))) {
    case BRACES_TEXT:
        break;
    case BRACES_UNCLEAR:
        parser_fail(parser, parser->at, "quantifier that is not {n}, {n,} or {n,m}");
        return QUANTIFIER_BAD;
    case BRACES_COUNTS:
        return read_braces(parser, min, max) ? QUANTIFIER_READ : QUANTIFIER_BAD;
    }
    return QUANTIFIER_NONE;
}

/* The "?" of a lazy quantifier; "+" would make it possessive. */
static bool read_laziness(struct parser *parser, bool *lazy)
{
    *lazy = false;
    if (!parse_nothings(parser))
        return false;
    if (parser->quoting)
        return true;
    if (parser_sees(parser, "+"))
        return parser_fail(parser, parser->at, "possessive quantifiers are not supported");
    *lazy = parser_sees(parser, "?");
    parser->at += *lazy;
    return true;
}

struct node *parse_repeat(struct parser *parser, struct node *atom)
{
    uint32_t min = 0, max = 0;
    bool lazy;

    if (!parse_nothings(parser))
        return NULL;
    switch (parse_quantifier(parser, &min, &max)) {
    case QUANTIFIER_BAD:
        return NULL;
    case QUANTIFIER_NONE:
        return atom;
    case QUANTIFIER_READ:
        break;
    }
    if (!read_laziness(parser, &lazy) || !parse_nothings(parser))
        return NULL;
    size_t at = parser->at;
    switch (parse_quantifier(parser, &min, &max)) {
    case QUANTIFIER_BAD:
        return NULL;
    case QUANTIFIER_READ:
        return node_refuse(parser, at, "quantifier behind a quantifier");
    case QUANTIFIER_NONE:
        break;
    }
    return node_repeat(parser, atom, min, max, lazy);
}
