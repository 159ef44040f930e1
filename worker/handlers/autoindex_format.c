#include "worker/handlers/autoindex.h"

#include "common/date.h"
#include "common/text.h"
#include "worker/http/log_escape.h"
#include "worker/http/uri.h"

enum {
    NAME_SHOWN = 50,    /* columns of a name in HTML */
    LINE_BESIDES = 160, /* bytes of a line, in any format, beside the entry's name */
};

/* A text with room for the list; names that need escapes make it grow. */
static struct text text_start(struct arena *arena, const struct folder_list *list)
{
    const struct list_entry *entries = list->entries.items;
    struct text text = { .arena = arena };
    size_t room = 512 + 2 * list->uri.len;

    for (size_t i = 0; i < list->entries.count; i++)
        room += 2 * entries[i].name.len + LINE_BESIDES;
    text_reserve(&text, room);
    return text;
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

    text_add(text, SLICE("<a href=\""));
    text_add(text, uri_escape(text->arena, entry->name, ESCAPE_COMPONENT));
    text_add(text, entry->kind == FILE_DIRECTORY ? SLICE("/\">") : SLICE("\">"));
    text_add(text, uri_escape(text->arena, shown, ESCAPE_HTML));
    if (cut) {
        text_add(text, SLICE("..&gt;</a>"));
        return;
    }
    if (entry->kind == FILE_DIRECTORY && columns < NAME_SHOWN) {
        text_add(text, SLICE("/"));
        columns++;
    }
    text_add(text, SLICE("</a>"));
    text_add_spaces(text, NAME_SHOWN - columns);
}

static void add_html_time(struct text *text, time_t when)
{
    struct tm parts = split_time(when);

    text_format(text, " %02d-%s-%d %02d:%02d ", parts.tm_mday, date_month_names[parts.tm_mon],
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
            text_format(text, "%6llu%c", (unsigned long long)rounded, scales[i].letter);
            return;
        }
    text_format(text, " %6llu", (unsigned long long)size);
}

static void add_html_size(struct text *text, const struct list_entry *entry, bool exact)
{
    if (entry->kind == FILE_DIRECTORY)
        text_format(text, exact ? "%19s" : "%7s", "-");
    else if (exact)
        text_format(text, "%19llu", (unsigned long long)entry->size);
    else
        add_rounded_size(text, entry->size);
}

struct slice list_html(struct arena *arena, const struct folder_list *list)
{
    const struct list_entry *entries = list->entries.items;
    struct slice uri = uri_escape(arena, list->uri, ESCAPE_HTML);
    struct text text = text_start(arena, list);

    text_add(&text, SLICE("<html>\r\n<head><title>Index of "));
    text_add(&text, uri);
    text_add(&text, SLICE("</title></head>\r\n<body>\r\n<h1>Index of "));
    text_add(&text, uri);
    text_add(&text, SLICE("</h1><hr><pre><a href=\"../\">../</a>\r\n"));
    for (size_t i = 0; i < list->entries.count; i++) {
        add_html_name(&text, &entries[i]);
        add_html_time(&text, entries[i].modified + list->offset);
        add_html_size(&text, &entries[i], list->exact_size);
        text_add(&text, SLICE("\r\n"));
    }
    text_add(&text, SLICE("</pre><hr></body>\r\n</html>\r\n"));
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
    text_add(text, SLICE("\r\n{ \"name\":\""));
    text_add(text, log_escape_text(text->arena, entry->name, LOG_ESCAPE_JSON));
    text_add(text, SLICE("\", \"type\":\""));
    text_add(text, kind_name(entry->kind));
    text_add(text, SLICE("\", \"mtime\":\""));
    text_add(text, slice_make(date, sizeof date));
    text_add(text, SLICE("\""));
    if (entry->kind == FILE_REGULAR)
        text_format(text, ", \"size\":%llu", (unsigned long long)entry->size);
    text_add(text, SLICE(" }"));
}

struct slice list_json(struct arena *arena, const struct folder_list *list)
{
    const struct list_entry *entries = list->entries.items;
    struct text text = text_start(arena, list);

    if (list->callback.len > 0) {
        text_add(&text, SLICE("/* callback */\r\n"));
        text_add(&text, list->callback);
        text_add(&text, SLICE("("));
    }
    text_add(&text, SLICE("["));
    for (size_t i = 0; i < list->entries.count; i++) {
        if (i > 0)
            text_add(&text, SLICE(","));
        add_json_entry(&text, &entries[i]);
    }
    text_add(&text, SLICE("\r\n]"));
    if (list->callback.len > 0)
        text_add(&text, SLICE(");"));
    return text_end(&text);
}

/* --- XML --- */

static void add_xml_entry(struct text *text, const struct list_entry *entry)
{
    struct slice kind = kind_name(entry->kind);
    struct tm parts = split_time(entry->modified);

    text_add(text, SLICE("<"));
    text_add(text, kind);
    text_format(text, " mtime=\"%4d-%02d-%02dT%02d:%02d:%02dZ\"", parts.tm_year + 1900,
                parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    if (entry->kind == FILE_REGULAR)
        text_format(text, " size=\"%llu\"", (unsigned long long)entry->size);
    text_add(text, SLICE(">"));
    text_add(text, uri_escape(text->arena, entry->name, ESCAPE_HTML));
    text_add(text, SLICE("</"));
    text_add(text, kind);
    text_add(text, SLICE(">\r\n"));
}

struct slice list_xml(struct arena *arena, const struct folder_list *list)
{
    const struct list_entry *entries = list->entries.items;
    struct text text = text_start(arena, list);

    text_add(&text, SLICE("<?xml version=\"1.0\"?>\r\n<list>\r\n"));
    for (size_t i = 0; i < list->entries.count; i++)
        add_xml_entry(&text, &entries[i]);
    text_add(&text, SLICE("</list>\r\n"));
    return text_end(&text);
}
