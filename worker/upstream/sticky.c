#include "worker/upstream/sticky.h"

#include "common/date.h"
#include "common/md5.h"
#include "conf/values.h"
#include "worker/context.h"
#include "worker/http/request.h"
#include "worker/http/variables.h"

/* expires=max: the end of 2037, as nginx has it elsewhere. */
#define MAX_DATE "Thu, 31 Dec 2037 23:55:55 GMT"
enum { MAX_AGE = 315360000 };

/* --- choosing --- */

struct slice sticky_id(const struct peer *peer, char text[STICKY_ID_MAX])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[MD5_SIZE];
    struct md5 md5;

    if (peer->route.len > 0)
        return peer->route;
    md5_init(&md5);
    md5_add(&md5, peer->group->name);
    md5_add(&md5, slice_make("", 1));
    md5_add(&md5, peer->name);
    md5_end(&md5, digest);
    for (size_t i = 0; i < MD5_SIZE; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    return slice_make(text, STICKY_ID_MAX);
}

static bool leads_to(struct slice cookie, const struct peer *peer)
{
    char text[STICKY_ID_MAX];

    return slice_equal(cookie, sticky_id(peer, text));
}

struct peer *sticky_pick(const struct selection *selection)
{
    struct slice cookie;

    if (!variable_get(selection->request, selection->group->sticky->variable, &cookie))
        return NULL;
    for (size_t i = 0; i < selection->set->count; i++) {
        struct peer *peer = selection->set->peers[i];
        if (leads_to(cookie, peer) && peer_is_eligible(selection, peer))
            return peer;
    }
    return NULL;
}

/* --- the cookie --- */

static struct slice expiry(struct arena *arena, const struct sticky *sticky, time_t now)
{
    char date[HTTP_DATE_LEN];

    if (sticky->max_age == 0)
        return SLICE("");
    if (sticky->max_age == MAX_AGE)
        return SLICE("; Expires=" MAX_DATE "; Max-Age=315360000");
    date_format(date, now + (time_t)sticky->max_age);
    return arena_printf(arena, "; Expires=%.*s; Max-Age=%llu", HTTP_DATE_LEN, date,
                        (unsigned long long)sticky->max_age);
}

bool sticky_respond(const struct selection *selection, const struct peer *peer)
{
    const struct sticky *sticky = selection->group->sticky;
    struct request *request = selection->request;
    char text[STICKY_ID_MAX];
    struct slice cookie;

    if (variable_get(request, sticky->variable, &cookie) && leads_to(cookie, peer))
        return true;
    struct slice id = sticky_id(peer, text);
    struct slice expires = expiry(&request->arena, sticky, request->worker->clock.wall);
    cookie = arena_printf(&request->arena, "%.*s=%.*s%.*s%.*s", (int)sticky->name.len,
                          sticky->name.at, (int)id.len, id.at, (int)expires.len, expires.at,
                          (int)sticky->attributes.len, sticky->attributes.at);
    return expires.at != NULL && cookie.at != NULL &&
           response_add(request, SLICE("Set-Cookie"), cookie);
}

/* --- the directive --- */

/* Adds "; NAME" or "; NAME=value". */
static bool add_attribute(struct conf *conf, struct sticky *sticky, const char *name,
                          struct slice value)
{
    const struct slice before = sticky->attributes;

    sticky->attributes = arena_printf(conf->arena, "%.*s; %s%s%.*s", (int)before.len, before.at,
                                      name, value.len > 0 ? "=" : "", (int)value.len, value.at);
    return sticky->attributes.at != NULL;
}

static bool read_expires(struct slice text, struct sticky *sticky)
{
    uint64_t milliseconds;

    if (slice_is(text, "max")) {
        sticky->max_age = MAX_AGE;
        return true;
    }
    if (!value_parse_time(text, &milliseconds) || milliseconds < 1000)
        return false;
    sticky->max_age = milliseconds / 1000;
    return true;
}

static bool read_samesite(struct conf *conf, struct slice text, struct sticky *sticky)
{
    static const char *const known[][2] = {
        { "strict", "Strict" },
        { "lax", "Lax" },
        { "none", "None" },
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (slice_is_nocase(text, known[i][0]))
            return add_attribute(conf, sticky, "SameSite", slice_of(known[i][1]));
    return false;
}

static bool read_parameter(struct conf *conf, struct slice word, struct sticky *sticky)
{
    struct slice value;

    if (value_option(word, "expires", &value))
        return read_expires(value, sticky);
    if (value_option(word, "domain", &value))
        return value.len > 0 && add_attribute(conf, sticky, "Domain", value);
    if (value_option(word, "path", &value))
        return value.len > 0 && add_attribute(conf, sticky, "Path", value);
    if (value_option(word, "samesite", &value))
        return read_samesite(conf, value, sticky);
    if (slice_is_nocase(word, "httponly"))
        return add_attribute(conf, sticky, "HttpOnly", SLICE(""));
    if (slice_is_nocase(word, "secure"))
        return add_attribute(conf, sticky, "Secure", SLICE(""));
    return false;
}

static void invalid_parameter(struct conf *conf, const struct word *word)
{
    conf_error(conf, word->at, "invalid parameter \"%.*s\"", (int)word->text.len, word->text.at);
}

/* sticky cookie name [expires=time|max] [domain=] [path=] [httponly] [secure] [samesite=] */
static void set_sticky(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                       const struct directive *directive, void *value)
{
    struct upstream_group *group = scope->owner;
    struct sticky *sticky = arena_zalloc(conf->arena, sizeof *sticky);
    const struct word *words = node->words;

    (void)directive;
    (void)value;
    if (sticky == NULL) {
        conf_error(conf, words[0].at, "no memory for a cookie");
        return;
    }
    if (!slice_is(words[1].text, "cookie"))
        invalid_parameter(conf, &words[1]);
    if (words[2].text.len == 0)
        invalid_parameter(conf, &words[2]);
    sticky->name = words[2].text;
    sticky->variable = arena_join(conf->arena, SLICE("cookie_"), sticky->name);
    sticky->attributes = SLICE("");
    for (size_t i = 3; i < node->count; i++)
        if (!read_parameter(conf, words[i].text, sticky))
            invalid_parameter(conf, &words[i]);
    group->sticky = sticky;
}

const struct value_type as_sticky = { "cookie name [parameter ...]", 0, set_sticky };
