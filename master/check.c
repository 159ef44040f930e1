#include "master/check.h"

#include "master/pidfile.h"

#include <stdio.h>
#include <stdlib.h>

/* Each file once; the text of -g is no file. */
static bool dump_files(const struct conf *conf)
{
    for (const struct source *source = conf->tree.sources; source != NULL; source = source->next) {
        if (source->included_twice || source->name[0] != '/')
            continue;
        printf("# configuration file %s:\n", source->name);
        fwrite(source->text.at, 1, source->text.len, stdout);
        putchar('\n');
    }
    return fflush(stdout) == 0;
}

/* What is opened at a start; nothing is kept. */
static bool try_start(struct generation *generation, const struct log *log)
{
    return generation_open_files(generation, NULL, log) &&
           generation_open_zones(generation, NULL, log) &&
           pidfile_check(log, generation->settings->pid) &&
           listeners_test(log, generation->listeners, generation->listener_count);
}

/* With --strict, warnings are failures. */
static bool is_strictly_right(const struct generation *generation)
{
    unsigned warnings = generation->conf->messages.warnings;

    if (warnings > 0)
        fprintf(stderr, "muxd: %u warning%s, and --strict takes none\n", warnings,
                warnings == 1 ? "" : "s");
    return warnings == 0;
}

int check_configuration(const struct launch *launch, const struct check_manner *manner)
{
    struct launch testing = *launch;
    const struct log *log = &launch->log->log;

    testing.testing = true;
    struct generation *generation = generation_load(&testing, 1, log);
    if (generation != NULL && !manner->quiet)
        fprintf(stderr, "muxd: the configuration file %s syntax is ok\n", launch->conf_path);
    bool passed = generation != NULL && try_start(generation, log) &&
                  (!manner->strict || is_strictly_right(generation));
    if (!passed)
        fprintf(stderr, "muxd: configuration file %s test failed\n", launch->conf_path);
    else if (!manner->quiet)
        fprintf(stderr, "muxd: configuration file %s test is successful\n", launch->conf_path);
    if (passed && manner->dump)
        passed = dump_files(generation->conf);
    if (generation != NULL)
        generation_free(generation, NULL);
    return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}
