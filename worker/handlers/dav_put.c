/* PUT: the body becomes the file, when all of it is there. */
#include "common/date.h"
#include "common/log.h"
#include "worker/handlers/dav.h"
#include "worker/handlers/draft.h"
#include "worker/http/body.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* The time that the client says it was made. */
static time_t date_of(const struct request *request)
{
    const struct field *field = head_known(&request->head, FIELD_DATE);

    return field == NULL ? -1 : date_parse(field->value);
}

static bool place_memory(struct slice bytes, const struct place *place,
                         const struct draft_facts *facts)
{
    struct draft draft;

    if (!draft_open(&draft, place))
        return false;
    if (draft_write(&draft, bytes))
        return draft_commit(&draft, place, facts);
    draft_drop(&draft);
    return false;
}

static bool place_body(struct request *request, const struct place *place)
{
    struct draft_facts facts = { dav_settings(request)->access, date_of(request) };
    struct body *body = request->body;

    if (body->file < 0)
        return place_memory(body->memory, place, &facts);
    if (!draft_place_file(body->file, place, &facts))
        return false;
    if (body->file_name != NULL) /* what it named is in its place now, or a copy of it */
        unlink(body->file_name);
    body->file_name = NULL;
    return true;
}

/* What stands there will be replaced, also when it is a link; it is the target that says whether
 * there was a file, as for nginx. */
static int look(struct dav_target *target, struct stat *stat)
{
    int error = dav_look(target, stat);

    if (error != 0 || !S_ISLNK(stat->st_mode))
        return error;
    return fstatat(target->place.folder, target->place.name, stat, 0) == 0 ? 0 : ENOENT;
}

/* Looks for the place, and makes the folders on the way to it where that is wanted. */
static int find_place(struct request *request, struct dav_target *target, struct stat *stat)
{
    const struct dav_settings *settings = dav_settings(request);
    int error = look(target, stat);

    if (error != ENOENT || target->place.folder >= 0 || !settings->create_full_put_path)
        return error;
    if (!place_make_folders(target->path, target->guard, dav_folder_mode(settings->access)))
        return errno;
    return look(target, stat);
}

/* Where no file can be is an error of the server, as for nginx. */
static int put_failed(struct request *request, int error, const struct dav_target *target)
{
    int status = dav_failed(request, error, 500, "PUT", target->path);

    return status == 507 || error == ELOOP ? status : 500;
}

static int put(struct request *request, struct dav_target *target)
{
    struct stat stat;
    int error = find_place(request, target, &stat);

    if (error == 0 && S_ISDIR(stat.st_mode)) {
        request_log(request, LOG_LEVEL_ERROR, EISDIR, "\"%.*s\" could not be created",
                    (int)target->path.len, target->path.at);
        return 409;
    }
    if ((error != 0 && error != ENOENT) || target->place.folder < 0)
        return put_failed(request, error, target);
    if (!place_body(request, &target->place))
        return put_failed(request, errno, target);
    return error == 0 ? 204 : dav_created(request);
}

static int body_is_here(struct request *request)
{
    struct dav_target target;

    if (!dav_map(request, request->uri, &target))
        return 500;
    int outcome = put(request, &target);
    dav_close(&target);
    return outcome;
}

int dav_put(struct request *request)
{
    if (slice_ends(request->uri, SLICE("/"))) {
        request_log(request, LOG_LEVEL_ERROR, 0, "cannot PUT to a collection");
        return 409;
    }
    if (head_find(&request->head, SLICE("Content-Range")) != NULL) {
        request_log(request, LOG_LEVEL_ERROR, 0, "PUT with range is unsupported");
        return 501;
    }
    if (request->body == NULL) {
        request_log(request, LOG_LEVEL_ERROR, 0, "PUT request body must be in a file");
        return 500;
    }
    int outcome = request_read_body(request, body_is_here);
    return outcome == 0 ? body_is_here(request) : outcome;
}
