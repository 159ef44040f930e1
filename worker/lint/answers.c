/* What is answered: not always what it seems. */
#include "worker/http/variables.h"
#include "worker/lint/checks.h"

/* --- lists that a block replaces as a whole --- */

static bool has_named(const struct conf_scope *scope, const char *directive, struct slice name)
{
    const struct conf_node *node = lint_find(scope, directive);

    while (node != NULL && !slice_equal_nocase(node->words[1].text, name))
        node = lint_next(node->next, directive);
    return node != NULL;
}

/* Those of the nearest block around this one that has any would be inherited, if this block had
 * none. */
static void check_list(struct conf *conf, const struct conf_scope *scope, const char *directive)
{
    const struct conf_node *own = lint_find(scope, directive);
    const struct conf_scope *outer = scope->parent;

    while (outer != NULL && lint_find(outer, directive) == NULL)
        outer = outer->parent;
    if (own == NULL || outer == NULL)
        return;
    for (const struct conf_node *node = lint_find(outer, directive); node != NULL;
         node = lint_next(node->next, directive)) {
        struct slice name = node->words[1].text;
        if (has_named(scope, directive, name))
            continue;
        lint_warn(conf, own->words[0].at,
                  arena_printf(conf->arena, "repeat \"%s %.*s ...\" here", directive, (int)name.len,
                               name.at),
                  "\"%s\" takes the inherited \"%.*s\" of line %u away", directive, (int)name.len,
                  name.at, node->words[0].at.line);
        return;
    }
}

void lint_hidden_lists(struct conf *conf, const struct conf_scope *scope)
{
    static const char *const lists[] = { "add_header",    "add_trailer", "proxy_set_header",
                                         "fastcgi_param", "uwsgi_param", "scgi_param" };

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        check_list(conf, scope, lists[i]);
}

/* --- if --- */

/* What may stand in an `if` without taking anything from the location around it. */
static bool is_safe_in_if(struct slice name)
{
    static const char *const safe[] = { "return",     "rewrite",     "set",
                                        "break",      "rewrite_log", "uninitialized_variable_warn",
                                        "access_log", "limit_rate",  "limit_rate_after" };

    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++)
        if (slice_is(name, safe[i]))
            return true;
    return false;
}

/* A request that enters it goes elsewhere, or is answered. */
static bool leaves(const struct conf_scope *scope)
{
    return lint_find(scope, "return") != NULL || lint_find(scope, "rewrite") != NULL;
}

void lint_if(struct conf *conf, const struct conf_scope *scope)
{
    const struct conf_node *node = scope->node->children;

    while (node != NULL && is_safe_in_if(node->words[0].text))
        node = node->next;
    if (node != NULL)
        lint_warn(
            conf, node->words[0].at, SLICE("use \"map\", or \"rewrite ... last\" to a location"),
            "\"%.*s\" in an \"if\" of a location: the last \"if\" that holds replaces all others",
            (int)node->words[0].text.len, node->words[0].text.at);
    else if (!leaves(scope) && lint_find(scope->parent, "try_files") != NULL)
        lint_warn(conf, scope->node->words[0].at, SLICE("use \"map\" in place of it"),
                  "where this \"if\" holds, \"try_files\" of the location is not used");
}

/* --- redirects --- */

static bool is_url(struct slice text)
{
    return slice_starts(text, SLICE("http://")) || slice_starts(text, SLICE("https://")) ||
           slice_starts(text, SLICE("$scheme"));
}

static bool is_redirect_status(struct slice text)
{
    return slice_is(text, "301") || slice_is(text, "302") || slice_is(text, "303") ||
           slice_is(text, "307") || slice_is(text, "308");
}

/* The word of a return or rewrite that becomes Location; NULL: it is no redirect. */
static const struct word *redirect_of(const struct conf_node *node)
{
    const struct word *words = node->words;

    if (slice_is(words[0].text, "return")) {
        if (node->count == 2)
            return is_url(words[1].text) ? &words[1] : NULL;
        return is_redirect_status(words[1].text) ? &words[2] : NULL;
    }
    if (!slice_is(words[0].text, "rewrite"))
        return NULL;
    bool flagged = node->count > 3 &&
                   (slice_is(words[3].text, "redirect") || slice_is(words[3].text, "permanent"));
    return flagged || is_url(words[2].text) ? &words[2] : NULL;
}

/* Where the text names the decoded path: the variable, as written. */
static bool find_decoded(struct slice text, struct slice *found)
{
    for (size_t at = 0; at < text.len;) {
        size_t from = at;
        struct slice name;
        if (text.at[at] != '$') {
            at++;
        } else if (variable_name_read(text, &at, &name) != VARIABLE_NAME) {
            at = at > from ? at : from + 1;
        } else if (slice_is_nocase(name, "uri") || slice_is_nocase(name, "document_uri")) {
            *found = slice_make(text.at + from, at - from);
            return true;
        }
    }
    return false;
}

/* The place of a part of a word; that of the word where escapes have moved it. */
static struct position part_of(const struct word *word, struct slice part)
{
    struct position at = word->at;
    uint32_t quote = word->quoted ? 1 : 0;

    if (at.len != word->text.len + 2 * quote)
        return at;
    at.column += (uint32_t)(part.at - word->text.at) + quote;
    at.len = (uint32_t)part.len;
    return at;
}

void lint_redirects(struct conf *conf, const struct conf_scope *scope)
{
    for (const struct conf_node *node = scope->node->children; node != NULL; node = node->next) {
        const struct word *target = redirect_of(node);
        struct slice found;
        if (target != NULL && find_decoded(target->text, &found))
            lint_warn(conf, part_of(target, found), SLICE("write \"$request_uri\""),
                      "\"%.*s\" is decoded: a path with \"%%0d%%0a\" in it adds lines to the head",
                      (int)found.len, found.at);
    }
}
