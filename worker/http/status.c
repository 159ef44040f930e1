#include "worker/http/status.h"

/* A status that nginx knows. */
struct status {
    const char *line;  /* NULL: it is sent as a bare number */
    const char *title; /* of its page; NULL: it has none */
    const char *note;  /* a second line on the page, or NULL */
};

enum { STATUS_KNOWN_MAX = 507 };

static const struct status statuses[STATUS_KNOWN_MAX + 1] = {
    [200] = { "200 OK", NULL, NULL },
    [201] = { "201 Created", NULL, NULL },
    [202] = { "202 Accepted", NULL, NULL },
    [204] = { "204 No Content", NULL, NULL },
    [206] = { "206 Partial Content", NULL, NULL },
    [301] = { "301 Moved Permanently", "301 Moved Permanently", NULL },
    [302] = { "302 Moved Temporarily", "302 Found", NULL },
    [303] = { "303 See Other", "303 See Other", NULL },
    [304] = { "304 Not Modified", NULL, NULL },
    [307] = { "307 Temporary Redirect", "307 Temporary Redirect", NULL },
    [308] = { "308 Permanent Redirect", "308 Permanent Redirect", NULL },
    [400] = { "400 Bad Request", "400 Bad Request", NULL },
    [401] = { "401 Unauthorized", "401 Authorization Required", NULL },
    [402] = { "402 Payment Required", "402 Payment Required", NULL },
    [403] = { "403 Forbidden", "403 Forbidden", NULL },
    [404] = { "404 Not Found", "404 Not Found", NULL },
    [405] = { "405 Not Allowed", "405 Not Allowed", NULL },
    [406] = { "406 Not Acceptable", "406 Not Acceptable", NULL },
    [408] = { "408 Request Time-out", "408 Request Time-out", NULL },
    [409] = { "409 Conflict", "409 Conflict", NULL },
    [410] = { "410 Gone", "410 Gone", NULL },
    [411] = { "411 Length Required", "411 Length Required", NULL },
    [412] = { "412 Precondition Failed", "412 Precondition Failed", NULL },
    [413] = { "413 Request Entity Too Large", "413 Request Entity Too Large", NULL },
    [414] = { "414 Request-URI Too Large", "414 Request-URI Too Large", NULL },
    [415] = { "415 Unsupported Media Type", "415 Unsupported Media Type", NULL },
    [416] = { "416 Requested Range Not Satisfiable", "416 Requested Range Not Satisfiable", NULL },
    [421] = { "421 Misdirected Request", "421 Misdirected Request", NULL },
    [429] = { "429 Too Many Requests", "429 Too Many Requests", NULL },
    [494] = { "400 Bad Request", "400 Request Header Or Cookie Too Large",
              "Request Header Or Cookie Too Large" },
    [495] = { "400 Bad Request", "400 The SSL certificate error", "The SSL certificate error" },
    [496] = { "400 Bad Request", "400 No required SSL certificate was sent",
              "No required SSL certificate was sent" },
    [497] = { "400 Bad Request", "400 The plain HTTP request was sent to HTTPS port",
              "The plain HTTP request was sent to HTTPS port" },
    [498] = { NULL, "404 Not Found", NULL },
    [500] = { "500 Internal Server Error", "500 Internal Server Error", NULL },
    [501] = { "501 Not Implemented", "501 Not Implemented", NULL },
    [502] = { "502 Bad Gateway", "502 Bad Gateway", NULL },
    [503] = { "503 Service Temporarily Unavailable", "503 Service Temporarily Unavailable", NULL },
    [504] = { "504 Gateway Time-out", "504 Gateway Time-out", NULL },
    [505] = { "505 HTTP Version Not Supported", "505 HTTP Version Not Supported", NULL },
    [507] = { "507 Insufficient Storage", "507 Insufficient Storage", NULL },
};

struct slice status_line(unsigned status, struct arena *arena)
{
    if (status <= STATUS_KNOWN_MAX && statuses[status].line != NULL)
        return slice_of(statuses[status].line);
    return arena_printf(arena, "%03u ", status);
}

struct slice status_page(unsigned status, struct slice server, bool padding, struct arena *arena)
{
    /* Six of these make a page longer than the 512 bytes below which old browsers
     * show a page of their own. */
#define PADDING "<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n"
    static const char paddings[] = PADDING PADDING PADDING PADDING PADDING PADDING;
#undef PADDING

    if (status > STATUS_KNOWN_MAX || statuses[status].title == NULL)
        return (struct slice){ NULL, 0 };
    const struct status *known = &statuses[status];
    bool note = known->note != NULL;
    return arena_printf(arena,
                        "<html>\r\n<head><title>%s</title></head>\r\n<body>\r\n"
                        "<center><h1>%s</h1></center>\r\n%s%s%s<hr><center>%.*s</center>\r\n"
                        "</body>\r\n</html>\r\n%s",
                        known->title, note ? known->line : known->title, note ? "<center>" : "",
                        note ? known->note : "", note ? "</center>\r\n" : "", (int)server.len,
                        server.at, padding ? paddings : "");
}
