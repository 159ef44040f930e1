#include "worker/folders.h"

#include "worker/cache/cache.h"
#include "worker/handlers/gateway.h"
#include "worker/handlers/proxy.h"
#include "worker/http/client.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static bool failed(struct conf *conf, const char *call, const char *path)
{
    conf_error(conf, (struct position){ 0 }, "%s \"%s\" failed (%d: %s)", call, path, errno,
               strerror(errno));
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

/* Who is told of each folder. */
struct visitor {
    bool (*visit)(void *context, const char *path);
    void *context;
};

/* A folder that the scope around it has too was told of with that. */
static bool visit_body_folder(const struct conf_scope *scope, const struct visitor *visitor)
{
    const struct client_settings *own = conf_settings(scope, &client_module);
    const struct client_settings *outer =
        scope->context == IN_HTTP ? NULL : conf_settings(scope->parent, &client_module);

    if (outer != NULL && strcmp(own->client_body_temp_path, outer->client_body_temp_path) == 0)
        return true;
    return visitor->visit(visitor->context, own->client_body_temp_path);
}

/* Only where something is passed on: others need none. */
static bool visit_answer_folders(const struct conf_scope *scope, const struct visitor *visitor)
{
    static const struct conf_module *const gateways[] = { &fastcgi_module, &uwsgi_module,
                                                          &scgi_module };
    const struct proxy_settings *proxy = conf_settings(scope, &proxy_module);
    bool good = !proxy->passes || visitor->visit(visitor->context, proxy->exchange.temp_path);

    for (size_t i = 0; i < sizeof gateways / sizeof *gateways; i++) {
        const struct gateway_settings *gateway = conf_settings(scope, gateways[i]);
        good &= !gateway->passes || visitor->visit(visitor->context, gateway->exchange.temp_path);
    }
    return good;
}

/* The folders of the scope and of those inside. */
static bool visit_scope(const struct conf_scope *scope, const struct visitor *visitor)
{
    bool good = visit_body_folder(scope, visitor) && visit_answer_folders(scope, visitor);

    for (const struct conf_scope *child = scope->children; child != NULL; child = child->next)
        good &= visit_scope(child, visitor);
    return good;
}

bool worker_each_folder(const struct conf *conf, bool (*visit)(void *context, const char *path),
                        void *context)
{
    const struct visitor visitor = { visit, context };
    bool good = true;

    for (const struct conf_scope *scope = conf->main->children; scope != NULL; scope = scope->next)
        if (scope->context == IN_HTTP)
            good &= visit_scope(scope, &visitor);
    return good;
}

/* For whom folders are made. */
struct making {
    struct conf *conf;
    uid_t owner;
};

static bool make_visited(void *context, const char *path)
{
    const struct making *making = context;

    return make_folder(making->conf, path, making->owner);
}

static bool make_cache_folders(struct conf *conf, uid_t owner)
{
    const struct cache *cache = cache_next(conf_zones_first(conf));
    bool made = true;

    for (; cache != NULL; cache = cache_next(cache->zone->next)) {
        struct slice temp = arena_printf(conf->arena, "%s" CACHE_TEMP_FOLDER, cache->path);
        made &= temp.at != NULL && make_folder(conf, cache->path, owner) &&
                make_folder(conf, temp.at, owner);
    }
    return made;
}

bool worker_make_folders(struct conf *conf, uid_t owner)
{
    struct making making = { conf, owner };
    bool made = make_cache_folders(conf, owner);

    return worker_each_folder(conf, make_visited, &making) && made;
}
