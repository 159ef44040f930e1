/* Which location a request is for: not always the one that seems to say so. */
#include "worker/handlers/static.h"
#include "worker/lint/checks.h"

#include <stdio.h>

static bool is_location(const struct conf_scope *scope, enum location_kind kind)
{
    return scope->context == IN_LOCATION && lint_location(scope)->kind == kind;
}

/* --- regexes of file types --- */

static bool is_letter(char c)
{
    return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

static bool is_type_byte(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || (c != '\0' && strchr("()|?:+", c) != NULL);
}

/* The pattern's end is like "\.php" or "\.(jpg|png)": nothing says that the path ends there. A
 * dot behind a slash begins the name of a hidden file. */
static bool ends_in_file_type(struct slice pattern)
{
    ptrdiff_t dot = slice_find_last(pattern, '.');
    bool letter = false;

    if (dot < 1 || pattern.at[dot - 1] != '\\' || (dot > 1 && pattern.at[dot - 2] == '/'))
        return false;
    for (size_t i = (size_t)dot + 1; i < pattern.len; i++) {
        if (!is_type_byte(pattern.at[i]))
            return false;
        letter = letter || is_letter(pattern.at[i]);
    }
    return letter;
}

void lint_regex_ends(struct conf *conf, const struct conf_scope *scope)
{
    const struct location *location = lint_location(scope);
    struct slice pattern = location->name;

    if (location->kind != LOCATION_REGEX || !ends_in_file_type(pattern))
        return;
    lint_warn(conf, lint_name(scope)->at,
              arena_printf(conf->arena, "write \"%.*s$\"", (int)pattern.len, pattern.at),
              "regex \"%.*s\" matches the file type anywhere in a path: it has no \"$\"",
              (int)pattern.len, pattern.at);
}

/* --- regexes before prefixes --- */

/* What a request below a prefix may look like, of all kinds. */
static const char *const endings[] = { "", "a", "a/", "a/b.c", "0-_.~/x.php" };

/* Files below it, by their types. */
static const char *const files[] = {
    "x.php", "x.html", "x.css", "x.js",  "x.jpg",  "x.jpeg",  "x.png", "x.gif",
    "x.svg", "x.ico",  "x.txt", "x.xml", "x.json", "x.woff2", "x.mp4", "x.pdf",
    "x.zip", "x.cgi",  "x.pl",  "x.py",  "x.webp", "x.map",   "x.gz",
};

enum {
    ENDINGS = sizeof endings / sizeof *endings,
    FILES = sizeof files / sizeof *files,
    PROBE_MAX = 1024, /* bytes of such a path; a longer one matches nothing */
};

static const char *slash_behind(struct slice prefix)
{
    return slice_ends(prefix, SLICE("/")) ? "" : "/";
}

/* How many of the paths below the prefix the regex matches; *first is the first one's end. */
static size_t count_matches(const struct location *regex, struct slice prefix,
                            const char *const *ends, size_t count, const char **first)
{
    struct regex_scratch scratch = { 0 };
    char path[PROBE_MAX];
    size_t matches = 0;

    for (size_t i = 0; i < count; i++) {
        int len = snprintf(path, sizeof path, "%.*s%s%s", (int)prefix.len, prefix.at,
                           slash_behind(prefix), ends[i]);
        if (len < 0 || (size_t)len >= sizeof path ||
            !regex_match(regex->pattern.regex, &scratch, slice_make(path, (size_t)len), NULL, 0))
            continue;
        if (matches++ == 0)
            *first = ends[i];
    }
    regex_scratch_free(&scratch);
    return matches;
}

/* The first regex location of the block, from `regex` on, that takes at least so many of the
 * paths below a prefix; NULL: none does. *path is the end of one of them. */
static const struct conf_scope *find_taker(const struct conf_scope *regex, struct slice prefix,
                                           const char *const *ends, size_t count, size_t least,
                                           const char **path)
{
    while (regex != NULL &&
           !(is_location(regex, LOCATION_REGEX) &&
             count_matches(lint_location(regex), prefix, ends, count, path) >= least))
        regex = regex->next;
    return regex;
}

/* It is there to refuse what it takes: nobody is misled. */
static bool refuses(const struct conf_scope *regex)
{
    const struct conf_node *answer = lint_find(regex, "return");
    const struct conf_node *deny = lint_find(regex, "deny");

    return (answer != NULL && slice_starts(answer->words[1].text, SLICE("4"))) ||
           (deny != NULL && slice_is(deny->words[1].text, "all"));
}

/* A directive of the prefix location that requests lose which the regex location takes; NULL:
 * none of weight. */
static const char *what_is_lost(const struct conf_scope *prefix, const struct conf_scope *regex)
{
    static const struct {
        const char *name;
        bool kept; /* where the regex location has it too */
    } own[] = { { "root", false },       { "alias", false }, { "return", false },
                { "internal", true },    { "deny", true },   { "auth_basic", true },
                { "auth_request", true } };

    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (lint_find(prefix, own[i].name) != NULL &&
            !(own[i].kept && lint_find(regex, own[i].name) != NULL))
            return own[i].name;
    return lint_location(prefix)->handler != NULL ? "handler" : NULL;
}

/* Files of usual types below the prefix that go elsewhere. A regex location inside of it goes
 * before those beside it. */
static void check_files(struct conf *conf, const struct conf_scope *prefix, struct slice hint)
{
    struct slice name = lint_location(prefix)->name;
    const struct conf_scope *regex = prefix->parent->children;
    const char *path, *lost = NULL;

    while ((regex = find_taker(regex, name, files, FILES, 1, &path)) != NULL &&
           (refuses(regex) || find_taker(prefix->children, name, &path, 1, 1, &path) != NULL ||
            (lost = what_is_lost(prefix, regex)) == NULL))
        regex = regex->next;
    if (regex == NULL)
        return;
    lint_warn(conf, lint_name(prefix)->at, hint,
              "location \"%.*s\" with its %s does not get \"%.*s%s%s\": regex location \"%.*s\" "
              "goes before it",
              (int)name.len, name.at, lost, (int)name.len, name.at, slash_behind(name), path,
              (int)lint_location(regex)->name.len, lint_location(regex)->name.at);
}

static void check_prefix(struct conf *conf, const struct conf_scope *prefix)
{
    struct slice name = lint_location(prefix)->name;
    struct slice hint =
        arena_printf(conf->arena, "write \"location ^~ %.*s\"", (int)name.len, name.at);
    const char *path;
    const struct conf_scope *regex =
        find_taker(prefix->parent->children, name, endings, ENDINGS, ENDINGS, &path);

    if (regex != NULL)
        lint_warn(conf, lint_name(prefix)->at, hint,
                  "location \"%.*s\" is never reached: regex location \"%.*s\" goes before it",
                  (int)name.len, name.at, (int)lint_location(regex)->name.len,
                  lint_location(regex)->name.at);
    else if (name.len > 1)
        check_files(conf, prefix, hint);
}

void lint_shadowed(struct conf *conf, const struct conf_scope *scope)
{
    if (is_location(scope, LOCATION_PREFIX))
        check_prefix(conf, scope);
}

/* --- regexes behind regexes --- */

static bool matches_everything(const struct location *regex)
{
    const char *path;

    return count_matches(regex, SLICE("/"), endings, ENDINGS, &path) == ENDINGS;
}

/* `location ~ x` and `location ~* x` are not the same. */
static bool same_head(const struct conf_scope *a, const struct conf_scope *b)
{
    return a->node->count == b->node->count &&
           slice_equal(a->node->words[1].text, b->node->words[1].text) &&
           slice_equal(lint_name(a)->text, lint_name(b)->text);
}

void lint_repeated_regexes(struct conf *conf, const struct conf_scope *scope)
{
    const struct conf_scope *all = NULL; /* that takes every request which has come to it */

    for (const struct conf_scope *child = scope->children; child != NULL; child = child->next) {
        const struct conf_scope *before = scope->children;
        if (!is_location(child, LOCATION_REGEX))
            continue;
        while (before != child && !(before == all || (is_location(before, LOCATION_REGEX) &&
                                                      same_head(before, child))))
            before = before->next;
        struct slice name = lint_location(child)->name, first = lint_location(before)->name;
        if (before != child)
            lint_warn(conf, lint_name(child)->at, SLICE("move it up, or remove it"),
                      "location \"%.*s\" is never reached: \"%.*s\" in line %u goes before it",
                      (int)name.len, name.at, (int)first.len, first.at, lint_name(before)->at.line);
        else if (all == NULL && matches_everything(lint_location(child)))
            all = child;
    }
}

/* --- return before locations --- */

/* A rule that ends the list of rules before the ones behind it. */
static bool may_leave(const struct conf_node *rules)
{
    for (const struct conf_node *rule = rules; rule != NULL; rule = rule->next)
        if (slice_is(rule->words[0].text, "rewrite") || slice_is(rule->words[0].text, "break"))
            return true;
    return false;
}

/* The server's own `return`, if every request comes to it. */
static const struct conf_node *return_of(const struct conf_scope *server)
{
    for (const struct conf_node *node = server->node->children; node != NULL; node = node->next) {
        struct slice name = node->words[0].text;
        if (slice_is(name, "return"))
            return node;
        if (slice_is(name, "rewrite") || slice_is(name, "break") ||
            (slice_is(name, "if") && may_leave(node->children)))
            return NULL;
    }
    return NULL;
}

/* A named location may still be reached, by error_page. */
void lint_early_return(struct conf *conf, const struct conf_scope *scope)
{
    const struct conf_node *answer = return_of(scope);
    const struct conf_scope *child = scope->children;

    while (child != NULL && (child->context != IN_LOCATION || is_location(child, LOCATION_NAMED)))
        child = child->next;
    if (answer == NULL || child == NULL)
        return;
    lint_warn(conf, answer->words[0].at, SLICE("put it into \"location / { ... }\""),
              "the server answers every request here: location \"%.*s\" is never reached",
              (int)lint_location(child)->name.len, lint_location(child)->name.at);
}
