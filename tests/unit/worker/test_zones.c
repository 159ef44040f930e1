/* Zones of one configuration after the other, opened as the master does it. */
#include "worker/zones.h"

#include "tests/unit/unit.h"
#include "worker/worker.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 32768 };

static struct arena arena;

static void setup(void)
{
    arena_init(&arena, NULL);
}

static void teardown(void)
{
    arena_free(&arena);
}

static struct conf *new_conf(void)
{
    struct conf *conf = arena_zalloc(&arena, sizeof *conf);

    conf->arena = &arena;
    conf_messages_init(&conf->messages, &arena);
    return conf;
}

/* Zones of two kinds; one wants more room than a small zone has. */
static void *make_counter(const struct zone *zone, struct shared_memory *memory)
{
    unsigned *counter = shared_memory_alloc(memory, sizeof *counter);

    (void)zone;
    if (counter != NULL)
        *counter = 0;
    return counter;
}

static void *make_large(const struct zone *zone, struct shared_memory *memory)
{
    (void)zone;
    return shared_memory_alloc(memory, SIZE);
}

static const struct zone_kind counters = { "counter", make_counter };
static const struct zone_kind larges = { "large", make_large };

static struct zone *declare(struct conf *conf, const char *name, uint64_t size,
                            const struct zone_kind *kind)
{
    return conf_zone(conf, (struct position){ 0 }, slice_of(name), size, kind);
}

static unsigned *lock(const struct zone *zone)
{
    unsigned *counter = zone_lock(zone, &log_stderr);

    ck_assert_ptr_nonnull(counter);
    return counter;
}

static const char *only_message(const struct conf *conf)
{
    ck_assert_uint_eq(conf->messages.errors, 1);
    return arena_cstr(&arena, conf->messages.first->text);
}

START_TEST(a_name_means_one_zone)
{
    struct conf *conf = new_conf();
    struct zone *used = declare(conf, "a", 0, &counters);

    ck_assert_ptr_eq(declare(conf, "a", SIZE, &counters), used);
    ck_assert_uint_eq(used->size, SIZE);
    ck_assert_ptr_eq(declare(conf, "a", SIZE, &counters), used);
    ck_assert_ptr_eq(declare(conf, "a", 0, &counters), used);
    ck_assert_ptr_ne(declare(conf, "b", 0, &larges), used);
    ck_assert_uint_eq(conf->messages.errors, 0);
}
END_TEST

START_TEST(another_use_or_size_is_an_error)
{
    struct conf *conf = new_conf();

    declare(conf, "a", SIZE, &counters);
    ck_assert_ptr_null(declare(conf, "a", SIZE, &larges));
    ck_assert_str_eq(only_message(conf),
                     "the shared memory zone \"a\" is already declared for a different use");
    conf = new_conf();
    declare(conf, "a", SIZE, &counters);
    ck_assert_ptr_null(declare(conf, "a", 2 * SIZE, &counters));
    ck_assert_str_eq(
        only_message(conf),
        "the size 65536 of shared memory zone \"a\" conflicts with already declared size 32768");
}
END_TEST

START_TEST(names_and_sizes_are_parsed)
{
    static const struct {
        const char *text, *problem; /* NULL: it is good */
    } rows[] = {
        { "a:32k", NULL },
        { "a:10m", NULL },
        { "a:28k", "zone \"zone=a:28k\" is too small" },
        { "a:0", "zone \"zone=a:0\" is too small" },
        { "a:", "invalid zone size \"zone=a:\"" },
        { "a:1g", "invalid zone size \"zone=a:1g\"" },
        { "a", "invalid zone size \"zone=a\"" },
        { ":1m", "invalid zone size \"zone=:1m\"" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct conf *conf = new_conf();
        struct word word = { .text = arena_printf(&arena, "zone=%s", rows[i].text) };
        struct slice name;
        uint64_t size;
        bool good = zone_parse(conf, &word, slice_of(rows[i].text), &name, &size);
        ck_assert_msg(good == (rows[i].problem == NULL), "%s", rows[i].text);
        if (rows[i].problem != NULL)
            ck_assert_str_eq(only_message(conf), rows[i].problem);
        else
            ck_assert(slice_is(name, "a"));
    }
}
END_TEST

START_TEST(contents_survive_a_reload)
{
    struct conf *first = new_conf(), *second = new_conf(), *third = new_conf();
    struct zone *old = declare(first, "a", SIZE, &counters);
    struct zone *new = declare(second, "a", SIZE, &counters);
    struct zone *last = declare(third, "a", SIZE, &counters);

    ck_assert(worker_open_zones(first, NULL));
    *lock(old) = 7;
    zone_unlock(old);
    ck_assert(worker_open_zones(second, first));
    ck_assert_uint_eq(*lock(new), 7);
    zone_unlock(new);
    worker_conf_release(first, second);
    ck_assert_uint_eq(*lock(new), 7);
    zone_unlock(new);
    ck_assert(worker_open_zones(third, second));
    worker_conf_release(third, second); /* a reload that fails */
    ck_assert_ptr_null(last->memory);
    ck_assert_uint_eq(*lock(new), 7);
    zone_unlock(new);
    worker_conf_release(second, NULL);
}
END_TEST

START_TEST(another_size_kind_or_key_is_another_zone)
{
    struct conf *first = new_conf(), *second = new_conf();
    static const struct zone_kind others = { "other", make_counter };

    declare(first, "size", SIZE, &counters);
    declare(first, "kind", SIZE, &counters);
    declare(first, "key", SIZE, &counters)->key = SLICE("$uri");
    struct zone *zones[] = {
        declare(second, "size", 2 * SIZE, &counters),
        declare(second, "kind", SIZE, &others),
        declare(second, "key", SIZE, &counters),
    };
    zones[2]->key = SLICE("$host");
    ck_assert(worker_open_zones(first, NULL));
    ck_assert(worker_open_zones(second, first));
    for (unsigned i = 0; i < 3; i++) {
        ++*lock(zones[i]);
        ck_assert_uint_eq(*(unsigned *)shared_memory_root(zones[i]->memory), 1);
        zone_unlock(zones[i]);
    }
    worker_conf_release(first, second);
    worker_conf_release(second, NULL);
}
END_TEST

START_TEST(what_cannot_be_opened_is_reported)
{
    struct conf *conf = new_conf();

    declare(conf, "nobody", 0, &counters);
    ck_assert(!worker_open_zones(conf, NULL));
    ck_assert_str_eq(only_message(conf), "zero size shared memory zone \"nobody\"");
    worker_conf_release(conf, NULL);
    conf = new_conf();
    declare(conf, "huge", (uint64_t)1 << 60, &counters);
    ck_assert(!worker_open_zones(conf, NULL));
    ck_assert_str_eq(only_message(conf), "mmap(MAP_ANON|MAP_SHARED, 1152921504606846976) of zone "
                                         "\"huge\" failed (12: Cannot allocate memory)");
    worker_conf_release(conf, NULL);
    conf = new_conf();
    declare(conf, "small", SIZE, &larges);
    ck_assert(!worker_open_zones(conf, NULL));
    ck_assert_str_eq(only_message(conf), "zone \"small\" is too small");
    worker_conf_release(conf, NULL);
}
END_TEST

/* A process dies while it has the lock: the zone is made anew, and usable. */
START_TEST(a_torn_zone_is_made_anew)
{
    struct conf *conf = new_conf();
    struct zone *zone = declare(conf, "a", SIZE, &counters);

    ck_assert(worker_open_zones(conf, NULL));
    pid_t child = fork();
    if (child == 0) {
        *lock(zone) = 77;
        raise(SIGKILL);
    }
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_uint_eq(*lock(zone), 0);
    zone_unlock(zone);
    worker_conf_release(conf, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zones");
    TCase *all = tcase_create("zones");

    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, a_name_means_one_zone);
    tcase_add_test(all, another_use_or_size_is_an_error);
    tcase_add_test(all, names_and_sizes_are_parsed);
    tcase_add_test(all, contents_survive_a_reload);
    tcase_add_test(all, another_size_kind_or_key_is_another_zone);
    tcase_add_test(all, what_cannot_be_opened_is_reported);
    tcase_add_test(all, a_torn_zone_is_made_anew);
    suite_add_tcase(suite, all);
    return unit_main(suite);
}
