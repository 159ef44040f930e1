#include "conf/parser.h"

#include "conf/source.h"

#include <errno.h>
#include <glob.h>

/* One source being read. */
struct reader {
    struct conf_tree *tree;
    struct reader *outer; /* that includes this one; NULL at the top */
    struct lexer lexer;
    struct token ahead; /* given back, to be read again */
    bool has_ahead;
    bool end_reported; /* the end of the source is said to be too early once */
    unsigned depth;    /* of includes */
};

/* A directive whose words have been read. */
struct statement {
    struct conf_node *node;
    bool broken; /* said so already: it is read over */
};

static const struct slice no_hint = { "", 0 };

static void read_directives(struct reader *reader, struct conf_node ***last, bool in_block,
                            struct position *end);

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

static void report(const struct reader *reader, struct position at, struct slice hint,
                   const char *problem)
{
    conf_message_add(reader->tree->messages, CONF_EMERG, at, hint, "%s", problem);
}

/* A limit that no sane configuration reaches: reading ends. */
static void stop(const struct reader *reader, struct position at, const char *problem)
{
    report(reader, at, no_hint, problem);
    reader->tree->stopped = true;
}

static void report_bad(struct reader *reader, const struct token *token)
{
    const struct lexer *lexer = &reader->lexer;

    if (lexer->problem == NULL) { /* the arena is exhausted, which conf_load says */
        reader->tree->stopped = true;
        return;
    }
    report(reader, token->at, lexer->hint == NULL ? no_hint : slice_of(lexer->hint),
           lexer->problem);
    /* A quote that is never closed ends the source. */
    if (lexer->offset >= lexer->source->text.len)
        reader->end_reported = true;
}

static void report_end(struct reader *reader, struct position at, const char *problem)
{
    if (!reader->end_reported)
        report(reader, at, no_hint, problem);
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
        stop(reader, open->at, "too many nested blocks");
        return;
    }
    tree->block_depth++;
    read_directives(reader, &last, true, &end);
    tree->block_depth--;
    if (node != NULL) {
        node->block = true;
        node->end = end;
    }
}

/* --- include --- */

static bool is_being_read(const struct reader *reader, const char *path)
{
    for (; reader != NULL; reader = reader->outer)
        if (reader->lexer.source->file && strcmp(reader->lexer.source->name, path) == 0)
            return true;
    return false;
}

static void source_append(struct conf_tree *tree, struct source *source)
{
    *tree->last_source = source;
    tree->last_source = &source->next;
}

static void read_source(struct conf_tree *tree, struct reader *outer, struct source *source,
                        struct conf_node ***last)
{
    struct reader reader = { .tree = tree,
                             .outer = outer,
                             .depth = outer == NULL ? 0 : outer->depth + 1 };
    struct position end;

    source_append(tree, source);
    lexer_init(&reader.lexer, tree->arena, source);
    read_directives(&reader, last, false, &end);
}

/* Reads a file; `at` is the include's place, without source for the first file. */
static void read_path(struct conf_tree *tree, struct reader *outer, struct position at,
                      const char *path, struct conf_node ***last)
{
    struct source *source;
    const char *call = "";

    switch (source_read(tree->files, tree->arena, path, &source, &call)) {
    case SOURCE_OK:
        read_source(tree, outer, source, last);
        break;
    case SOURCE_FAILED:
        conf_message_add(tree->messages, CONF_EMERG, at, no_hint, "%s() \"%s\" failed (%d: %s)",
                         call, path, errno, strerror(errno));
        break;
    case SOURCE_TOO_LARGE:
        conf_message_add(tree->messages, CONF_EMERG, at, no_hint,
                         "\"%s\" is too large: a file may have %d MB", path, CONF_FILE_MAX >> 20);
        break;
    case SOURCE_NO_MEMORY:
        tree->stopped = true;
        break;
    }
}

static void include_path(struct reader *reader, struct position at, const char *path,
                         struct conf_node ***last)
{
    if (is_being_read(reader, path)) {
        conf_message_add(reader->tree->messages, CONF_EMERG, at, no_hint,
                         "recursive include of \"%s\"", path);
        return;
    }
    if (reader->depth + 1 >= CONF_INCLUDE_DEPTH_MAX) {
        conf_message_add(reader->tree->messages, CONF_EMERG, at, no_hint,
                         "too many nested includes: \"%s\" is not read", path);
        return;
    }
    if (++reader->tree->includes > CONF_INCLUDES_MAX) {
        stop(reader, at, "too many included files");
        return;
    }
    read_path(reader->tree, reader, at, path, last);
}

/* The files that the pattern matches, in order; none is no error, as in nginx. */
static void include_glob(struct reader *reader, struct position at, const char *pattern,
                         struct conf_node ***last)
{
    glob_t found = { 0 };
    int result = glob(pattern, 0, NULL, &found);

    if (result != 0 && result != GLOB_NOMATCH)
        conf_message_add(reader->tree->messages, CONF_EMERG, at, no_hint, "glob() \"%s\" failed",
                         pattern);
    for (size_t i = 0; result == 0 && i < found.gl_pathc && !reader->tree->stopped; i++) {
        const char *path = arena_cstr(reader->tree->arena, slice_of(found.gl_pathv[i]));
        if (path == NULL)
            reader->tree->stopped = true;
        else
            include_path(reader, at, path, last);
    }
    globfree(&found);
}

/* Absolute, in the arena; NULL when memory is out. */
static const char *absolute(const struct conf_tree *tree, struct slice path)
{
    if (path.len > 0 && path.at[0] == '/')
        return arena_cstr(tree->arena, path);
    return arena_printf(tree->arena, "%s%.*s", tree->prefix, (int)path.len, path.at).at;
}

static void include(struct reader *reader, const struct conf_node *node, struct conf_node ***last)
{
    const struct word *words = node->words;

    if (node->block) {
        report(reader, words[0].at, no_hint, "directive \"include\" is not terminated by \";\"");
        return;
    }
    if (node->count != 2) {
        report(reader, words[0].at, no_hint,
               "invalid number of arguments in \"include\" directive");
        return;
    }
    const char *path = absolute(reader->tree, words[1].text);
    if (path == NULL)
        reader->tree->stopped = true;
    else if (strpbrk(path, "*?[") != NULL)
        include_glob(reader, words[1].at, path, last);
    else
        include_path(reader, words[1].at, path, last);
}

/* --- directives --- */

/* A } where a ; should be: it closes the block all the same. */
static void report_close(struct reader *reader, struct token token, bool in_block)
{
    struct slice hint = SLICE("is \";\" missing before it?");

    report(reader, token.at, hint, "unexpected \"}\"");
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
        report_end(reader, end.at, lexer_end_problem(reader->lexer.source));
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
        include(reader, statement.node, last);
        return;
    }
    **last = statement.node;
    *last = &statement.node->next;
}

/* A ; or { without a directive. */
static void read_stray(struct reader *reader, const struct token *token)
{
    report(reader, token->at, no_hint,
           token->kind == TOKEN_OPEN ? "unexpected \"{\"" : "unexpected \";\"");
    if (token->kind == TOKEN_OPEN)
        read_block(reader, NULL, token);
}

/* Reads directives up to the end of the source, or of the block; *end is its
 * place. */
static void read_directives(struct reader *reader, struct conf_node ***last, bool in_block,
                            struct position *end)
{
    while (!reader->tree->stopped) {
        struct token token = next(reader);
        *end = token.at;
        switch (token.kind) {
        case TOKEN_WORD:
            read_directive(reader, &token, in_block, last);
            break;
        case TOKEN_SEMICOLON:
        case TOKEN_OPEN:
            read_stray(reader, &token);
            break;
        case TOKEN_CLOSE:
            if (in_block)
                return;
            report(reader, token.at, no_hint, "unexpected \"}\"");
            break;
        case TOKEN_BAD:
            report_bad(reader, &token);
            break;
        case TOKEN_END:
            if (in_block)
                report_end(reader, token.at, "unexpected end of file, expecting \"}\"");
            return;
        }
    }
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
    const char *full = tree->stopped ? NULL : absolute(tree, slice_of(path));

    if (full == NULL)
        return false;
    read_path(tree, NULL, (struct position){ 0 }, full, &tree->last_node);
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
    read_source(tree, NULL, source, &tree->last_node);
    return !tree->stopped && tree->messages->errors == errors;
}
