#include "common/regex_internal.h"

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
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
    escape->kind = ESCAPE_SET;
    if (letter != 'N' || in_class)
        return set_letter(&escape->set, letter);
    escape->set = (struct byte_set){ 0 };
    set_add(&escape->set, '\n');
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

/* \N with a quantifier, such as \N{2}; any other brace begins a name. */
static bool is_counted(const struct parser *parser)
{
    struct slice rest = slice_from(parser->pattern, parser->at);

    return rest.len > 2 && slice_starts(rest, SLICE("N{")) && is_digit(rest.at[2]);
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
    if (message != NULL && !is_counted(parser))
        return parser_fail(parser, start, message);
    parser->at++;
    if (letter == 'x' || letter == 'o' || letter == 'c')
        return read_code(parser, letter, escape);
    if (simple_byte(letter, in_class, escape) || letter_set(letter, in_class, escape) ||
        (!in_class && letter_assertion(letter, escape)))
        return true;
    if (ascii_letter(letter))
        return parser_fail(parser, start, "unknown escape");
    *escape = (struct escape){ .kind = ESCAPE_BYTE, .byte = (unsigned char)letter };
    return true;
}
