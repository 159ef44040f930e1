#include "conf/parser.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct arena arena;
static struct conf_messages messages;
static struct conf_tree tree;
static char prefix[64]; /* a folder of the test's own, with a trailing '/' */

static void set_up(void)
{
    strcpy(prefix, "/tmp/muxd-parser-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(prefix));
    strcat(prefix, "/");
    arena_init(&arena, NULL);
    conf_messages_init(&messages, &arena);
    conf_tree_init(&tree, &arena, &messages, prefix);
}

static void tear_down(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf '%s'", prefix);
    ck_assert_int_eq(system(command), 0);
    arena_free(&arena);
}

/* The path of a file in the folder. */
static const char *path_of(const char *name)
{
    return arena_printf(&arena, "%s%s", prefix, name).at;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* The tree as one text: a b; c { d; } */
static const char *dump(const struct conf_node *node)
{
    struct slice text = { "", 0 };

    for (; node != NULL; node = node->next) {
        for (size_t i = 0; i < node->count; i++)
            text = arena_printf(&arena, "%.*s%s%.*s", (int)text.len, text.at, i > 0 ? " " : "",
                                (int)node->words[i].text.len, node->words[i].text.at);
        text = node->block ? arena_printf(&arena, "%.*s { %s} ", (int)text.len, text.at,
                                          dump(node->children))
                           : arena_printf(&arena, "%.*s; ", (int)text.len, text.at);
    }
    return arena_cstr(&arena, text);
}

static bool read_text(const char *text)
{
    return conf_tree_read_text(&tree, "test", slice_of(text));
}

/* All messages' texts, one a line. */
static const char *said(void)
{
    struct slice text = { "", 0 };

    for (const struct conf_message *message = messages.first; message != NULL;
         message = message->next)
        text = arena_printf(&arena, "%.*s%.*s\n", (int)text.len, text.at, (int)message->text.len,
                            message->text.at);
    return arena_cstr(&arena, text);
}

static const struct {
    const char *text, *tree;
} good[] = {
    { "", "" },
    { "a;", "a; " },
    { "a b c; d;", "a b c; d; " },
    { "a { }", "a { } " },
    { "a { b; c d { e; } } f;", "a { b; c d { e; } } f; " },
    { "a\n\tb # x\n c;", "a b c; " },
};

START_TEST(text_becomes_a_tree)
{
    ck_assert_msg(read_text(good[_i].text), "%s", said());
    ck_assert_str_eq(dump(tree.root), good[_i].tree);
}
END_TEST

static const struct {
    const char *text, *messages, *tree;
} bad[] = {
    { "a", "unexpected end of parameter, expecting \";\"\n", "" },
    { "a {", "unexpected end of file, expecting \"}\"\n", "a { } " },
    { "a { b { c;", "unexpected end of file, expecting \"}\"\n", "a { b { c; } } " },
    { "a { b", "unexpected end of parameter, expecting \";\"\n", "a { } " },
    { "a 'b; }", "unexpected end of parameter, expecting \";\"\n", "" },
    { "}", "unexpected \"}\"\n", "" },
    { "} a;", "unexpected \"}\"\n", "a; " },
    { "a }", "unexpected \"}\"\n", "" },
    { "a { b } c;", "unexpected \"}\"\n", "a { } c; " },
    { ";", "unexpected \";\"\n", "" },
    { "; a;", "unexpected \";\"\n", "a; " },
    { "{ }", "unexpected \"{\"\n", "" },
    { "{ a; ; } b;", "unexpected \"{\"\nunexpected \";\"\n", "b; " },
    { "'a'b c; d;", "unexpected \"b\"\n", "d; " },
    { "include;", "invalid number of arguments in \"include\" directive\n", "" },
    { "include a b;", "invalid number of arguments in \"include\" directive\n", "" },
    { "include a { }", "directive \"include\" is not terminated by \";\"\n", "" },
};

START_TEST(reading_goes_on_after_an_error)
{
    ck_assert(!read_text(bad[_i].text));
    ck_assert_str_eq(said(), bad[_i].messages);
    ck_assert_str_eq(dump(tree.root), bad[_i].tree);
}
END_TEST

START_TEST(texts_and_files_are_appended)
{
    write_file("a.conf", "b;");
    ck_assert(read_text("a;"));
    ck_assert(conf_tree_read_file(&tree, "a.conf"));
    ck_assert(read_text("c;"));
    ck_assert_str_eq(dump(tree.root), "a; b; c; ");
    ck_assert_str_eq(tree.sources->next->name, path_of("a.conf"));
}
END_TEST

START_TEST(includes_are_resolved_in_place)
{
    ck_assert_int_eq(mkdir(path_of("d"), 0700), 0);
    write_file("d/b.conf", "b;");
    write_file("d/a.conf", "a; include c.conf;");
    write_file("d/x.other", "x;");
    write_file("c.conf", "c;");
    ck_assert(read_text("first; block { include d/*.conf; } include none/*.conf; "
                        "\"include\" c.conf; last;"));
    ck_assert_str_eq(dump(tree.root), "first; block { a; c; b; } c; last; ");
}
END_TEST

START_TEST(a_file_read_twice_is_marked)
{
    write_file("a.conf", "a;");
    ck_assert(read_text("include a.conf; include a.conf;"));
    const struct source *first = tree.sources->next;
    ck_assert(first->file && !first->included_twice);
    ck_assert(first->next->file && first->next->included_twice);
    ck_assert_ptr_eq(first->text.at, first->next->text.at);
}
END_TEST

START_TEST(many_files_are_found_again)
{
    enum { FILES = 100 };
    char text[FILES * 32];
    size_t len = 0;

    for (int i = 0; i < FILES; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%d.conf", i);
        write_file(name, "a;");
        len += (size_t)snprintf(text + len, sizeof(text) - len, "include %s;", name);
    }
    ck_assert(read_text(text));
    ck_assert(read_text(text));
    unsigned twice = 0, count = 0;
    for (const struct source *source = tree.sources; source != NULL; source = source->next) {
        count++;
        twice += source->included_twice;
    }
    ck_assert_uint_eq(count, 2 * FILES + 2);
    ck_assert_uint_eq(twice, FILES);
}
END_TEST

START_TEST(a_missing_file_is_named)
{
    ck_assert(!conf_tree_read_file(&tree, "none.conf"));
    ck_assert_ptr_nonnull(strstr(said(), "none.conf\" failed (2: No such file or directory)"));
    ck_assert_ptr_null(messages.first->at.source);
    ck_assert(!read_text("\n include none.conf; a;"));
    ck_assert_uint_eq(messages.first->next->at.line, 2);
    ck_assert_uint_eq(messages.first->next->at.column, 10);
    ck_assert_str_eq(dump(tree.root), "a; ");
}
END_TEST

START_TEST(a_directory_is_no_file)
{
    ck_assert(!read_text("include .;"));
    ck_assert_ptr_nonnull(strstr(said(), "failed (21: Is a directory)"));
}
END_TEST

START_TEST(an_unreadable_file_is_named)
{
    if (geteuid() == 0) /* who may read everything */
        return;
    write_file("a.conf", "a;");
    ck_assert_int_eq(chmod(path_of("a.conf"), 0), 0);
    ck_assert(!read_text("include a.conf;"));
    ck_assert_ptr_nonnull(strstr(said(), "open() \""));
    ck_assert_ptr_nonnull(strstr(said(), "a.conf\" failed (13: Permission denied)"));
}
END_TEST

START_TEST(a_fifo_without_writer_does_not_hang)
{
    ck_assert_int_eq(mkfifo(path_of("fifo"), 0600), 0);
    ck_assert(read_text("include fifo; a;"));
    ck_assert_str_eq(dump(tree.root), "a; ");
}
END_TEST

START_TEST(recursive_includes_are_refused)
{
    write_file("a.conf", "a; include b.conf;");
    write_file("b.conf", "b;\ninclude a.conf; c;");
    ck_assert(!conf_tree_read_file(&tree, "a.conf"));
    ck_assert_ptr_nonnull(strstr(said(), "recursive include of \""));
    ck_assert_uint_eq(messages.errors, 1);
    ck_assert_str_eq(messages.first->at.source->name, path_of("b.conf"));
    ck_assert_uint_eq(messages.first->at.line, 2);
    ck_assert_str_eq(dump(tree.root), "a; b; c; ");
}
END_TEST

START_TEST(includes_have_a_greatest_depth)
{
    for (int i = 0; i < CONF_INCLUDE_DEPTH_MAX + 3; i++) {
        char name[32], text[32];
        snprintf(name, sizeof(name), "%d.conf", i);
        snprintf(text, sizeof(text), "include %d.conf;", i + 1);
        write_file(name, text);
    }
    ck_assert(!conf_tree_read_file(&tree, "0.conf"));
    ck_assert_uint_eq(messages.errors, 1);
    ck_assert_ptr_nonnull(strstr(said(), "too many nested includes"));
}
END_TEST

static const char *nested(int depth)
{
    char *text = arena_text(&arena, (size_t)depth * 3 + 1);

    text[0] = '\0';
    for (int i = 0; i < depth; i++)
        memcpy(text + i * 2, "a{", 2);
    memset(text + depth * 2, '}', (size_t)depth);
    text[depth * 3] = '\0';
    return text;
}

START_TEST(blocks_have_a_greatest_depth)
{
    ck_assert(read_text(nested(CONF_BLOCK_DEPTH_MAX)));
    ck_assert(!read_text(nested(CONF_BLOCK_DEPTH_MAX + 1)));
    ck_assert_str_eq(said(), "too many nested blocks\n");
    ck_assert(!read_text("a;"));
}
END_TEST

START_TEST(directives_have_a_largest_number_of_words)
{
    enum { SIZE = 3 * CONF_WORDS_MAX };
    char *text = arena_text(&arena, SIZE + 16);

    for (int i = 0; i < SIZE; i++)
        text[i] = i % 2 == 0 ? 'a' : ' ';
    strcpy(text + SIZE, "; b;");
    ck_assert(!read_text(text));
    ck_assert_str_eq(said(), "invalid number of arguments in \"a\" directive\n");
    ck_assert_str_eq(dump(tree.root), "b; ");
}
END_TEST

/* --- messages --- */

static const char *text_of(const struct conf_message *message)
{
    return arena_cstr(&arena, conf_message_text(&arena, message));
}

START_TEST(a_message_shows_its_line_with_a_caret)
{
    write_file("a.conf", "a;\n\tb \xc3\xa9 'c'd;\ne");
    ck_assert(!conf_tree_read_file(&tree, "a.conf"));
    ck_assert_str_eq(text_of(messages.first), arena_printf(&arena,
                                                           "[emerg] unexpected \"d\" in %s:2:10\n"
                                                           "\tb \xc3\xa9 'c'd;\n"
                                                           "\t       ^",
                                                           path_of("a.conf"))
                                                  .at);
    ck_assert_str_eq(
        text_of(messages.first->next),
        arena_printf(&arena,
                     "[emerg] unexpected end of file, expecting \";\" or \"}\" in %s:3:2\n"
                     "e\n"
                     " ^",
                     path_of("a.conf"))
            .at);
}
END_TEST

START_TEST(hints_stand_at_the_caret)
{
    ck_assert(!read_text("a 'b\nc"));
    ck_assert_str_eq(text_of(messages.first),
                     "[emerg] unexpected end of parameter, expecting \";\" in test\n"
                     "c\n"
                     " ^ the quote of line 1 is not closed");
    ck_assert(!read_text("a {\n"));
    ck_assert_ptr_nonnull(
        strstr(text_of(messages.first->next), "^ the \"{\" of line 1 is not closed"));
    conf_message_add(&messages, CONF_WARN, (struct position){ 0 }, SLICE("hint"), "no %s", "place");
    ck_assert_str_eq(text_of(messages.first->next->next), "[warn] no place");
}
END_TEST

START_TEST(a_long_line_is_cut_around_the_caret)
{
    enum { SIZE = 1 << 20 };
    char *text = arena_text(&arena, SIZE + 8);

    memset(text, ' ', SIZE);
    strcpy(text + SIZE, "; b");
    ck_assert(!read_text(text));
    const char *shown = text_of(messages.first);
    ck_assert_uint_lt(strlen(shown), 512);
    ck_assert_ptr_nonnull(strstr(shown, "; b\n"));
}
END_TEST

START_TEST(control_characters_are_not_printed)
{
    ck_assert(!read_text("'a'\x1b[31m;"));
    ck_assert_str_eq(text_of(messages.first), "[emerg] unexpected \"\\x1B\" in test\n"
                                              "'a'?[31m;\n"
                                              "   ^");
    conf_message_add(&messages, CONF_EMERG, (struct position){ 0 }, SLICE(""), "a\nb%s", "\x7f");
    ck_assert_str_eq(text_of(messages.first->next), "[emerg] a\\x0Ab\\x7F");
}
END_TEST

START_TEST(messages_are_cut_and_counted)
{
    static char longest[4 * CONF_MESSAGE_TEXT_MAX];
    unsigned kept = 0;

    memset(longest, 'x', sizeof(longest) - 1);
    for (int i = 0; i < 3 * CONF_MESSAGES_MAX; i++)
        conf_message_add(&messages, CONF_EMERG, (struct position){ 0 }, SLICE(""), "%s", longest);
    ck_assert_uint_eq(messages.first->text.len, CONF_MESSAGE_TEXT_MAX + 3);
    ck_assert_uint_eq(messages.errors, 3 * CONF_MESSAGES_MAX);
    ck_assert(conf_messages_full(&messages));
    const struct conf_message *last = NULL;
    for (const struct conf_message *message = messages.first; message != NULL;
         message = message->next) {
        kept++;
        last = message;
    }
    ck_assert_uint_eq(kept, CONF_MESSAGES_MAX + 1);
    ck_assert(slice_is(last->text, "too many errors: the rest is not shown"));
}
END_TEST

START_TEST(messages_are_sorted_as_they_were_read)
{
    write_file("a.conf", "two;");
    ck_assert(read_text("one; include a.conf; three;"));
    const struct conf_node *one = tree.root, *two = one->next, *three = two->next;
    conf_message_add(&messages, CONF_WARN, (struct position){ 0 }, SLICE(""), "0");
    conf_message_add(&messages, CONF_EMERG, three->words->at, SLICE(""), "3");
    conf_message_add(&messages, CONF_EMERG, two->words->at, SLICE(""), "2");
    conf_message_add(&messages, CONF_WARN, one->words->at, SLICE(""), "1");
    conf_message_add(&messages, CONF_WARN, one->words->at, SLICE(""), "1b");
    conf_messages_sort(&messages);
    ck_assert_str_eq(said(), "1\n1b\n2\n3\n0\n");
    conf_message_add(&messages, CONF_WARN, (struct position){ 0 }, SLICE(""), "last");
    ck_assert_str_eq(said(), "1\n1b\n2\n3\n0\nlast\n");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        texts_and_files_are_appended,
        includes_are_resolved_in_place,
        a_file_read_twice_is_marked,
        many_files_are_found_again,
        a_missing_file_is_named,
        a_directory_is_no_file,
        an_unreadable_file_is_named,
        a_fifo_without_writer_does_not_hang,
        recursive_includes_are_refused,
        includes_have_a_greatest_depth,
        blocks_have_a_greatest_depth,
        directives_have_a_largest_number_of_words,
        a_message_shows_its_line_with_a_caret,
        hints_stand_at_the_caret,
        a_long_line_is_cut_around_the_caret,
        control_characters_are_not_printed,
        messages_are_cut_and_counted,
        messages_are_sorted_as_they_were_read,
    };
    Suite *suite = suite_create("parser");
    TCase *tcase = tcase_create("parser");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, text_becomes_a_tree, 0, sizeof(good) / sizeof(*good));
    tcase_add_loop_test(tcase, reading_goes_on_after_an_error, 0, sizeof(bad) / sizeof(*bad));
    for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
