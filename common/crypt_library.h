/* crypt_library.h: crypt(3) of the system's libcrypt, loaded when it is needed.
 *
 * muxd links nothing beyond libc: where there is no libcrypt, or the program is linked
 * statically, there is no crypt(3), and who asks for it is told why. A process that will not be
 * able to open the library's file later loads it before. */
#ifndef MUXD_COMMON_CRYPT_LIBRARY_H
#define MUXD_COMMON_CRYPT_LIBRARY_H

struct crypt_library;

/* Loads libcrypt, or finds out why that fails. NULL: memory is out. */
struct crypt_library *crypt_library_load(void);

/* Why it could not be loaded; NULL when it was. */
const char *crypt_library_problem(const struct crypt_library *);

/* crypt_r(3) of one that was loaded: the hash of the password by the scheme and salt of `setting`,
 * good until the next call. NULL with errno when the library knows no such scheme; many then return
 * a text that is no hash. */
const char *crypt_library_hash(struct crypt_library *, const char *password, const char *setting);

/* Lets the library go; NULL is nothing. */
void crypt_library_free(struct crypt_library *);

#endif
