/* parse.c: reads the head of a browser's request again and again.
 *
 * By muxd's own reader, or, compiled with -DPEER, by picohttpparser's, which libh2o
 * (Debian's libh2o-dev) exports: tests/bench/instructions counts what each of them needs
 * for the same bytes. Usage: parse TIMES */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char request[] =
    "GET /articles/2024/03/a-server-of-one-thread/index.html?utm_source=feed&page=2 HTTP/1.1\r\n"
    "Host: www.example.org\r\n"
    "Connection: keep-alive\r\n"
    "Cache-Control: max-age=0\r\n"
    "sec-ch-ua: \"Chromium\";v=\"122\", \"Not(A:Brand\";v=\"24\", \"Google Chrome\";v=\"122\"\r\n"
    "sec-ch-ua-mobile: ?0\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/122.0.0.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
    "image/apng,*/*;q=0.8\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Referer: https://www.example.org/articles/2024/03/\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
    "Cookie: session=4f2a9c0d7be84c1f9a65; theme=dark\r\n"
    "\r\n";

enum { FIELDS = 14, LENGTH = sizeof request - 1 };

#ifdef PEER

struct phr_header {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
};

int phr_parse_request(const char *buf, size_t len, const char **method, size_t *method_len,
                      const char **path, size_t *path_len, int *minor_version,
                      struct phr_header *headers, size_t *num_headers, size_t last_len);

static int parse(const char *bytes)
{
    struct phr_header headers[100];
    const char *method, *path;
    size_t method_len, path_len, count = sizeof headers / sizeof *headers;
    int minor;
    int size = phr_parse_request(bytes, LENGTH, &method, &method_len, &path, &path_len, &minor,
                                 headers, &count, 0);

    return size == LENGTH && count == FIELDS;
}

#else

#include "worker/http/head.h"

static int parse(const char *bytes)
{
    static const struct head_limits limits = {
        .line = 8192, .total = 32768, .fields = 1000, .keep_unusual = true
    };
    struct head head;

    head_init(&head, NULL, limits);
    return head_read(&head, slice_make(bytes, LENGTH)) == HEAD_DONE && head.size == LENGTH &&
           head.field_count == FIELDS;
}

#endif

int main(int argc, char *argv[])
{
    long times = argc == 2 ? atol(argv[1]) : 0;
    char bytes[sizeof request];

    memcpy(bytes, request, sizeof request);
    for (long i = 0; i < times; i++)
        if (!parse(bytes)) {
            fputs("parse: the request was not understood\n", stderr);
            return EXIT_FAILURE;
        }
    printf("%d\n", LENGTH);
    return EXIT_SUCCESS;
}
