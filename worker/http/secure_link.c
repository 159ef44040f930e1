/* secure_link, and its older form secure_link_secret: links that only those can make who know
 * a secret, and that may end at a time. */
#include "common/base64.h"
#include "common/md5.h"
#include "conf/values.h"
#include "worker/context.h"
#include "worker/http/link_checks.h"
#include "worker/http/template.h"
#include "worker/http/variable_text.h"
#include "worker/http/variables.h"

struct secure_link_settings {
    struct template link; /* the digest in base64url, perhaps "," and seconds since 1970 */
    struct template text; /* that is digested */
    struct slice secret;  /* secure_link_secret; at NULL: none */
};

enum {
    DIGEST_TEXT_MAX = 24,      /* bytes of base64url, its padding included */
    DIGEST_HEX = 2 * MD5_SIZE, /* bytes in hexadecimal digits */
};

/* --- secure_link and secure_link_md5 --- */

struct link {
    struct slice digest;  /* base64url */
    struct slice expires; /* as sent; at NULL: never */
    uint64_t until;       /* seconds since 1970 */
};

/* False: it is no link, or memory is out. */
static bool link_of(struct request *request, const struct secure_link_settings *settings,
                    struct link *link)
{
    struct slice whole;

    *link = (struct link){ 0 };
    if (settings->link.literal.at == NULL || settings->text.literal.at == NULL ||
        !template_eval(request, &settings->link, &whole))
        return false;
    ptrdiff_t comma = slice_find(whole, ',');
    link->digest = comma < 0 ? whole : slice_first(whole, (size_t)comma);
    if (comma < 0)
        return true;
    link->expires = slice_from(whole, (size_t)comma + 1);
    return slice_to_number(link->expires, INT64_MAX, &link->until) && link->until > 0;
}

/* Takes the same time wherever the two differ: the right digest is not to be guessed
 * byte by byte. */
static bool digest_equal(const unsigned char *a, const unsigned char *b)
{
    unsigned difference = 0;

    for (size_t i = 0; i < MD5_SIZE; i++)
        difference |= (unsigned)(a[i] ^ b[i]);
    return difference == 0;
}

static bool digest_matches(struct request *request, const struct link *link,
                           const struct template *template)
{
    unsigned char ours[MD5_SIZE], theirs[DIGEST_TEXT_MAX];
    struct slice text;
    struct md5 md5;
    size_t len;

    if (link->digest.len > DIGEST_TEXT_MAX ||
        !base64_decode(link->digest, BASE64_URL, (char *)theirs, &len) || len != MD5_SIZE ||
        !template_eval(request, template, &text))
        return false;
    md5_init(&md5);
    md5_add(&md5, text);
    md5_end(&md5, ours);
    return digest_equal(ours, theirs);
}

/* --- secure_link_secret --- */

/* "/prefix/hash/link": what comes behind the hash, if that is the link's and the secret's. */
static bool old_link(struct request *request, struct slice secret, struct slice *value)
{
    unsigned char ours[MD5_SIZE], theirs[MD5_SIZE];
    struct slice uri;
    struct md5 md5;
    ptrdiff_t slash;

    if (!variable_get(request, SLICE("request_uri"), &uri) ||
        (slash = slice_find(slice_from(uri, 1), '/')) < 0)
        return false;
    uri = slice_from(uri, (size_t)slash + strlen("//"));
    slash = slice_find(uri, '/');
    if (slash != DIGEST_HEX || uri.len == DIGEST_HEX + strlen("/"))
        return false;
    for (size_t i = 0; i < MD5_SIZE; i++) {
        int high = hex_digit(uri.at[2 * i]), low = hex_digit(uri.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        theirs[i] = (unsigned char)(high << 4 | low);
    }
    *value = slice_from(uri, DIGEST_HEX + strlen("/"));
    md5_init(&md5);
    md5_add(&md5, *value);
    md5_add(&md5, secret);
    md5_end(&md5, ours);
    return digest_equal(ours, theirs);
}

/* --- the variables --- */

/* "1", "0" when its time is over, nothing when it is no link of ours. */
static bool secure_link(struct request *request, struct slice argument, struct slice *value)
{
    const struct secure_link_settings *settings = request_settings(request, MODULE_SECURE_LINK);
    struct link link;

    (void)argument;
    if (settings->secret.at != NULL)
        return old_link(request, settings->secret, value);
    if (!link_of(request, settings, &link) || !digest_matches(request, &link, &settings->text))
        return false;
    bool over = link.until > 0 && link.until < (uint64_t)request->worker->clock.wall;
    *value = over ? SLICE("0") : SLICE("1");
    return true;
}

static bool secure_link_expires(struct request *request, struct slice argument, struct slice *value)
{
    const struct secure_link_settings *settings = request_settings(request, MODULE_SECURE_LINK);
    struct link link;

    (void)argument;
    if (settings->secret.at != NULL || !link_of(request, settings, &link))
        return false;
    *value = link.expires;
    return value->at != NULL;
}

const struct variable secure_link_variables[] = {
    { "secure_link", secure_link },
    { "secure_link_expires", secure_link_expires },
    { NULL, NULL },
};

/* --- the table --- */

/* The two forms exclude each other: of what is inherited, a block keeps the form that it has
 * itself, or else the newer one. */
static void check_secure_link(struct conf *conf, struct conf_scope *scope, void *settings)
{
    struct secure_link_settings *own = settings;
    bool has_link = conf_has_own(conf, scope, "secure_link");
    bool has_text = conf_has_own(conf, scope, "secure_link_md5");

    if (!conf_has_own(conf, scope, "secure_link_secret")) {
        if (own->link.literal.at != NULL || own->text.literal.at != NULL)
            own->secret = (struct slice){ NULL, 0 };
        return;
    }
    if (has_link || has_text)
        conf_error(conf, scope->node->words[0].at,
                   "\"secure_link_secret\" cannot be mixed with \"secure_link\" and "
                   "\"secure_link_md5\"");
    own->link = own->text = (struct template){ 0 };
}

#define FIELD(name) offsetof(struct secure_link_settings, name)

static const struct directive secure_link_directives[] = {
    { "secure_link", IN_HTTP_ALL, ARGS(1), &as_template, FIELD(link), NULL,
      "where the digest of a link, and the time it ends, are found" },
    { "secure_link_md5", IN_HTTP_ALL, ARGS(1), &as_template, FIELD(text), NULL,
      "the text whose MD5 digest a link must have" },
    { "secure_link_secret", IN_HTTP_ALL, ARGS(1), &as_text, FIELD(secret), NULL,
      "the secret word of links /prefix/md5/link" },
    { 0 },
};

const struct conf_module secure_link_module = {
    .name = "secure_link",
    .id = MODULE_SECURE_LINK,
    .size = sizeof(struct secure_link_settings),
    .directives = secure_link_directives,
    .check = check_secure_link,
};
