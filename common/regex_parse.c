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

static struct node *fail(struct parser *parser, size_t at, const char *message)
{
    parser_fail(parser, at, message);
    return NULL;
}

/* --- nodes --- */

static struct node *node_new(struct parser *parser, enum node_kind kind)
{
    struct node *node = arena_zalloc(parser->nodes, sizeof *node);

    if (node == NULL)
        return fail(parser, parser->at, "out of memory");
    node->kind = kind;
    node->set = REGEX_NONE;
    node->nullable = kind == NODE_EMPTY || kind == NODE_FLAGS || kind == NODE_ASSERT;
    return node;
}

static struct node *assert_node(struct parser *parser, enum assertion assertion)
{
    struct node *node = node_new(parser, NODE_ASSERT);

    if (node != NULL)
        node->assertion = assertion;
    return node;
}

/* The index of the set: that of an equal one among the last few, or a new one. */
static bool set_index(struct parser *parser, const struct byte_set *set, uint32_t *index)
{
    struct array *sets = &parser->parsed->sets;
    struct byte_set *items = sets->items;

    for (size_t i = sets->count, tries = 64; i > 0 && tries > 0; i--, tries--) {
        if (memcmp(&items[i - 1], set, sizeof *set) == 0) {
            *index = (uint32_t)(i - 1);
            return true;
        }
    }
    struct byte_set *added = array_push(sets, parser->nodes);
    if (added == NULL)
        return parser_fail(parser, parser->at, "out of memory");
    *added = *set;
    *index = (uint32_t)(sets->count - 1);
    return true;
}

static struct node *set_node(struct parser *parser, const struct byte_set *set)
{
    struct node *node = node_new(parser, NODE_SET);

    return node != NULL && set_index(parser, set, &node->set) ? node : NULL;
}

static struct node *byte_node(struct parser *parser, unsigned char byte)
{
    struct node *node = node_new(parser, NODE_BYTE);
    struct byte_set cases = { 0 };
    bool letter = ascii_lower((char)byte) >= 'a' && ascii_lower((char)byte) <= 'z';

    if (node == NULL)
        return NULL;
    node->byte = byte;
    if (!letter || (parser->flags & FLAG_NOCASE) == 0)
        return node;
    set_add(&cases, byte);
    set_fold(&cases);
    return set_index(parser, &cases, &node->set) ? node : NULL;
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

/* Skips what stands for nothing: \Q, \E, comments, and with (?x) white space. */
static bool skip_nothings(struct parser *parser)
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

/* --- quantifiers --- */

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

enum quantifier { QUANTIFIER_NONE, QUANTIFIER_READ, QUANTIFIER_BAD };

/* The quantifier that begins here, without what follows it. */
static enum quantifier read_quantifier(struct parser *parser, uint32_t *min, uint32_t *max)
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
    if (!skip_nothings(parser))
        return false;
    if (parser->quoting)
        return true;
    if (parser_sees(parser, "+"))
        return parser_fail(parser, parser->at, "possessive quantifiers are not supported");
    *lazy = parser_sees(parser, "?");
    parser->at += *lazy;
    return true;
}

static struct node *repeat_node(struct parser *parser, struct node *atom, uint32_t min,
                                uint32_t max, bool lazy)
{
    if (max == 0 || atom->kind == NODE_EMPTY)
        return node_new(parser, NODE_EMPTY);
    if (min == 1 && max == 1)
        return atom;
    struct node *node = node_new(parser, NODE_REPEAT);
    if (node == NULL)
        return NULL;
    node->min = min;
    node->max = max;
    node->lazy = lazy;
    node->child = atom;
    node->nullable = min == 0 || atom->nullable;
    return node;
}

static struct node *parse_repeat(struct parser *parser, struct node *atom)
{
    uint32_t min = 0, max = 0;
    bool lazy;

    if (!skip_nothings(parser))
        return NULL;
    switch (read_quantifier(parser, &min, &max)) {
    case QUANTIFIER_BAD:
        return NULL;
    case QUANTIFIER_NONE:
        return atom;
    case QUANTIFIER_READ:
        break;
    }
    if (!read_laziness(parser, &lazy) || !skip_nothings(parser))
        return NULL;
    size_t at = parser->at;
    switch (read_quantifier(parser, &min, &max)) {
    case QUANTIFIER_BAD:
        return NULL;
    case QUANTIFIER_READ:
        return fail(parser, at, "quantifier behind a quantifier");
    case QUANTIFIER_NONE:
        break;
    }
    return repeat_node(parser, atom, min, max, lazy);
}

/* --- groups --- */

static struct node *parse_alternation(struct parser *);

static bool is_name_byte(char c, bool first)
{
    return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
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
        return fail(parser, start, "missing closing parenthesis");
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
        return fail(parser, start, "more than 31 capture groups");
    struct slice *place = array_push(names, parser->nodes);
    if (place == NULL)
        return fail(parser, start, "out of memory");
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
            return fail(parser, parser->at, "flag xx is not supported");
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
    return fail(parser, start, "unknown group or flag behind \"(?\"");
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
        return fail(parser, start, message);
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

static struct node *parse_group(struct parser *parser)
{
    unsigned outer = parser->flags;

    if (parser->nesting == REGEX_NESTING_MAX)
        return fail(parser, parser->at, "groups nested more than 250 deep");
    parser->nesting++;
    struct node *node = parse_open(parser, &outer);
    parser->nesting--;
    parser->flags = outer;
    return node;
}

/* --- atoms and what they make --- */

static struct node *parse_escape_atom(struct parser *parser)
{
    struct escape escape;

    if (!parse_escape(parser, false, &escape))
        return NULL;
    switch (escape.kind) {
    case ESCAPE_BYTE:
        return byte_node(parser, escape.byte);
    case ESCAPE_SET:
        return set_node(parser, &escape.set);
    case ESCAPE_ASSERT:
        break;
    }
    return assert_node(parser, escape.assertion);
}

static struct node *parse_dot(struct parser *parser)
{
    struct byte_set set = { 0 };

    parser->at++;
    if ((parser->flags & FLAG_DOT_ALL) == 0)
        set_add(&set, '\n');
    set_invert(&set);
    return set_node(parser, &set);
}

static struct node *parse_anchor(struct parser *parser, enum assertion plain, enum assertion lines)
{
    parser->at++;
    return assert_node(parser, (parser->flags & FLAG_LINES) != 0 ? lines : plain);
}

static struct node *parse_class_atom(struct parser *parser)
{
    struct byte_set set;

    return parse_class(parser, &set) ? set_node(parser, &set) : NULL;
}

static struct node *parse_text(struct parser *parser)
{
    uint32_t min, max;
    size_t at = parser->at;

    switch (read_quantifier(parser, &min, &max)) {
    case QUANTIFIER_BAD:
        return NULL;
    case QUANTIFIER_READ:
        return fail(parser, at, "quantifier behind nothing");
    case QUANTIFIER_NONE:
        break;
    }
    return byte_node(parser, (unsigned char)parser->pattern.at[parser->at++]);
}

static struct node *parse_atom(struct parser *parser)
{
    if (parser->quoting)
        return byte_node(parser, (unsigned char)parser->pattern.at[parser->at++]);
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

/* A node for `count` children, of which one may stand alone. */
static struct node *join(struct parser *parser, enum node_kind kind, struct node *first,
                         size_t count)
{
    if (count == 0)
        return node_new(parser, NODE_EMPTY);
    if (count == 1)
        return first;
    struct node *node = node_new(parser, kind);
    if (node == NULL)
        return NULL;
    node->child = first;
    node->nullable = kind == NODE_CONCAT;
    for (const struct node *child = first; child != NULL; child = child->next) {
        if (kind == NODE_CONCAT)
            node->nullable = node->nullable && child->nullable;
        else
            node->nullable = node->nullable || child->nullable;
    }
    return node;
}

static struct node *parse_sequence(struct parser *parser)
{
    struct node *first = NULL, **last = &first;
    size_t count = 0;

    while (skip_nothings(parser)) {
        if (at_end(parser))
            return join(parser, NODE_CONCAT, first, count);
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

static struct node *parse_alternation(struct parser *parser)
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
            return join(parser, NODE_ALTERNATE, first, count);
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
