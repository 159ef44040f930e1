#include "master/sandbox.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "system_calls.h" /* made by master/meson.build */

/* A handler is given nothing of ours: this is where it finds the worker's line. */
static struct worker_slot *own_slot;

/* A forbidden call was made: the master is told which, and the process ends by the signal. */
static void call_refused(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (own_slot != NULL && info->si_code > 0) /* of the kernel */
        atomic_store_explicit(&own_slot->refused_call, info->si_syscall + 1, memory_order_release);
    signal(number, SIG_DFL);
    raise(number);
}

static bool watch_refusals(struct worker_slot *slot)
{
    struct sigaction action = { .sa_sigaction = call_refused, .sa_flags = SA_SIGINFO };

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

static bool built(int error, const char *wall, const struct log *log)
{
    if (error == 0)
        return true;
    if (error == ENOSYS || error == EOPNOTSUPP || error == EINVAL) {
        log_write(log, LOG_LEVEL_NOTICE, error, 0, "sandbox: this kernel has no %s", wall);
        return true;
    }
    log_write(log, LOG_LEVEL_EMERG, error, 0, "sandbox: %s failed", wall);
    errno = error;
    return false;
}

bool sandbox_enter(enum sandbox sandbox, const struct conf *conf, struct worker_slot *slot,
                   const struct log *log)
{
    if (sandbox == SANDBOX_OFF || is_instrumented())
        return true;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || !watch_refusals(slot)) {
        log_write(log, LOG_LEVEL_EMERG, errno, 0, "sandbox: no_new_privs failed");
        return false;
    }
    if (sandbox == SANDBOX_ON && !built(sandbox_limit_paths(conf), "Landlock", log))
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
