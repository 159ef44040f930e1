/* Records of FastCGI applications: read at every split point; what is refused. */
#include "worker/upstream/fastcgi_records.h"

#include "tests/unit/unit.h"

enum { ROOM = 256 };

/* What came of some records. */
struct outcome {
    enum fastcgi_result result;
    char out[ROOM], err[ROOM];
    size_t out_len, err_len;
    unsigned errors; /* records of standard error */
    size_t rest;     /* bytes behind the end */
};

static void keep(char *text, size_t *len, struct slice piece)
{
    ck_assert_uint_gt(piece.len, 0);
    ck_assert_uint_le(*len + piece.len, ROOM);
    memcpy(text + *len, piece.at, piece.len);
    *len += piece.len;
}

/* Reads on; true when there may be more. */
static bool feed(struct fastcgi_records *records, struct slice in, struct outcome *outcome)
{
    struct slice piece = { NULL, 0 };

    for (;;) {
        outcome->result = fastcgi_read(records, &in, &piece);
        outcome->rest = in.len;
        switch (outcome->result) {
        case FASTCGI_OUT:
            keep(outcome->out, &outcome->out_len, piece);
            break;
        case FASTCGI_ERR:
            keep(outcome->err, &outcome->err_len, piece);
            break;
        case FASTCGI_ERR_END:
            outcome->errors++;
            break;
        case FASTCGI_MORE:
            ck_assert_uint_eq(in.len, 0);
            return true;
        default:
            return false;
        }
    }
}

static void expect_same(const struct outcome *a, const struct outcome *b)
{
    ck_assert_int_eq(a->result, b->result);
    ck_assert_uint_eq(a->out_len, b->out_len);
    ck_assert_uint_eq(a->err_len, b->err_len);
    ck_assert_int_eq(memcmp(a->out, b->out, a->out_len), 0);
    ck_assert_int_eq(memcmp(a->err, b->err, a->err_len), 0);
    ck_assert_uint_eq(a->errors, b->errors);
}

/* Whole, byte by byte, and cut in two everywhere. */
static struct outcome read_all_ways(struct slice text)
{
    struct outcome whole = { .out_len = 0 }, single = { .out_len = 0 };
    struct fastcgi_records records;

    fastcgi_records_init(&records);
    feed(&records, text, &whole);
    for (size_t cut = 0; cut <= text.len; cut++) {
        struct outcome parts = { .out_len = 0 };
        fastcgi_records_init(&records);
        if (feed(&records, slice_first(text, cut), &parts))
            feed(&records, slice_from(text, cut), &parts);
        expect_same(&whole, &parts);
    }
    fastcgi_records_init(&records);
    for (size_t i = 0; i < text.len; i++)
        if (!feed(&records, slice_make(text.at + i, 1), &single))
            break;
    expect_same(&whole, &single);
    return whole;
}

#define OUT(text, len, padding) "\1\6\0\1\0" len padding "\0" text
#define ERR(text, len, padding) "\1\7\0\1\0" len padding "\0" text
#define END "\1\3\0\1\0\10\0\0\0\0\0\0\0\0\0\0"

START_TEST(answers_are_read)
{
    struct outcome outcome = read_all_ways(
        SLICE(OUT("hello", "\5", "\3") "pad" ERR("one", "\3", "\0") OUT("", "\0", "\0")
                  ERR("two", "\3", "\5") "paddy" OUT(" you", "\4", "\0") ERR("", "\0", "\0") END));

    ck_assert_int_eq(outcome.result, FASTCGI_DONE);
    ck_assert(slice_is(slice_make(outcome.out, outcome.out_len), "hello you"));
    ck_assert(slice_is(slice_make(outcome.err, outcome.err_len), "onetwo"));
    ck_assert_uint_eq(outcome.errors, 2);
    ck_assert_uint_eq(outcome.rest, 0);
}
END_TEST

START_TEST(what_follows_the_end_is_left)
{
    struct slice text = SLICE(END "more");
    struct fastcgi_records records;
    struct outcome outcome = { .out_len = 0 };

    fastcgi_records_init(&records);
    feed(&records, text, &outcome);
    ck_assert_int_eq(outcome.result, FASTCGI_DONE);
    ck_assert_uint_eq(outcome.rest, strlen("more"));
    feed(&records, slice_from(text, text.len - outcome.rest), &outcome);
    ck_assert_int_eq(outcome.result, FASTCGI_DONE); /* and stays so */
    ck_assert_uint_eq(outcome.rest, strlen("more"));
}
END_TEST

START_TEST(answers_that_are_not_whole_want_more)
{
    struct slice text = SLICE(OUT("hello", "\5", "\3") "pad" END);

    for (size_t len = 0; len < text.len; len++)
        ck_assert_int_eq(read_all_ways(slice_first(text, len)).result, FASTCGI_MORE);
}
END_TEST

START_TEST(bad_records_are_refused)
{
    static const struct {
        struct slice text;
        enum fastcgi_result result;
    } rows[] = {
        { SLICE_INIT("HTTP/1.1 200 OK\r\n"), FASTCGI_BAD_VERSION },
        { SLICE_INIT("\0\6\0\1\0\0\0\0"), FASTCGI_BAD_VERSION },
        { SLICE_INIT("\2\6\0\1\0\0\0\0"), FASTCGI_BAD_VERSION },
        { SLICE_INIT("\1\0\0\1\0\0\0\0"), FASTCGI_BAD_TYPE },
        { SLICE_INIT("\1\1\0\1\0\0\0\0"), FASTCGI_BAD_TYPE },
        { SLICE_INIT("\1\12\0\0\0\0\0\0"), FASTCGI_BAD_TYPE },
        { SLICE_INIT("\1\377\0\1\0\0\0\0"), FASTCGI_BAD_TYPE },
        { SLICE_INIT("\1\6\0\0\0\0\0\0"), FASTCGI_BAD_REQUEST },
        { SLICE_INIT("\1\6\0\2\0\0\0\0"), FASTCGI_BAD_REQUEST },
        { SLICE_INIT("\1\6\1\1\0\0\0\0"), FASTCGI_BAD_REQUEST },
        { SLICE_INIT("\1\3\0\1\0\7\0\0"), FASTCGI_BAD_END },
        { SLICE_INIT("\1\3\0\1\0\10\0\0\0\0\0\0\1\0\0\0"), FASTCGI_REFUSED },
        { SLICE_INIT("\1\3\0\1\0\10\0\0\0\0\0\0\2\0\0\0"), FASTCGI_REFUSED },
        { SLICE_INIT(OUT("a", "\1", "\0") "\3\6\0\1\0\0\0\0"), FASTCGI_BAD_VERSION },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(read_all_ways(rows[i].text).result == rows[i].result, "row %zu", i);
}
END_TEST

START_TEST(the_largest_record_is_read)
{
    enum { LEN = 65535 };
    static char text[FASTCGI_HEADER + LEN + 255 + FASTCGI_HEADER] = "\1\6\0\1\377\377\377";
    struct slice in = slice_make(text, sizeof text), piece;
    struct fastcgi_records records;

    fastcgi_records_init(&records);
    ck_assert_int_eq(fastcgi_read(&records, &in, &piece), FASTCGI_OUT);
    ck_assert_uint_eq(piece.len, LEN);
    ck_assert_int_eq(fastcgi_read(&records, &in, &piece), FASTCGI_BAD_VERSION);
}
END_TEST

START_TEST(headers_are_written)
{
    char header[FASTCGI_HEADER];

    ck_assert_uint_eq(fastcgi_put_header(header, FASTCGI_STDIN, 0x1234), 4);
    ck_assert_int_eq(memcmp(header, "\1\5\0\1\x12\x34\4\0", FASTCGI_HEADER), 0);
    ck_assert_uint_eq(fastcgi_put_header(header, FASTCGI_PARAMS, 0), 0);
    ck_assert_int_eq(memcmp(header, "\1\4\0\1\0\0\0\0", FASTCGI_HEADER), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        answers_are_read,
        what_follows_the_end_is_left,
        answers_that_are_not_whole_want_more,
        bad_records_are_refused,
        the_largest_record_is_read,
        headers_are_written,
        NULL,
    };
    return unit_main(unit_suite("fastcgi_records", tests));
}
