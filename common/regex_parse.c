#include "common/regex_internal.h"

bool parser_fail(struct parser *parser, size_t at, const char *message)
{
    if (parser->error->message == NULL)
        *parser->error = (struct regex_error){ at, message };
    return false;
}

bool parser_sees(const struct parser *parser, const char *text)
{
    size_t len = strlen(text);

    return parser->pattern.len - parser->at >= len &&
           memcmp(parser->pattern.at + parser->at, text, len) == 0;
}

/* --- what is between the atoms --- */

static bool skip_comment(struct parser *parser)
{
    ptrdiff_t end = slice_find(slice_from(parser->pattern, parser->at), ')');

    if (end < 0)
        return parser_fail(parser, parser->at, "missing closing parenthesis of a comment");
    parser->at += (size_t)end + 1;
    return true;
}

/* White space and "# to the end of the line"; false when there is none. */
static bool skip_extended(struct parser *parser)
{
    char c = parser->pattern.at[parser->at];

    if ((parser->flags & FLAG_EXTENDED) == 0)
        return false;
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
        parser->at++;
        return true;
    }
    if (c != '#')
        return false;
    ptrdiff_t end = slice_find(slice_from(parser->pattern, parser->at), '\n');
    parser->at = end < 0 ? parser->pattern.len : parser->at + (size_t)end + 1;
    return true;
}

bool parse_nothings(struct parser *parser)
{
    while (parser->at < parser->pattern.len) {
        if (parser_sees(parser, "\\E") || (!parser->quoting && parser_sees(parser, "\\Q"))) {
            parser->quoting = parser->pattern.at[parser->at + 1] == 'Q';
            parser->at += 2;
        } else if (parser->quoting) {
            return true;
        } else if (parser_sees(parser, "(?#")) {
            if (!skip_comment(parser))
                return false;
        } else if (!skip_extended(parser)) {
            return true;
        }
    }
    return true;
}

/* --- atoms and what they make --- */

static struct node *parse_escape_atom(struct parser *parser)
{
    struct escape escape;

    if (!parse_escape(parser, false, &escape))
        return NULL;
    switch (escape.kind) {
    case ESCAPE_BYTE:
        return node_byte(parser, escape.byte);
    case ESCAPE_SET:
        return node_set(parser, &escape.set);
    case ESCAPE_ASSERT:
        break;
    }
    return node_assert(parser, escape.assertion);
}

static struct node *parse_dot(struct parser *parser)
{
    struct byte_set set = { 0 };

    parser->at++;
    if ((parser->flags & FLAG_DOT_ALL) == 0)
        set_add(&set, '\n');
    set_invert(&set);
    return node_set(parser, &set);
}

static struct node *parse_anchor(struct parser *parser, enum assertion plain, enum assertion lines)
{
    parser->at++;
    return node_assert(parser, (parser->flags & FLAG_LINES) != 0 ? lines : plain);
}

static struct node *parse_class_atom(struct parser *parser)
{
    struct byte_set set;

    return parse_class(parser, &set) ? node_set(parser, &set) : NULL;
}

static struct node *parse_text(struct parser *parser)
{
    uint32_t min, max;
    size_t at = parser->at;

    switch (parse_quantifier(parser, &min, &max)) {
    case QUANTIFIER_BAD:
        return NULL;
    case QUANTIFIER_READ:
        return node_refuse(parser, at, "quantifier behind nothing");
    case QUANTIFIER_NONE:
        break;
    }
    return node_byte(parser, (unsigned char)parser->pattern.at[parser->at++]);
}

static struct node *parse_atom(struct parser *parser)
{
    if (parser->quoting)
        return node_byte(parser, (unsigned char)parser->pattern.at[parser->at++]);
    switch (parser->pattern.at[parser->at]) {
    case '(':
        return parse_group(parser);
    case '[':
        return parse_class_atom(parser);
    case '.':
        return parse_dot(parser);
    case '^':
        return parse_anchor(parser, ASSERT_TEXT_START, ASSERT_LINE_START);
    case '$':
        return parse_anchor(parser, ASSERT_LAST_LINE_END, ASSERT_LINE_END);
    case '\\':
        return parse_escape_atom(parser);
    default:
        return parse_text(parser);
    }
}

/* At the end of an alternative: of the pattern, "|", or ")". */
static bool at_end(const struct parser *parser)
{
    return parser->at == parser->pattern.len ||
           (!parser->quoting && (parser_sees(parser, "|") || parser_sees(parser, ")")));
}

static struct node *parse_sequence(struct parser *parser)
{
    struct node *first = NULL, **last = &first;
    size_t count = 0;

    while (parse_nothings(parser)) {
        if (at_end(parser))
            return node_join(parser, NODE_CONCAT, first, count);
        struct node *node = parse_atom(parser);
        if (node != NULL && node->kind != NODE_FLAGS)
            node = parse_repeat(parser, node);
        if (node == NULL)
            return NULL;
        if (node->kind == NODE_EMPTY || node->kind == NODE_FLAGS)
            continue;
        *last = node;
        last = &node->next;
        count++;
    }
    return NULL;
}

struct node *parse_alternation(struct parser *parser)
{
    struct node *first = NULL, **last = &first;
    size_t count = 0;

    while (true) {
        struct node *node = parse_sequence(parser);
        if (node == NULL)
            return NULL;
        *last = node;
        last = &node->next;
        count++;
        if (!parser_sees(parser, "|"))
            return node_join(parser, NODE_ALTERNATE, first, count);
        parser->at++;
    }
}

static bool parse_pattern(struct parser *parser)
{
    struct array *names = &parser->parsed->names;

    if (array_push(names, parser->nodes) == NULL)
        return parser_fail(parser, 0, "out of memory");
    parser->parsed->root = parse_alternation(parser);
    if (parser->parsed->root == NULL)
        return false;
    if (parser->at < parser->pattern.len)
        return parser_fail(parser, parser->at, "unmatched closing parenthesis");
    if (parser->least_octal < names->count)
        return parser_fail(parser, parser->least_octal_at, "back-references are not supported");
    return true;
}

bool regex_parse(struct parsed *parsed, struct arena *nodes, struct arena *kept,
                 struct slice pattern, bool nocase, struct regex_error *error)
{
    struct parser parser = {
        .pattern = pattern,
        .flags = nocase ? FLAG_NOCASE : 0,
        .least_octal = UINT64_MAX,
        .parsed = parsed,
        .nodes = nodes,
        .kept = kept,
        .error = error,
    };

    *parsed = (struct parsed){
        .sets = { .item_size = sizeof(struct byte_set) },
        .names = { .item_size = sizeof(struct slice) },
    };
    if (pattern.len > REGEX_PATTERN_MAX)
        return parser_fail(&parser, REGEX_PATTERN_MAX, "pattern longer than 65536 bytes");
    return parse_pattern(&parser);
}
