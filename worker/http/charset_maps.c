/* charset_map: how bytes of one charset are read as another, and answers recoded so. */
#include "worker/http/charset.h"
#include "worker/http/maps.h"
#include "worker/http/stream.h"

/* --- the names --- */

const struct slice *charset_known(const struct http *http, struct slice name)
{
    const struct slice *names = http->charsets.items;

    for (size_t i = 0; i < http->charsets.count; i++)
        if (slice_equal_nocase(names[i], name))
            return &names[i];
    return NULL;
}

struct slice charset_spelling(struct conf *conf, struct conf_scope *scope, const struct word *word)
{
    struct http *http = http_of(scope);
    const struct slice *known = charset_known(http, word->text);

    if (known != NULL)
        return *known;
    http->charsets.item_size = sizeof word->text;
    struct slice *name = array_push(&http->charsets, conf->arena);
    if (name == NULL)
        conf_error(conf, word->at, "no memory for a charset");
    else
        *name = word->text;
    return word->text;
}

const struct charset_map *charset_map_find(const struct http *http, struct slice a, struct slice b)
{
    struct charset_map *const *maps = http->charset_maps.items;

    for (size_t i = 0; i < http->charset_maps.count; i++)
        if ((slice_equal_nocase(maps[i]->from, a) && slice_equal_nocase(maps[i]->to, b)) ||
            (slice_equal_nocase(maps[i]->from, b) && slice_equal_nocase(maps[i]->to, a)))
            return maps[i];
    return NULL;
}

/* --- the block --- */

/* Bytes in hexadecimal digits; their number, 0 when it is none. */
static size_t read_hex(struct slice text, char bytes[4])
{
    if (text.len == 0 || text.len > 8 || text.len % 2 != 0)
        return 0;
    for (size_t i = 0; i < text.len / 2; i++) {
        int high = hex_digit(text.at[2 * i]), low = hex_digit(text.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return 0;
        bytes[i] = (char)(high << 4 | low);
    }
    return text.len / 2;
}

/* The character of the other charset; -1, with the error reported. */
static int read_character(struct conf *conf, const struct word *word, bool utf8)
{
    char bytes[4];
    size_t len = read_hex(word->text, bytes);
    int character = -1;

    if (len > 0 && utf8)
        character = charset_character(slice_make(bytes, len));
    else if (len == 1)
        character = (unsigned char)*bytes;
    if (character < 0)
        conf_error(conf, word->at, "invalid value \"%.*s\"", (int)word->text.len, word->text.at);
    return character;
}

static void read_line(struct conf *conf, const struct conf_node *line, struct charset_map *map)
{
    if (!map_line_check(conf, line, 2, 2, "charset_map"))
        return;
    int byte = read_character(conf, &line->words[0], false);
    int character = read_character(conf, &line->words[1], map->utf8);
    if (byte >= 0 && character >= 0 &&
        !charset_map_add(map, conf->arena, (uint8_t)byte, (uint16_t)character))
        conf_error(conf, line->words[0].at, "no memory for this value");
}

static bool check_pair(struct conf *conf, const struct conf_node *node, const struct http *http,
                       struct slice from, struct slice to)
{
    const char *problem = NULL;

    if (slice_equal_nocase(from, to))
        problem = "\"charset_map\" between the same charsets \"%.*s\" and \"%.*s\"";
    else if (charset_map_find(http, from, to) != NULL)
        problem = "duplicate \"charset_map\" between \"%.*s\" and \"%.*s\"";
    else
        return true;
    struct slice text =
        arena_printf(conf->arena, problem, (int)from.len, from.at, (int)to.len, to.at);
    conf_error(conf, node->words[0].at, "%.*s", (int)text.len, text.at);
    return false;
}

/* charset_map from to { byte character; ... } */
static void set_map(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                    const struct directive *directive, void *unused)
{
    struct http *http = http_of(scope);
    struct slice from = charset_spelling(conf, scope, &node->words[1]);
    struct slice to = charset_spelling(conf, scope, &node->words[2]);

    (void)directive;
    (void)unused;
    if (!check_pair(conf, node, http, from, to))
        return;
    http->charset_maps.item_size = sizeof(struct charset_map *);
    struct charset_map *map = charset_map_new(conf->arena, from, to);
    struct charset_map **place = array_push(&http->charset_maps, conf->arena);
    if (map == NULL || place == NULL) {
        conf_error(conf, node->words[0].at, "no memory for a map");
        return;
    }
    *place = map;
    for (const struct conf_node *line = node->children; line != NULL; line = line->next)
        read_line(conf, line, map);
}

const struct value_type as_charset_map = { "from to { byte character; ... }", 0, set_map };

/* --- the body --- */

struct recoding_stream {
    struct stream stream;
    struct stream *source;
    struct charset_recoder recoder;
    struct slice input; /* read and not recoded yet */
    bool whole;         /* the source has ended */
    char bytes[4096];
};

static enum stream_result read_source(struct recoding_stream *own, struct request *request)
{
    size_t got = 0;
    enum stream_result result =
        own->source->read(own->source, request, own->bytes, sizeof own->bytes, &got);

    own->whole = result == STREAM_END;
    own->input = slice_make(own->bytes, result == STREAM_FAILED ? 0 : got);
    return result;
}

static enum stream_result recode(struct stream *stream, struct request *request, char *room,
                                 size_t len, size_t *made)
{
    struct recoding_stream *own = (struct recoding_stream *)stream;

    *made = 0;
    for (;;) {
        *made += charset_recode(&own->recoder, &own->input, room + *made, len - *made);
        if (*made == len)
            return STREAM_SOME;
        if (!own->whole) {
            enum stream_result result = read_source(own, request);
            if (result == STREAM_FAILED)
                return result;
            if (result == STREAM_WAIT && own->input.len == 0)
                return *made > 0 ? STREAM_SOME : STREAM_WAIT;
        } else if (!charset_recode_end(&own->recoder)) {
            return STREAM_END;
        }
    }
}

/* Between charsets of one byte the length stays, and what stands where. */
bool charset_recode_response(struct request *request, const struct charset_map *map,
                             struct slice source)
{
    struct response *response = &request->response;
    struct recoding_stream *own;

    if (map->utf8 && !response_will_change(request))
        return false;
    if (request->head_only)
        return true;
    own = arena_alloc(&request->arena, sizeof *own);
    if (own == NULL)
        return false;
    *own = (struct recoding_stream){
        .stream.read = recode,
        .recoder = { .map = map, .backwards = slice_equal_nocase(source, map->to) },
    };
    own->source = stream_of_response(request);
    response->stream = &own->stream;
    return own->source != NULL;
}
