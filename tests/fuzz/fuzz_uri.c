/* Any bytes as a path, a host, a query and a text to escape: a path that is
 * taken starts with '/' and holds no way up; what is escaped decodes to itself.
 *
 * The first byte says whether slashes are merged, and where the name of an
 * argument ends. */
#include "worker/http/uri.h"

#include <stdio.h>
#include <stdlib.h>

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "not so: %s\n", what);
    abort();
}

static bool contains(struct slice text, const char *part)
{
    return text.len > 0 && memmem(text.at, text.len, part, strlen(part)) != NULL;
}

static void check_path(struct arena *arena, struct slice path, bool merge_slashes)
{
    struct slice result, again;

    if (uri_normalize(arena, path, merge_slashes, &result) != URI_OK)
        return;
    expect(result.len > 0 && result.len <= path.len && result.at[0] == '/',
           "a path starts with '/'");
    expect(!contains(result, "/../") && !contains(result, "/./") &&
               !slice_ends(result, SLICE("/..")) && !slice_ends(result, SLICE("/.")),
           "a path has no dot segment");
    expect(slice_find(result, '\0') < 0, "a path has no NUL");
    expect(!merge_slashes || !contains(result, "//"), "slashes are merged");
    struct slice escaped = uri_escape(arena, result, ESCAPE_URI);
    expect(uri_normalize(arena, escaped, merge_slashes, &again) == URI_OK &&
               slice_equal(again, result),
           "an escaped path is the same path");
}

/* The bytes of `text` with each %XX as its byte. */
static struct slice unescaped(struct arena *arena, struct slice text)
{
    char *out = arena_text(arena, text.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        out[len++] = text.at[i];
        if (text.at[i] != '%')
            continue;
        expect(i + 2 < text.len, "an escape is whole");
        out[len - 1] = (char)(hex_digit(text.at[i + 1]) << 4 | hex_digit(text.at[i + 2]));
        i += 2;
    }
    return slice_make(out, len);
}

static void check_escapes(struct arena *arena, struct slice text)
{
    for (enum uri_escape kind = ESCAPE_URI; kind <= ESCAPE_COMPONENT; kind++) {
        struct slice escaped = uri_escape(arena, text, kind);
        for (size_t i = 0; i < escaped.len; i++)
            expect(escaped.at[i] > ' ' && escaped.at[i] < 0x7f, "what is escaped is visible");
        expect(slice_equal(unescaped(arena, escaped), text), "what is escaped is the same");
    }
    struct slice html = uri_escape(arena, text, ESCAPE_HTML);
    expect(slice_find(html, '<') < 0 && slice_find(html, '>') < 0 && slice_find(html, '"') < 0,
           "HTML holds no markup");
}

static void check_query(struct slice text, size_t name_len)
{
    struct slice name = slice_first(text, name_len), query = slice_from(text, name_len), value;

    if (!query_argument(query, name, &value))
        return;
    expect(value.at >= query.at + name.len + 1 && value.at + value.len <= query.at + query.len,
           "a value lies inside the query");
    expect(value.at[-1] == '=' && slice_find(value, '&') < 0, "a value is all of a value");
}

static void check_host(struct arena *arena, struct slice text)
{
    struct slice name;

    if (!host_validate(arena, text, &name))
        return;
    expect(name.len > 0 && name.len <= text.len, "a host is not empty");
    expect(slice_find(name, '/') < 0 && !contains(name, "..") && slice_find(name, '\0') < 0,
           "a host cannot be a path");
    for (size_t i = 0; i < name.len; i++)
        expect(name.at[i] == ascii_lower(name.at[i]), "a host is in lower case");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;

    if (size < 2)
        return 0;
    arena_init(&arena, NULL);
    struct slice text = { (const char *)data + 1, size - 1 };
    check_path(&arena, arena_join(&arena, SLICE("/"), text), (data[0] & 1) != 0);
    check_escapes(&arena, text);
    check_query(text, data[0] % text.len);
    check_host(&arena, text);
    arena_free(&arena);
    return 0;
}
