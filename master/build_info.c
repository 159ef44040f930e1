#include "master/build_info.h"

#include "common/version.h"
#include "conf/suggest.h"
#include "master/settings.h"
#include "worker/worker.h"

#include <stdio.h>

static const char usage[] =
    "Usage: muxd [-?hvVtTq] [--strict] [-s signal] [-p prefix]\n"
    "            [-e filename] [-c filename] [-g directives]\n"
    "\n"
    "Options:\n"
    "  -?,-h         : this help\n"
    "  -h directive  : help of one directive of the configuration\n"
    "  -v            : show version and exit\n"
    "  -V            : show version and configure options then exit\n"
    "  -t            : test configuration and exit\n"
    "  -T            : test configuration, dump it and exit\n"
    "  --strict      : with -t or -T: fail where they only warn\n"
    "  -q            : suppress non-error messages during configuration testing\n"
    "  -s signal     : send signal to a master process: stop, quit, reopen, reload,\n"
    "                  upgrade\n"
    "  -p prefix     : set prefix path (default: " MUXD_PREFIX ")\n"
    "  -e filename   : set error log file (default: " MUXD_ERROR_LOG_PATH ")\n"
    "  -c filename   : set configuration file (default: " MUXD_CONF_PATH ")\n"
    "  -g directives : set global directives out of configuration file\n"
    "\n";

#ifdef __clang__
static const char compiler[] = "clang " __clang_version__;
#else
static const char compiler[] = "gcc " __VERSION__;
#endif

const char *build_info_compiler(void)
{
    return compiler;
}

static bool print_build(struct arena *arena)
{
    struct slice features = worker_features(arena);

    if (features.at == NULL)
        return false;
    fprintf(stderr, "built by %s\n", compiler);
    fprintf(stderr, "features: %.*s\n", (int)features.len, features.at);
    fprintf(stderr,
            "configure arguments: --prefix=%s --conf-path=%s --error-log-path=%s --pid-path=%s "
            "--user=%s%s%s\n",
            MUXD_PREFIX, MUXD_CONF_PATH, MUXD_ERROR_LOG_PATH, MUXD_PID_PATH, MUXD_USER,
            MUXD_BUILD_OPTIONS[0] != '\0' ? " " : "", MUXD_BUILD_OPTIONS);
    return true;
}

bool build_info_print(const struct options *options, struct arena *arena)
{
    fprintf(stderr, "muxd version: %s\n", MUXD_NAME);
    if (options->help)
        fputs(usage, stderr);
    return !options->build || print_build(arena);
}

/* The names of all directives, for a suggestion. */
struct names {
    const struct directive *directives[ALL_MODULES * CONF_DIRECTIVES_MAX];
    size_t count;
};

static struct slice name_at(const void *context, size_t index)
{
    const struct names *names = context;

    return slice_of(names->directives[index]->name);
}

static struct slice nearest_name(const struct conf_module *const *modules, const char *name)
{
    struct names names = { .count = 0 };

    for (size_t i = 0; i < ALL_MODULES; i++)
        for (const struct directive *at = modules[i]->directives; at->name != NULL; at++)
            names.directives[names.count++] = at;
    return suggest_nearest(slice_of(name), names.count, name_at, &names);
}

bool build_info_directive(const char *name, struct arena *arena)
{
    const struct conf_module *tables[ALL_MODULES];
    const struct conf_module *module;

    master_modules(tables);
    const struct conf_module *const *modules = conf_modules_whole(arena, tables, ALL_MODULES);
    if (modules == NULL)
        return false;
    const struct directive *directive =
        directive_find(modules, ALL_MODULES, slice_of(name), &module);
    if (directive == NULL) {
        struct slice nearest = nearest_name(modules, name);
        fprintf(stderr, "muxd: unknown directive \"%s\"", name);
        if (nearest.len > 0)
            fprintf(stderr, ", did you mean \"%.*s\"?", (int)nearest.len, nearest.at);
        fputc('\n', stderr);
        return false;
    }
    struct slice help = directive_help(arena, directive, module);
    if (help.at == NULL)
        return false;
    fwrite(help.at, 1, help.len, stdout);
    if (!slice_ends(help, SLICE("\n")))
        putchar('\n');
    return fflush(stdout) == 0;
}
