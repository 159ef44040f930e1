#include "worker/http/log_target.h"

#include "worker/context.h"

#include <errno.h>
#include <stdlib.h>

enum {
    TURN_BUFFER = 8 * 1024, /* bytes of lines of one turn, without buffer= */
    COMPLAINT_PAUSE = 1000, /* ms */
};

bool log_may_complain(uint64_t *complained)
{
    uint64_t now = clock_monotonic();

    if (*complained != 0 && now - *complained < COMPLAINT_PAUSE)
        return false;
    *complained = now;
    return true;
}

static void write_out(struct log_target *target, const char *bytes, size_t len)
{
    if (len == 0 || log_file_write(target->file, bytes, len))
        return;
    int reason = errno;
    if (log_may_complain(&target->complained))
        log_write(target->worker->log, LOG_LEVEL_ALERT, reason, 0, "write() to \"%s\" failed",
                  target->path);
}

void log_target_flush(struct log_target *target)
{
    size_t len = target->used;

    target->used = 0;
    if (len > 0)
        write_out(target, target->buffer, len);
}

static void flush_due(struct timer *timer)
{
    log_target_flush((struct log_target *)((char *)timer - offsetof(struct log_target, timer)));
}

static bool get_buffer(struct log_target *target)
{
    size_t size = target->buffer_size > 0 ? (size_t)target->buffer_size : TURN_BUFFER;

    target->buffer = malloc(size);
    if (target->buffer == NULL)
        return false;
    target->capacity = size;
    return true;
}

bool log_target_start(struct log_target *target, struct worker *worker)
{
    target->worker = worker;
    target->timer = (struct timer){ .fire = flush_due };
    return target->buffer_size == 0 || get_buffer(target);
}

char *log_target_reserve(struct log_target *target, size_t len)
{
    if (target->buffer == NULL && !get_buffer(target))
        return NULL;
    if (len > target->capacity - target->used)
        log_target_flush(target);
    return len <= target->capacity ? target->buffer + target->used : NULL;
}

/* The first line of an empty buffer says when it goes out at the latest. */
void log_target_commit(struct log_target *target, size_t len)
{
    struct worker *worker = target->worker;

    if (target->used == 0 && (target->buffer_size == 0 || target->flush > 0))
        timer_arm(&worker->timers, &target->timer, worker->clock.now + target->flush);
    target->used += len;
}

void log_target_write(struct log_target *target, const char *line, size_t len)
{
    log_target_flush(target);
    write_out(target, line, len);
}

void log_target_put(struct log_target *target, struct slice line)
{
    char *room = log_target_reserve(target, line.len);

    if (room == NULL) {
        log_target_write(target, line.at, line.len);
        return;
    }
    memcpy(room, line.at, line.len);
    log_target_commit(target, line.len);
}
