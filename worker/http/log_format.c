#include "worker/http/log_format.h"

#include "worker/http/core.h"
#include "worker/http/log_escape.h"
#include "worker/http/request.h"
#include "worker/http/variables.h"

/* A piece of a line: text, then a variable (the last piece may have none). */
struct log_piece {
    struct slice text;
    bool has_variable;
    struct variable_use variable;
};

struct log_format {
    struct slice name;
    enum log_escape escape;
    struct array pieces; /* of struct log_piece */
};

struct log_value {
    struct slice text;
    size_t len; /* once escaped */
};

/* The piece that text and variable are added to: a new one behind a variable. */
static struct log_piece *open_piece(struct arena *arena, struct log_format *format)
{
    struct log_piece *pieces = format->pieces.items;
    size_t count = format->pieces.count;

    if (count > 0 && !pieces[count - 1].has_variable)
        return &pieces[count - 1];
    return array_push(&format->pieces, arena);
}

static bool add_text(struct arena *arena, struct log_format *format, struct slice text)
{
    struct log_piece *piece = open_piece(arena, format);

    if (piece == NULL)
        return false;
    piece->text = piece->text.len == 0 ? text : arena_join(arena, piece->text, text);
    return piece->text.at != NULL;
}

static bool add_variable(struct arena *arena, struct log_format *format, struct variable_use use)
{
    struct log_piece *piece = open_piece(arena, format);

    if (piece == NULL)
        return false;
    piece->has_variable = true;
    piece->variable = use;
    return true;
}

/* --- combined --- */

static const struct {
    const char *before;
    const char *variable;
} combined[] = {
    { "", "remote_addr" },     { " - ", "remote_user" },
    { " [", "time_local" },    { "] \"", "request" },
    { "\" ", "status" },       { " ", "body_bytes_sent" },
    { " \"", "http_referer" }, { "\" \"", "http_user_agent" },
};

enum { COMBINED = sizeof combined / sizeof *combined };

static struct log_format *format_new(struct arena *arena, struct http *http, struct slice name)
{
    struct log_format *format = arena_zalloc(arena, sizeof *format);
    struct log_format **place = array_push(&http->formats, arena);

    if (format == NULL || place == NULL)
        return NULL;
    format->name = name;
    format->pieces.item_size = sizeof(struct log_piece);
    *place = format;
    return format;
}

bool log_formats_init(struct arena *arena, struct http *http)
{
    struct log_format *format = format_new(arena, http, SLICE("combined"));

    if (format == NULL)
        return false;
    for (size_t i = 0; i < COMBINED; i++) {
        struct slice argument;
        struct variable_use use = {
            .get = variable_find(slice_of(combined[i].variable), &argument)->get,
        };
        if (!add_text(arena, format, slice_of(combined[i].before)) ||
            !add_variable(arena, format, use))
            return false;
    }
    return add_text(arena, format, SLICE("\""));
}

const struct log_format *log_format_find(const struct http *http, struct slice name)
{
    struct log_format *const *formats = http->formats.items;

    for (size_t i = 0; i < http->formats.count; i++)
        if (slice_equal_nocase(formats[i]->name, name))
            return formats[i];
    return NULL;
}

/* --- log_format --- */

static void no_memory(struct conf *conf, struct position at)
{
    conf_error(conf, at, "no memory for this log format");
}

/* The variable at the '$' word->text.at[*from]. */
static bool read_variable(struct conf *conf, struct conf_scope *scope, const struct word *word,
                          size_t *from, struct log_format *format)
{
    struct slice start = slice_from(word->text, *from), name;
    struct variable_use use;

    switch (variable_name_read(word->text, from, &name)) {
    case VARIABLE_NAME:
        if (!variable_resolve(conf, scope, word->at, name, &use))
            return false;
        if (add_variable(conf->arena, format, use))
            return true;
        no_memory(conf, word->at);
        return false;
    case VARIABLE_NAME_MISSING:
        conf_error(conf, word->at, "invalid parameter \"%.*s\"", (int)start.len, start.at);
        return false;
    case VARIABLE_BRACE_MISSING:
        break;
    }
    conf_error(conf, word->at, "the closing bracket in \"%.*s\" variable is missing", (int)name.len,
               name.at);
    return false;
}

/* The words stand in the line one behind the other, with nothing between them. */
static bool read_word(struct conf *conf, struct conf_scope *scope, const struct word *word,
                      struct log_format *format)
{
    size_t from = 0;

    while (from < word->text.len) {
        if (word->text.at[from] == '$') {
            if (!read_variable(conf, scope, word, &from, format))
                return false;
            continue;
        }
        struct slice rest = slice_from(word->text, from);
        ptrdiff_t end = slice_find(rest, '$');
        struct slice text = end < 0 ? rest : slice_first(rest, (size_t)end);
        if (!add_text(conf->arena, format, text)) {
            no_memory(conf, word->at);
            return false;
        }
        from += text.len;
    }
    return true;
}

/* escape=... ; false, with the error reported, when it is none that is known. */
static bool read_escape(struct conf *conf, const struct word *word, struct slice name,
                        enum log_escape *escape)
{
    static const char *const names[] = {
        [LOG_ESCAPE_DEFAULT] = "default", [LOG_ESCAPE_JSON] = "json", [LOG_ESCAPE_NONE] = "none"
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_is(name, names[i])) {
            *escape = (enum log_escape)i;
            return true;
        }
    conf_error(conf, word->at, "unknown log format escaping \"%.*s\"", (int)name.len, name.at);
    return false;
}

/* log_format has its own namespace: here the case of the name counts. */
static bool is_duplicate(const struct http *http, struct slice name)
{
    struct log_format *const *formats = http->formats.items;

    for (size_t i = 0; i < http->formats.count; i++)
        if (slice_equal(formats[i]->name, name))
            return true;
    return false;
}

static void set_log_format(struct conf *conf, struct conf_scope *scope,
                           const struct conf_node *node, const struct directive *directive,
                           void *value)
{
    struct http *http = http_of(scope);
    const struct word *words = node->words;
    size_t first = 2;
    struct slice name;

    (void)value;
    if (is_duplicate(http, words[1].text)) {
        conf_error(conf, words[1].at, "duplicate \"%s\" name \"%.*s\"", directive->name,
                   (int)words[1].text.len, words[1].text.at);
        return;
    }
    struct log_format *format = format_new(conf->arena, http, words[1].text);
    if (format == NULL) {
        no_memory(conf, words[1].at);
        return;
    }
    if (slice_starts(words[2].text, SLICE("escape="))) {
        name = slice_from(words[2].text, strlen("escape="));
        if (!read_escape(conf, &words[2], name, &format->escape))
            return;
        first = 3;
    }
    for (size_t i = first; i < node->count; i++)
        if (!read_word(conf, scope, &words[i], format))
            return;
}

const struct value_type as_log_format = { "name [escape=default|json|none] text ...", 0,
                                          set_log_format };

/* --- lines --- */

/* A value that there is not is "-", but where a program reads the line. */
static struct log_value get_value(struct request *request, const struct log_format *format,
                                  const struct log_piece *piece)
{
    struct log_value value = { { "", 0 }, 0 };

    if (!piece->has_variable)
        return value;
    if (!variable_value(request, &piece->variable, &value.text))
        value.text = format->escape == LOG_ESCAPE_DEFAULT ? SLICE("-") : SLICE("");
    value.len = log_escaped_len(value.text, format->escape);
    return value;
}

bool log_line_measure(struct request *request, const struct log_format *format,
                      struct log_line *line)
{
    const struct log_piece *pieces = format->pieces.items;
    size_t count = format->pieces.count;

    *line = (struct log_line){ .format = format };
    line->values = arena_alloc(&request->arena, count * sizeof *line->values);
    if (line->values == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        line->values[i] = get_value(request, format, &pieces[i]);
        line->len += pieces[i].text.len + line->values[i].len;
    }
    return true;
}

static char *put(char *at, struct slice text)
{
    if (text.len > 0)
        memcpy(at, text.at, text.len);
    return at + text.len;
}

char *log_line_put(const struct log_line *line, char *at)
{
    const struct log_format *format = line->format;
    const struct log_piece *pieces = format->pieces.items;

    for (size_t i = 0; i < format->pieces.count; i++) {
        const struct log_value *value = &line->values[i];
        at = put(at, pieces[i].text);
        at = value->len == value->text.len ? put(at, value->text)
                                           : log_escape_put(at, value->text, format->escape);
    }
    return at;
}
