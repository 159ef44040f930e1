/* The files of a worker: what the configuration names (landlock(7)). */
#include "common/log_file.h"
#include "master/sandbox.h"
#include "worker/folders.h"
#include "worker/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (UINT64_C(1) << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (UINT64_C(1) << 14)
#endif

static const uint64_t ON_FILES =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;
static const uint64_t READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t WRITE =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE |
    LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REFER;
/* Besides these, making devices, sockets, FIFOs and links, and executing, is refused anywhere. */
static const uint64_t ABI_1 = (UINT64_C(1) << 13) - 1;

/* A set of rules that is being made. */
struct ruleset {
    int fd;
    uint64_t handled; /* what this kernel can refuse */
    const struct conf *conf;
    uint64_t roots; /* what is allowed of root and alias: WRITE where something is stored there */
};

/* What a worker needs whatever the configuration: to tell what workers use. */
static const struct {
    const char *path;
    bool write;
} always[] = {
    { "/dev/null", true },
    { "/dev/full", true },
    { "/dev/urandom", false },
    { "/proc", false },
};

/* Directives whose word at a place is a path that requests lead to. */
static const struct path_directive {
    const char *name;
    size_t word;
    bool write;
    bool file; /* it is a file, which may be replaced: its folder is meant */
} path_directives[] = {
    { "auth_basic_user_file", 1, false, true },
    { "access_log", 1, true, true },
    { "slow_request_log", 2, true, true },
    { "proxy_cache_path", 1, true, false },
    { "fastcgi_cache_path", 1, true, false },
    { "uwsgi_cache_path", 1, true, false },
    { "scgi_cache_path", 1, true, false },
    { "proxy_temp_path", 1, true, false },
    { "fastcgi_temp_path", 1, true, false },
    { "uwsgi_temp_path", 1, true, false },
    { "scgi_temp_path", 1, true, false },
    { "proxy_store", 1, true, true },
    { "fastcgi_store", 1, true, true },
    { "uwsgi_store", 1, true, true },
    { "scgi_store", 1, true, true },
};

/* Directives that make workers write below root and alias. */
static const char *const storing[] = { "proxy_store", "fastcgi_store", "uwsgi_store",
                                       "scgi_store",  "dav_methods",   NULL };

/* A path, or the nearest folder above it that is there. Rules are of what stands there, not of
 * its name. */
static void allow(struct ruleset *rules, const char *path, uint64_t access)
{
    char place[PATH_MAX];
    struct stat found;
    int fd = -1;

    if (path[0] != '/' || strlen(path) >= sizeof place)
        return;
    strcpy(place, path);
    while ((fd = open(place, O_PATH | O_CLOEXEC)) < 0) {
        char *slash = strrchr(place, '/');
        if (slash == NULL || slash == place)
            return; /* everything is not meant */
        *slash = '\0';
    }
    struct landlock_path_beneath_attr rule = { .parent_fd = fd };
    rule.allowed_access = access & rules->handled;
    if (fstat(fd, &found) == 0 && !S_ISDIR(found.st_mode))
        rule.allowed_access &= ON_FILES;
    syscall(SYS_landlock_add_rule, rules->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(fd);
}

/* What stands beside the target of a link; nothing of what is no link. */
static void allow_beside(struct ruleset *rules, const char *path, uint64_t access)
{
    struct stat found;
    char *real = lstat(path, &found) == 0 && S_ISLNK(found.st_mode) ? realpath(path, NULL) : NULL;
    char *slash = real == NULL ? NULL : strrchr(real, '/');

    if (slash != NULL && slash != real) {
        *slash = '\0';
        allow(rules, real, access);
    }
    free(real);
}

/* A link in the path may be made to lead elsewhere while muxd runs, as deployments do
 * ("current", "current/public"). */
static void allow_beside_links(struct ruleset *rules, const char *path, uint64_t access)
{
    char part[PATH_MAX];

    for (const char *end = path; end != NULL && (size_t)(end - path) < sizeof part;) {
        end = strchr(end + 1, '/');
        size_t len = end == NULL ? strlen(path) : (size_t)(end - path);
        snprintf(part, sizeof part, "%.*s", (int)len, path);
        allow_beside(rules, part, access);
    }
}

/* A path of the configuration: up to the folder before its first variable, from `prefix`. */
static void allow_word(struct ruleset *rules, const char *prefix, struct slice word, bool file,
                       uint64_t access)
{
    char path[PATH_MAX];
    ptrdiff_t dollar = slice_find(word, '$');
    struct slice text = dollar < 0 ? word : slice_first(word, (size_t)dollar);
    bool relative = text.len == 0 || text.at[0] != '/';

    int len = snprintf(path, sizeof path, "%s%.*s", relative ? prefix : "", (int)text.len, text.at);
    if (len < 0 || (size_t)len >= sizeof path)
        return;
    char *slash = strrchr(path, '/');
    if ((file || dollar >= 0) && slash != NULL && slash != path)
        *slash = '\0';
    allow(rules, path, access);
    allow_beside_links(rules, path, access);
}

/* Where a directive's relative path starts. */
static const char *prefix_of(const struct ruleset *rules, struct slice name)
{
    return slice_is(name, "auth_basic_user_file") ? rules->conf->conf_prefix : rules->conf->prefix;
}

static void allow_named(struct ruleset *rules, const struct conf_node *node)
{
    struct slice name = node->words[0].text;

    if (node->count == 2 && (slice_is(name, "root") || slice_is(name, "alias")))
        allow_word(rules, rules->conf->prefix, node->words[1].text, false, rules->roots);
    for (size_t i = 0; i < sizeof path_directives / sizeof *path_directives; i++) {
        const struct path_directive *known = &path_directives[i];
        if (slice_is(name, known->name) && node->count > known->word)
            allow_word(rules, prefix_of(rules, name), node->words[known->word].text, known->file,
                       known->write ? WRITE : READ);
    }
}

static void allow_tree(struct ruleset *rules, const struct conf_node *node)
{
    for (; node != NULL; node = node->next) {
        allow_named(rules, node);
        allow_tree(rules, node->children);
    }
}

static void allow_logs(struct ruleset *rules)
{
    const struct conf_logs *logs = conf_logs((struct conf *)(uintptr_t)rules->conf);

    for (const struct log_file *log = logs != NULL ? logs->files.first : NULL; log != NULL;
         log = log->next)
        if (!log->standard)
            allow_word(rules, rules->conf->prefix, slice_of(log->path), true, WRITE);
}

static bool allow_folder(void *context, const char *path)
{
    allow(context, path, WRITE);
    return true;
}

/* What the kernel's version of it can refuse; a negative one has an errno. */
static int ruleset_open(struct ruleset *rules)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    if (abi < 0)
        return -1;
    rules->handled = ABI_1;
    if (abi >= 2)
        rules->handled |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3)
        rules->handled |= LANDLOCK_ACCESS_FS_TRUNCATE;
    struct landlock_ruleset_attr attributes = { .handled_access_fs = rules->handled };
    rules->fd = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    return rules->fd < 0 ? -1 : 0;
}

int sandbox_limit_paths(const struct conf *conf)
{
    struct ruleset rules = { .conf = conf };

    if (ruleset_open(&rules) < 0)
        return errno;
    rules.roots = conf_nodes_name(conf->tree.root, storing) ? WRITE : READ;
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        if (access(always[i].path, F_OK) == 0)
            allow(&rules, always[i].path, always[i].write ? WRITE : READ);
    allow(&rules, conf->prefix, rules.roots);
    allow_tree(&rules, conf->tree.root);
    allow_logs(&rules);
    worker_each_folder(conf, allow_folder, &rules);
    int error = syscall(SYS_landlock_restrict_self, rules.fd, 0) < 0 ? errno : 0;
    close(rules.fd);
    return error;
}
