/* Files that were compressed beforehand: the name with ".gz", ".br" or ".zst" behind it. */
#include "common/log.h"
#include "conf/values.h"
#include "worker/handlers/file_cache.h"
#include "worker/handlers/handlers.h"
#include "worker/handlers/static.h"
#include "worker/http/accept_encoding.h"
#include "worker/http/gzip.h"

#include <errno.h>

/* The codings, in the order of `codings`. */
enum { CODING_GZIP, CODING_BROTLI, CODING_ZSTD, CODINGS };

enum { GZIP_STATIC_OFF, GZIP_STATIC_ON, GZIP_STATIC_ALWAYS };

/* precompressed: which codings, the one that is best liked first. */
struct precompressed {
    uint8_t count;
    uint8_t codings[CODINGS];
};

struct gzip_static_settings {
    int gzip_static;
    struct precompressed precompressed;
};

static const struct coding {
    struct slice name;
    const char *suffix;
} codings[CODINGS] = {
    [CODING_GZIP] = { SLICE_INIT("gzip"), ".gz" },
    [CODING_BROTLI] = { SLICE_INIT("br"), ".br" },
    [CODING_ZSTD] = { SLICE_INIT("zstd"), ".zst" },
};

/* --- the answer --- */

/* A file that is not there is no error; the one without the suffix may be. */
static int file_failed(struct request *request, struct slice path, int error)
{
    int level = LOG_LEVEL_CRIT;

    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
        return DECLINED;
    case EACCES:
    case EMLINK:
    case ELOOP:
        level = LOG_LEVEL_ERROR;
    }
    request_log(request, level, error, "%s \"%.*s\" failed", file_open_call(request), (int)path.len,
                path.at);
    return DECLINED;
}

/* What follows of it is that of the file itself, but its bytes: no ranges of them, as in
 * nginx. */
static int answer(struct request *request, struct open_file *file, const struct coding *coding)
{
    struct response *response = &request->response;

    if (!static_respond(request, file) ||
        !response_add(request, SLICE("Content-Encoding"), coding->name))
        return 500;
    response->ranges = false;
    return DONE;
}

/* The file beside the URI's; `taken`: the client takes it, else it is only looked at whether
 * the answer would be another for clients that do. */
static int try_coding(struct request *request, const struct coding *coding, bool taken)
{
    struct open_file *file;
    struct slice path;

    if (!request_path(request, request->uri, &path))
        return 500;
    path = arena_printf(&request->arena, "%.*s%s", (int)path.len, path.at, coding->suffix);
    if (path.at == NULL)
        return 500;
    int error = file_open(request, path, &file);
    if (error != 0)
        return file_failed(request, path, error);
    request->vary_encoding = true;
    if (!taken || file->kind == FILE_DIRECTORY)
        return DECLINED;
    if (file->kind == FILE_OTHER) {
        request_log(request, LOG_LEVEL_CRIT, 0, "\"%.*s\" is not a regular file", (int)path.len,
                    path.at);
        return 404;
    }
    return answer(request, file, coding);
}

/* gzip_static always: whoever does not take it gets it too; gunzip may help. */
static int try_gzip(struct request *request, int gzip_static)
{
    bool always = gzip_static == GZIP_STATIC_ALWAYS, vary = request->vary_encoding;

    if (!always) {
        bool taken = request_accepts_gzip(request);
        if (!taken && !gzip_settings(request)->vary)
            return DECLINED;
        return try_coding(request, &codings[CODING_GZIP], taken);
    }
    int outcome = try_coding(request, &codings[CODING_GZIP], true);
    request->vary_encoding = vary;
    return outcome;
}

/* The codings that the client takes, those that it likes best first; how many. */
static unsigned rank(const struct precompressed *precompressed, struct slice accepted,
                     uint8_t ranked[CODINGS])
{
    unsigned qualities[CODINGS], count = 0;

    for (unsigned i = 0; i < precompressed->count; i++) {
        uint8_t coding = precompressed->codings[i];
        unsigned quality = accept_encoding_quality(accepted, codings[coding].name), place = count;
        if (quality == 0)
            continue;
        for (; place > 0 && qualities[place - 1] < quality; place--) {
            qualities[place] = qualities[place - 1];
            ranked[place] = ranked[place - 1];
        }
        qualities[place] = quality;
        ranked[place] = coding;
        count++;
    }
    return count;
}

static int try_precompressed(struct request *request, const struct precompressed *precompressed)
{
    const struct field *header = head_known(&request->head, FIELD_ACCEPT_ENCODING);
    uint8_t ranked[CODINGS];
    int outcome = DECLINED;

    request->vary_told = true;
    if (header == NULL || !request_may_encode(request))
        return DECLINED;
    unsigned count = rank(precompressed, header->value, ranked);
    for (unsigned i = 0; i < count && outcome == DECLINED; i++)
        outcome = try_coding(request, &codings[ranked[i]], true);
    return outcome;
}

int gzip_static_handler(struct request *request)
{
    const struct gzip_static_settings *settings = request_settings(request, MODULE_GZIP_STATIC);
    int outcome = DECLINED;

    if (settings->gzip_static == GZIP_STATIC_OFF && settings->precompressed.count == 0)
        return DECLINED;
    if ((request->method != METHOD_GET && request->method != METHOD_HEAD) ||
        slice_ends(request->uri, SLICE("/")))
        return DECLINED;
    if (settings->precompressed.count > 0)
        outcome = try_precompressed(request, &settings->precompressed);
    if (outcome == DECLINED && settings->gzip_static != GZIP_STATIC_OFF)
        outcome = try_gzip(request, settings->gzip_static);
    return outcome;
}

/* --- the directives --- */

/* precompressed off | coding ... */
static void set_precompressed(struct conf *conf, struct conf_scope *scope,
                              const struct conf_node *node, const struct directive *directive,
                              void *value)
{
    struct precompressed *precompressed = value;

    (void)scope;
    if (node->count == 2 && slice_is(node->words[1].text, "off"))
        return;
    for (size_t i = 1; i < node->count; i++) {
        const struct word *word = &node->words[i];
        uint8_t coding = 0;
        while (coding < CODINGS && !slice_equal(word->text, codings[coding].name))
            coding++;
        if (coding == CODINGS)
            conf_error(conf, word->at, "invalid value \"%.*s\"", (int)word->text.len,
                       word->text.at);
        else if (memchr(precompressed->codings, coding, precompressed->count) != NULL)
            conf_error(conf, word->at, "\"%s\" has \"%.*s\" twice", directive->name,
                       (int)word->text.len, word->text.at);
        else
            precompressed->codings[precompressed->count++] = coding;
    }
}

static const struct value_type as_precompressed = { "off | gzip | br | zstd ...",
                                                    sizeof(struct precompressed),
                                                    set_precompressed };

static const struct enum_choice gzip_static_choices[] = { { "off", GZIP_STATIC_OFF },
                                                          { "on", GZIP_STATIC_ON },
                                                          { "always", GZIP_STATIC_ALWAYS },
                                                          { NULL, 0 } };
static const struct enum_type as_gzip_static = { { "off | on | always", sizeof(int), enum_set },
                                                 gzip_static_choices };

static const struct directive gzip_static_directives[] = {
    { "gzip_static", IN_HTTP_ALL, ARGS(1), &as_gzip_static.type,
      offsetof(struct gzip_static_settings, gzip_static), "off",
      "send FILE.gz in place of FILE to clients that take gzip; always: to all" },
    { "precompressed", IN_HTTP_ALL, ARGS_FROM(1), &as_precompressed,
      offsetof(struct gzip_static_settings, precompressed), "off",
      "send FILE.gz, FILE.br or FILE.zst to clients that take it, the best liked first" },
    { 0 },
};

const struct conf_module gzip_static_module = {
    .name = "gzip_static",
    .id = MODULE_GZIP_STATIC,
    .size = sizeof(struct gzip_static_settings),
    .directives = gzip_static_directives,
};
