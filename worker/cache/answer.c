/* What the client gets out of the cache. */
#include "worker/cache/use_internal.h"

#include "worker/context.h"
#include "worker/handlers/file_cache.h"
#include "worker/upstream/exchange_steps.h"

/* The next bytes of what was found. Its file is gone when they are damaged: the client that has
 * got others is cut off, the next one has it fetched. */
static struct slice read_found(struct body_source *source, struct request *request, uint64_t at)
{
    struct cache_use *use =
        (struct cache_use *)((char *)source - offsetof(struct cache_use, source));
    struct slice bytes = cache_read_block(request->worker, &use->found, at);

    if (bytes.len == 0)
        cache_discard(use);
    return bytes;
}

static bool add_body(struct cache_use *use)
{
    struct request *request = use->exchange->request;
    struct slice content = use->file->content;

    if (use->exchange->head.status == 304) /* its length would be that of another answer */
        return true;
    /* An answer to HEAD that was kept as it is says itself how long it would be. */
    if (use->entry.body_size > 0 || !request->head_only)
        request->response.length = use->entry.body_size;
    request->response.length_known = true;
    if (content.at != NULL)
        return response_memory(request,
                               slice_make(content.at + use->found.from, (size_t)use->found.size));
    use->source.read = read_found;
    return response_source(request, &use->source, 0, use->found.size);
}

int cache_answer(struct cache_use *use, enum cache_status status)
{
    struct exchange *x = use->exchange;
    struct request *request = x->request;

    use->status = status;
    use->storable = false;
    use->answers = true;
    x->state = EXCHANGE_ENDED;
    answer_head_init(&x->head, &request->arena, x->protocol->kind);
    if (!cache_begins_well(use)) { /* which it did when it was found to be too old */
        cache_discard(use);
        return 500;
    }
    if (answer_head_read(&x->head, use->entry.head) != ANSWER_DONE) {
        request_log(request, LOG_LEVEL_CRIT, 0, "a cached head cannot be read");
        return 500;
    }
    int outcome = exchange_respond(x);
    if (outcome != 0)
        return outcome;
    return add_body(use) ? DONE : 500;
}
