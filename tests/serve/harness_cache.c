#include "tests/serve/harness_cache.h"

#include <dirent.h>

struct client *cache_ask(struct server *server, const char *method, const char *path,
                         const char *more)
{
    struct client *client = client_open(server);

    ck_assert(client_send(client, "%s %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n%s\r\n",
                          method, path, more));
    return client;
}

struct client *cache_asked(struct server *server, int listening, const char **request)
{
    struct client *up = upstream_accept(server, listening);
    const char *text = upstream_request(up, NULL);

    if (request != NULL)
        *request = text;
    return up;
}

void cache_answer(struct client *up, const char *fields, const char *body)
{
    client_send(up, "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n%s", fields, strlen(body),
                body);
    client_close(up);
}

struct response *cache_fetch(struct server *server, int listening, const char *path,
                             const char *fields, const char *body)
{
    struct client *client = cache_ask(server, "GET", path, "");

    cache_answer(cache_asked(server, listening, NULL), fields, body);
    return client_read(client);
}

static void expect(const struct response *response, const char *state, const char *body)
{
    ck_assert_int_eq(response->status, 200);
    ck_assert_str_eq(header(response, "X-Cache"), state);
    ck_assert_str_eq(response->body, body);
}

void expect_fetch(struct server *server, int listening, const char *path, const char *fields,
                  const char *state, const char *body)
{
    expect(cache_fetch(server, listening, path, fields, body), state, body);
}

void expect_cached(struct server *server, const char *path, const char *state, const char *body)
{
    expect(get(server, path), state, body);
}

/* --- files --- */

const char *cache_find_file(struct server *server, const char *folder)
{
    enum { NAME = 32 }; /* hexadecimal digits of MD5 */
    DIR *open = opendir(server_path(server, folder));
    const char *found = NULL;
    const struct dirent *entry;

    ck_assert_ptr_nonnull(open);
    while (found == NULL && (entry = readdir(open)) != NULL) {
        char *inner;
        if (entry->d_name[0] == '.')
            continue;
        ck_assert_int_gt(asprintf(&inner, "%s/%s", folder, entry->d_name), 0);
        server_own(server, inner);
        found = strlen(entry->d_name) == NAME ? server_path(server, inner)
                                              : cache_find_file(server, inner);
    }
    closedir(open);
    return found;
}

unsigned count_files(struct server *server, const char *folder)
{
    DIR *open = opendir(server_path(server, folder));
    const struct dirent *entry;
    unsigned count = 0;

    ck_assert_ptr_nonnull(open);
    while ((entry = readdir(open)) != NULL)
        count += entry->d_name[0] != '.';
    closedir(open);
    return count;
}
