#include "conf/lexer.h"

void lexer_init(struct lexer *lexer, struct arena *arena, const struct source *source)
{
    *lexer = (struct lexer){ .source = source, .arena = arena, .line = 1 };
}

const char *lexer_end_problem(const struct source *source)
{
    return source->file ? "unexpected end of file, expecting \";\" or \"}\""
                        : "unexpected end of parameter, expecting \";\"";
}

static bool at_end(const struct lexer *lexer)
{
    return lexer->offset >= lexer->source->text.len;
}

static char peek(const struct lexer *lexer)
{
    return lexer->source->text.at[lexer->offset];
}

static void advance(struct lexer *lexer)
{
    if (peek(lexer) == '\n') {
        lexer->line++;
        lexer->line_start = lexer->offset + 1;
    }
    lexer->offset++;
}

static struct position here(const struct lexer *lexer)
{
    return (struct position){
        .source = lexer->source,
        .line = lexer->line,
        .column = (uint32_t)(lexer->offset - lexer->line_start + 1),
        .len = 1,
        .order = lexer->order,
    };
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks_and_comments(struct lexer *lexer)
{
    while (!at_end(lexer)) {
        if (peek(lexer) == '#') {
            while (!at_end(lexer) && peek(lexer) != '\n')
                advance(lexer);
        } else if (is_blank(peek(lexer))) {
            advance(lexer);
        } else {
            return;
        }
    }
}

static struct token bad(struct lexer *lexer, struct position at, const char *problem)
{
    lexer->problem = problem;
    return (struct token){ .kind = TOKEN_BAD, .at = at };
}

static struct token unexpected(struct lexer *lexer, struct position at, char c)
{
    bool control = (unsigned char)c < ' ' || c == 0x7f;
    struct slice problem =
        control ? arena_printf(lexer->arena, "unexpected \"\\x%02X\"", (unsigned)(unsigned char)c)
                : arena_printf(lexer->arena, "unexpected \"%c\"", c);

    return bad(lexer, at, problem.at);
}

/* --- words --- */

/* A word being read: what is between its quotes, as written. */
struct raw_word {
    struct position at;
    size_t start; /* behind the opening quote */
    size_t end;
    char quote; /* 0: none */
    bool closed;
    bool escaped;
    bool has_nul;
    struct position nul;
};

/* One byte of a word, and the byte that a backslash protects. */
static void take_byte(struct lexer *lexer, struct raw_word *word)
{
    bool backslash = peek(lexer) == '\\';

    if (peek(lexer) == '\0' && !word->has_nul) {
        word->has_nul = true;
        word->nul = here(lexer);
    }
    advance(lexer);
    if (!backslash)
        return;
    word->escaped = true;
    if (at_end(lexer))
        return;
    if (peek(lexer) == '\0' && !word->has_nul) {
        word->has_nul = true;
        word->nul = here(lexer);
    }
    advance(lexer);
}

static void scan_quoted(struct lexer *lexer, struct raw_word *word)
{
    word->quote = peek(lexer);
    advance(lexer);
    word->start = lexer->offset;
    while (!at_end(lexer) && peek(lexer) != word->quote)
        take_byte(lexer, word);
    word->end = lexer->offset;
    word->closed = !at_end(lexer);
    if (word->closed)
        advance(lexer);
}

/* `{` directly behind `$` belongs to the word: ${name}. */
static void scan_plain(struct lexer *lexer, struct raw_word *word)
{
    bool variable = false;

    word->start = lexer->offset;
    while (!at_end(lexer)) {
        char c = peek(lexer);
        if (is_blank(c) || c == ';' || (c == '{' && !variable))
            break;
        variable = c == '$' || c == '{';
        take_byte(lexer, word);
    }
    word->end = lexer->offset;
    word->closed = true;
}

/* The byte that an escape stands for; the backslash itself when it is none. */
static char unescaped(char c)
{
    switch (c) {
    case '"':
    case '\'':
    case '\\':
        return c;
    case 't':
        return '\t';
    case 'r':
        return '\r';
    case 'n':
        return '\n';
    default:
        return '\0';
    }
}

/* {NULL, 0} when memory is out. */
static struct slice unescape(struct arena *arena, struct slice raw)
{
    char *text = arena_text(arena, raw.len);
    size_t len = 0;

    if (text == NULL)
        return (struct slice){ NULL, 0 };
    for (size_t i = 0; i < raw.len; i++) {
        char byte = raw.at[i] == '\\' && i + 1 < raw.len ? unescaped(raw.at[i + 1]) : '\0';
        if (byte != '\0')
            i++;
        text[len++] = byte != '\0' ? byte : raw.at[i];
    }
    return slice_make(text, len);
}

static struct token too_long(struct lexer *lexer, const struct raw_word *word)
{
    enum { SHOWN = 10 };
    struct slice problem;

    if (word->quote != 0)
        problem = arena_printf(lexer->arena,
                               "too long parameter, probably missing terminating \"%c\" character",
                               word->quote);
    else
        problem = arena_printf(lexer->arena, "too long parameter \"%.*s...\" started", SHOWN,
                               lexer->source->text.at + word->start);
    return bad(lexer, word->at, problem.at);
}

static struct token never_closed(struct lexer *lexer, const struct raw_word *word)
{
    lexer->hint =
        arena_printf(lexer->arena, "the quote of line %u is not closed", word->at.line).at;
    return bad(lexer, here(lexer), lexer_end_problem(lexer->source));
}

static struct token word_token(struct lexer *lexer, const struct raw_word *word)
{
    struct slice raw = { lexer->source->text.at + word->start, word->end - word->start };

    if (raw.len > CONF_WORD_MAX)
        return too_long(lexer, word);
    if (word->has_nul)
        return unexpected(lexer, word->nul, '\0');
    if (!word->closed)
        return never_closed(lexer, word);
    struct slice text = word->escaped ? unescape(lexer->arena, raw) : raw;
    if (text.at == NULL)
        return bad(lexer, word->at, NULL);
    return (struct token){ TOKEN_WORD, text, word->quote != 0, word->at };
}

static struct token read_word(struct lexer *lexer)
{
    struct raw_word word = { .at = here(lexer) };
    size_t from = lexer->offset;

    if (peek(lexer) == '"' || peek(lexer) == '\'')
        scan_quoted(lexer, &word);
    else
        scan_plain(lexer, &word);
    word.at.len = (uint32_t)(lexer->offset - from);
    struct token token = word_token(lexer, &word);
    lexer->after_quotes = word.quote != 0 && word.closed;
    return token;
}

/* --- tokens --- */

static enum token_kind mark_kind(char c)
{
    switch (c) {
    case ';':
        return TOKEN_SEMICOLON;
    case '{':
        return TOKEN_OPEN;
    case '}':
        return TOKEN_CLOSE;
    default:
        return TOKEN_WORD;
    }
}

static bool may_follow_quotes(char c)
{
    return is_blank(c) || c == ';' || c == '{' || c == ')';
}

struct token lexer_next(struct lexer *lexer)
{
    bool after_quotes = lexer->after_quotes;

    lexer->after_quotes = false;
    lexer->problem = NULL;
    lexer->hint = NULL;
    lexer->order++;
    if (after_quotes && !at_end(lexer) && !may_follow_quotes(peek(lexer)))
        return unexpected(lexer, here(lexer), peek(lexer));
    skip_blanks_and_comments(lexer);
    if (at_end(lexer))
        return (struct token){ .kind = TOKEN_END, .at = here(lexer) };
    enum token_kind kind = mark_kind(peek(lexer));
    if (kind == TOKEN_WORD)
        return read_word(lexer);
    struct token token = {
        kind, { lexer->source->text.at + lexer->offset, 1 }, false, here(lexer)
    };
    advance(lexer);
    return token;
}
