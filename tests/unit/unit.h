/* unit.h: what every unit test program shares: its main. */
#ifndef MUXD_TESTS_UNIT_H
#define MUXD_TESTS_UNIT_H

#include <check.h>
#include <stdlib.h>

/* Runs one suite, prints libcheck's summary, frees the suite, and returns the
 * exit status for main: 0 when every check passed. */
static inline int unit_main(Suite *suite)
{
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
