/* muxd: an HTTP server with nginx's configuration, command line and signals. */
#include "common/title.h"
#include "common/version.h"
#include "master/build_info.h"
#include "master/check.h"
#include "master/master.h"
#include "master/signal_command.h"
#include "master/status_report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* A copy in the arena: titles are written over argv. NULL stays NULL. */
static const char *keep(struct arena *arena, const char *text)
{
    return text != NULL ? arena_cstr(arena, slice_of(text)) : NULL;
}

/* -e, absolute; "stderr" is no path. */
static const char *error_log_path(const struct options *options, struct arena *arena,
                                  const char *prefix)
{
    const char *path = options->error_log != NULL ? options->error_log : MUXD_ERROR_LOG_PATH;
    bool whole = *path == '/' || strcmp(path, "stderr") == 0;

    return arena_printf(arena, "%s%s", whole ? "" : prefix, path).at;
}

/* The command line as it is, before a title is written over it. */
static char *const *keep_all(struct arena *arena, int argc, char *const argv[])
{
    char **copy = arena_zalloc(arena, ((size_t)argc + 1) * sizeof *copy);

    for (int i = 0; i < argc && copy != NULL; i++)
        copy[i] = arena_cstr(arena, slice_of(argv[i]));
    return copy;
}

/* False, with the reason on standard error, when the working directory is unknown or
 * memory is out. */
static bool launch_from(struct launch *launch, const struct options *options, struct arena *arena)
{
    const char *prefix = options_prefix(options, arena);

    if (prefix == NULL) {
        log_write(&log_stderr, LOG_LEVEL_EMERG, errno, 0, "the prefix cannot be made absolute");
        return false;
    }
    *launch = (struct launch){
        .prefix = prefix,
        .conf_path = options_conf_path(options, arena, prefix),
        .error_log = error_log_path(options, arena, prefix),
        .global = keep(arena, options->global),
    };
    if (arena->exhausted)
        log_write(&log_stderr, LOG_LEVEL_EMERG, ENOMEM, 0, "the command line cannot be kept");
    return !arena->exhausted;
}

/* "master process /usr/sbin/muxd -c x": what ps(1) shows. */
static const char *master_title(struct arena *arena, int argc, char *const argv[])
{
    struct slice title = SLICE("master process");

    for (int i = 0; i < argc; i++)
        title = arena_printf(arena, "%.*s %s", (int)title.len, title.at, argv[i]);
    return title.at != NULL ? title.at : "master process";
}

/* muxd status: likewise. */
static int print_status(const struct launch *launch, bool watch)
{
    const struct log *log = &launch->log->log;
    struct log errors = *log;

    errors.level = LOG_LEVEL_ERROR;
    struct generation *generation = generation_load(launch, 1, &errors);
    if (generation == NULL)
        return EXIT_FAILURE;
    bool done = status_report(log, generation->settings, watch);
    generation_free(generation, NULL);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* muxd -s: where the master is found stands in the configuration. What that one is to be warned
 * of is said by the master when it has read it itself. */
static int send_signal(const struct launch *launch, const char *word)
{
    const struct log *log = &launch->log->log;
    struct log errors = *log;

    errors.level = LOG_LEVEL_ERROR;
    struct generation *generation = generation_load(launch, 1, &errors);

    if (generation == NULL)
        return EXIT_FAILURE;
    bool sent = signal_command_send(log, word, generation->settings);
    generation_free(generation, NULL);
    return sent ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* What needs a configuration. */
static int run_configured(const struct options *options, const struct launch *launch,
                          const char *title)
{
    if (options->test)
        return check_configuration(launch, &(struct check_manner){ .quiet = options->quiet,
                                                                   .dump = options->dump,
                                                                   .strict = options->strict });
    if (options->signal != NULL)
        return send_signal(launch, options->signal);
    if (options->status)
        return print_status(launch, options->watch);
    return master_run(launch, title);
}

static int run(const struct options *options, struct arena *arena, int argc, char *const argv[])
{
    struct launch launch;
    struct start_log log;

    if (options->directive != NULL)
        return build_info_directive(options->directive, arena) ? EXIT_SUCCESS : EXIT_FAILURE;
    if (options->version && !build_info_print(options, arena))
        return EXIT_FAILURE;
    if (options->version && !options->test)
        return EXIT_SUCCESS;
    if (!launch_from(&launch, options, arena))
        return EXIT_FAILURE;
    start_log_open(&log, arena, launch.error_log, options->error_log != NULL);
    launch.log = &log;
    launch.arguments = keep_all(arena, argc, argv);
    int status = run_configured(options, &launch, master_title(arena, argc, argv));
    start_log_close(&log);
    return status;
}

int main(int argc, char *argv[])
{
    struct options options;
    struct arena arena;

    title_init(argc, argv);
    arena_init(&arena, NULL);
    struct slice problem = options_parse(&options, &arena, argc, argv);
    int status = EXIT_FAILURE;
    if (problem.len > 0)
        fprintf(stderr, "muxd: %.*s\n", (int)problem.len, problem.at);
    else
        status = run(&options, &arena, argc, argv);
    arena_free(&arena);
    return status;
}
