#include "common/regex_internal.h"

/* --- named sets --- */

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

static void set_add_range(struct byte_set *set, unsigned char first, unsigned char last)
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

/* --- escapes --- */

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

/* Up to `limit` digits of base 8 or 16; false when the value is over a byte. */
static bool read_digits(struct parser *parser, unsigned base, unsigned limit, unsigned *value)
{
    *value = 0;
    for (unsigned i = 0; i < limit && parser->at < parser->pattern.len; i++) {
        int digit = hex_digit(parser->pattern.at[parser->at]);
        if (digit < 0 || (unsigned)digit >= base)
            break;
        *value = *value * base + (unsigned)digit;
        if (*value > 0xff)
            return parser_fail(parser, parser->at, "character code over \\xff");
        parser->at++;
    }
    return true;
}

/* \x{..} and \o{..}, at the brace. */
static bool read_braced(struct parser *parser, unsigned base, unsigned *value)
{
    size_t brace = parser->at++;

    if (!read_digits(parser, base, UINT32_MAX, value))
        return false;
    if (parser->at == brace + 1 || !parser_sees(parser, "}"))
        return parser_fail(parser, brace, "bad character code in braces");
    parser->at++;
    return true;
}

/* \x41, \x{41}, \o{101}, \cA: behind the letter. */
static bool read_code(struct parser *parser, char letter, struct escape *escape)
{
    unsigned value = 0;

    if (letter == 'c') {
        char c = parser->at < parser->pattern.len ? parser->pattern.at[parser->at] : '\0';
        if (c < ' ' || c > '~')
            return parser_fail(parser, parser->at, "no printable character behind \\c");
        parser->at++;
        value = (unsigned)((c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c) ^ 0x40);
    } else if (parser_sees(parser, "{")) {
        if (!read_braced(parser, letter == 'x' ? 16 : 8, &value))
            return false;
    } else if (letter == 'o') {
        return parser_fail(parser, parser->at, "no opening brace behind \\o");
    } else if (!read_digits(parser, 16, 2, &value)) {
        return false;
    }
    *escape = (struct escape){ .kind = ESCAPE_BYTE, .byte = (unsigned char)value };
    return true;
}

/* Digits behind a backslash are a back-reference, or an octal code: in a
 * class, behind a zero, and from 10 on where there are fewer groups. */
static bool read_number(struct parser *parser, bool in_class, struct escape *escape)
{
    size_t start = parser->at;
    char first = parser->pattern.at[start];
    uint64_t number = 0;
    unsigned value = 0;

    for (size_t at = start; at < parser->pattern.len && is_digit(parser->pattern.at[at]); at++)
        if (number < REGEX_PATTERN_MAX)
            number = number * 10 + (uint64_t)(parser->pattern.at[at] - '0');
    if (in_class && !is_octal(first)) {
        parser->at++;
        *escape = (struct escape){ .kind = ESCAPE_BYTE, .byte = (unsigned char)first };
        return true;
    }
    if (!in_class && first != '0') {
        if (number < 10 || !is_octal(first))
            return parser_fail(parser, start - 1, "back-references are not supported");
        if (number < parser->least_octal) {
            parser->least_octal = number;
            parser->least_octal_at = start - 1;
        }
    }
    if (!read_digits(parser, 8, 3, &value))
        return false;
    *escape = (struct escape){ .kind = ESCAPE_BYTE, .byte = (unsigned char)value };
    return true;
}

static bool simple_byte(char letter, bool in_class, struct escape *escape)
{
    static const char letters[] = "aefnrtb";
    static const unsigned char bytes[] = "\a\033\f\n\r\t\b";
    const char *found = memchr(letters, letter, in_class ? 7 : 6);

    if (found == NULL)
        return false;
    *escape = (struct escape){ .kind = ESCAPE_BYTE, .byte = bytes[found - letters] };
    return true;
}

static bool letter_set(char letter, bool in_class, struct escape *escape)
{
    char lower = ascii_lower(letter);

    escape->kind = ESCAPE_SET;
    if (letter == 'N' && !in_class) {
        escape->set = (struct byte_set){ 0 };
        set_add(&escape->set, '\n');
        set_invert(&escape->set);
        return true;
    }
    if (!find_set(letter_sets, sizeof letter_sets / sizeof *letter_sets, slice_make(&lower, 1),
                  &escape->set))
        return false;
    if (letter != lower)
        set_invert(&escape->set);
    return true;
}

static bool letter_assertion(char letter, struct escape *escape)
{
    static const struct {
        char letter;
        enum assertion assertion;
    } assertions[] = {
        { 'A', ASSERT_TEXT_START }, { 'z', ASSERT_TEXT_END },    { 'Z', ASSERT_LAST_LINE_END },
        { 'b', ASSERT_WORD_EDGE },  { 'B', ASSERT_WORD_INSIDE },
    };

    for (size_t i = 0; i < sizeof assertions / sizeof *assertions; i++) {
        if (assertions[i].letter != letter)
            continue;
        *escape = (struct escape){ .kind = ESCAPE_ASSERT, .assertion = assertions[i].assertion };
        return true;
    }
    return false;
}

/* Why an escape that Perl knows is not taken. */
static const char *refusal(const struct parser *parser, bool in_class)
{
    static const struct {
        const char *text;
        bool in_class;
        const char *message;
    } refused[] = {
        { "g", false, "back-references are not supported" },
        { "k", false, "back-references are not supported" },
        { "N{", true, "named characters (\\N{..}) are not supported" },
        { "p", true, "Unicode properties (\\p) are not supported" },
        { "P", true, "Unicode properties (\\P) are not supported" },
        { "X", false, "\\X is not supported" },
        { "C", false, "\\C is not supported" },
        { "R", false, "\\R is not supported" },
        { "G", false, "\\G is not supported" },
        { "K", false, "\\K is not supported" },
        { "b{", false, "\\b{..} is not supported" },
        { "B{", false, "\\B{..} is not supported" },
    };

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if ((refused[i].in_class || !in_class) && parser_sees(parser, refused[i].text))
            return refused[i].message;
    return NULL;
}

bool parse_escape(struct parser *parser, bool in_class, struct escape *escape)
{
    size_t start = parser->at++;

    if (parser->at == parser->pattern.len)
        return parser_fail(parser, start, "nothing behind the last backslash");
    char letter = parser->pattern.at[parser->at];
    if (is_digit(letter))
        return read_number(parser, in_class, escape);
    const char *message = refusal(parser, in_class);
    if (message != NULL)
        return parser_fail(parser, start, message);
    parser->at++;
    if (letter == 'x' || letter == 'o' || letter == 'c')
        return read_code(parser, letter, escape);
    if (simple_byte(letter, in_class, escape) || letter_set(letter, in_class, escape) ||
        (!in_class && letter_assertion(letter, escape)))
        return true;
    if (is_letter(letter))
        return parser_fail(parser, start, "unknown escape");
    *escape = (struct escape){ .kind = ESCAPE_BYTE, .byte = (unsigned char)letter };
    return true;
}

/* --- classes --- */

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
    while (end < rest.len && (is_letter(rest.at[end]) || (end == 2 && rest.at[end] == '^')))
        end++;
    if (end + 1 >= rest.len || rest.at[end] != rest.at[1] || rest.at[end + 1] != ']')
        return POSIX_NO;
    struct slice name = slice_make(rest.at + 2, end - 2);
    bool inverted = name.len > 0 && name.at[0] == '^';
    if (rest.at[1] != ':' || !find_set(posix_sets, sizeof posix_sets / sizeof *posix_sets,
                                       slice_from(name, inverted), set)) {
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
