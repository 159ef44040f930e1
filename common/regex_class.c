#include "common/regex_internal.h"

/* Steps over \Q and \E. */
static void skip_quote_marks(struct parser *parser)
{
    while (parser_sees(parser, "\\E") || (!parser->quoting && parser_sees(parser, "\\Q"))) {
        parser->quoting = parser->pattern.at[parser->at + 1] == 'Q';
        parser->at += 2;
    }
}

enum posix { POSIX_NO, POSIX_SET, POSIX_BAD };

/* "[:alpha:]" or "[:^alpha:]" inside a class, at its bracket. */
static enum posix read_posix(struct parser *parser, struct byte_set *set)
{
    struct slice rest = slice_from(parser->pattern, parser->at);
    size_t end = 2;

    if (!slice_starts(rest, SLICE("[:")) && !slice_starts(rest, SLICE("[.")) &&
        !slice_starts(rest, SLICE("[=")))
        return POSIX_NO;
    while (end < rest.len && (ascii_letter(rest.at[end]) || (end == 2 && rest.at[end] == '^')))
        end++;
    if (end + 1 >= rest.len || rest.at[end] != rest.at[1] || rest.at[end + 1] != ']')
        return POSIX_NO;
    struct slice name = slice_make(rest.at + 2, end - 2);
    bool inverted = name.len > 0 && name.at[0] == '^';
    if (rest.at[1] != ':' || !set_posix(set, slice_from(name, inverted))) {
        parser_fail(parser, parser->at, "unknown POSIX class");
        return POSIX_BAD;
    }
    if ((parser->flags & FLAG_NOCASE) != 0)
        set_fold(set);
    if (inverted)
        set_invert(set);
    parser->at += end + 2;
    return POSIX_SET;
}

/* One byte or set of a class. */
static bool read_item(struct parser *parser, struct escape *item)
{
    char c = parser->pattern.at[parser->at];

    if (!parser->quoting && c == '[') {
        item->kind = ESCAPE_SET;
        switch (read_posix(parser, &item->set)) {
        case POSIX_BAD:
            return false;
        case POSIX_SET:
            return true;
        case POSIX_NO:
            break;
        }
    }
    if (!parser->quoting && c == '\\')
        return parse_escape(parser, true, item);
    parser->at++;
    *item = (struct escape){ .kind = ESCAPE_BYTE, .byte = (unsigned char)c };
    return true;
}

/* At the hyphen of a range: one that is not the last of the class. */
static bool at_range(struct parser *parser)
{
    size_t at = parser->at;

    if (parser->quoting || !parser_sees(parser, "-"))
        return false;
    parser->at++;
    skip_quote_marks(parser);
    if (parser->at < parser->pattern.len && (parser->quoting || !parser_sees(parser, "]")))
        return true;
    parser->at = at;
    parser->quoting = false;
    return false;
}

static void add_bytes(const struct parser *parser, struct byte_set *set, unsigned char first,
                      unsigned char last)
{
    struct byte_set range = { 0 };

    set_add_range(&range, first, last);
    if ((parser->flags & FLAG_NOCASE) != 0)
        set_fold(&range);
    set_join(set, &range);
}

/* An item, or a range of two. Where a set stands for an end of a range the
 * hyphen is a hyphen, as Perl has it. */
static bool read_items(struct parser *parser, struct byte_set *set)
{
    size_t start = parser->at;
    struct escape first, last;

    if (!read_item(parser, &first))
        return false;
    if (first.kind == ESCAPE_SET) {
        set_join(set, &first.set);
        return true;
    }
    skip_quote_marks(parser);
    if (!at_range(parser)) {
        add_bytes(parser, set, first.byte, first.byte);
        return true;
    }
    if (!read_item(parser, &last))
        return false;
    if (last.kind == ESCAPE_SET) {
        add_bytes(parser, set, first.byte, first.byte);
        add_bytes(parser, set, '-', '-');
        set_join(set, &last.set);
        return true;
    }
    if (last.byte < first.byte)
        return parser_fail(parser, start, "range out of order in a class");
    add_bytes(parser, set, first.byte, last.byte);
    return true;
}

/* "[:alpha:]" alone, which people write for "[[:alpha:]]". */
static bool is_bare_posix(const struct parser *parser)
{
    struct parser copy = *parser;
    struct regex_error ignored = { 0 };
    struct byte_set set;

    copy.error = &ignored;
    return read_posix(&copy, &set) != POSIX_NO;
}

bool parse_class(struct parser *parser, struct byte_set *set)
{
    size_t start = parser->at;

    *set = (struct byte_set){ 0 };
    if (is_bare_posix(parser))
        return parser_fail(parser, start, "POSIX class outside of a bracketed class");
    parser->at++;
    bool inverted = parser_sees(parser, "^");
    if (inverted)
        parser->at++;
    for (bool empty = true;; empty = false) {
        skip_quote_marks(parser);
        if (parser->at == parser->pattern.len)
            return parser_fail(parser, start, "missing closing bracket of a class");
        if (!empty && !parser->quoting && parser_sees(parser, "]"))
            break;
        if (!read_items(parser, set))
            return false;
    }
    parser->at++;
    if (inverted)
        set_invert(set);
    return true;
}
