/* What proxy_pass names, and the URI that is asked for. */
#include "worker/context.h"
#include "worker/handlers/proxy.h"
#include "worker/http/core.h"
#include "worker/http/uri.h"

enum { DEFAULT_PORT = 80 };

static const struct slice scheme = SLICE_INIT("http://");
static const struct slice unix_prefix = SLICE_INIT("unix:");

/* "unix:/path:/uri": the socket's path ends at a colon. */
static void parse_unix(struct slice rest, struct proxy_url *url)
{
    ptrdiff_t colon = slice_find(slice_from(rest, unix_prefix.len), ':');
    size_t len = colon < 0 ? rest.len : unix_prefix.len + (size_t)colon;

    url->address = slice_first(rest, len);
    url->uri = colon < 0 ? SLICE("") : slice_from(rest, len + 1);
    url->host = SLICE("localhost");
    url->port = SLICE("");
    url->has_port = true;
}

static size_t find_uri(struct slice rest)
{
    size_t at = 0;

    while (at < rest.len && rest.at[at] != '/' && rest.at[at] != '?')
        at++;
    return at;
}

/* The port behind the last colon that is not inside brackets; empty when there is none. */
static struct slice find_port(struct slice authority)
{
    ptrdiff_t bracket = slice_find_last(authority, ']'), colon = slice_find_last(authority, ':');

    if (colon < 0 || colon < bracket)
        return SLICE("");
    return slice_from(authority, (size_t)colon + 1);
}

bool proxy_url_parse(struct arena *arena, struct slice text, struct proxy_url *url)
{
    struct slice rest = slice_from(text, scheme.len);

    *url = (struct proxy_url){ 0 };
    if (text.len <= scheme.len || !slice_equal_nocase(slice_first(text, scheme.len), scheme))
        return false;
    if (slice_starts(rest, unix_prefix)) {
        parse_unix(rest, url);
        return true;
    }
    size_t len = find_uri(rest);
    url->address = slice_first(rest, len);
    url->uri = slice_from(rest, len);
    if (url->uri.len > 0 && *url->uri.at == '?')
        url->uri = arena_join(arena, SLICE("/"), url->uri);
    url->port = find_port(url->address);
    url->has_port = url->port.len > 0;
    url->host = url->address;
    if (!url->has_port)
        url->port = SLICE("80");
    else if (slice_is(url->port, "80"))
        url->host = slice_first(url->address, url->address.len - strlen(":80"));
    return true;
}

/* --- groups --- */

void proxy_url_resolve(struct conf *conf, struct conf_scope *scope, struct position at,
                       struct proxy_url *url)
{
    struct upstream_group *group = group_find(http_of(scope)->upstreams, url->address);

    if (group == NULL && url->has_port) {
        size_t port = url->port.len > 0 ? url->port.len + 1 : 0;
        const struct upstream_group *named = group_find(
            http_of(scope)->upstreams, slice_first(url->address, url->address.len - port));
        if (named != NULL && port > 0) {
            conf_error(conf, at, "upstream \"%.*s\" may not have port %.*s", (int)named->name.len,
                       named->name.at, (int)url->port.len, url->port.at);
            return;
        }
    }
    if (group == NULL)
        group = group_of_address(conf, scope, at, url->address, DEFAULT_PORT);
    url->group = group;
}

int proxy_url_for(struct request *request, const struct proxy_settings *settings,
                  const struct proxy_url **chosen)
{
    struct proxy_url *url;
    struct slice text;

    *chosen = &settings->url;
    if (settings->url.group != NULL)
        return 0;
    *chosen = url = arena_alloc(&request->arena, sizeof *url);
    if (url == NULL || !template_eval(request, &settings->pass, &text))
        return 500;
    if (!proxy_url_parse(&request->arena, text, url)) {
        request_log(request, LOG_LEVEL_ERROR, 0, "invalid URL prefix in \"%.*s\"", (int)text.len,
                    text.at);
        return 500;
    }
    if (url->address.len == 0) {
        request_log(request, LOG_LEVEL_ERROR, 0, "no host in upstream \"%.*s\"", (int)url->uri.len,
                    url->uri.at);
        return 500;
    }
    return group_for_request(request, url->address, DEFAULT_PORT, &url->group);
}

/* --- the URI --- */

/* As the client wrote it. */
static struct slice target_of(struct request *request)
{
    const struct head *head = &request->head;

    if (head->scheme.len == 0 && head->host.len == 0)
        return head->target;
    if (!head->has_query)
        return head->path;
    if (head->path.at + head->path.len + 1 == head->query.at)
        return slice_make(head->path.at, head->path.len + 1 + head->query.len);
    return arena_printf(&request->arena, "%.*s?%.*s", (int)head->path.len, head->path.at,
                        (int)head->query.len, head->query.at);
}

static struct slice with_arguments(struct request *request, struct slice path)
{
    if (request->args.len == 0 || path.at == NULL)
        return path;
    return arena_printf(&request->arena, "%.*s?%.*s", (int)path.len, path.at,
                        (int)request->args.len, request->args.at);
}

struct slice proxy_uri(struct request *request, const struct proxy_settings *settings,
                       const struct proxy_url *url)
{
    bool given = url->uri.len > 0;

    if (given && !settings->pass.constant)
        return url->uri;
    if (!given && !request->uri_replaced)
        return target_of(request);
    /* What of the path the location matched is replaced; `rewrite ... break` says it all. */
    given = given && !request->displaced;
    size_t matched = given ? settings->location.len : 0;
    struct slice rest = slice_from(request->uri, matched);
    if (request->uri_replaced || slice_find(request->head.path, '%') >= 0)
        rest = uri_escape(&request->arena, rest, ESCAPE_URI);
    if (rest.at == NULL)
        return rest;
    return with_arguments(request, given ? arena_join(&request->arena, url->uri, rest) : rest);
}

/* --- proxy_pass --- */

static bool may_have_uri(const struct conf_scope *scope)
{
    const struct location *location = scope->owner;

    return scope->context == IN_LOCATION && location->kind != LOCATION_REGEX &&
           location->kind != LOCATION_NAMED;
}

static void set_proxy_pass(struct conf *conf, struct conf_scope *scope,
                           const struct conf_node *node, const struct directive *directive,
                           void *value)
{
    struct template *pass = value;
    struct proxy_settings *settings = conf_own(conf, scope, &proxy_module);
    struct location *location = scope->owner;
    const struct word *word = &node->words[1];

    (void)directive;
    if (settings == NULL || !template_compile(conf, scope, word->at, word->text, pass))
        return;
    http_set_handler(conf, scope, proxy_handler);
    settings->passes = true;
    settings->at = word->at;
    if (scope->context == IN_LOCATION && slice_ends(location->name, SLICE("/")))
        location->auto_redirect = true;
    if (!pass->constant)
        return;
    if (slice_starts(word->text, SLICE("https://"))) {
        conf_error(conf, word->at, "https protocol requires SSL support");
        return;
    }
    if (!proxy_url_parse(conf->arena, word->text, &settings->url)) {
        conf_error(conf, word->at, "invalid URL prefix");
        return;
    }
    if (settings->url.address.len == 0) {
        conf_error(conf, word->at, "no host in upstream \"%.*s\"", (int)settings->url.uri.len,
                   settings->url.uri.at);
        return;
    }
    if (settings->url.uri.len > 0 && !may_have_uri(scope))
        conf_error(conf, word->at,
                   "\"proxy_pass\" cannot have URI part in location given by regular expression, "
                   "or inside named location, or inside \"if\" statement, or inside "
                   "\"limit_except\" block");
    settings->location = location->name;
}

const struct value_type as_proxy_pass = { "URL", sizeof(struct template), set_proxy_pass };
