#include "worker/http/status.h"

/* A status that nginx knows. */
struct status {
    const char *line;  /* NULL: it is sent as a bare number */
    const char *title; /* of its page; NULL: it has none */
    const char *note;  /* a second line on the page, or NULL */
};

static const struct status successes[] = {
    [200 - 200] = { "200 OK", NULL, NULL },
    [201 - 200] = { "201 Created", NULL, NULL },
    [202 - 200] = { "202 Accepted", NULL, NULL },
    [204 - 200] = { "204 No Content", NULL, NULL },
    [206 - 200] = { "206 Partial Content", NULL, NULL },
};

static const struct status redirections[] = {
    [301 - 301] = { "301 Moved Permanently", "301 Moved Permanently", NULL },
    [302 - 301] = { "302 Moved Temporarily", "302 Found", NULL },
    [303 - 301] = { "303 See Other", "303 See Other", NULL },
    [304 - 301] = { "304 Not Modified", NULL, NULL },
    [307 - 301] = { "307 Temporary Redirect", "307 Temporary Redirect", NULL },
    [308 - 301] = { "308 Permanent Redirect", "308 Permanent Redirect", NULL },
};

static const struct status refusals[] = {
    [400 - 400] = { "400 Bad Request", "400 Bad Request", NULL },
    [401 - 400] = { "401 Unauthorized", "401 Authorization Required", NULL },
    [402 - 400] = { "402 Payment Required", "402 Payment Required", NULL },
    [403 - 400] = { "403 Forbidden", "403 Forbidden", NULL },
    [404 - 400] = { "404 Not Found", "404 Not Found", NULL },
    [405 - 400] = { "405 Not Allowed", "405 Not Allowed", NULL },
    [406 - 400] = { "406 Not Acceptable", "406 Not Acceptable", NULL },
    [408 - 400] = { "408 Request Time-out", "408 Request Time-out", NULL },
    [409 - 400] = { "409 Conflict", "409 Conflict", NULL },
    [410 - 400] = { "410 Gone", "410 Gone", NULL },
    [411 - 400] = { "411 Length Required", "411 Length Required", NULL },
    [412 - 400] = { "412 Precondition Failed", "412 Precondition Failed", NULL },
    [413 - 400] = { "413 Request Entity Too Large", "413 Request Entity Too Large", NULL },
    [414 - 400] = { "414 Request-URI Too Large", "414 Request-URI Too Large", NULL },
    [415 - 400] = { "415 Unsupported Media Type", "415 Unsupported Media Type", NULL },
    [416 - 400] = { "416 Requested Range Not Satisfiable", "416 Requested Range Not Satisfiable",
                    NULL },
    [421 - 400] = { "421 Misdirected Request", "421 Misdirected Request", NULL },
    [429 - 400] = { "429 Too Many Requests", "429 Too Many Requests", NULL },
};

static const struct status refusals_of_nginx[] = {
    [494 - 494] = { "400 Bad Request", "400 Request Header Or Cookie Too Large",
                    "Request Header Or Cookie Too Large" },
    [495 - 494] = { "400 Bad Request", "400 The SSL certificate error",
                    "The SSL certificate error" },
    [496 - 494] = { "400 Bad Request", "400 No required SSL certificate was sent",
                    "No required SSL certificate was sent" },
    [497 - 494] = { "400 Bad Request", "400 The plain HTTP request was sent to HTTPS port",
                    "The plain HTTP request was sent to HTTPS port" },
    [498 - 494] = { NULL, "404 Not Found", NULL },
};

static const struct status failures[] = {
    [500 - 500] = { "500 Internal Server Error", "500 Internal Server Error", NULL },
    [501 - 500] = { "501 Not Implemented", "501 Not Implemented", NULL },
    [502 - 500] = { "502 Bad Gateway", "502 Bad Gateway", NULL },
    [503 - 500] = { "503 Service Temporarily Unavailable", "503 Service Temporarily Unavailable",
                    NULL },
    [504 - 500] = { "504 Gateway Time-out", "504 Gateway Time-out", NULL },
    [505 - 500] = { "505 HTTP Version Not Supported", "505 HTTP Version Not Supported", NULL },
    [507 - 500] = { "507 Insufficient Storage", "507 Insufficient Storage", NULL },
};

/* By runs of numbers, as they are between most gaps. */
static const struct {
    unsigned first, count;
    const struct status *statuses;
} runs[] = {
    { 200, sizeof successes / sizeof *successes, successes },
    { 301, sizeof redirections / sizeof *redirections, redirections },
    { 400, sizeof refusals / sizeof *refusals, refusals },
    { 494, sizeof refusals_of_nginx / sizeof *refusals_of_nginx, refusals_of_nginx },
    { 500, sizeof failures / sizeof *failures, failures },
};

/* NULL when nginx does not know it. */
static const struct status *status_find(unsigned status)
{
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        if (status - runs[i].first < runs[i].count)
            return &runs[i].statuses[status - runs[i].first];
    return NULL;
}

struct slice status_line(unsigned status, struct arena *arena)
{
    const struct status *known = status_find(status);

    if (known != NULL && known->line != NULL)
        return slice_of(known->line);
    return arena_printf(arena, "%03u ", status);
}

struct slice status_page(unsigned status, struct slice server, bool padding, struct arena *arena)
{
    /* Six of these make a page longer than the 512 bytes below which old browsers
     * show a page of their own. */
#define PADDING "<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n"
    static const char paddings[] = PADDING PADDING PADDING PADDING PADDING PADDING;
#undef PADDING

    const struct status *known = status_find(status);

    if (known == NULL || known->title == NULL)
        return (struct slice){ NULL, 0 };
    bool note = known->note != NULL;
    return arena_printf(arena,
                        "<html>\r\n<head><title>%s</title></head>\r\n<body>\r\n"
                        "<center><h1>%s</h1></center>\r\n%s%s%s<hr><center>%.*s</center>\r\n"
                        "</body>\r\n</html>\r\n%s",
                        known->title, note ? known->line : known->title, note ? "<center>" : "",
                        note ? known->note : "", note ? "</center>\r\n" : "", (int)server.len,
                        server.at, padding ? paddings : "");
}
