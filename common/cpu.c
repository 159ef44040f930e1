#include "common/cpu.h"

#include "common/slice.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

void cpu_usable_set(cpu_set_t *set)
{
    if (sched_getaffinity(0, sizeof *set, set) == 0 && CPU_COUNT(set) > 0)
        return;
    CPU_ZERO(set);
    CPU_SET(0, set);
}

/* The first line of a small file of the kernel's, without its newline; false
 * when it cannot be read. */
static bool read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "re");
    bool got = file != NULL && fgets(line, size, file) != NULL;

    if (got)
        line[strcspn(line, "\n")] = '\0';
    if (file != NULL)
        fclose(file);
    return got;
}

/* Processors that `quota` in every `period` amounts to, rounded up; 0 for "no limit". */
static unsigned processors(const char *quota, const char *period)
{
    char *end;
    long long share = strtoll(quota, &end, 10);
    long long whole = strtoll(period, NULL, 10);

    if (end == quota || share <= 0 || whole <= 0)
        return 0; /* "max", and -1 in version 1 */
    long long count = share / whole + (share % whole != 0);
    return count > INT_MAX ? 0 : (unsigned)count;
}

/* cpu.max of version 2: "50000 100000" or "max 100000". */
static unsigned unified_limit(const char *folder)
{
    char path[PATH_MAX], line[64];

    if (snprintf(path, sizeof path, "%s/cpu.max", folder) >= (int)sizeof path ||
        !read_line(path, line, sizeof line))
        return 0;
    char *space = strchr(line, ' ');
    return space == NULL ? 0 : processors(line, space + 1);
}

/* cpu.cfs_quota_us and cpu.cfs_period_us of version 1. */
static unsigned cpu_controller_limit(const char *folder)
{
    char path[PATH_MAX], quota[32], period[32];

    if (snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder) >= (int)sizeof path ||
        !read_line(path, quota, sizeof quota))
        return 0;
    if (snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder) >= (int)sizeof path ||
        !read_line(path, period, sizeof period))
        return 0;
    return processors(quota, period);
}

static unsigned smaller_limit(unsigned a, unsigned b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* The least limit of the group and of all above it, up to the root of what is
 * mounted. A container sees its own group there, under another path or none. */
static unsigned limit_up(const char *mount, const char *group,
                         unsigned (*limit_of)(const char *folder))
{
    char folder[PATH_MAX];
    unsigned limit = 0;
    size_t root = strlen(mount);

    if (snprintf(folder, sizeof folder, "%s%s", mount, group) >= (int)sizeof folder)
        return limit_of(mount);
    for (;;) {
        limit = smaller_limit(limit, limit_of(folder));
        char *slash = strrchr(folder, '/');
        if (slash == NULL || slash < folder + root)
            return limit;
        *slash = '\0';
    }
}

/* `word` is one of the comma-separated words of `list`. */
static bool has_word(struct slice list, const char *word)
{
    while (list.len > 0) {
        ptrdiff_t comma = slice_find(list, ',');
        size_t len = comma < 0 ? list.len : (size_t)comma;
        if (slice_is(slice_first(list, len), word))
            return true;
        list = slice_from(list, len + 1);
    }
    return false;
}

/* A line of /proc/self/cgroup: "ID:CONTROLLERS:PATH"; "0::PATH" is version 2's. */
static unsigned line_limit(char *line, const char *root)
{
    char mount[PATH_MAX];
    char *controllers = strchr(line, ':');
    char *path = controllers == NULL ? NULL : strchr(controllers + 1, ':');

    if (path == NULL || strlen(root) + sizeof "/unified" > sizeof mount)
        return 0;
    line[strcspn(line, "\n")] = '\0';
    struct slice names = slice_make(controllers + 1, (size_t)(path - controllers - 1));
    path++;
    if (names.len == 0) {
        snprintf(mount, sizeof mount, "%s/unified", root); /* where both are mounted */
        return smaller_limit(limit_up(root, path, unified_limit),
                             limit_up(mount, path, unified_limit));
    }
    if (!has_word(names, "cpu"))
        return 0;
    snprintf(mount, sizeof mount, "%s/cpu", root); /* systemd links it to cpu,cpuacct */
    return limit_up(mount, path, cpu_controller_limit);
}

unsigned cpu_quota(const char *membership, const char *root)
{
    FILE *file = fopen(membership, "re");
    char line[PATH_MAX];
    unsigned limit = 0;

    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL)
        limit = smaller_limit(limit, line_limit(line, root));
    fclose(file);
    return limit;
}

unsigned cpu_usable(void)
{
    cpu_set_t set;

    cpu_usable_set(&set);
    unsigned count = (unsigned)CPU_COUNT(&set);
    unsigned quota = cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup");
    return quota != 0 && quota < count ? quota : count;
}
