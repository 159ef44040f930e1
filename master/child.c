#include "master/child.h"

#include "common/title.h"
#include "master/environment.h"
#include "master/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CHILD_CANNOT_START = 2 };

/* A call failed that the worker can do without. */
static void missed(const struct log *log, const char *call, long long value)
{
    log_write(log, LOG_LEVEL_ALERT, errno, 0, "%s(%lld) failed", call, value);
}

static void missed_limit(const struct log *log, const char *resource, uint64_t value)
{
    log_write(log, LOG_LEVEL_ALERT, errno, 0, "setrlimit(%s, %llu) failed", resource,
              (unsigned long long)value);
}

/* What only root may raise is set before root is left. */
static void set_limits(const struct main_settings *settings, const struct log *log)
{
    const struct rlimit files = { .rlim_cur = settings->files, .rlim_max = settings->files };
    const struct rlimit core = { .rlim_cur = settings->core, .rlim_max = settings->core };

    if (settings->priority != 0 && setpriority(PRIO_PROCESS, 0, settings->priority) < 0)
        missed(log, "setpriority", settings->priority);
    if (settings->limit_files && setrlimit(RLIMIT_NOFILE, &files) < 0)
        missed_limit(log, "RLIMIT_NOFILE", settings->files);
    if (settings->limit_core && setrlimit(RLIMIT_CORE, &core) < 0)
        missed_limit(log, "RLIMIT_CORE", settings->core);
}

static bool join_groups(const struct worker_user *user)
{
    if (user->name == NULL)
        return setgroups(1, &user->gid) == 0;
    return initgroups(user->name, user->gid) == 0;
}

/* Of root's rights, which were kept over the change of users, this one stays: to connect from
 * addresses that are not this machine's. */
static void keep_net_raw(const struct log *log)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

    data[CAP_TO_INDEX(CAP_NET_RAW)].effective = CAP_TO_MASK(CAP_NET_RAW);
    data[CAP_TO_INDEX(CAP_NET_RAW)].permitted = CAP_TO_MASK(CAP_NET_RAW);
    if (syscall(SYS_capset, &header, data) < 0)
        log_write(log, LOG_LEVEL_EMERG, errno, 0, "capset(CAP_NET_RAW) failed");
}

/* Gives up root. A worker that could not would serve clients as root. */
static bool become_user(const struct worker_user *user, bool transparent, const struct log *log)
{
    if (geteuid() != 0 || !user->set)
        return true;
    if (transparent && prctl(PR_SET_KEEPCAPS, 1) < 0)
        log_write(log, LOG_LEVEL_EMERG, errno, 0, "prctl(PR_SET_KEEPCAPS) failed");
    if (setgid(user->gid) < 0) {
        log_write(log, LOG_LEVEL_EMERG, errno, 0, "setgid(%u) failed", user->gid);
        return false;
    }
    if (!join_groups(user))
        log_write(log, LOG_LEVEL_EMERG, errno, 0, "initgroups(%s, %u) failed",
                  user->name != NULL ? user->name : "", user->gid);
    if (setuid(user->uid) < 0) {
        log_write(log, LOG_LEVEL_EMERG, errno, 0, "setuid(%u) failed", user->uid);
        return false;
    }
    if (transparent)
        keep_net_raw(log);
    return true;
}

static void set_affinity(const struct affinity *affinity, unsigned slot, const struct log *log)
{
    cpu_set_t mask;

    if (!affinity_of(affinity, slot, &mask))
        return;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &mask))
            log_write(log, LOG_LEVEL_NOTICE, 0, 0, "sched_setaffinity(): using cpu #%zu", cpu);
    if (sched_setaffinity(0, sizeof mask, &mask) < 0)
        log_write(log, LOG_LEVEL_ALERT, errno, 0, "sched_setaffinity() failed");
}

/* A worker without a master could be reached by no signal of `muxd -s`, and would keep
 * the addresses that the next master wants: it ends with its own. Changing users
 * forgets the request, so this comes after. */
static bool end_with_master(pid_t parent, const struct log *log)
{
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
        log_write(log, LOG_LEVEL_ALERT, errno, 0, "prctl(PR_SET_PDEATHSIG) failed");
    return getppid() == parent; /* it may have ended before it was asked for */
}

static bool enter_folder(const struct main_settings *settings, struct arena *arena,
                         const struct log *log, struct start_report *report)
{
    if (settings->working_directory.len == 0)
        return true;
    const char *path = arena_cstr(arena, settings->working_directory);
    if (path == NULL)
        errno = ENOMEM;
    else if (chdir(path) == 0)
        return true;
    log_write(log, LOG_LEVEL_ALERT, errno, 0, "chdir(\"%s\") failed", path != NULL ? path : "");
    report->directive = "working_directory";
    return false;
}

static bool settle(const struct main_settings *settings, struct arena *arena,
                   struct worker_setup *setup, struct start_report *report, pid_t parent)
{
    const struct log *log = setup->log;

    if (!environment_set(&settings->environment, arena)) {
        log_write(log, LOG_LEVEL_EMERG, ENOMEM, 0, "the environment cannot be set");
        return false;
    }
    set_limits(settings, log);
    if (!become_user(&settings->user, setup->conf->transparent, log))
        return false;
    set_affinity(&settings->affinity, setup->slot, log);
    /* Changing users has made the process undumpable: no core file, no debugger. */
    if (prctl(PR_SET_DUMPABLE, 1) < 0)
        log_write(log, LOG_LEVEL_ALERT, errno, 0, "prctl(PR_SET_DUMPABLE) failed");
    return end_with_master(parent, log) && enter_folder(settings, arena, log, report) &&
           sandbox_enter((enum sandbox)settings->sandbox, setup);
}

_Noreturn void child_run(const struct main_settings *settings, struct arena *arena,
                         struct worker_setup *setup, struct start_report *report, pid_t parent)
{
    title_set("worker process");
    int status =
        settle(settings, arena, setup, report, parent) ? worker_run(setup) : CHILD_CANNOT_START;
    if (status == CHILD_CANNOT_START && errno == EMFILE && settings->limit_files)
        report->directive = "worker_rlimit_nofile";
    exit(status);
}
