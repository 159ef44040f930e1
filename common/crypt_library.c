#include "common/crypt_library.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

struct crypt_data; /* <crypt.h>, which is the library's */
typedef char *crypt_function(const char *password, const char *setting, struct crypt_data *);

enum {
    CRYPT_DATA_SIZE = 192 * 1024, /* of the largest that is known: 128 KiB and a little */
    PROBLEM_MAX = 256,
};

struct crypt_library {
    void *handle;
    crypt_function *crypt;
    struct crypt_data *data; /* zeroed before its first use, as crypt_r wants it */
    char problem[PROBLEM_MAX];
};

/* No program interpreter has loaded it: with the library would come a second libc. */
static bool is_static_program(void)
{
    return getauxval(AT_BASE) == 0;
}

static void *open_library(void)
{
    static const char *const names[] = { "libcrypt.so.1", "libcrypt.so.2" };
    void *handle = NULL;

    for (size_t i = 0; handle == NULL && i < sizeof names / sizeof *names; i++)
        handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    return handle;
}

/* False: why is written down. */
static bool find_function(struct crypt_library *library)
{
    library->handle = open_library();
    void *symbol = library->handle == NULL ? NULL : dlsym(library->handle, "crypt_r");
    if (symbol == NULL) {
        const char *reason = dlerror();
        snprintf(library->problem, sizeof library->problem, "%s",
                 reason != NULL ? reason : "no memory");
        return false;
    }
    memcpy(&library->crypt, &symbol, sizeof symbol);
    return true;
}

struct crypt_library *crypt_library_load(void)
{
    struct crypt_library *library = calloc(1, sizeof *library);

    if (library == NULL)
        return NULL;
    if (is_static_program()) {
        strcpy(library->problem, "this program is linked statically");
        return library;
    }
    if (!find_function(library))
        return library;
    library->data = calloc(1, CRYPT_DATA_SIZE);
    if (library->data != NULL)
        return library;
    crypt_library_free(library);
    return NULL;
}

const char *crypt_library_problem(const struct crypt_library *library)
{
    return library->crypt == NULL ? library->problem : NULL;
}

const char *crypt_library_hash(struct crypt_library *library, const char *password,
                               const char *setting)
{
    return library->crypt(password, setting, library->data);
}

void crypt_library_free(struct crypt_library *library)
{
    if (library == NULL)
        return;
    if (library->handle != NULL)
        dlclose(library->handle);
    free(library->data);
    free(library);
}
