/* sub_filter: texts of an answer, replaced while it is sent. */
#include "common/matcher.h"
#include "conf/values.h"
#include "worker/context.h"
#include "worker/http/filters.h"
#include "worker/http/mime_types.h"
#include "worker/http/request.h"
#include "worker/http/stream.h"
#include "worker/http/template.h"

enum { PAIRS_MAX = 255 }; /* sub_filter directives of one block, as nginx */

/* One sub_filter. */
struct sub_pair {
    struct template text;
    struct template replacement;
};

struct sub_settings {
    struct array pairs;      /* of struct sub_pair */
    struct matcher *matcher; /* NULL: a text has variables, and it is made for each answer */
    struct mime_types types;
    bool once;
    bool last_modified;
};

/* What becomes of one pair in an answer. */
struct substitute {
    const struct template *replacement;
    struct slice value; /* of the replacement, once it was needed; at NULL: not yet */
};

/* One answer on its way: bytes start to end of its buffer are not handed on yet. Of them,
 * `clean` were looked at and are handed on as they are, then `skip` are passed over for
 * `value`. */
struct sub_stream {
    struct stream stream;
    struct stream *source;
    struct buffer *memory; /* NULL: given back */
    const struct matcher *matcher;
    struct substitute *substitutes; /* by the matcher's index */
    bool *done;                     /* by index: replaced, and not looked for again; or NULL */
    size_t left;                    /* those that are looked for; SIZE_MAX: each for ever */
    size_t clean, skip;
    struct slice value;
    bool whole; /* the source has ended */
};

/* --- the body --- */

/* Called at the end of the body, and of the request. */
static void give_back(struct request *request, void *stream)
{
    struct sub_stream *own = stream;

    buffer_give(&request->worker->buffers, own->memory);
    own->memory = NULL;
}

/* What a search has decided on, as far as there is room. */
static size_t hand_on(struct sub_stream *own, char *room, size_t len)
{
    struct buffer *memory = own->memory;
    size_t clean = own->clean < len ? own->clean : len;

    memcpy(room, memory->data + memory->start, clean);
    memory->start += clean;
    own->clean -= clean;
    if (own->clean > 0)
        return clean;
    memory->start += own->skip;
    own->skip = 0;
    struct slice value = slice_first(own->value, len - clean);
    if (value.len > 0)
        memcpy(room + clean, value.at, value.len);
    own->value = slice_from(own->value, value.len);
    return clean + value.len;
}

/* The replacement is made when it is needed first, and is the same from then on. */
static bool replace(struct sub_stream *own, struct request *request, size_t index)
{
    struct substitute *substitute = &own->substitutes[index];

    if (substitute->value.at == NULL &&
        !template_eval(request, substitute->replacement, &substitute->value))
        return false;
    if (substitute->value.at == NULL)
        substitute->value = SLICE("");
    own->value = substitute->value;
    own->skip = matcher_length(own->matcher, index);
    if (own->done != NULL) {
        own->done[index] = true;
        own->left--;
    }
    return true;
}

/* Looks for the next text in what is there. False: memory is out. */
static bool look(struct sub_stream *own, struct request *request)
{
    const struct buffer *memory = own->memory;
    struct slice in = slice_make(memory->data + memory->start, memory->end - memory->start);
    size_t index;

    own->clean = in.len;
    if (own->left == 0 ||
        !matcher_find(own->matcher, in, own->whole, own->done, &own->clean, &index))
        return true;
    return replace(own, request, index);
}

/* More of the source, behind what may be the beginning of a text. */
static enum stream_result read_source(struct sub_stream *own, struct request *request)
{
    struct buffer *memory = own->memory;
    size_t kept = memory->end - memory->start, got = 0;

    memmove(memory->data, memory->data + memory->start, kept);
    memory->start = 0;
    memory->end = kept;
    enum stream_result result =
        own->source->read(own->source, request, memory->data + kept, memory->size - kept, &got);
    if (result == STREAM_SOME || result == STREAM_END)
        memory->end += got;
    own->whole = result == STREAM_END;
    return result;
}

static enum stream_result substitute(struct stream *stream, struct request *request, char *room,
                                     size_t len, size_t *made)
{
    struct sub_stream *own = (struct sub_stream *)stream;

    *made = 0;
    for (;;) {
        *made += hand_on(own, room + *made, len - *made);
        if (*made == len)
            return STREAM_SOME;
        /* What is left now is the beginning of a text at most, or nothing was looked at yet
         * behind a text that was found. */
        if (!look(own, request))
            return STREAM_FAILED;
        if (own->clean > 0 || own->skip > 0)
            continue;
        if (own->whole) {
            give_back(request, own);
            return STREAM_END;
        }
        enum stream_result result = read_source(own, request);
        if (result == STREAM_FAILED)
            return STREAM_FAILED;
        if (result == STREAM_WAIT)
            return *made > 0 ? STREAM_SOME : STREAM_WAIT;
    }
}

/* --- the head --- */

/* A matcher for this answer's texts, those that are not empty; *matcher is NULL when all
 * are. False: memory is out. */
static bool make_matcher(struct request *request, const struct array *pairs,
                         struct substitute *substitutes, const struct matcher **matcher)
{
    const struct sub_pair *pair = pairs->items;
    struct slice *texts = arena_alloc(&request->arena, pairs->count * sizeof *texts);
    size_t count = 0;

    if (texts == NULL)
        return false;
    for (size_t i = 0; i < pairs->count; i++) {
        if (!template_eval(request, &pair[i].text, &texts[count]))
            return false;
        if (texts[count].len > 0)
            substitutes[count++] = (struct substitute){ .replacement = &pair[i].replacement };
    }
    *matcher = count == 0 ? NULL : matcher_new(&request->arena, texts, count);
    return count == 0 || *matcher != NULL;
}

/* What is looked for in this answer; own->matcher is NULL when there is nothing. */
static bool prepare(struct request *request, const struct sub_settings *settings,
                    struct sub_stream *own)
{
    const struct sub_pair *pairs = settings->pairs.items;
    size_t count = settings->pairs.count;

    own->substitutes = arena_zalloc(&request->arena, count * sizeof *own->substitutes);
    if (own->substitutes == NULL)
        return false;
    own->matcher = settings->matcher;
    for (size_t i = 0; i < count; i++)
        own->substitutes[i].replacement = &pairs[i].replacement;
    if (own->matcher == NULL &&
        !make_matcher(request, &settings->pairs, own->substitutes, &own->matcher))
        return false;
    own->left = SIZE_MAX;
    if (!settings->once || own->matcher == NULL)
        return true;
    own->left = matcher_count(own->matcher);
    own->done = arena_zalloc(&request->arena, own->left * sizeof *own->done);
    return own->done != NULL;
}

/* The buffer holds the longest text, and at least as much behind it. */
static bool start(struct request *request, struct sub_stream *own)
{
    struct buffer_pool *pool = &request->worker->buffers;
    size_t longest = matcher_longest(own->matcher);

    own->stream.read = substitute;
    own->memory = buffer_take_sized(pool, longest > pool->size / 2 ? 2 * longest : pool->size);
    if (own->memory == NULL)
        return false;
    if (!request_at_end(request, give_back, own)) {
        give_back(request, own);
        return false;
    }
    own->source = stream_of_response(request);
    request->response.stream = &own->stream;
    return own->source != NULL;
}

/* The text is not the one that these were made of; sub_filter_last_modified keeps the time,
 * and a weak ETag. */
static bool change_head(struct request *request, bool keep_last_modified)
{
    struct response *response = &request->response;

    if (!response_will_change(request))
        return false;
    if (keep_last_modified)
        return true;
    response->last_modified = -1;
    response->last_modified_text = SLICE("");
    response->etag = SLICE("");
    return true;
}

static bool is_wanted(const struct response *response, const struct sub_settings *settings)
{
    return settings->pairs.count > 0 && !(response->length_known && response->length == 0) &&
           mime_types_match(&settings->types, response->content_type);
}

bool filter_sub(struct request *request)
{
    const struct sub_settings *settings = request_settings(request, MODULE_SUB);

    if (settings->pairs.count == 0 || !is_wanted(&request->response, settings))
        return true;
    struct sub_stream *own = arena_zalloc(&request->arena, sizeof *own);
    if (own == NULL || !prepare(request, settings, own))
        return false;
    if (own->matcher == NULL)
        return true;
    if (!request->head_only && !start(request, own))
        return false;
    return change_head(request, settings->last_modified);
}

/* --- the directives --- */

/* sub_filter text replacement */
static void set_pair(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    struct array *pairs = value;
    struct sub_pair own;
    const struct word *words = node->words;

    (void)directive;
    if (words[1].text.len == 0) {
        conf_error(conf, words[1].at, "empty search pattern");
        return;
    }
    if (pairs->count == PAIRS_MAX) {
        conf_error(conf, words[0].at, "number of search patterns exceeds %d", PAIRS_MAX);
        return;
    }
    if (!template_compile(conf, scope, words[1].at, words[1].text, &own.text) ||
        !template_compile(conf, scope, words[2].at, words[2].text, &own.replacement))
        return;
    pairs->item_size = sizeof own;
    struct sub_pair *pair = array_push(pairs, conf->arena);
    if (pair == NULL)
        conf_error(conf, words[0].at, "no memory for a text");
    else
        *pair = own;
}

/* Texts without variables are prepared once. */
static void make_static_matcher(struct conf *conf, struct conf_scope *scope, void *value)
{
    struct sub_settings *settings = value;
    const struct sub_pair *pairs = settings->pairs.items;
    struct slice texts[PAIRS_MAX];

    settings->matcher = NULL;
    for (size_t i = 0; i < settings->pairs.count; i++) {
        if (!pairs[i].text.constant)
            return;
        texts[i] = pairs[i].text.literal;
    }
    if (settings->pairs.count == 0)
        return;
    settings->matcher = matcher_new(conf->arena, texts, settings->pairs.count);
    if (settings->matcher == NULL)
        conf_error(conf, scope->node == NULL ? (struct position){ 0 } : scope->node->words[0].at,
                   "no memory for sub_filter");
}

#define FIELD(name) offsetof(struct sub_settings, name)

static const struct value_type as_pairs = { "text replacement", sizeof(struct array), set_pair };

static const struct directive sub_directives[] = {
    { "sub_filter", IN_HTTP_ALL, ARGS_REPEATED(2, 2), &as_pairs, FIELD(pairs), NULL,
      "replace a text in answers, whatever the case of its letters" },
    { "sub_filter_types", IN_HTTP_ALL, ARGS_FROM(1), &as_mime_types, FIELD(types), NULL,
      "MIME types of answers that texts are replaced in, beside text/html" },
    { "sub_filter_once", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(once), "on",
      "replace each text where it stands first only" },
    { "sub_filter_last_modified", IN_HTTP_ALL, ARGS(1), &as_flag, FIELD(last_modified), "off",
      "keep the Last-Modified of such answers" },
    { 0 },
};

const struct conf_module sub_module = {
    .name = "sub",
    .id = MODULE_SUB,
    .size = sizeof(struct sub_settings),
    .directives = sub_directives,
    .check = make_static_matcher,
};
