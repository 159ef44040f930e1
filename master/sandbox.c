#include "master/sandbox.h"

#include "common/anchor.h"
#include "common/crypt_library.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "system_calls.h" /* made by master/meson.build */

/* A handler is given nothing of ours: this is where it finds the worker's line. */
static struct worker_slot *own_slot;

/* A forbidden call was made: the master is told which, and the process ends by the signal, which
 * nothing catches a second time: the filter lets nobody set its handler again. */
static void call_refused(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (own_slot != NULL && info->si_code > 0) /* of the kernel */
        atomic_store_explicit(&own_slot->refused_call, info->si_syscall + 1, memory_order_release);
    raise(number);
}

static bool watch_refusals(struct worker_slot *slot)
{
    struct sigaction action = { .sa_sigaction = call_refused,
                                .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND | SA_NODEFER) };

    own_slot = slot;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGSYS, &action, NULL) == 0;
}

/* The runtime of a sanitizer makes calls of its own: it traces the process at its end. */
static bool is_instrumented(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
    return true;
#else
    return false;
#endif
#else
    return false;
#endif
}

static bool failed(const struct log *log, const char *what)
{
    int error = errno;

    log_write(log, LOG_LEVEL_EMERG, error, 0, "sandbox: %s failed", what);
    errno = error;
    return false;
}

static bool built(int error, const char *wall, const struct log *log)
{
    if (error == 0)
        return true;
    if (error == ENOSYS || error == EOPNOTSUPP || error == EINVAL) {
        log_write(log, LOG_LEVEL_NOTICE, error, 0, "sandbox: this kernel has no %s", wall);
        return true;
    }
    errno = error;
    return failed(log, wall);
}

/* A zone that the environment does not name is looked up in its file by each mktime(3); a name is
 * compared with the one that is loaded. */
static bool load_time_zone(void)
{
    if (setenv("TZ", ":/etc/localtime", 0) < 0)
        return false;
    tzset();
    return true;
}

/* Where it cannot be loaded, the library remembers why. */
static bool load_crypt(struct worker_setup *setup)
{
    static const char *const users[] = { "auth_basic_user_file", NULL };

    if (!conf_nodes_name(setup->conf->tree.root, users))
        return true;
    setup->crypt = crypt_library_load();
    return setup->crypt != NULL;
}

bool sandbox_enter(enum sandbox sandbox, struct worker_setup *setup)
{
    const struct log *log = setup->log;

    if (sandbox == SANDBOX_OFF)
        return true;
    if (!anchors_hold())
        return failed(log, "open(\"/\")");
    if (!load_time_zone() || !load_crypt(setup))
        return failed(log, "loading of files");
    if (is_instrumented())
        return true;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || !watch_refusals(setup->shared))
        return failed(log, "no_new_privs");
    if (sandbox == SANDBOX_ON && !built(sandbox_limit_paths(setup->conf), "Landlock", log))
        return false;
    return built(sandbox_limit_calls(sandbox == SANDBOX_REPORT), "seccomp", log);
}

const char *sandbox_call_name(int number)
{
    const char *name = system_call_names;

    for (size_t i = 0; i < sizeof system_call_numbers / sizeof *system_call_numbers; i++) {
        if (system_call_numbers[i] == number)
            return name;
        name += strlen(name) + 1;
    }
    return NULL;
}
