#include "conf/parser.h"

#include <stdio.h>

enum { LINE_SHOWN_MAX = 160 }; /* bytes of a line around the place */

void conf_messages_init(struct conf_messages *messages, struct arena *arena)
{
    *messages = (struct conf_messages){ .arena = arena };
    messages->last = &messages->first;
}

static unsigned kept(const struct conf_messages *messages)
{
    return messages->errors + messages->warnings;
}

bool conf_messages_full(const struct conf_messages *messages)
{
    return kept(messages) >= CONF_MESSAGES_MAX;
}

/* --- adding --- */

static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f;
}

/* The text with control characters as \xXX, cut to the limit; {NULL, 0} when
 * memory is out. */
static struct slice printable(struct arena *arena, struct slice text)
{
    enum { ESCAPE_LEN = 4 };
    bool cut = text.len > CONF_MESSAGE_TEXT_MAX;
    struct slice shown = slice_first(text, CONF_MESSAGE_TEXT_MAX);
    char *out = arena_text(arena, shown.len * ESCAPE_LEN + sizeof "...");
    size_t len = 0;

    if (out == NULL)
        return (struct slice){ NULL, 0 };
    for (size_t i = 0; i < shown.len; i++) {
        if (!is_control(shown.at[i]))
            out[len++] = shown.at[i];
        else
            len += (size_t)snprintf(out + len, ESCAPE_LEN + 1, "\\x%02X",
                                    (unsigned)(unsigned char)shown.at[i]);
    }
    if (cut)
        for (const char *dot = "..."; *dot != '\0'; dot++)
            out[len++] = *dot;
    return slice_make(out, len);
}

static void append(struct conf_messages *messages, enum conf_severity severity, struct position at,
                   struct slice hint, struct slice text)
{
    struct conf_message *message = arena_alloc(messages->arena, sizeof *message);

    if (message == NULL || text.at == NULL)
        return;
    *message = (struct conf_message){
        .severity = severity,
        .at = at,
        .text = text,
        .hint = hint.len > 0 ? printable(messages->arena, hint) : hint,
    };
    *messages->last = message;
    messages->last = &message->next;
}

void conf_message_vadd(struct conf_messages *messages, enum conf_severity severity,
                       struct position at, struct slice hint, const char *format, va_list args)
{
    bool full = conf_messages_full(messages);
    bool was_last = kept(messages) == CONF_MESSAGES_MAX;

    if (severity == CONF_EMERG)
        messages->errors++;
    else
        messages->warnings++;
    if (was_last)
        append(messages, severity, (struct position){ 0 }, (struct slice){ "", 0 },
               SLICE("too many errors: the rest is not shown"));
    if (full)
        return;
    struct slice text = arena_vprintf(messages->arena, format, args);
    if (text.at != NULL)
        append(messages, severity, at, hint, printable(messages->arena, text));
}

void conf_message_add(struct conf_messages *messages, enum conf_severity severity,
                      struct position at, struct slice hint, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    conf_message_vadd(messages, severity, at, hint, format, args);
    va_end(args);
}

/* --- sorting --- */

static uint32_t rank(const struct conf_message *message)
{
    return message->at.source == NULL ? UINT32_MAX : message->at.order;
}

/* By insertion: there are CONF_MESSAGES_MAX at most, nearly in order. */
void conf_messages_sort(struct conf_messages *messages)
{
    struct conf_message *sorted = NULL;
    struct conf_message *message = messages->first;

    while (message != NULL) {
        struct conf_message *next = message->next;
        struct conf_message **place = &sorted;
        while (*place != NULL && rank(*place) <= rank(message))
            place = &(*place)->next;
        message->next = *place;
        *place = message;
        message = next;
    }
    messages->first = sorted;
    messages->last = &messages->first;
    while (*messages->last != NULL)
        messages->last = &(*messages->last)->next;
}

/* --- as text --- */

/* The line that holds the place; `column` becomes the offset of the place in it. */
static struct slice line_of(const struct position *at, size_t *column)
{
    struct slice rest = at->source->text;
    ptrdiff_t end;

    for (uint32_t line = 1; line < at->line; line++) {
        end = slice_find(rest, '\n');
        if (end < 0)
            break;
        rest = slice_from(rest, (size_t)end + 1);
    }
    end = slice_find(rest, '\n');
    struct slice line = end < 0 ? rest : slice_first(rest, (size_t)end);
    *column = at->column - 1 < line.len ? at->column - 1 : line.len;
    return line;
}

/* Cuts a long line to what is around the column. */
static struct slice window(struct slice line, size_t *column)
{
    size_t from = 0;

    if (line.len > LINE_SHOWN_MAX && *column > LINE_SHOWN_MAX / 2)
        from = *column - LINE_SHOWN_MAX / 2;
    *column -= from;
    return slice_first(slice_from(line, from), LINE_SHOWN_MAX);
}

static bool continues_a_character(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80; /* UTF-8 */
}

/* The line without control characters, a newline, then what stands below it up
 * to the caret: tabs stay, so that the caret stands right. */
static struct slice line_and_indent(struct arena *arena, struct slice line, size_t column)
{
    char *text = arena_text(arena, line.len + 1 + column);
    size_t len = 0;

    if (text == NULL)
        return (struct slice){ NULL, 0 };
    for (size_t i = 0; i < line.len; i++)
        text[len++] = is_control(line.at[i]) && line.at[i] != '\t' ? '?' : line.at[i];
    text[len++] = '\n';
    for (size_t i = 0; i < column; i++)
        if (!continues_a_character(line.at[i]))
            text[len++] = line.at[i] == '\t' ? '\t' : ' ';
    return slice_make(text, len);
}

/* "^~~~" under the word, as far as it is on the line shown. */
static struct slice caret(struct arena *arena, struct slice line, size_t column, uint32_t len)
{
    struct slice word = slice_first(slice_from(line, column), len);
    char *text = arena_text(arena, word.len + 1);
    size_t count = 1;

    if (text == NULL)
        return (struct slice){ NULL, 0 };
    text[0] = '^';
    for (size_t i = 1; i < word.len; i++)
        if (!continues_a_character(word.at[i]))
            text[count++] = '~';
    return slice_make(text, count);
}

static const char *severity_name(enum conf_severity severity)
{
    switch (severity) {
    case CONF_EMERG:
        return "emerg";
    case CONF_WARN:
        return "warn";
    case CONF_NOTICE:
        return "notice";
    }
    return "emerg";
}

/* " in FILE:LINE:COLUMN", " in command line", or nothing. */
static struct slice place_text(struct arena *arena, const struct position *at)
{
    if (at->source == NULL)
        return (struct slice){ "", 0 };
    if (!at->source->file)
        return arena_printf(arena, " in %s", at->source->name);
    return arena_printf(arena, " in %s:%u:%u", at->source->name, at->line, at->column);
}

struct slice conf_message_text(struct arena *arena, const struct conf_message *message)
{
    struct slice place = place_text(arena, &message->at);
    struct slice first =
        arena_printf(arena, "[%s] %.*s%.*s", severity_name(message->severity),
                     (int)message->text.len, message->text.at, (int)place.len, place.at);
    size_t column;

    if (message->at.source == NULL || first.at == NULL)
        return first;
    struct slice line = line_of(&message->at, &column);
    line = window(line, &column);
    struct slice shown = line_and_indent(arena, line, column);
    struct slice mark = caret(arena, line, column, message->at.len);
    if (shown.at == NULL || mark.at == NULL)
        return first;
    return arena_printf(arena, "%.*s\n%.*s%.*s%s%.*s", (int)first.len, first.at, (int)shown.len,
                        shown.at, (int)mark.len, mark.at, message->hint.len > 0 ? " " : "",
                        (int)message->hint.len, message->hint.at);
}
