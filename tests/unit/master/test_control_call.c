/* The other side of the control socket: what answers mean, and what is none. */
#include "master/control_call.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEARD_MAX = 1000 };

struct hearer {
    struct control_reader reader;
    char heard[HEARD_MAX];
};

static void hear(struct control_reader *reader, bool is_error, struct slice text)
{
    char *heard = ((struct hearer *)reader)->heard;
    size_t len = strlen(heard);

    snprintf(heard + len, HEARD_MAX - len, "%c:%.*s|", is_error ? 'e' : 'o', (int)text.len,
             text.at);
}

/* The master has answered with this before it is asked, and closed. The status; what was heard in
 * `hearer`. */
static int call(const char *answer, struct hearer *hearer)
{
    char asked[100];
    int ends[2];

    *hearer = (struct hearer){ .reader.line = hear };
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ck_assert_int_eq(write(ends[1], answer, strlen(answer)), (ssize_t)strlen(answer));
    shutdown(ends[1], SHUT_WR);
    int status = control_call(ends[0], "do this", &hearer->reader);
    int error = errno;
    ssize_t got = read(ends[1], asked, sizeof asked - 1);
    ck_assert_int_ge(got, 0);
    asked[got] = '\0';
    ck_assert_str_eq(asked, "do this\n");
    close(ends[0]);
    close(ends[1]);
    errno = error;
    return status;
}

START_TEST(answers)
{
    static const struct {
        const char *answer, *heard;
        int status;
    } rows[] = {
        { "end 0\n", "", 0 },
        { "end 1\n", "", 1 },
        { "end 7\n", "", 1 },
        { "out a\nerr b c\nout \nend 0\n", "o:a|e:b c|o:|", 0 },
        { "out a\nend 1\nout later\n", "o:a|", 1 },
    };
    struct hearer hearer;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_int_eq(call(rows[i].answer, &hearer), rows[i].status);
        ck_assert_str_eq(hearer.heard, rows[i].heard);
    }
}
END_TEST

START_TEST(what_is_no_answer)
{
    static const struct {
        const char *answer, *heard;
        int error;
    } rows[] = {
        { "", "", EPIPE },       { "out a\n", "o:a|", EPIPE }, { "nonsense\n", "", EPROTO },
        { "out\n", "", EPROTO }, { "outer a\n", "", EPROTO },  { "out no end of line", "", EPROTO },
        { "\n", "", EPROTO },
    };
    struct hearer hearer;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_int_eq(call(rows[i].answer, &hearer), -1);
        ck_assert_int_eq(errno, rows[i].error);
        ck_assert_str_eq(hearer.heard, rows[i].heard);
    }
}
END_TEST

/* One that has too many clients closes before it is asked: its answer counts. */
START_TEST(a_master_that_does_not_listen)
{
    static const char answer[] = "err too many\nend 1\n";
    struct hearer hearer = { .reader.line = hear };
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ck_assert_int_eq(write(ends[1], answer, sizeof answer - 1), (ssize_t)sizeof answer - 1);
    close(ends[1]);
    ck_assert_int_eq(control_call(ends[0], "do this", &hearer.reader), 1);
    ck_assert_str_eq(hearer.heard, "e:too many|");
    close(ends[0]);
}
END_TEST

START_TEST(nobody_there)
{
    char path[200];

    ck_assert_int_eq(control_connect("/none/control"), -1);
    ck_assert_int_eq(errno, ENOENT);
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    ck_assert_int_eq(control_connect(path), -1);
    ck_assert_int_eq(errno, ENAMETOOLONG);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        answers, what_is_no_answer, a_master_that_does_not_listen, nobody_there, NULL,
    };

    return unit_main(unit_suite("control_call", tests));
}
