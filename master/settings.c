#include "master/settings.h"

#include "common/cpu.h"
#include "common/version.h"
#include "conf/values.h"
#include "master/control_socket.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

/* getpwnam(3) and getgrnam(3) tell "no such" from failure by errno only. */
static void look_up_failed(struct conf *conf, struct position at, const char *call,
                           const char *name)
{
    if (errno == 0)
        conf_error(conf, at, "%s(\"%s\") failed", call, name);
    else
        conf_error(conf, at, "%s(\"%s\") failed (%d: %s)", call, name, errno, strerror(errno));
}

/* user NAME [GROUP]; the group of the same name when it is not given. */
static void set_user(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    (void)scope, (void)directive;
    struct worker_user *user = value;
    const struct word *group = &node->words[node->count - 1];

    if (geteuid() != 0) {
        conf_warn(conf, node->words[0].at,
                  "the \"user\" directive makes sense only if the master process runs with "
                  "super-user privileges, ignored");
        return;
    }
    const char *name = arena_cstr(conf->arena, node->words[1].text);
    const char *group_name = arena_cstr(conf->arena, group->text);
    if (name == NULL || group_name == NULL)
        return;
    errno = 0;
    const struct passwd *known = getpwnam(name);
    if (known == NULL) {
        look_up_failed(conf, node->words[1].at, "getpwnam", name);
        return;
    }
    user->uid = known->pw_uid;
    errno = 0;
    const struct group *known_group = getgrnam(group_name);
    if (known_group == NULL) {
        look_up_failed(conf, group->at, "getgrnam", group_name);
        return;
    }
    user->gid = known_group->gr_gid;
    user->name = name;
    user->set = true;
}

/* worker_processes N | auto */
static void set_workers(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                        const struct directive *directive, void *value)
{
    (void)scope, (void)directive;
    const struct word *word = &node->words[1];
    uint64_t *workers = value;

    if (slice_is(word->text, "auto")) {
        unsigned usable = cpu_usable();
        *workers = usable < WORKERS_MAX ? usable : WORKERS_MAX;
        return;
    }
    if (!slice_to_number(word->text, WORKERS_MAX, workers) || *workers == 0)
        conf_error(conf, word->at, "\"worker_processes\" directive invalid value");
}

/* One mask; reports what is wrong with it. */
static bool read_mask(struct conf *conf, const struct word *word, cpu_set_t *mask)
{
    char bad = 0;

    switch (affinity_parse(word->text, mask, &bad)) {
    case AFFINITY_OK:
        return true;
    case AFFINITY_BAD_CHARACTER:
        conf_error(conf, word->at, "invalid character \"%c\" in \"worker_cpu_affinity\"", bad);
        return false;
    case AFFINITY_TOO_LONG:
        conf_error(conf, word->at, "\"worker_cpu_affinity\" supports up to %d CPUs only",
                   CPU_SETSIZE);
        return false;
    }
    return false;
}

/* worker_cpu_affinity MASK ... | auto [MASK] */
static void set_affinity(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                         const struct directive *directive, void *value)
{
    (void)scope, (void)directive;
    struct affinity *affinity = value;
    bool automatic = slice_is(node->words[1].text, "auto");
    size_t first = automatic ? 2 : 1;
    size_t given = node->count - first;

    if (automatic && given > 1) {
        conf_error(conf, node->words[0].at,
                   "invalid number of arguments in \"worker_cpu_affinity\" directive");
        return;
    }
    size_t count = given > 0 ? given : 1;
    cpu_set_t *masks = arena_zalloc(conf->arena, count * sizeof *masks);
    if (masks == NULL)
        return;
    if (given == 0)
        cpu_usable_set(&masks[0]);
    for (size_t i = 0; i < given; i++)
        if (!read_mask(conf, &node->words[first + i], &masks[i]))
            return;
    *affinity = (struct affinity){ .automatic = automatic, .count = count, .masks = masks };
}

/* worker_priority [+-]NUMBER, as nice(1) */
static void set_priority(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                         const struct directive *directive, void *value)
{
    (void)scope, (void)directive;
    struct slice text = node->words[1].text;
    bool negative = slice_starts(text, SLICE("-"));
    uint64_t number;

    if (negative || slice_starts(text, SLICE("+")))
        text = slice_from(text, 1);
    if (!slice_to_number(text, INT_MAX, &number)) {
        conf_error(conf, node->words[1].at, "\"worker_priority\" directive invalid number");
        return;
    }
    *(int *)value = negative ? -(int)number : (int)number;
}

/* env NAME[=VALUE], any number of times */
static void add_environment(struct conf *conf, struct conf_scope *scope,
                            const struct conf_node *node, const struct directive *directive,
                            void *value)
{
    (void)scope, (void)directive;
    struct array *environment = value;

    environment->item_size = sizeof(struct slice);
    struct slice *item = array_push(environment, conf->arena);
    if (item != NULL)
        *item = node->words[1].text;
}

/* control_socket PATH | off */
static void set_control(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                        const struct directive *directive, void *value)
{
    (void)scope, (void)directive;
    const struct word *word = &node->words[1];
    const char **path = value;

    if (slice_is(word->text, "off"))
        return;
    *path = conf_absolute(conf, conf->prefix, word->text);
    if (*path != NULL && !control_path_fits(*path))
        conf_error(conf, word->at, "the path of the control socket is too long");
}

/* thread_pool NAME threads=NUMBER [max_queue=NUMBER] */
static void check_thread_pool(struct conf *conf, struct conf_scope *scope,
                              const struct conf_node *node, const struct directive *directive,
                              void *value)
{
    struct slice number;
    uint64_t count;

    (void)scope, (void)directive, (void)value;
    for (size_t i = 2; i < node->count; i++) {
        const struct word *word = &node->words[i];
        if (!(value_option(word->text, "threads", &number) ||
              value_option(word->text, "max_queue", &number)) ||
            !slice_to_number(number, INT32_MAX, &count))
            conf_error(conf, word->at, "invalid parameter \"%.*s\"", (int)word->text.len,
                       word->text.at);
    }
}

static const struct value_type as_thread_pool = { "name threads=number [max_queue=number]", 0,
                                                  check_thread_pool };
static const struct value_type as_control = { "path | off", sizeof(const char *), set_control };
static const struct value_type as_user = { "user [group]", sizeof(struct worker_user), set_user };
static const struct value_type as_workers = { "number | auto", sizeof(uint64_t), set_workers };
static const struct value_type as_affinity = { "mask ... | auto [mask]", sizeof(struct affinity),
                                               set_affinity };
static const struct value_type as_priority = { "number", sizeof(int), set_priority };
static const struct value_type as_environment = { "name[=value]", sizeof(struct array),
                                                  add_environment };

static const struct enum_type as_sandbox = {
    { "on | off | report", sizeof(int), enum_set },
    (const struct enum_choice[]){
        { "on", SANDBOX_ON }, { "off", SANDBOX_OFF }, { "report", SANDBOX_REPORT }, { 0 } },
};

static const struct enum_type as_debug_points = {
    { "stop | abort", sizeof(int), enum_set },
    (const struct enum_choice[]){
        { "stop", DEBUG_POINTS_STOP }, { "abort", DEBUG_POINTS_ABORT }, { 0 } },
};

#define FIELD(name) offsetof(struct main_settings, name)

static const struct directive main_directives[] = {
    { "daemon", IN_MAIN, ARGS(1), &as_flag, FIELD(daemon), "on", "run in the background" },
    { "master_process", IN_MAIN, ARGS(1), &as_flag, FIELD(master_process), "on",
      "serve from worker processes, not from the first process itself" },
    { "pid", IN_MAIN, ARGS(1), &as_path, FIELD(pid), MUXD_PID_PATH,
      "file that holds the master's process number" },
    { "control_socket", IN_MAIN, ARGS(1), &as_control, FIELD(control), NULL,
      "socket that muxd -s talks to the master through; beside the pid file when it is not given" },
    { "user", IN_MAIN, ARGS_BETWEEN(1, 2), &as_user, FIELD(user), NULL,
      "user and group that workers become when the master is root; \"" MUXD_USER
      "\" when it is not given" },
    { "worker_processes", IN_MAIN, ARGS(1), &as_workers, FIELD(workers), "1",
      "number of workers; auto: one for each processor that can be used" },
    { "worker_cpu_affinity", IN_MAIN, ARGS_FROM(1), &as_affinity, FIELD(affinity), NULL,
      "processors of each worker, as masks of bits" },
    { "worker_priority", IN_MAIN, ARGS(1), &as_priority, FIELD(priority), "0",
      "scheduling priority of workers, as nice(1) counts" },
    { "worker_rlimit_nofile", IN_MAIN, ARGS(1), &as_number, FIELD(files), NULL,
      "number of files and sockets that a worker can have open" },
    { "worker_rlimit_core", IN_MAIN, ARGS(1), &as_offset, FIELD(core), NULL,
      "largest core file of a worker" },
    { "worker_shutdown_timeout", IN_MAIN, ARGS(1), &as_time, FIELD(shutdown_timeout), NULL,
      "time after which a worker that leaves closes the connections it still has" },
    { "worker_stall_timeout", IN_MAIN, ARGS(1), &as_time, FIELD(stall_timeout), "1s",
      "time without a sign of life after which a worker gets no new connections; 0: any" },
    { "worker_stall_kill", IN_MAIN, ARGS(1), &as_time, FIELD(stall_kill), "0",
      "time without a sign of life after which a worker is replaced; 0: never" },
    { "drain_on_term", IN_MAIN, ARGS(1), &as_flag, FIELD(drain_on_term), "off",
      "at TERM finish what is being answered, as at QUIT, after drain_delay" },
    { "drain_delay", IN_MAIN, ARGS(1), &as_time, FIELD(drain_delay), "5s",
      "time for which a server that drains goes on accepting, with healthz failing" },
    { "working_directory", IN_MAIN, ARGS(1), &as_text, FIELD(working_directory), NULL,
      "folder that workers run in: where core files are written" },
    { "env", IN_MAIN, ARGS_REPEATED(1, 1), &as_environment, FIELD(environment), NULL,
      "variable of the environment that workers keep, or are given" },
    { "lock_file", IN_MAIN, ARGS(1), &as_text, FIELD(lock_file), NULL,
      "accepted as nginx does; nothing is locked" },
    { "sandbox", IN_MAIN, ARGS(1), &as_sandbox.type, FIELD(sandbox), "on",
      "leave workers only the files and system calls that serving takes" },
    { "debug_points", IN_MAIN, ARGS(1), &as_debug_points.type, FIELD(debug_points), NULL,
      "at an error inside muxd: stop or abort the process" },
    { "pcre_jit", IN_MAIN, ARGS(1), &as_flag, FIELD(pcre_jit), "off",
      "accepted; muxd's regular expressions are its own" },
    { "thread_pool", IN_MAIN, ARGS_REPEATED(2, 3), &as_thread_pool, 0, NULL,
      "accepted; muxd reads files from the page cache" },
    { "timer_resolution", IN_MAIN, ARGS(1), &as_time, FIELD(timer_resolution), "0",
      "accepted; muxd reads the clock once a turn of its loop" },
    { 0 },
};

#undef FIELD

/* Where there is no list of users, as in a container of one file: nobody, as the kernel knows
 * him. */
enum { NOBODY = 65534 };

/* Without a user directive: the built-in user, with its own group. */
static void choose_user(struct conf *conf, struct worker_user *user)
{
    if (user->set || geteuid() != 0)
        return;
    errno = 0;
    const struct passwd *known = getpwnam(MUXD_USER);
    if (known == NULL && access("/etc/passwd", F_OK) != 0) {
        *user = (struct worker_user){ true, NULL, NOBODY, NOBODY };
        return;
    }
    if (known == NULL) {
        look_up_failed(conf, (struct position){ 0 }, "getpwnam", MUXD_USER);
        return;
    }
    *user = (struct worker_user){ true, MUXD_USER, known->pw_uid, known->pw_gid };
}

/* Without a control_socket directive: the pid file's path, ending in .sock. */
static void choose_control(struct conf *conf, struct main_settings *own)
{
    struct slice stem = slice_of(own->pid);

    if (slice_ends(stem, SLICE(".pid")))
        stem = slice_first(stem, stem.len - strlen(".pid"));
    own->control = arena_printf(conf->arena, "%.*s.sock", (int)stem.len, stem.at).at;
    if (own->control == NULL || control_path_fits(own->control))
        return;
    conf_warn(conf, (struct position){ 0 },
              "the path \"%s\" is too long for a socket: there is no control socket; "
              "\"control_socket\" gives it a shorter one",
              own->control);
    own->control = NULL;
}

static void check_main(struct conf *conf, struct conf_scope *scope, void *settings)
{
    struct main_settings *own = settings;

    if (scope->parent != NULL)
        return;
    if (!conf_has_own(conf, scope, "user"))
        choose_user(conf, &own->user);
    own->control_given = conf_has_own(conf, scope, "control_socket");
    if (!own->control_given)
        choose_control(conf, own);
    own->limit_files = conf_has_own(conf, scope, "worker_rlimit_nofile");
    own->limit_core = conf_has_own(conf, scope, "worker_rlimit_core");
    if (!own->affinity.automatic && own->affinity.count > 0 && own->affinity.count != own->workers)
        conf_warn(conf, (struct position){ 0 },
                  "the number of \"worker_processes\" is not equal to the number of "
                  "\"worker_cpu_affinity\" masks, using last mask for remaining worker processes");
}

const struct conf_module main_module = {
    .name = "main",
    .id = MODULE_MAIN,
    .size = sizeof(struct main_settings),
    .directives = main_directives,
    .check = check_main,
};

uint64_t main_heartbeat(const struct main_settings *settings)
{
    enum { SELDOMEST = 500, SHARE = 3 };
    uint64_t every = SELDOMEST;

    if (settings->stall_timeout > 0 && settings->stall_timeout / SHARE < every)
        every = settings->stall_timeout / SHARE;
    if (settings->stall_kill > 0 && settings->stall_kill / SHARE < every)
        every = settings->stall_kill / SHARE;
    return every > 0 ? every : 1;
}

void master_modules(const struct conf_module *modules[ALL_MODULES])
{
    memcpy(modules, worker_modules, sizeof worker_modules);
    modules[MODULE_MAIN] = &main_module;
}
