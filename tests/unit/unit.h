/* unit.h: what every unit test program shares: its main. */
#ifndef MUXD_TESTS_UNIT_H
#define MUXD_TESTS_UNIT_H

#include <check.h>
#include <stdlib.h>

/* A suite of one case with these tests; the list ends with NULL. For unit_main. */
static inline Suite *unit_suite(const char *name, const TTest *const *tests)
{
    Suite *suite = suite_create(name);
    TCase *all = tcase_create("all");

    for (; *tests != NULL; tests++)
        tcase_add_test(all, *tests);
    suite_add_tcase(suite, all);
    return suite;
}

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
