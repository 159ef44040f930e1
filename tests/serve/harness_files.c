/* Files of a server's folder. */
#include "tests/serve/harness_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

const char *server_path(struct server *server, const char *path)
{
    char *full = NULL;

    ck_assert_int_ge(asprintf(&full, "%s/%s", server->root, path), 0);
    return server_own(server, full);
}

static void make_folders_of(const char *path)
{
    char folder[4096];

    for (size_t i = 1; path[i] != '\0' && i < sizeof(folder); i++)
        if (path[i] == '/') {
            memcpy(folder, path, i);
            folder[i] = '\0';
            if (mkdir(folder, 0755) != 0)
                ck_assert_msg(errno == EEXIST, "mkdir %s: %s", folder, strerror(errno));
        }
}

void server_file_bytes(struct server *server, const char *path, const void *bytes, size_t len)
{
    const char *full = server_path(server, path);

    make_folders_of(full);
    FILE *file = fopen(full, "we");
    ck_assert_msg(file != NULL, "%s: %s", full, strerror(errno));
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(full, 0644), 0);
}

void server_file(struct server *server, const char *path, const char *text)
{
    server_file_bytes(server, path, text, strlen(text));
}

char *file_text(struct server *server, const char *path)
{
    char full[4096], chunk[16384], *text = NULL;
    size_t len, got;

    snprintf(full, sizeof(full), "%s/%s", server->root, path);
    FILE *file = fopen(full, "re");
    FILE *out = open_memstream(&text, &len);
    ck_assert_ptr_nonnull(out);
    while (file != NULL && (got = fread(chunk, 1, sizeof(chunk), file)) > 0)
        fwrite(chunk, 1, got, out);
    if (file != NULL)
        fclose(file);
    fclose(out);
    ck_assert_ptr_nonnull(text);
    return text;
}

const char *server_read(struct server *server, const char *path)
{
    return server_own(server, file_text(server, path));
}

const char *server_wait_file(struct server *server, const char *path, const char *text)
{
    long long deadline = clock_now() + DEADLINE;

    for (unsigned looks = 0;;) {
        char *now = file_text(server, path);
        if (strstr(now, text) != NULL)
            return server_own(server, now);
        free(now);
        if (clock_now() > deadline)
            server_fail(server, "%s never said \"%s\"", path, text);
        wait_a_little(&looks, text, __FILE__, __LINE__);
    }
}

const char *server_wait_log(struct server *server, const char *text)
{
    return server_wait_file(server, "logs/error.log", text);
}

unsigned count_of(const char *in, const char *text)
{
    unsigned count = 0;

    for (; (in = strstr(in, text)) != NULL; in += strlen(text))
        count++;
    return count;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

void folder_remove(const char *path)
{
    enum { OPEN_FOLDERS = 16 };

    nftw(path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
}
