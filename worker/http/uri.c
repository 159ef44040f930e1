#include "worker/http/uri.h"

#include "worker/http/scan.h"

/* --- normalising --- */

/* What the bytes written last are, seen from the '/' before them. */
enum segment {
    SEGMENT_TEXT,
    SEGMENT_EMPTY, /* just behind a '/' */
    SEGMENT_DOT,
    SEGMENT_DOT_DOT,
};

struct path_writer {
    char *text; /* never longer than what is read */
    size_t len;
    enum segment segment;
    bool merge_slashes;
};

/* Takes "/.." and the segment before it away, up to that one's '/', which
 * stays. False when there is none: the path leads above the root. */
static bool go_up(struct path_writer *writer)
{
    size_t len = writer->len - 3;

    while (len > 0 && writer->text[len - 1] != '/')
        len--;
    writer->len = len;
    return len > 0;
}

static bool end_segment(struct path_writer *writer)
{
    if (writer->segment == SEGMENT_DOT)
        writer->len--;
    return writer->segment != SEGMENT_DOT_DOT || go_up(writer);
}

static void write_byte(struct path_writer *writer, char c, enum segment next)
{
    writer->text[writer->len++] = c;
    writer->segment = next;
}

static bool write_slash(struct path_writer *writer)
{
    bool text = writer->segment == SEGMENT_TEXT;
    bool doubled = writer->segment == SEGMENT_EMPTY && !writer->merge_slashes;

    if (!end_segment(writer))
        return false;
    if (text || doubled)
        write_byte(writer, '/', SEGMENT_EMPTY);
    writer->segment = SEGMENT_EMPTY;
    return true;
}

static bool write_path(struct path_writer *writer, char c)
{
    static const enum segment after_dot[] = {
        [SEGMENT_TEXT] = SEGMENT_TEXT,
        [SEGMENT_EMPTY] = SEGMENT_DOT,
        [SEGMENT_DOT] = SEGMENT_DOT_DOT,
        [SEGMENT_DOT_DOT] = SEGMENT_TEXT,
    };

    if (c == '/')
        return write_slash(writer);
    write_byte(writer, c, c == '.' ? after_dot[writer->segment] : SEGMENT_TEXT);
    return true;
}

/* The byte that the two digits at `at` stand for, or -1. */
static int decode(const char *at, const char *end)
{
    if (end - at < 2)
        return -1;
    int high = hex_digit(at[0]), low = hex_digit(at[1]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static enum uri_result rewrite_path(struct path_writer *writer, struct slice path)
{
    const char *end = path.at + path.len;

    for (const char *at = path.at; at < end && *at != '#'; at++) {
        int byte = (unsigned char)*at;
        if (*at == '%') {
            byte = decode(at + 1, end);
            if (byte < 0)
                return URI_BAD;
            at += 2;
        }
        if (byte == '\0' || !write_path(writer, (char)byte))
            return URI_BAD;
    }
    return end_segment(writer) ? URI_OK : URI_BAD;
}

enum uri_result uri_normalize(struct arena *arena, struct slice path, bool merge_slashes,
                              struct slice *normalized)
{
    struct path_writer writer = { .merge_slashes = merge_slashes };

    *normalized = path;
    if (scan_path(path.at, path.at + path.len) == path.at + path.len)
        return URI_OK;
    writer.text = arena_text(arena, path.len);
    if (writer.text == NULL)
        return URI_NO_MEMORY;
    enum uri_result result = rewrite_path(&writer, path);
    *normalized = slice_make(writer.text, writer.len);
    return result;
}

/* --- redirects --- */

/* Reads the %XX at *at, which moves behind it, and writes what it becomes. True when that is
 * the '?' that ends the path. */
static bool unescape_one(struct slice url, size_t *at, char **out)
{
    size_t from = *at;
    int high = from + 1 < url.len ? hex_digit(url.at[from + 1]) : -1;

    if (high < 0) { /* the '%' is dropped, and the byte behind it means nothing */
        if (from + 1 < url.len)
            *(*out)++ = url.at[from + 1];
        *at = from + 1 < url.len ? from + 2 : url.len;
        return false;
    }
    int low = from + 2 < url.len ? hex_digit(url.at[from + 2]) : -1;
    *at = from + 3 < url.len ? from + 3 : url.len;
    if (low < 0)
        return false;
    char c = (char)(high << 4 | low);
    if (c > '%' && c < 0x7f) {
        *(*out)++ = c;
        return c == '?';
    }
    memcpy(*out, url.at + from, 3);
    *out += 3;
    return false;
}

struct slice uri_unescape_redirect(struct arena *arena, struct slice url)
{
    char *text = url.len == 0 ? NULL : arena_text(arena, url.len), *out = text;
    bool in_path = true;
    size_t at = 0;

    if (url.len == 0 || slice_find(url, '%') < 0)
        return url;
    if (text == NULL)
        return (struct slice){ NULL, 0 };
    while (at < url.len)
        if (in_path && url.at[at] == '%') {
            in_path = !unescape_one(url, &at, &out);
        } else {
            in_path = in_path && url.at[at] != '?';
            *out++ = url.at[at++];
        }
    return slice_make(text, (size_t)(out - text));
}

/* --- escaping --- */

/* Bit c % 32 of word c / 32: byte c is escaped. Control characters, spaces and
 * bytes from 0x7f on always are. */
static const uint32_t escaped[][4] = {
    [ESCAPE_URI] = { 0xffffffff, 0xd000002d, 0x50000000, 0xb8000001 },       /* "#%<>?\^`{|} */
    [ESCAPE_ARGUMENTS] = { 0xffffffff, 0xd800086d, 0x50000000, 0xb8000001 }, /* these and &+; */
    [ESCAPE_COMPONENT] = { 0xffffffff, 0xfc009fff, 0x78000001, 0xb8000001 }, /* but A-Za-z0-9-._~ */
};

static bool must_escape(unsigned char c, enum uri_escape kind)
{
    return c >= 0x80 || (escaped[kind][c / 32] >> (c % 32) & 1) != 0;
}

static struct slice escape_percent(struct arena *arena, struct slice text, enum uri_escape kind)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += must_escape((unsigned char)text.at[i], kind);
    if (count == 0)
        return text;
    char *start = arena_text(arena, text.len + count * 2), *out = start;
    if (start == NULL)
        return (struct slice){ NULL, 0 };
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (!must_escape(c, kind)) {
            *out++ = (char)c;
            continue;
        }
        *out++ = '%';
        *out++ = digits[c >> 4];
        *out++ = digits[c & 15];
    }
    return slice_make(start, (size_t)(out - start));
}

static struct slice html_entity(const char *at)
{
    switch (*at) {
    case '&':
        return SLICE("&amp;");
    case '<':
        return SLICE("&lt;");
    case '>':
        return SLICE("&gt;");
    case '"':
        return SLICE("&quot;");
    default:
        return slice_make(at, 1);
    }
}

static struct slice escape_html(struct arena *arena, struct slice text)
{
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++)
        len += html_entity(text.at + i).len;
    if (len == text.len)
        return text;
    char *start = arena_text(arena, len), *out = start;
    if (start == NULL)
        return (struct slice){ NULL, 0 };
    for (size_t i = 0; i < text.len; i++) {
        struct slice entity = html_entity(text.at + i);
        memcpy(out, entity.at, entity.len);
        out += entity.len;
    }
    return slice_make(start, len);
}

struct slice uri_escape(struct arena *arena, struct slice text, enum uri_escape kind)
{
    return kind == ESCAPE_HTML ? escape_html(arena, text) : escape_percent(arena, text, kind);
}

bool uri_goes_up(struct slice path)
{
    while (path.len >= 2) {
        if (path.at[0] == '.' && path.at[1] == '.' && (path.len == 2 || path.at[2] == '/'))
            return true;
        ptrdiff_t slash = slice_find(path, '/');
        if (slash < 0)
            return false;
        path = slice_from(path, (size_t)slash + 1);
    }
    return false;
}
