#include "worker/handlers/autoindex.h"

#include "common/date.h"
#include "worker/http/log_escape.h"
#include "worker/http/uri.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    NAME_SHOWN = 50,    /* columns of a name in HTML */
    LINE_BESIDES = 160, /* bytes of a line, in any format, beside the entry's name */
};

/* Text that grows in an arena. After a failed allocation nothing more is added. */
struct text {
    struct arena *arena;
    char *at;
    size_t len, capacity;
};

/* Room for `len` more bytes. */
static bool reserve(struct text *text, size_t len)
{
    if (text->capacity - text->len >= len)
        return true;
    size_t capacity = text->capacity * 2 > text->len + len ? text->capacity * 2 : text->len + len;
    char *larger = arena_text(text->arena, capacity);
    if (larger == NULL)
        return false;
    if (text->len > 0)
        memcpy(larger, text->at, text->len);
    text->at = larger;
    text->capacity = capacity;
    return true;
}

static void add(struct text *text, struct slice more)
{
    if (more.len == 0 || !reserve(text, more.len))
        return;
    memcpy(text->at + text->len, more.at, more.len);
    text->len += more.len;
}

static void add_spaces(struct text *text, size_t count)
{
    if (count == 0 || !reserve(text, count))
        return;
    memset(text->at + text->len, ' ', count);
    text->len += count;
}

/* printf(3), for short texts only. */
static void add_format(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add_format(struct text *text, const char *format, ...)
{
    char piece[LINE_BESIDES];
    va_list args;

    va_start(args, format);
    int len = vsnprintf(piece, sizeof piece, format, args);
    va_end(args);
    if (len > 0)
        add(text, slice_make(piece, (size_t)len < sizeof piece ? (size_t)len : sizeof piece - 1));
}

/* A text with room for the list; names that need escapes make it grow. */
static struct text text_start(struct arena *arena, const struct folder_list *list)
{
    const struct list_entry *entries = list->entries.items;
    struct text text = { .arena = arena };
    size_t room = 512 + 2 * list->uri.len;

    for (size_t i = 0; i < list->entries.count; i++)
        room += 2 * entries[i].name.len + LINE_BESIDES;
    reserve(&text, room);
    return text;
}

static struct slice text_end(const struct text *text)
{
    return text->arena->exhausted ? (struct slice){ NULL, 0 } : slice_make(text->at, text->len);
}

/* A time that the C library cannot split is shown as 1970. */
static struct tm split_time(time_t when)
{
    struct tm parts;
    time_t zero = 0;

    if (gmtime_r(&when, &parts) == NULL)
        gmtime_r(&zero, &parts);
    return parts;
}

/* --- HTML --- */

static void add_html_name(struct text *text, const struct list_entry *entry)
{
    bool cut = entry->name.len > NAME_SHOWN;
    struct slice shown = slice_first(entry->name, cut ? NAME_SHOWN - 3 : NAME_SHOWN);
    size_t columns = entry->name.len;

    add(text, SLICE("<a href=\""));
    add(text, uri_escape(text->arena, entry->name, ESCAPE_COMPONENT));
    add(text, entry->kind == FILE_DIRECTORY ? SLICE("/\">") : SLICE("\">"));
    add(text, uri_escape(text->arena, shown, ESCAPE_HTML));
    if (cut) {
        add(text, SLICE("..&gt;</a>"));
        return;
    }
    if (entry->kind == FILE_DIRECTORY && columns < NAME_SHOWN) {
        add(text, SLICE("/"));
        columns++;
    }
    add(text, SLICE("</a>"));
    add_spaces(text, NAME_SHOWN - columns);
}

static void add_html_time(struct text *text, time_t when)
{
    static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    struct tm parts = split_time(when);

    add_format(text, " %02d-%s-%d %02d:%02d ", parts.tm_mday, months[parts.tm_mon],
               parts.tm_year + 1900, parts.tm_hour, parts.tm_min);
}

/* A size rounded to its unit, in seven columns. */
static void add_rounded_size(struct text *text, uint64_t size)
{
    static const struct {
        uint64_t from, unit;
        char letter;
    } scales[] = {
        { UINT64_C(1) << 30, UINT64_C(1) << 30, 'G' },
        { UINT64_C(1) << 20, UINT64_C(1) << 20, 'M' },
        { 10000, 1024, 'K' },
    };

    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++)
        if (size >= scales[i].from) {
            uint64_t rounded =
                size / scales[i].unit + (size % scales[i].unit >= scales[i].unit / 2);
            add_format(text, "%6llu%c", (unsigned long long)rounded, scales[i].letter);
            return;
        }
    add_format(text, " %6llu", (unsigned long long)size);
}

static void add_html_size(struct text *text, const struct list_entry *entry, bool exact)
{
    if (entry->kind == FILE_DIRECTORY)
        add_format(text, exact ? "%19s" : "%7s", "-");
    else if (exact)
        add_format(text, "%19llu", (unsigned long long)entry->size);
    else
        add_rounded_size(text, entry->size);
}

struct slice list_html(struct arena *arena, const struct folder_list *list)
{
    const struct list_entry *entries = list->entries.items;
    struct slice uri = uri_escape(arena, list->uri, ESCAPE_HTML);
    struct text text = text_start(arena, list);

    add(&text, SLICE("<html>\r\n<head><title>Index of "));
    add(&text, uri);
    add(&text, SLICE("</title></head>\r\n<body>\r\n<h1>Index of "));
    add(&text, uri);
    add(&text, SLICE("</h1><hr><pre><a href=\"../\">../</a>\r\n"));
    for (size_t i = 0; i < list->entries.count; i++) {
        add_html_name(&text, &entries[i]);
        add_html_time(&text, entries[i].modified + list->offset);
        add_html_size(&text, &entries[i], list->exact_size);
        add(&text, SLICE("\r\n"));
    }
    add(&text, SLICE("</pre><hr></body>\r\n</html>\r\n"));
    return text_end(&text);
}

/* --- JSON --- */

static struct slice kind_name(enum file_kind kind)
{
    static const char *const names[] = {
        [FILE_REGULAR] = "file", [FILE_DIRECTORY] = "directory", [FILE_OTHER] = "other"
    };

    return slice_of(names[kind]);
}

static void add_json_entry(struct text *text, const struct list_entry *entry)
{
    char date[HTTP_DATE_LEN];

    date_format(date, entry->modified);
    add(text, SLICE("\r\n{ \"name\":\""));
    add(text, log_escape_text(text->arena, entry->name, LOG_ESCAPE_JSON));
    add(text, SLICE("\", \"type\":\""));
    add(text, kind_name(entry->kind));
    add(text, SLICE("\", \"mtime\":\""));
    add(text, slice_make(date, sizeof date));
    add(text, SLICE("\""));
    if (entry->kind == FILE_REGULAR)
        add_format(text, ", \"size\":%llu", (unsigned long long)entry->size);
    add(text, SLICE(" }"));
}

struct slice list_json(struct arena *arena, const struct folder_list *list)
{
    const struct list_entry *entries = list->entries.items;
    struct text text = text_start(arena, list);

    if (list->callback.len > 0) {
        add(&text, SLICE("/* callback */\r\n"));
        add(&text, list->callback);
        add(&text, SLICE("("));
    }
    add(&text, SLICE("["));
    for (size_t i = 0; i < list->entries.count; i++) {
        if (i > 0)
            add(&text, SLICE(","));
        add_json_entry(&text, &entries[i]);
    }
    add(&text, SLICE("\r\n]"));
    if (list->callback.len > 0)
        add(&text, SLICE(");"));
    return text_end(&text);
}

/* --- XML --- */

static void add_xml_entry(struct text *text, const struct list_entry *entry)
{
    struct slice kind = kind_name(entry->kind);
    struct tm parts = split_time(entry->modified);

    add(text, SLICE("<"));
    add(text, kind);
    add_format(text, " mtime=\"%4d-%02d-%02dT%02d:%02d:%02dZ\"", parts.tm_year + 1900,
               parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    if (entry->kind == FILE_REGULAR)
        add_format(text, " size=\"%llu\"", (unsigned long long)entry->size);
    add(text, SLICE(">"));
    add(text, uri_escape(text->arena, entry->name, ESCAPE_HTML));
    add(text, SLICE("</"));
    add(text, kind);
    add(text, SLICE(">\r\n"));
}

struct slice list_xml(struct arena *arena, const struct folder_list *list)
{
    const struct list_entry *entries = list->entries.items;
    struct text text = text_start(arena, list);

    add(&text, SLICE("<?xml version=\"1.0\"?>\r\n<list>\r\n"));
    for (size_t i = 0; i < list->entries.count; i++)
        add_xml_entry(&text, &entries[i]);
    add(&text, SLICE("</list>\r\n"));
    return text_end(&text);
}
