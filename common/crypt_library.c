#include "common/crypt_library.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

struct crypt_data; /* <crypt.h>, which is the library's */
typedef char *crypt_function(const char *password, const char *setting, struct crypt_data *);

enum { CRYPT_DATA_SIZE = 192 * 1024 }; /* of the largest that is known: 128 KiB and a little */

struct crypt_library {
    void *handle;
    crypt_function *crypt;
    struct crypt_data *data; /* zeroed before its first use, as crypt_r wants it */
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

struct crypt_library *crypt_library_load(const char **reason)
{
    if (is_static_program()) {
        *reason = "this program is linked statically";
        return NULL;
    }
    struct crypt_library *library = calloc(1, sizeof *library);
    void *symbol;

    *reason = "no memory";
    if (library == NULL)
        return NULL;
    library->data = calloc(1, CRYPT_DATA_SIZE);
    if (library->data == NULL)
        goto fail;
    library->handle = open_library();
    symbol = library->handle == NULL ? NULL : dlsym(library->handle, "crypt_r");
    if (symbol == NULL) {
        *reason = dlerror();
        goto fail;
    }
    memcpy(&library->crypt, &symbol, sizeof symbol);
    return library;

fail:
    crypt_library_free(library);
    return NULL;
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
