#include "common/read_write.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

START_TEST(what_is_written_is_read_at_its_place)
{
    FILE *file = tmpfile();
    char room[16];

    ck_assert_ptr_nonnull(file);
    ck_assert(write_exactly(fileno(file), SLICE("0123456789"), 5));
    ck_assert(write_exactly(fileno(file), SLICE(""), 100));
    ck_assert(read_exactly(fileno(file), room, 4, 8));
    ck_assert_mem_eq(room, "3456", 4);
    ck_assert_int_eq(read_up_to(fileno(file), room, sizeof room, 3), 12);
    ck_assert_mem_eq(room, "\0\0", 2);
    ck_assert_mem_eq(room + 2, "0123456789", 10);
    ck_assert_int_eq(read_up_to(fileno(file), room, sizeof room, 15), 0);
    fclose(file);
}
END_TEST

START_TEST(a_file_that_is_too_short_is_an_error)
{
    FILE *file = tmpfile();
    char room[16];

    ck_assert_ptr_nonnull(file);
    ck_assert(write_exactly(fileno(file), SLICE("0123456789"), 0));
    errno = 0;
    ck_assert(!read_exactly(fileno(file), room, sizeof room, 0));
    ck_assert_int_eq(errno, EIO);
    fclose(file);
}
END_TEST

START_TEST(failures_are_told)
{
    int ends[2];
    char room[16];

    ck_assert_int_eq(pipe(ends), 0); /* which has no places */
    ck_assert_int_eq(read_up_to(ends[0], room, sizeof room, 0), -1);
    ck_assert_int_eq(errno, ESPIPE);
    ck_assert(!read_exactly(ends[0], room, sizeof room, 0));
    ck_assert_int_eq(errno, ESPIPE);
    ck_assert(!write_exactly(ends[1], SLICE("text"), 0));
    ck_assert_int_eq(errno, ESPIPE);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

int main(void)
{
    return unit_main(unit_suite("read_write", (const TTest *[]){
                                                  what_is_written_is_read_at_its_place,
                                                  a_file_that_is_too_short_is_an_error,
                                                  failures_are_told,
                                                  NULL,
                                              }));
}
