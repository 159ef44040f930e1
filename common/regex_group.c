#include "common/regex_internal.h"

static bool is_name_byte(char c, bool first)
{
    return ascii_letter(c) || c == '_' || (!first && c >= '0' && c <= '9');
}

/* A group's name, behind its opening mark, up to and with the closing one. */
static bool read_name(struct parser *parser, char close, struct slice *name)
{
    size_t start = parser->at;
    const struct slice *names = parser->parsed->names.items;

    while (parser->at < parser->pattern.len &&
           is_name_byte(parser->pattern.at[parser->at], parser->at == start))
        parser->at++;
    if (parser->at == start || parser->at == parser->pattern.len ||
        parser->pattern.at[parser->at] != close)
        return parser_fail(parser, start, "bad name of a group");
    *name = slice_make(parser->pattern.at + start, parser->at - start);
    for (size_t i = 0; i < parser->parsed->names.count; i++)
        if (slice_equal(names[i], *name))
            return parser_fail(parser, start, "two groups of the same name");
    *name = arena_copy(parser->kept, *name);
    if (name->at == NULL)
        return parser_fail(parser, start, "out of memory");
    parser->at++;
    return true;
}

/* The rest of a group, behind what opens it. */
static struct node *parse_inside(struct parser *parser, size_t start)
{
    struct node *inside = parse_alternation(parser);

    if (inside == NULL)
        return NULL;
    if (parser->at == parser->pattern.len)
        return node_refuse(parser, start, "missing closing parenthesis");
    parser->at++;
    return inside;
}

static struct node *parse_capture(struct parser *parser, size_t start, char close)
{
    struct slice name = { NULL, 0 };
    struct array *names = &parser->parsed->names;

    if (close != '\0' && !read_name(parser, close, &name))
        return NULL;
    if (names->count == REGEX_GROUPS_MAX)
        return node_refuse(parser, start, "more than 31 capture groups");
    struct slice *place = array_push(names, parser->nodes);
    if (place == NULL)
        return node_refuse(parser, start, "out of memory");
    *place = name;

    struct node *node = node_new(parser, NODE_GROUP);
    if (node == NULL)
        return NULL;
    node->group = (uint32_t)names->count - 1;
    node->child = parse_inside(parser, start);
    if (node->child == NULL)
        return NULL;
    node->nullable = node->child->nullable;
    return node;
}

/* The flag of a letter; 0 when it is none. */
static unsigned flag_of(char letter)
{
    switch (letter) {
    case 'i':
        return FLAG_NOCASE;
    case 's':
        return FLAG_DOT_ALL;
    case 'm':
        return FLAG_LINES;
    case 'x':
        return FLAG_EXTENDED;
    default:
        return 0;
    }
}

/* "i-s:" or "i)", behind "(?": the flags of the group, or of the rest of the
 * group around it. */
static struct node *parse_flags(struct parser *parser, size_t start, unsigned *outer)
{
    bool on = true, reset = parser_sees(parser, "^");

    if (reset) {
        parser->flags = 0;
        parser->at++;
    }
    for (; parser->at < parser->pattern.len; parser->at++) {
        char c = parser->pattern.at[parser->at];
        unsigned flag = flag_of(c);
        if (flag == FLAG_EXTENDED && parser_sees(parser, "xx"))
            return node_refuse(parser, parser->at, "flag xx is not supported");
        if (flag != 0) {
            parser->flags = on ? parser->flags | flag : parser->flags & ~flag;
        } else if (c == '-' && on && !reset) {
            on = false;
        } else if (c == ':') {
            parser->at++;
            return parse_inside(parser, start);
        } else if (c == ')') {
            parser->at++;
            *outer = parser->flags;
            return node_new(parser, NODE_FLAGS);
        } else {
            break;
        }
    }
    return node_refuse(parser, start, "unknown group or flag behind \"(?\"");
}

/* Why what begins with "(?" and Perl knows is not taken. */
static const char *refusal(const struct parser *parser)
{
    static const struct {
        const char *text;
        const char *message;
    } refused[] = {
        { "(*", "verbs (*..) are not supported" },
        { "(?=", "look-ahead is not supported" },
        { "(?!", "look-ahead is not supported" },
        { "(?<=", "look-behind is not supported" },
        { "(?<!", "look-behind is not supported" },
        { "(?>", "atomic groups are not supported" },
        { "(?|", "branch reset (?|..) is not supported" },
        { "(?(", "conditions are not supported" },
        { "(?{", "code in a pattern is not supported" },
        { "(??", "code in a pattern is not supported" },
        { "(?P=", "back-references are not supported" },
        { "(?P>", "recursion is not supported" },
        { "(?R", "recursion is not supported" },
        { "(?&", "recursion is not supported" },
        { "(?+", "recursion is not supported" },
    };

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (parser_sees(parser, refused[i].text))
            return refused[i].message;
    struct slice rest = slice_from(parser->pattern, parser->at);
    size_t digit = slice_starts(rest, SLICE("(?-")) ? 3 : 2;
    bool number =
        rest.len > digit && rest.at[1] == '?' && rest.at[digit] >= '0' && rest.at[digit] <= '9';
    return number ? "recursion is not supported" : NULL;
}

static struct node *parse_open(struct parser *parser, unsigned *outer)
{
    static const struct {
        const char *text;
        char close; /* what ends the name */
    } names[] = { { "(?<", '>' }, { "(?P<", '>' }, { "(?'", '\'' } };
    size_t start = parser->at;
    const char *message = refusal(parser);

    if (message != NULL)
        return node_refuse(parser, start, message);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (parser_sees(parser, names[i].text)) {
            parser->at += strlen(names[i].text);
            return parse_capture(parser, start, names[i].close);
        }
    }
    if (parser_sees(parser, "(?")) {
        parser->at += 2;
        return parse_flags(parser, start, outer);
    }
    parser->at++;
    return parse_capture(parser, start, '\0');
}

struct node *parse_group(struct parser *parser)
{
    unsigned outer = parser->flags;

    if (parser->nesting == REGEX_NESTING_MAX)
        return node_refuse(parser, parser->at, "groups nested more than 250 deep");
    parser->nesting++;
    struct node *node = parse_open(parser, &outer);
    parser->nesting--;
    parser->flags = outer;
    return node;
}
