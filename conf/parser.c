#include "conf/reader.h"
#include "conf/source.h"

/* A directive whose words have been read. */
struct statement {
    struct conf_node *node;
    bool broken; /* said so already: it is read over */
};

static const struct slice no_hint = { "", 0 };

/* --- tokens --- */

static struct token next(struct reader *reader)
{
    struct conf_tree *tree = reader->tree;

    if (reader->has_ahead) {
        reader->has_ahead = false;
        return reader->ahead;
    }
    reader->lexer.order = tree->order;
    struct token token = lexer_next(&reader->lexer);
    tree->order = reader->lexer.order;
    return token;
}

static void give_back(struct reader *reader, struct token token)
{
    reader->ahead = token;
    reader->has_ahead = true;
}

/* --- problems --- */

void reader_report(const struct reader *reader, struct position at, struct slice hint,
                   const char *problem)
{
    conf_message_add(reader->tree->messages, CONF_EMERG, at, hint, "%s", problem);
}

void reader_stop(const struct reader *reader, struct position at, const char *problem)
{
    reader_report(reader, at, no_hint, problem);
    reader->tree->stopped = true;
}

static void report_bad(struct reader *reader, const struct token *token)
{
    const struct lexer *lexer = &reader->lexer;

    if (lexer->problem == NULL) { /* the arena is exhausted, which conf_load says */
        reader->tree->stopped = true;
        return;
    }
    reader_report(reader, token->at, lexer->hint == NULL ? no_hint : slice_of(lexer->hint),
                  lexer->problem);
    /* A quote that is never closed ends the source. */
    if (lexer->offset >= lexer->source->text.len)
        reader->end_reported = true;
}

/* `open` is the place of a { that has no }, or NULL. */
static void report_end(struct reader *reader, struct position at, const struct position *open,
                       const char *problem)
{
    struct slice hint = no_hint;

    if (reader->end_reported)
        return;
    if (open != NULL)
        hint = arena_printf(reader->tree->arena, "the \"{\" of line %u is not closed", open->line);
    reader_report(reader, at, hint, problem);
    reader->end_reported = true;
}

/* --- words --- */

static bool add_word(struct reader *reader, const struct token *token)
{
    struct word *word = array_push(&reader->tree->words, reader->tree->arena);

    if (word == NULL) {
        reader->tree->stopped = true;
        return false;
    }
    *word = (struct word){ token->text, token->quoted, token->at };
    return true;
}

/* A directive of so many words has no meaning in any module. */
static void too_many_words(const struct reader *reader)
{
    const struct word *name = reader->tree->words.items;

    conf_message_add(reader->tree->messages, CONF_EMERG, name->at, no_hint,
                     "invalid number of arguments in \"%.*s\" directive", (int)name->text.len,
                     name->text.at);
}

static void take_word(struct reader *reader, const struct token *token, bool *broken)
{
    if (reader->tree->words.count < CONF_WORDS_MAX) {
        if (!add_word(reader, token))
            *broken = true;
    } else if (!*broken) {
        too_many_words(reader);
        *broken = true;
    }
}

/* Reads up to what ends the directive: ; { } or the end of the source. */
static struct token read_words(struct reader *reader, bool *broken)
{
    for (;;) {
        struct token token = next(reader);
        switch (token.kind) {
        case TOKEN_WORD:
            take_word(reader, &token, broken);
            break;
        case TOKEN_BAD:
            report_bad(reader, &token);
            *broken = true;
            break;
        default:
            return token;
        }
        if (reader->tree->stopped)
            return (struct token){ .kind = TOKEN_END, .at = token.at };
    }
}

/* A node with the words that were collected; NULL when memory is out. */
static struct conf_node *node_new(struct conf_tree *tree)
{
    struct conf_node *node = arena_zalloc(tree->arena, sizeof *node);
    size_t size = tree->words.count * sizeof(struct word);

    if (node == NULL)
        return NULL;
    node->count = tree->words.count;
    node->words = arena_alloc(tree->arena, size);
    if (node->words == NULL)
        return NULL;
    memcpy(node->words, tree->words.items, size);
    return node;
}

/* --- blocks --- */

/* Reads { ... } behind the opening brace, into `node` unless it is NULL. */
static void read_block(struct reader *reader, struct conf_node *node, const struct token *open)
{
    struct conf_tree *tree = reader->tree;
    struct conf_node *dropped = NULL;
    struct conf_node **last = node == NULL ? &dropped : &node->children;
    struct position end = open->at;

    if (tree->block_depth == CONF_BLOCK_DEPTH_MAX) {
        reader_stop(reader, open->at, "too many nested blocks");
        return;
    }
    tree->block_depth++;
    reader_directives(reader, &last, &open->at, &end);
    tree->block_depth--;
    if (node != NULL) {
        node->block = true;
        node->end = end;
    }
}

/* --- directives --- */

/* A } where a ; should be: it closes the block all the same. */
static void report_close(struct reader *reader, struct token token, bool in_block)
{
    struct slice hint = SLICE("is \";\" missing before it?");

    reader_report(reader, token.at, hint, "unexpected \"}\"");
    if (in_block)
        give_back(reader, token);
}

/* Reads the directive that begins with the word `first`. */
static struct statement read_statement(struct reader *reader, const struct token *first,
                                       bool in_block)
{
    struct statement statement = { 0 };

    reader->tree->words.count = 0;
    take_word(reader, first, &statement.broken);
    struct token end = read_words(reader, &statement.broken);
    if (reader->tree->stopped)
        return statement;
    statement.node = node_new(reader->tree);
    if (statement.node == NULL) {
        reader->tree->stopped = true;
        return statement;
    }
    statement.node->end = end.at;
    if (end.kind == TOKEN_OPEN) {
        read_block(reader, statement.node, &end);
    } else if (end.kind == TOKEN_CLOSE) {
        report_close(reader, end, in_block);
        statement.broken = true;
    } else if (end.kind == TOKEN_END) {
        report_end(reader, end.at, NULL, lexer_end_problem(reader->lexer.source));
        statement.broken = true;
    }
    return statement;
}

static void read_directive(struct reader *reader, const struct token *first, bool in_block,
                           struct conf_node ***last)
{
    struct statement statement = read_statement(reader, first, in_block);

    if (statement.broken || statement.node == NULL)
        return;
    if (slice_is(statement.node->words[0].text, "include")) {
        reader_include(reader, statement.node, last);
        return;
    }
    **last = statement.node;
    *last = &statement.node->next;
}

/* A ; or { without a directive. */
static void read_stray(struct reader *reader, const struct token *token)
{
    reader_report(reader, token->at, no_hint,
                  token->kind == TOKEN_OPEN ? "unexpected \"{\"" : "unexpected \";\"");
    if (token->kind == TOKEN_OPEN)
        read_block(reader, NULL, token);
}

void reader_directives(struct reader *reader, struct conf_node ***last, const struct position *open,
                       struct position *end)
{
    while (!reader->tree->stopped) {
        struct token token = next(reader);
        *end = token.at;
        switch (token.kind) {
        case TOKEN_WORD:
            read_directive(reader, &token, open != NULL, last);
            break;
        case TOKEN_SEMICOLON:
        case TOKEN_OPEN:
            read_stray(reader, &token);
            break;
        case TOKEN_CLOSE:
            if (open != NULL)
                return;
            reader_report(reader, token.at, no_hint, "unexpected \"}\"");
            break;
        case TOKEN_BAD:
            report_bad(reader, &token);
            break;
        case TOKEN_END:
            if (open != NULL)
                report_end(reader, token.at, open, "unexpected end of file, expecting \"}\"");
            return;
        }
    }
}

/* --- sources --- */

static void source_append(struct conf_tree *tree, struct source *source)
{
    *tree->last_source = source;
    tree->last_source = &source->next;
}

void reader_source(struct conf_tree *tree, const struct reader *outer, struct source *source,
                   struct conf_node ***last)
{
    struct reader reader = { .tree = tree,
                             .outer = outer,
                             .depth = outer == NULL ? 0 : outer->depth + 1 };
    struct position end;

    source_append(tree, source);
    lexer_init(&reader.lexer, tree->arena, source);
    reader_directives(&reader, last, NULL, &end);
}

/* --- the tree --- */

void conf_tree_init(struct conf_tree *tree, struct arena *arena, struct conf_messages *messages,
                    const char *prefix)
{
    *tree = (struct conf_tree){
        .arena = arena,
        .messages = messages,
        .prefix = prefix,
        .words = { .item_size = sizeof(struct word) },
        .files = source_table_new(arena),
    };
    tree->last_source = &tree->sources;
    tree->last_node = &tree->root;
    tree->stopped = tree->files == NULL;
}

bool conf_tree_read_file(struct conf_tree *tree, const char *path)
{
    unsigned errors = tree->messages->errors;
    const char *full = tree->stopped ? NULL : conf_tree_path(tree, slice_of(path));

    if (full == NULL)
        return false;
    reader_file(tree, NULL, (struct position){ 0 }, full, &tree->last_node);
    return !tree->stopped && tree->messages->errors == errors;
}

bool conf_tree_read_text(struct conf_tree *tree, const char *name, struct slice text)
{
    unsigned errors = tree->messages->errors;
    struct source *source = tree->stopped ? NULL : arena_zalloc(tree->arena, sizeof *source);

    if (source == NULL)
        return false;
    source->name = name;
    source->text = text;
    reader_source(tree, NULL, source, &tree->last_node);
    return !tree->stopped && tree->messages->errors == errors;
}

static bool is_one_of(struct slice name, const char *const names[])
{
    for (; *names != NULL; names++)
        if (slice_is(name, *names))
            return true;
    return false;
}

bool conf_nodes_name(const struct conf_node *node, const char *const names[])
{
    for (; node != NULL; node = node->next)
        if (is_one_of(node->words[0].text, names) || conf_nodes_name(node->children, names))
            return true;
    return false;
}
