#include "common/crypt_library.h"

#include "tests/unit/unit.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* The system's crypt_r says what glibc's and libxcrypt's always have. Where there is no libcrypt
 * there is a reason. */
START_TEST(a_known_hash)
{
    static const char hash[] = "$6$saltstring$AIsRs/Ee56G/tC8MEHhvReZTfx8u3rXXMl6eYrjCG9ibix19Dxo"
                               "MBLogdTET5Ukw9Sf7eZTITsuk0Ry5qulYz.";
    struct crypt_library *library = crypt_library_load();

    ck_assert_ptr_nonnull(library);
    const char *problem = crypt_library_problem(library);
    if (problem != NULL) {
        ck_assert_uint_gt(strlen(problem), 0);
        ck_assert_msg(dlopen("libcrypt.so.1", RTLD_NOW) == NULL, "%s", problem);
        crypt_library_free(library);
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_str_eq(crypt_library_hash(library, "secret", hash), hash);
        const char *other = crypt_library_hash(library, "Secret", hash);
        ck_assert(other == NULL || strcmp(other, hash) != 0);
    }
    crypt_library_free(library);
}
END_TEST

START_TEST(nothing_is_freed)
{
    crypt_library_free(NULL);
}
END_TEST

int main(void)
{
    return unit_main(unit_suite("crypt_library", (const TTest *[]){
                                                     a_known_hash,
                                                     nothing_is_freed,
                                                     NULL,
                                                 }));
}
