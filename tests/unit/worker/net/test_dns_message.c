#include "tests/unit/unit.h"
#include "worker/net/dns_message.h"

#include <string.h>

#define ID 0x1234
#define HEAD(flags, answers) "\x12\x34" flags "\0\1" answers "\0\0\0\0"
#define OK "\x81\x80"
#define QUESTION(type) "\1a\7example\0" type "\0\1"
#define A "\0\1"
#define CNAME "\0\5"
#define AAAA "\0\x1c"
#define SRV "\0\x21"
#define NAME "\xc0\x0c" /* the question's */
#define IN "\0\1"
#define TTL(n) "\0\0\0" n
#define MESSAGE(text) slice_make(text, sizeof(text) - 1)

static struct dns_name name_of(const char *text)
{
    struct dns_name name;

    ck_assert_msg(dns_name_set(&name, slice_of(text)), "%s", text);
    return name;
}

static enum dns_result begin(struct dns_answer *answer, struct slice message, enum dns_type type)
{
    struct dns_name name = name_of("a.example");

    return dns_answer_begin(answer, message, ID, &name, type);
}

static void expect_name(const struct dns_name *name, const char *text)
{
    struct slice got = dns_name_text(name);

    ck_assert_msg(slice_is(got, text), "%.*s, not %s", (int)got.len, got.at, text);
}

START_TEST(names)
{
    struct dns_name name = name_of("Www.Example.ORG.");
    char text[300];

    expect_name(&name, "www.example.org");
    name = name_of("a");
    expect_name(&name, "a");
    static const char *const bad[] = { "", ".", "..", ".a", "a..", "a..b" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!dns_name_set(&name, slice_of(bad[i])), "%s", bad[i]);
    memset(text, 'x', sizeof text);
    ck_assert(dns_name_set(&name, slice_make(text, 63)));
    ck_assert(!dns_name_set(&name, slice_make(text, 64)));
    for (size_t i = 50; i < sizeof text; i += 50)
        text[i] = '.';
    ck_assert(dns_name_set(&name, slice_make(text, 253)));
    text[253] = '.';
    ck_assert(dns_name_set(&name, slice_make(text, 254)));
    ck_assert(!dns_name_set(&name, slice_make(text, 255)));
}
END_TEST

START_TEST(questions)
{
    static const char expected[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0" QUESTION(AAAA);
    char room[DNS_QUERY_MAX], text[DNS_NAME_MAX];
    struct dns_name name = name_of("A.example");

    ck_assert_uint_eq(dns_write_query(room, ID, &name, DNS_AAAA), sizeof expected - 1);
    ck_assert_int_eq(memcmp(room, expected, sizeof expected - 1), 0);
    memset(text, 'x', sizeof text);
    for (size_t i = 1; i < sizeof text; i += 2)
        text[i] = '.';
    ck_assert(dns_name_set(&name, slice_make(text, sizeof text)));
    ck_assert_uint_eq(dns_write_query(room, ID, &name, DNS_A), DNS_HEADER + 255 + 4);
}
END_TEST

START_TEST(addresses)
{
    struct dns_answer answer;
    struct dns_record record;
    struct slice message =
        MESSAGE(HEAD(OK, "\0\3") QUESTION(A)
                    NAME A IN TTL("\x3c") "\0\4\1\2\3\4"
                                          "\1A\7EXAMPLE\0" A IN "\x80\0\0\1"
                                          "\0\4\5\6\7\10"
                                          "\1b\xc0\x0e" A IN TTL("\1") "\0\4\x9\x9\x9\x9");

    ck_assert_int_eq(begin(&answer, message, DNS_A), DNS_ANSWER);
    ck_assert_int_eq(answer.code, DNS_NO_ERROR);
    ck_assert(!answer.truncated);
    ck_assert_uint_eq(answer.ttl, DNS_TTL_MAX);
    ck_assert(dns_answer_next(&answer, &record));
    ck_assert_uint_eq(record.ttl, 60);
    ck_assert_int_eq(memcmp(record.ip, "\1\2\3\4", 4), 0);
    ck_assert(dns_answer_next(&answer, &record));
    ck_assert_uint_eq(record.ttl, 0); /* a number below zero */
    ck_assert_int_eq(memcmp(record.ip, "\5\6\7\10", 4), 0);
    ck_assert(!dns_answer_next(&answer, &record)); /* another name's */
    message = MESSAGE(HEAD(OK, "\0\2") QUESTION(AAAA) NAME AAAA IN
                      "\x7f\xff\xff\xff"
                      "\0\x10"
                      "0123456789abcdef" NAME AAAA IN TTL("\1") "\0\4"
                                                                "0123");
    ck_assert_int_eq(begin(&answer, message, DNS_AAAA), DNS_ANSWER);
    ck_assert(dns_answer_next(&answer, &record));
    ck_assert_uint_eq(record.ttl, DNS_TTL_MAX);
    ck_assert_int_eq(memcmp(record.ip, "0123456789abcdef", 16), 0);
    ck_assert(!dns_answer_next(&answer, &record)); /* too short */
}
END_TEST

START_TEST(aliases)
{
    struct dns_answer answer;
    struct dns_record record;
    struct slice message = MESSAGE(HEAD(OK, "\0\4") QUESTION(A) "\1c\xc0\x0e" A IN TTL(
        "\7") "\0\4\1\2\3\4" /* in no order */
              "\1b\xc0\x0e" CNAME IN TTL("\5") "\0\4\1c\xc0\x0e" NAME CNAME IN TTL(
                  "\x9") "\0\4\1b\xc0\x0e" NAME A IN TTL("\x9") "\0\4\x9\x9\x9\x9");

    ck_assert_int_eq(begin(&answer, message, DNS_A), DNS_ANSWER);
    expect_name(&answer.name, "c.example");
    ck_assert_uint_eq(answer.ttl, 5);
    ck_assert(dns_answer_next(&answer, &record));
    ck_assert_int_eq(memcmp(record.ip, "\1\2\3\4", 4), 0);
    ck_assert(!dns_answer_next(&answer, &record));
    /* What the alias stands for is to be asked for elsewhere. */
    message = MESSAGE(HEAD(OK, "\0\1") QUESTION(A) NAME CNAME IN TTL("\x9") "\0\7\1x\3org\0");
    ck_assert_int_eq(begin(&answer, message, DNS_A), DNS_ANSWER);
    expect_name(&answer.name, "x.org");
    ck_assert(!dns_answer_next(&answer, &record));
    /* An alias of itself, and two of each other. */
    message = MESSAGE(HEAD(OK, "\0\1") QUESTION(A) NAME CNAME IN TTL("\x9") "\0\2" NAME);
    ck_assert_int_eq(begin(&answer, message, DNS_A), DNS_BROKEN);
    message = MESSAGE(HEAD(OK, "\0\2") QUESTION(A)
                          NAME CNAME IN TTL("\x9") "\0\4\1b\xc0\x0e"
                                                   "\1b\xc0\x0e" CNAME IN TTL("\5") "\0\2" NAME);
    ck_assert_int_eq(begin(&answer, message, DNS_A), DNS_BROKEN);
}
END_TEST

START_TEST(services)
{
    struct dns_answer answer;
    struct dns_record record;
    struct slice message =
        MESSAGE(HEAD(OK, "\0\3") QUESTION(SRV)
                    NAME SRV IN TTL("\x0a") "\0\x0a\0\1\0\2\x1f\x90\1b\xc0\x0e" NAME SRV IN TTL(
                        "\x0a") "\0\x06\0\1\0\2\x1f\x90" /* no target */
                NAME SRV IN TTL("\x0a") "\0\x0b\xff\xff\0\0\0\1\1c\1d\0");

    ck_assert_int_eq(begin(&answer, message, DNS_SRV), DNS_ANSWER);
    ck_assert(dns_answer_next(&answer, &record));
    ck_assert_uint_eq(record.priority, 1);
    ck_assert_uint_eq(record.weight, 2);
    ck_assert_uint_eq(record.port, 8080);
    expect_name(&record.target, "b.example");
    ck_assert(dns_answer_next(&answer, &record));
    ck_assert_uint_eq(record.priority, 65535);
    expect_name(&record.target, "c.d");
    ck_assert(!dns_answer_next(&answer, &record));
}
END_TEST

START_TEST(codes)
{
    struct dns_answer answer;
    struct dns_record record;

    ck_assert_int_eq(begin(&answer, MESSAGE(HEAD("\x81\x83", "\0\0") QUESTION(A)), DNS_A),
                     DNS_ANSWER);
    ck_assert_int_eq(answer.code, DNS_NO_SUCH_NAME);
    ck_assert(!dns_answer_next(&answer, &record));
    ck_assert_int_eq(begin(&answer, MESSAGE(HEAD("\x83\x80", "\0\1") QUESTION(A) NAME A), DNS_A),
                     DNS_ANSWER);
    ck_assert(answer.truncated);
    ck_assert(!dns_answer_next(&answer, &record));
}
END_TEST

START_TEST(other_messages)
{
    static const struct slice others[] = {
        SLICE_INIT(""),
        SLICE_INIT("\x12\x34\x81\x80\0\1\0\0\0\0\0"),
        SLICE_INIT("\x12\x35\x81\x80\0\1\0\0\0\0\0\0" QUESTION(A)), /* id */
        SLICE_INIT("\x12\x34\x01\x80\0\1\0\0\0\0\0\0" QUESTION(A)), /* a question */
        SLICE_INIT("\x12\x34\x89\x80\0\1\0\0\0\0\0\0" QUESTION(A)), /* not a query's */
        SLICE_INIT("\x12\x34\x81\x80\0\0\0\0\0\0\0\0"),             /* of nothing */
        SLICE_INIT("\x12\x34\x81\x80\0\2\0\0\0\0\0\0" QUESTION(A) QUESTION(A)),
        SLICE_INIT("\x12\x34\x81\x80\0\1\0\0\0\0\0\0" QUESTION(AAAA)),
        SLICE_INIT("\x12\x34\x81\x80\0\1\0\0\0\0\0\0"
                   "\1b\7example\0" A IN),
        SLICE_INIT("\x12\x34\x81\x80\0\1\0\0\0\0\0\0"
                   "\1a\7example\0" A "\0\3"), /* class */
        SLICE_INIT("\x12\x34\x81\x80\0\1\0\0\0\0\0\0"
                   "\1a\7example\0" A "\0"),
        SLICE_INIT("\x12\x34\x81\x80\0\1\0\0\0\0\0\0"
                   "\1a\7exampl"),
        SLICE_INIT("\x12\x34\x81\x80\0\1\0\0\0\0\0\0"
                   "\3a.b\0" A IN),
    };
    struct dns_answer answer;

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(begin(&answer, others[i], DNS_A) == DNS_OTHER, "%zu", i);
}
END_TEST

START_TEST(broken_messages)
{
    static const struct slice broken[] = {
        SLICE_INIT(HEAD(OK, "\0\1") QUESTION(A)),
        SLICE_INIT(HEAD(OK, "\0\1") QUESTION(A) NAME A IN TTL("\1") "\0\4\1\2\3"),
        SLICE_INIT(HEAD(OK, "\0\2") QUESTION(A) NAME A IN TTL("\1") "\0\4\1\2\3\4"),
        SLICE_INIT(HEAD(OK, "\0\1") QUESTION(A) NAME A IN TTL("\1") "\0"),
        SLICE_INIT(HEAD(OK, "\0\1") QUESTION(A) "\xc0"),
        SLICE_INIT(HEAD(OK, "\0\1") QUESTION(A) "\xc0\x1b" A IN TTL("\1") "\0\0"), /* to itself */
        SLICE_INIT(HEAD(OK, "\0\1") QUESTION(A) "\xff\xff" A IN TTL("\1") "\0\0"),
        SLICE_INIT(HEAD(OK, "\0\1") QUESTION(A) "\1x\xc0\x1b" A IN TTL("\1") "\0\0"), /* a circle */
        SLICE_INIT(HEAD(OK, "\0\1") QUESTION(A) "\x40x\0" A IN TTL("\1") "\0\0"),
    };
    struct dns_answer answer;

    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        ck_assert_msg(begin(&answer, broken[i], DNS_A) == DNS_BROKEN, "%zu", i);
}
END_TEST

/* A name that is pieced together from more than a name may have. */
START_TEST(long_names)
{
    char message[2048];
    size_t at = 0, before = DNS_HEADER;
    struct dns_answer answer;

    memcpy(message, HEAD(OK, "\0\6") QUESTION(A), at = DNS_HEADER + 15);
    for (unsigned i = 0; i < 6; i++) {
        size_t here = at;
        message[at++] = 60;
        memset(message + at, 'x', 60);
        at += 60;
        message[at++] = (char)(0xc0 | before >> 8);
        message[at++] = (char)before;
        memcpy(message + at, A IN TTL("\1") "\0\0", 10);
        at += 10;
        before = here;
    }
    ck_assert_int_eq(begin(&answer, slice_make(message, at), DNS_A), DNS_BROKEN);
    message[7] = 3; /* so many are not too long yet */
    ck_assert_int_eq(begin(&answer, slice_make(message, at), DNS_A), DNS_ANSWER);
}
END_TEST

/* Whatever is missing at the end, and whichever byte is another one. */
START_TEST(damaged_messages)
{
    static const char whole[] = HEAD(OK, "\0\3") QUESTION(SRV) NAME CNAME IN TTL(
        "\x9") "\0\4\1b\xc0\x0e"
               "\1b\xc0\x0e" SRV IN TTL("\x0a") "\0\x0a\0\1\0\2\x1f\x90\1c\xc0\x0e"
                                                "\1b\xc0\x0e" SRV IN TTL(
                                                    "\x0a") "\0\x0a\0\1\0\2\x1f\x90\1d\xc0\x0e";
    enum { LEN = sizeof whole - 1 };
    struct dns_answer answer;
    struct dns_record record;

    for (size_t i = 0; i < LEN; i++) {
        ck_assert_int_ne(begin(&answer, slice_make(whole, i), DNS_SRV), DNS_ANSWER);
        for (unsigned byte = 0; byte < 256; byte++) {
            char *copy = malloc(LEN); /* as long as it is: a sanitizer sees what is behind it */
            memcpy(copy, whole, LEN);
            copy[i] = (char)byte;
            if (begin(&answer, slice_make(copy, LEN), DNS_SRV) == DNS_ANSWER)
                while (dns_answer_next(&answer, &record))
                    ;
            free(copy);
        }
    }
    ck_assert_int_eq(begin(&answer, slice_make(whole, LEN), DNS_SRV), DNS_ANSWER);
    ck_assert(dns_answer_next(&answer, &record));
    ck_assert(dns_answer_next(&answer, &record));
    expect_name(&record.target, "d.example");
}
END_TEST

/* The SOA of a zone that the name is in; cut and damaged it is none, or says another time. */
START_TEST(absences)
{
    static const char head[] = "\x12\x34\x81\x83\0\1\0\0\0\2\0\0" QUESTION(A);
    static const char records[] =
        "\1b\xc0\x0e" A IN TTL("\1") "\0\4\1\2\3\4"
                                     "\xc0\x0e\0\6" IN TTL("\x3c") "\0\x1c"
                                                                   "\1n\xc0\x0e\1m\xc0\x0c"
                                                                   "0123456789abcdef" TTL("\7");
    enum { HEAD_LEN = sizeof head - 1, LEN = HEAD_LEN + sizeof records - 1 };
    struct dns_answer answer;
    uint32_t seconds = 0;

    for (size_t i = HEAD_LEN; i <= LEN; i++) {
        char *copy = malloc(i);
        memcpy(copy, head, HEAD_LEN);
        memcpy(copy + HEAD_LEN, records, i - HEAD_LEN);
        ck_assert_int_eq(begin(&answer, slice_make(copy, i), DNS_A), DNS_ANSWER);
        ck_assert(dns_answer_absence(&answer, &seconds) == (i == LEN));
        for (size_t at = HEAD_LEN; i == LEN && at < LEN; at++)
            for (unsigned byte = 0; byte < 256; byte++) {
                copy[at] = (char)byte;
                if (dns_answer_absence(&answer, &seconds))
                    ck_assert_uint_le(seconds, DNS_TTL_MAX);
                copy[at] = records[at - HEAD_LEN];
            }
        ck_assert(i < LEN || (dns_answer_absence(&answer, &seconds) && seconds == 7));
        free(copy);
    }
}
END_TEST

int main(void)
{
    return unit_main(unit_suite("dns_message",
                                (const TTest *[]){ names, questions, addresses, aliases, services,
                                                   codes, other_messages, broken_messages,
                                                   long_names, damaged_messages, absences, NULL }));
}
