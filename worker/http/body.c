#include "worker/http/body.h"

#include "common/anchor.h"
#include "worker/context.h"
#include "worker/http/client.h"
#include "worker/net/connection.h"
#include "worker/temp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { TEMP_NAME_TRIES = 100 };

static const struct client_settings *client_of(const struct request *request)
{
    return request->settings[MODULE_CLIENT];
}

int body_init(struct request *request, enum framing framing, uint64_t length)
{
    if (framing == FRAMING_NONE)
        return 0;
    struct body *body = arena_zalloc(&request->arena, sizeof *body);
    if (body == NULL)
        return 500;
    body->framing = framing;
    body->length = length;
    body->file = -1;
    body->whole = framing == FRAMING_LENGTH && length == 0;
    if (framing == FRAMING_CHUNKED)
        chunked_init(&body->chunked);
    request->body = body;
    return 0;
}

/* client_body_in_file_only: a file that keeps its name. */
static int open_named_file(struct request *request, struct body *body)
{
    const char *folder = client_of(request)->client_body_temp_path;

    for (unsigned try = 0; try < TEMP_NAME_TRIES; try++) {
        uint64_t number = request->connection->number * TEMP_NAME_TRIES + try;
        struct slice name = arena_printf(&request->arena, "%s/%010llu-%d", folder,
                                         (unsigned long long)number, (int)getpid());
        if (name.at == NULL)
            return 500;
        body->file = anchored_open(name.at, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (body->file >= 0) {
            body->file_name = name.at;
            return 0;
        }
        if (errno != EEXIST && errno != EINTR) {
            request_log(request, LOG_LEVEL_CRIT, errno, "open() \"%s\" failed", name.at);
            return 500;
        }
    }
    request_log(request, LOG_LEVEL_CRIT, EEXIST, "no free name in \"%s\"", folder);
    return 500;
}

/* A new file in client_body_temp_path. */
static int open_temp_file(struct request *request, struct body *body)
{
    const struct client_settings *settings = client_of(request);

    if (settings->client_body_in_file_only != BODY_IN_FILE_OFF)
        return open_named_file(request, body);
    body->file = temp_file_open(settings->client_body_temp_path);
    if (body->file >= 0)
        return 0;
    request_log(request, LOG_LEVEL_CRIT, errno, "open() of a file in \"%s\" failed",
                settings->client_body_temp_path);
    return 500;
}

static int write_file(struct request *request, struct slice data)
{
    struct body *body = request->body;

    while (data.len > 0) {
        ssize_t written = write(body->file, data.at, data.len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            request_log(request, LOG_LEVEL_CRIT, written < 0 ? errno : ENOSPC,
                        "write() of a request body failed");
            return errno == ENOSPC ? 507 : 500;
        }
        data = slice_from(data, (size_t)written);
    }
    return 0;
}

/* Memory is full: everything goes to the file from here on. */
static int spill(struct request *request)
{
    struct body *body = request->body;

    if (body->file < 0) {
        int status = open_temp_file(request, body);
        if (status != 0)
            return status;
        request_log(request, LOG_LEVEL_WARN, 0,
                    "a client request body is buffered to a temporary file");
    }
    int status = write_file(request, body->memory);
    body->memory.len = 0;
    return status;
}

static int keep(struct request *request, struct slice data)
{
    struct body *body = request->body;

    if (body->memory.len + data.len > body->capacity) {
        int status = spill(request);
        if (status != 0)
            return status;
    }
    if (data.len > body->capacity)
        return write_file(request, data);
    memcpy((char *)(uintptr_t)body->memory.at + body->memory.len, data.at, data.len);
    body->memory.len += data.len;
    return 0;
}

/* The next piece of decoded body. */
static int take_piece(struct request *request, struct slice data)
{
    struct body *body = request->body;

    body->received += data.len;
    return body->wanted ? keep(request, data) : 0;
}

/* What came, and what is left of a chunk that has told its size, pass client_max_body_size. */
static bool is_too_large(const struct request *request)
{
    const struct body *body = request->body;
    uint64_t most = client_of(request)->client_max_body_size;

    return body->wanted && most > 0 &&
           (body->received > most || body->chunked.left > most - body->received);
}

static int take_chunked(struct request *request, struct slice *in)
{
    struct body *body = request->body;
    struct slice data;

    for (;;) {
        enum chunked_result result = chunked_read(&body->chunked, in, &data);
        if (result != CHUNKED_BAD && is_too_large(request)) {
            request_log(request, LOG_LEVEL_ERROR, 0,
                        "client intended to send too large chunked body");
            return 413;
        }
        switch (result) {
        case CHUNKED_MORE:
            return 0;
        case CHUNKED_PIECE: {
            int status = take_piece(request, data);
            if (status != 0)
                return status;
            break;
        }
        case CHUNKED_LAST:
            break;
        case CHUNKED_END:
            body->whole = true;
            return 0;
        case CHUNKED_BAD:
            request_log(request, LOG_LEVEL_ERROR, 0, "client sent invalid chunked body");
            return 400;
        }
    }
}

/* The body is all here: with client_body_in_file_only it ends up in the file. */
static int complete(struct request *request)
{
    struct body *body = request->body;

    if (!body->wanted || body->streamed)
        return 0;
    bool file_only = client_of(request)->client_body_in_file_only != BODY_IN_FILE_OFF;
    if (body->file >= 0 || file_only)
        return spill(request);
    return 0;
}

static int take(struct request *request, struct slice *in)
{
    struct body *body = request->body;
    size_t before = in->len;
    int status;

    if (body->framing == FRAMING_CHUNKED) {
        status = take_chunked(request, in);
    } else {
        uint64_t left = body->length - body->received;
        struct slice data = slice_first(*in, left < in->len ? (size_t)left : in->len);
        *in = slice_from(*in, data.len);
        status = take_piece(request, data);
        body->whole = body->received == body->length;
    }
    body->sent += before - in->len;
    return status == 0 && body->whole ? complete(request) : status;
}

/* No more is decoded than there is room for: what is decoded is never longer than that. */
int body_take(struct request *request, struct slice *in)
{
    const struct body *body = request->body;

    if (!body->streamed)
        return take(request, in);
    struct slice part = slice_first(*in, body->capacity - body->memory.len);
    size_t len = part.len;
    int status = len == 0 ? 0 : take(request, &part);
    *in = slice_from(*in, len - part.len);
    return status;
}

bool body_is_full(const struct body *body)
{
    return body->streamed && body->memory.len == body->capacity;
}

void body_consume(struct request *request, size_t len)
{
    struct slice *memory = &request->body->memory;

    memory->len -= len;
    memmove((char *)(uintptr_t)memory->at, memory->at + len, memory->len);
}

void body_drop(struct body *body)
{
    body->streamed = false;
    body->wanted = false;
}

int body_want_stream(struct request *request)
{
    struct body *body = request->body;

    body->capacity = client_of(request)->client_body_buffer_size;
    if (body->capacity == 0)
        body->capacity = 1;
    char *memory = arena_text(&request->arena, body->capacity);
    if (memory == NULL)
        return 500;
    body->memory = (struct slice){ memory, 0 };
    body->wanted = true;
    body->streamed = true;
    return 0;
}

int body_want(struct request *request)
{
    struct body *body = request->body;
    const struct client_settings *settings = client_of(request);
    uint64_t capacity = settings->client_body_buffer_size;

    /* A sized body that is a little larger than the buffer still goes to memory
     * in one piece, as in nginx. */
    if (body->framing == FRAMING_LENGTH && body->length < capacity + capacity / 4)
        capacity = body->length;
    char *memory = arena_text(&request->arena, capacity > 0 ? capacity : 1);
    if (memory == NULL)
        return 500;
    body->memory = (struct slice){ memory, 0 };
    body->capacity = capacity;
    body->wanted = true;
    return 0;
}

bool body_variable(struct request *request, struct slice *value)
{
    const struct body *body = request->body;

    if (body == NULL || !body->wanted || body->streamed || !body->whole || body->file >= 0)
        return false;
    *value = body->memory;
    return true;
}

bool body_file_variable(struct request *request, struct slice *value)
{
    if (request->body == NULL || request->body->file_name == NULL)
        return false;
    *value = slice_of(request->body->file_name);
    return true;
}

void body_release(struct request *request)
{
    struct body *body = request->body;

    if (body == NULL || body->file < 0)
        return;
    close(body->file);
    body->file = -1;
    if (body->file_name != NULL &&
        client_of(request)->client_body_in_file_only == BODY_IN_FILE_CLEAN)
        unlink(body->file_name);
}
