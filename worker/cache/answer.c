/* What the client gets out of the cache: by the ordinary way of files. */
#include "worker/cache/use_internal.h"

#include "worker/context.h"
#include "worker/handlers/file_cache.h"
#include "worker/upstream/exchange_steps.h"

static bool add_body(struct cache_use *use)
{
    struct request *request = use->exchange->request;
    struct open_file *file = use->file;
    uint64_t body_at = cache_file_body_at(&use->entry);

    if (use->exchange->head.status == 304) /* its length would be that of another answer */
        return true;
    /* An answer to HEAD that was kept as it is says itself how long it would be. */
    if (use->entry.body_size > 0 || !request->head_only)
        request->response.length = use->entry.body_size;
    request->response.length_known = true;
    if (file->content.at != NULL)
        return response_memory(request, slice_from(file->content, (size_t)body_at));
    return response_file(request, file, body_at, file->size);
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
    if (answer_head_read(&x->head, use->entry.head) != ANSWER_DONE) {
        request_log(request, LOG_LEVEL_CRIT, 0, "a cached head cannot be read");
        return 500;
    }
    int outcome = exchange_respond(x);
    if (outcome != 0)
        return outcome;
    return add_body(use) ? DONE : 500;
}
