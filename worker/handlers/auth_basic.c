/* auth_basic: a user's name and password let a client in. */
#include "common/crypt_library.h"
#include "common/log.h"
#include "common/password.h"
#include "worker/context.h"
#include "worker/handlers/handlers.h"
#include "worker/handlers/user_file.h"
#include "worker/http/credentials.h"
#include "worker/http/request.h"
#include "worker/http/template.h"

#include <errno.h>

enum { PASSWORD_MAX = 1024 /* bytes; hashing takes time by the length, which is the client's */ };

struct auth_basic_settings {
    struct template realm; /* "off" when it is put together: everybody is let in */
    struct template file;  /* at NULL: none is given, likewise */
};

/* --- one request --- */

static int challenge(struct request *request, struct slice realm)
{
    struct slice value =
        arena_printf(&request->arena, "Basic realm=\"%.*s\"", (int)realm.len, realm.at);

    if (value.at == NULL || !response_add(request, SLICE("WWW-Authenticate"), value))
        return 500;
    return 401;
}

/* NUL-terminated; NULL when memory is out. */
static const char *user_file_path(struct request *request)
{
    const struct auth_basic_settings *settings = request_settings(request, MODULE_AUTH_BASIC);
    struct slice path;

    if (!template_eval(request, &settings->file, &path))
        return NULL;
    if (!slice_starts(path, SLICE("/")))
        path = arena_join(&request->arena, slice_of(request->worker->conf->conf_prefix), path);
    return path.at == NULL ? NULL : arena_cstr(&request->arena, path);
}

/* What crypt(3) makes of the password; NULL, logged, when it cannot be asked. */
static const char *crypt_hash(struct request *request, struct slice password, const char *setting)
{
    struct worker *worker = request->worker;
    const char *text = arena_cstr(&request->arena, password);

    if (worker->crypt == NULL)
        worker->crypt = crypt_library_load();
    const char *problem =
        text == NULL || worker->crypt == NULL ? "no memory" : crypt_library_problem(worker->crypt);
    if (problem != NULL) {
        request_log(request, LOG_LEVEL_CRIT, 0,
                    "a password is hashed by crypt(3), and libcrypt cannot be loaded: %s", problem);
        return NULL;
    }
    const char *hash = crypt_library_hash(worker->crypt, text, setting);
    if (hash == NULL)
        request_log(request, LOG_LEVEL_CRIT, errno, "crypt_r() failed");
    return hash;
}

/* 0: the password is right; 401, or 500. */
static int check(struct request *request, struct slice password, const char *hash)
{
    if (password.len > PASSWORD_MAX || slice_find(password, '\0') >= 0)
        return 401;
    switch (password_check(password, slice_of(hash))) {
    case PASSWORD_RIGHT:
        return 0;
    case PASSWORD_WRONG:
        return 401;
    case PASSWORD_OF_CRYPT:
        break;
    }
    const char *own = crypt_hash(request, password, hash);
    if (own == NULL)
        return 500;
    return secret_equal(slice_of(own), slice_of(hash)) ? 0 : 401;
}

/* A file that is not there is no file of users: nobody may come in, and nobody has to ask. */
static int file_failed(struct request *request, const char *path, int error)
{
    request_log(request, error == ENOENT ? LOG_LEVEL_ERROR : LOG_LEVEL_CRIT, error,
                "open() \"%s\" failed", path);
    return error == ENOENT ? 403 : 500;
}

static int check_user(struct request *request, const struct credentials *credentials)
{
    const char *path = user_file_path(request);
    const struct slice *user = &credentials->user;
    char hash[USER_HASH_MAX + 1];
    int status = 401;

    if (path == NULL)
        return 500;
    switch (user_file_find(path, *user, hash)) {
    case USER_FOUND:
        status = check(request, credentials->password, hash);
        if (status == 401)
            request_log(request, LOG_LEVEL_ERROR, 0, "user \"%.*s\": password mismatch",
                        (int)user->len, user->at);
        return status;
    case USER_UNKNOWN:
        request_log(request, LOG_LEVEL_ERROR, 0, "user \"%.*s\" was not found in \"%s\"",
                    (int)user->len, user->at, path);
        return 401;
    case USER_FILE_FAILED:
        break;
    }
    return file_failed(request, path, errno);
}

int auth_basic_handler(struct request *request)
{
    const struct auth_basic_settings *settings = request_settings(request, MODULE_AUTH_BASIC);
    struct credentials credentials;
    struct slice realm;
    int status = 401;

    if (settings->file.literal.at == NULL)
        return DECLINED;
    if (!template_eval_head(request, &settings->realm, HEAD_TEXT_VALUE, &realm))
        return 500;
    if (slice_is(realm, "off"))
        return DECLINED;
    if (request_credentials(request, &credentials))
        status = check_user(request, &credentials);
    else if (request->arena.exhausted)
        return 500;
    else
        request_log(request, LOG_LEVEL_INFO, 0,
                    "no user/password was provided for basic authentication");
    if (status == 0)
        return ALLOWED;
    return status == 401 ? challenge(request, realm) : status;
}

/* --- the table --- */

static const struct directive auth_basic_directives[] = {
    { "auth_basic", IN_HTTP_ALL | IN_LIMIT_EXCEPT, ARGS(1), &as_template,
      offsetof(struct auth_basic_settings, realm), "off",
      "let clients in who give a user's password; the text is shown to those who are asked" },
    { "auth_basic_user_file", IN_HTTP_ALL | IN_LIMIT_EXCEPT, ARGS(1), &as_template,
      offsetof(struct auth_basic_settings, file), NULL,
      "the file of users and hashes of their passwords, as htpasswd writes it" },
    { 0 },
};

const struct conf_module auth_basic_module = {
    .name = "auth_basic",
    .id = MODULE_AUTH_BASIC,
    .size = sizeof(struct auth_basic_settings),
    .directives = auth_basic_directives,
};
