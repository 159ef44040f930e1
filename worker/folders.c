#include "worker/folders.h"

#include "worker/http/client.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static bool failed(struct conf *conf, const char *call, const char *path)
{
    const char *reason = strerrordesc_np(errno);

    conf_error(conf, (struct position){ 0 }, "%s \"%s\" failed (%d: %s)", call, path, errno,
               reason != NULL ? reason : "unknown");
    return false;
}

static bool make_folder(struct conf *conf, const char *path, uid_t owner)
{
    struct stat found;

    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return failed(conf, "mkdir()", path);
    if (owner == (uid_t)-1)
        return true;
    if (stat(path, &found) < 0)
        return failed(conf, "stat()", path);
    if (found.st_uid != owner && chown(path, owner, (gid_t)-1) < 0)
        return failed(conf, "chown()", path);
    if ((found.st_mode & 0700) != 0700 && chmod(path, found.st_mode | 0700) < 0)
        return failed(conf, "chmod()", path);
    return true;
}

/* The folder of the scope, where it is not that of the scope around it; then those of
 * the scopes inside. */
static bool make_folders_of(struct conf *conf, const struct conf_scope *scope, const char *outer,
                            uid_t owner)
{
    const struct client_settings *settings = conf_settings(scope, &client_module);
    const char *path = settings->client_body_temp_path;
    bool made = true;

    if (outer == NULL || strcmp(path, outer) != 0)
        made = make_folder(conf, path, owner);
    for (const struct conf_scope *child = scope->children; child != NULL; child = child->next)
        made &= make_folders_of(conf, child, path, owner);
    return made;
}

bool worker_make_folders(struct conf *conf, uid_t owner)
{
    bool made = true;

    for (const struct conf_scope *scope = conf->main->children; scope != NULL; scope = scope->next)
        if (scope->context == IN_HTTP)
            made &= make_folders_of(conf, scope, NULL, owner);
    return made;
}
