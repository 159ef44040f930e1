#include "worker/http/accept_encoding.h"

#include "common/date.h"
#include "worker/context.h"
#include "worker/http/browser.h"
#include "worker/http/gzip.h"
#include "worker/http/request.h"

/* --- Accept-Encoding --- */

/* Behind the coding where it stands as a word of its own; NULL when it does not. */
static const char *find_coding(struct slice header, struct slice coding)
{
    for (size_t i = 0; i + coding.len <= header.len; i++) {
        if (i > 0 && header.at[i - 1] != ',' && header.at[i - 1] != ' ')
            continue;
        if (slice_equal_nocase(slice_make(header.at + i, coding.len), coding))
            return header.at + i + coding.len;
    }
    return NULL;
}

static void skip_spaces(struct slice *rest)
{
    while (rest->len > 0 && *rest->at == ' ')
        *rest = slice_from(*rest, 1);
}

/* "1", "0.5" up to a comma, a space or the end; in thousandths, 0 when it is none. */
static unsigned read_quality(struct slice rest)
{
    unsigned quality, unit = QUALITY_MAX;

    if (rest.len == 0 || (*rest.at != '0' && *rest.at != '1'))
        return 0;
    quality = (unsigned)(*rest.at - '0') * unit;
    rest = slice_from(rest, 1);
    if (rest.len == 0 || *rest.at == ',' || *rest.at == ' ')
        return quality;
    if (*rest.at != '.')
        return 0;
    for (rest = slice_from(rest, 1); rest.len > 0 && *rest.at != ',' && *rest.at != ' ';
         rest = slice_from(rest, 1)) {
        unit /= 10;
        if (*rest.at < '0' || *rest.at > '9' || unit == 0)
            return 0;
        quality += (unsigned)(*rest.at - '0') * unit;
    }
    return quality <= QUALITY_MAX ? quality : 0;
}

unsigned accept_encoding_quality(struct slice header, struct slice coding)
{
    const char *behind = find_coding(header, coding);

    if (behind == NULL)
        return 0;
    struct slice rest = slice_from(header, (size_t)(behind - header.at));
    skip_spaces(&rest);
    if (rest.len == 0 || *rest.at == ',')
        return QUALITY_MAX;
    if (*rest.at != ';')
        return 0;
    rest = slice_from(rest, 1);
    skip_spaces(&rest);
    if (rest.len == 0)
        return QUALITY_MAX;
    if (rest.len < 3 || ascii_lower(*rest.at) != 'q' || rest.at[1] != '=')
        return 0;
    return read_quality(slice_from(rest, 2));
}

/* --- proxies: gzip_proxied --- */

/* The value of an answer's own header, an empty slice when it has none. */
static struct slice answer_field(const struct response *response, struct slice name)
{
    const struct response_field *fields = response->fields.items;

    for (size_t i = 0; i < response->fields.count; i++)
        if (!fields[i].hidden && slice_equal_nocase(fields[i].name, name))
            return fields[i].value;
    return (struct slice){ NULL, 0 };
}

static bool has_expired(const struct request *request, struct slice expires)
{
    time_t when = date_parse(expires);

    return when != -1 && when < request->worker->clock.wall;
}

/* Whether a directive ("no-cache", without an argument) is in a Cache-Control. */
static bool has_directive(struct slice control, struct slice name)
{
    while (control.len > 0) {
        size_t len = 0;
        while (len < control.len && control.at[len] != ',' && control.at[len] != ';')
            len++;
        bool listed = len == control.len || control.at[len] == ',';
        if (listed && slice_equal_nocase(slice_trim(slice_first(control, len)), name))
            return true;
        control = slice_from(control, len + 1);
    }
    return false;
}

/* Whether one of the answer's Cache-Control headers has a directive that lets it pass. */
static bool control_allows(const struct response *response, uint32_t proxied)
{
    static const struct {
        uint32_t bit;
        struct slice name;
    } directives[] = { { PROXIED_NO_CACHE, SLICE_INIT("no-cache") },
                       { PROXIED_NO_STORE, SLICE_INIT("no-store") },
                       { PROXIED_PRIVATE, SLICE_INIT("private") } };
    const struct response_field *fields = response->fields.items;

    for (size_t i = 0; i < response->fields.count; i++) {
        if (fields[i].hidden || !slice_is_nocase(fields[i].name, "Cache-Control"))
            continue;
        for (size_t k = 0; k < sizeof directives / sizeof *directives; k++)
            if ((proxied & directives[k].bit) != 0 &&
                has_directive(fields[i].value, directives[k].name))
                return true;
    }
    return false;
}

/* A proxy (Via) may keep the answer for clients that do not take it: what makes it one
 * that is not kept. */
static bool proxied_allows(const struct request *request, uint32_t proxied)
{
    const struct response *response = &request->response;

    if ((proxied & PROXIED_OFF) != 0)
        return false;
    if ((proxied & PROXIED_ANY) != 0)
        return true;
    if ((proxied & PROXIED_AUTH) != 0 && head_known(&request->head, FIELD_AUTHORIZATION) != NULL)
        return true;
    struct slice expires = answer_field(response, SLICE("Expires"));
    if (expires.at != NULL)
        return (proxied & PROXIED_EXPIRED) != 0 && has_expired(request, expires);
    if (answer_field(response, SLICE("Cache-Control")).at != NULL)
        return control_allows(response, proxied);
    if ((proxied & PROXIED_NO_LAST_MODIFIED) != 0 && response->last_modified != -1)
        return false;
    return (proxied & PROXIED_NO_ETAG) == 0 || response->etag.len == 0;
}

/* --- browsers: gzip_disable --- */

static bool is_disabled(const struct request *request, const struct gzip_disable *disable)
{
    const struct field *agent = head_known(&request->head, FIELD_USER_AGENT);
    struct regex *const *regexes = disable->regexes.items;

    if (agent == NULL)
        return false;
    if (disable->msie6 && browser_is_msie6(agent->value))
        return true;
    for (size_t i = 0; i < disable->regexes.count; i++)
        if (regex_match(regexes[i], &request->worker->regex, agent->value, NULL, 0))
            return true;
    return false;
}

bool request_may_encode(struct request *request)
{
    const struct gzip_settings *settings = gzip_settings(request);

    if (request->head.minor < settings->http_version || request->subrequest != NULL)
        return false;
    if (head_known(&request->head, FIELD_VIA) != NULL &&
        !proxied_allows(request, settings->proxied))
        return false;
    return !is_disabled(request, &settings->disable);
}

bool request_accepts_gzip(struct request *request)
{
    const struct field *header = head_known(&request->head, FIELD_ACCEPT_ENCODING);

    return header != NULL && accept_encoding_quality(header->value, SLICE("gzip")) > 0 &&
           request_may_encode(request);
}
