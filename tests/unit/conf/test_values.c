#include "conf/values.h"
#include "tests/unit/unit.h"

static const struct number_row {
    const char *text;
    bool good;
    uint64_t value;
} sizes[] = {
    { "0", true, 0 },
    { "512", true, 512 },
    { "8k", true, 8192 },
    { "8K", true, 8192 },
    { "1m", true, 1048576 },
    { "1M", true, 1048576 },
    { "9007199254740991k", true, 9223372036854774784 },
    { "9007199254740992k", false, 0 },
    { "9223372036854775808", false, 0 },
    { "1g", false, 0 },
    { "", false, 0 },
    { "k", false, 0 },
    { "1x", false, 0 },
    { "-1", false, 0 },
    { "1kk", false, 0 },
    { "1 k", false, 0 },
}, offsets[] = {
    { "2g", true, 2147483648 },
    { "2G", true, 2147483648 },
    { "1k", true, 1024 },
    { "8589934592g", false, 0 },
    { "g", false, 0 },
}, times[] = {
    { "0", true, 0 },
    { "75", true, 75000 },
    { "75s", true, 75000 },
    { "500ms", true, 500 },
    { "10m", true, 600000 },
    { "1h 30m", true, 5400000 },
    { "1h30m", true, 5400000 },
    { "1h30", true, 3630000 },
    { "1d", true, 86400000 },
    { "1w", true, 604800000 },
    { "1M", true, 2592000000 },
    { "1y", true, 31536000000 },
    { "1y 1M 1w 1d 1h 1m 1s 1ms", true, 34822861001 },
    { "9223372036854775807ms", true, 9223372036854775807 },
    { "9223372036854775807", false, 0 },
    { "300000000y", false, 0 },
    { "30m 1h", false, 0 },
    { "1m 1m", false, 0 },
    { "1s 1s", false, 0 },
    { "", false, 0 },
    { " ", false, 0 },
    { "s", false, 0 },
    { "1h m", false, 0 },
    { "soon", false, 0 },
    { "1.5s", false, 0 },
    { "-1", false, 0 },
};

static void check_rows(const struct number_row *rows, size_t count,
                       bool parse(struct slice, uint64_t *))
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 77;
        bool good = parse(slice_of(rows[i].text), &value);
        ck_assert_msg(good == rows[i].good, "\"%s\"", rows[i].text);
        ck_assert_msg(value == (good ? rows[i].value : 77), "\"%s\": %ju", rows[i].text,
                      (uintmax_t)value);
    }
}

START_TEST(sizes_offsets_and_times)
{
    check_rows(sizes, sizeof(sizes) / sizeof(*sizes), value_parse_size);
    check_rows(offsets, sizeof(offsets) / sizeof(*offsets), value_parse_offset);
    check_rows(times, sizeof(times) / sizeof(*times), value_parse_time);
}
END_TEST

START_TEST(options_are_split_at_the_sign)
{
    struct slice value = { NULL, 0 };

    ck_assert(value_option(SLICE("backlog=511"), "backlog", &value));
    ck_assert(slice_is(value, "511"));
    ck_assert(value_option(SLICE("backlog="), "backlog", &value));
    ck_assert_uint_eq(value.len, 0);
    ck_assert(!value_option(SLICE("backlog"), "backlog", &value));
    ck_assert(!value_option(SLICE("backlogs=1"), "backlog", &value));
    ck_assert(!value_option(SLICE("back=1"), "backlog", &value));
}
END_TEST

/* --- setters, through a table --- */

struct settings {
    bool flag, present;
    uint64_t number, size, offset, time;
    struct slice text;
    const char *path;
    struct buffers_value buffers;
    int color;
};

static const struct enum_choice colors[] = { { "red", 1 }, { "green", 2 }, { 0 } };
static const struct enum_type as_color = { { "red | green", sizeof(int), enum_set }, colors };

#define FIELD(name) offsetof(struct settings, name)

static const struct directive directives[] = {
    { "flag", IN_MAIN, ARGS(1), &as_flag, FIELD(flag), "on", "a flag" },
    { "present", IN_MAIN, ARGS(0), &as_present, FIELD(present), NULL, "a mark" },
    { "number", IN_MAIN, ARGS(1), &as_number, FIELD(number), "7", "a number" },
    { "size", IN_MAIN, ARGS(1), &as_size, FIELD(size), "1k", "a size" },
    { "offset", IN_MAIN, ARGS(1), &as_offset, FIELD(offset), "1g", "an offset" },
    { "time", IN_MAIN, ARGS(1), &as_time, FIELD(time), "75s", "a time" },
    { "text", IN_MAIN, ARGS(1), &as_text, FIELD(text), "\"two words\"", "a text" },
    { "path", IN_MAIN, ARGS(1), &as_path, FIELD(path), "logs/x", "a path" },
    { "buffers", IN_MAIN, ARGS(2), &as_buffers, FIELD(buffers), "4 8k", "buffers" },
    { "color", IN_MAIN, ARGS(1), &as_color.type, FIELD(color), "red", "a colour" },
    { 0 },
};

static const struct conf_module module = { .name = "test",
                                           .size = sizeof(struct settings),
                                           .directives = directives };
static const struct conf_module *const modules[] = { &module };

static struct arena arena;

static void set_up(void)
{
    arena_init(&arena, NULL);
}

static void tear_down(void)
{
    arena_free(&arena);
}

/* A configuration that is nothing but the text. */
static struct conf *load(const char *text)
{
    struct conf *conf = conf_load(&arena, &(struct conf_request){ .path = "/dev/null",
                                                                  .prefix = "/prefix/",
                                                                  .global = text,
                                                                  .modules = modules,
                                                                  .module_count = 1 });

    ck_assert_ptr_nonnull(conf);
    return conf;
}

START_TEST(defaults_are_read_like_values)
{
    struct conf *conf = load("");
    const struct settings *settings = conf_settings(conf->main, &module);

    ck_assert_uint_eq(conf->messages.errors, 0);
    ck_assert(settings->flag && !settings->present);
    ck_assert_uint_eq(settings->number, 7);
    ck_assert_uint_eq(settings->size, 1024);
    ck_assert_uint_eq(settings->offset, 1 << 30);
    ck_assert_uint_eq(settings->time, 75000);
    ck_assert(slice_is(settings->text, "two words"));
    ck_assert_str_eq(settings->path, "/prefix/logs/x");
    ck_assert_uint_eq(settings->buffers.count, 4);
    ck_assert_uint_eq(settings->buffers.size, 8192);
    ck_assert_int_eq(settings->color, 1);
}
END_TEST

START_TEST(setters_take_what_nginx_takes)
{
    struct conf *conf = load("flag OFF; present; number 12; size 2m; offset 3g; time 1h;"
                             "text 'a b'; path /abs; buffers 2 16k; color Green;");
    const struct settings *settings = conf_settings(conf->main, &module);

    ck_assert_uint_eq(conf->messages.errors, 0);
    ck_assert(!settings->flag && settings->present);
    ck_assert_uint_eq(settings->number, 12);
    ck_assert_uint_eq(settings->size, 2 << 20);
    ck_assert_uint_eq(settings->offset, 3ULL << 30);
    ck_assert_uint_eq(settings->time, 3600000);
    ck_assert(slice_is(settings->text, "a b"));
    ck_assert_str_eq(settings->path, "/abs");
    ck_assert_uint_eq(settings->buffers.count, 2);
    ck_assert_uint_eq(settings->buffers.size, 16384);
    ck_assert_int_eq(settings->color, 2);
}
END_TEST

static const struct {
    const char *text, *message, *hint;
} mistakes[] = {
    { "flag maybe;", "invalid value \"maybe\" in \"flag\" directive, it must be \"on\" or \"off\"",
      "" },
    { "number x;", "\"number\" directive invalid number", "" },
    { "number -1;", "\"number\" directive invalid number", "" },
    { "size 1x;", "\"size\" directive invalid value", "expected a number of bytes" },
    { "offset 1x;", "\"offset\" directive invalid value", "expected a number of bytes" },
    { "time soon;", "\"time\" directive invalid value", "expected a time" },
    { "buffers 0 8k;", "\"buffers\" directive invalid value", "expected a number of buffers" },
    { "buffers 1 0;", "\"buffers\" directive invalid value", "expected a number of bytes" },
    { "color gren;", "invalid value \"gren\"", "did you mean \"green\"?" },
    { "color violet;", "invalid value \"violet\"", "" },
};

START_TEST(bad_values_are_named)
{
    const struct conf *conf = load(mistakes[_i].text);
    const struct conf_message *message = conf->messages.first;

    ck_assert_uint_eq(conf->messages.errors, 1);
    ck_assert_msg(slice_is(message->text, mistakes[_i].message), "%.*s", (int)message->text.len,
                  message->text.at);
    ck_assert(slice_starts(message->hint, slice_of(mistakes[_i].hint)));
    ck_assert_uint_eq(message->hint.len > 0, *mistakes[_i].hint != '\0');
    ck_assert_uint_gt(message->at.column, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("values");
    TCase *tcase = tcase_create("values");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, sizes_offsets_and_times);
    tcase_add_test(tcase, options_are_split_at_the_sign);
    tcase_add_test(tcase, defaults_are_read_like_values);
    tcase_add_test(tcase, setters_take_what_nginx_takes);
    tcase_add_loop_test(tcase, bad_values_are_named, 0, sizeof(mistakes) / sizeof(*mistakes));
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
