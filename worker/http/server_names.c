#include "worker/http/server_names.h"

#include "common/sockaddr.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

/* --- the directive --- */

static struct slice lower_copy(struct arena *arena, struct slice text)
{
    char *copy = arena_text(arena, text.len);

    if (copy == NULL)
        return (struct slice){ NULL, 0 };
    for (size_t i = 0; i < text.len; i++)
        copy[i] = ascii_lower(text.at[i]);
    return slice_make(copy, text.len);
}

/* What $hostname stands for; "" when the kernel does not say. */
static struct slice host_name(struct arena *arena)
{
    char name[HOST_NAME_MAX + 1];

    if (gethostname(name, sizeof name) < 0)
        return SLICE("");
    name[HOST_NAME_MAX] = '\0';
    return lower_copy(arena, slice_of(name));
}

static bool has_capital(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] >= 'A' && text.at[i] <= 'Z')
            return true;
    return false;
}

static void set_regex(struct conf *conf, struct conf_scope *scope, const struct word *word,
                      struct server_name *name)
{
    struct server *server = scope->owner;

    name->text = slice_from(word->text, 1);
    if (name->text.len == 0) {
        conf_error(conf, word->at, "empty regex in server name \"%.*s\"", (int)word->text.len,
                   word->text.at);
        return;
    }
    /* Hosts are matched in lower case: a pattern with capitals could not match otherwise. */
    if (capture_compile(conf, scope, word->at, name->text, has_capital(name->text), &name->pattern))
        server->name_captures |= regex_groups(name->pattern.regex) > 1;
}

static void add_name(struct conf *conf, struct conf_scope *scope, const struct word *word)
{
    struct server *server = scope->owner;
    struct slice text = word->text;

    if ((text.len > 0 && text.at[0] == '*' && (text.len < 3 || text.at[1] != '.')) ||
        (text.len == 1 && text.at[0] == '.')) {
        conf_error(conf, word->at, "server name \"%.*s\" is invalid", (int)text.len, text.at);
        return;
    }
    if (slice_find(text, '/') >= 0)
        conf_warn(conf, word->at, "server name \"%.*s\" has suspicious symbols", (int)text.len,
                  text.at);
    struct server_name *name = array_push(&server->names, conf->arena);
    if (name == NULL)
        return;
    name->at = word->at;
    if (text.len > 0 && text.at[0] == '~')
        set_regex(conf, scope, word, name);
    else
        name->text = slice_is_nocase(text, "$hostname") ? host_name(conf->arena)
                                                        : lower_copy(conf->arena, text);
}

static void set_server_names(struct conf *conf, struct conf_scope *scope,
                             const struct conf_node *node, const struct directive *directive,
                             void *value)
{
    (void)directive;
    (void)value;
    for (size_t i = 1; i < node->count; i++)
        add_name(conf, scope, &node->words[i]);
}

const struct value_type as_server_names = { "name ...", 0, set_server_names };

bool server_names_close(struct conf *conf, struct server *server)
{
    if (server->names.count == 0) {
        struct server_name *none = array_push(&server->names, conf->arena);
        if (none == NULL)
            return false;
        none->text = SLICE("");
    }
    const struct server_name *first = server->names.items;
    server->name = first->text;
    if (first->pattern.regex != NULL)
        server->name = arena_join(conf->arena, SLICE("~"), first->text);
    else if (first->text.len > 0 && first->text.at[0] == '.')
        server->name = slice_from(first->text, 1);
    return true;
}

/* --- the table --- */

enum name_kind { NAME_BAD, NAME_EXACT, NAME_HEAD, NAME_HEAD_AND_EXACT, NAME_TAIL };

/* What a name is, by nginx's rules; *key is its part without the wildcard. */
static enum name_kind name_kind(struct slice name, struct slice *key)
{
    size_t stars = 0;

    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '\0' || (name.at[i] == '.' && i + 1 < name.len && name.at[i + 1] == '.'))
            return NAME_BAD;
        stars += name.at[i] == '*';
    }
    if (stars > 1)
        return NAME_BAD;
    if (name.len > 1 && name.at[0] == '.') {
        *key = slice_from(name, 1);
        return NAME_HEAD_AND_EXACT;
    }
    if (name.len > 2 && slice_starts(name, SLICE("*."))) {
        *key = slice_from(name, 2);
        return NAME_HEAD;
    }
    if (name.len > 2 && slice_ends(name, SLICE(".*"))) {
        *key = slice_first(name, name.len - 2);
        return NAME_TAIL;
    }
    *key = name;
    return stars > 0 ? NAME_BAD : NAME_EXACT;
}

/* Adds to one map; a name that is there already is left, with *conflict set. */
static bool put(struct name_map *map, struct arena *arena, uint64_t hash, struct slice key,
                const struct server *server, bool *conflict)
{
    if (name_map_get(map, hash, key) != NULL) {
        *conflict = true;
        return true;
    }
    return name_map_put(map, arena, hash, key, (void *)(uintptr_t)server);
}

static bool put_name(struct server_name_table *table, struct arena *arena, enum name_kind kind,
                     struct slice key, const struct server *server, bool *conflict)
{
    switch (kind) {
    case NAME_BAD:
        return true;
    case NAME_EXACT:
        return put(&table->exact, arena, name_hash(key), key, server, conflict);
    case NAME_HEAD_AND_EXACT:
        if (!put(&table->exact, arena, name_hash(key), key, server, conflict))
            return false;
        if (*conflict)
            return true;
        return put(&table->heads, arena, name_hash_reverse(key), key, server, conflict);
    case NAME_HEAD:
        return put(&table->heads, arena, name_hash_reverse(key), key, server, conflict);
    case NAME_TAIL:
        break;
    }
    return put(&table->tails, arena, name_hash(key), key, server, conflict);
}

static bool add_to_table(struct conf *conf, struct server_name_table *table,
                         const struct http_address *address, const struct server *server,
                         const struct server_name *name)
{
    struct slice key = { NULL, 0 };
    bool conflict = false;
    char text[ADDRESS_TEXT_MAX];

    if (name->pattern.regex != NULL) {
        struct server_regex *regex = array_push(&table->regexes, conf->arena);
        if (regex != NULL)
            *regex = (struct server_regex){ &name->pattern, server };
        return regex != NULL;
    }
    enum name_kind kind = name_kind(name->text, &key);
    if (!put_name(table, conf->arena, kind, key, server, &conflict))
        return false;
    if (kind != NAME_BAD && !conflict)
        return true;
    size_t len = address_text(&address->options.address, text);
    if (kind == NAME_BAD)
        conf_error(conf, name->at, "invalid server name or wildcard \"%.*s\" on %.*s",
                   (int)name->text.len, name->text.at, (int)len, text);
    else
        conf_warn(conf, name->at, "conflicting server name \"%.*s\" on %.*s, ignored",
                  (int)name->text.len, name->text.at, (int)len, text);
    return true;
}

struct server_name_table *server_names_build(struct conf *conf, const struct http_address *address)
{
    struct server_name_table *table = arena_zalloc(conf->arena, sizeof *table);
    const struct server *const *servers = address->servers.items;

    if (table == NULL)
        return NULL;
    table->regexes.item_size = sizeof(struct server_regex);
    for (size_t i = 0; i < address->servers.count; i++) {
        const struct server_name *names = servers[i]->names.items;
        for (size_t n = 0; n < servers[i]->names.count; n++)
            if (!add_to_table(conf, table, address, servers[i], &names[n]))
                return NULL;
    }
    return table;
}

/* --- searching --- */

/* The longest wildcard "*.suffix": suffixes are hashed from the host's last byte on. */
static const struct server *find_head(const struct name_map *heads, struct slice host)
{
    const struct server *longest = NULL;
    uint64_t hash = NAME_HASH_SEED;

    for (size_t at = host.len; at > 0 && host.len - at <= heads->longest; at--) {
        if (host.at[at - 1] == '.') {
            const struct server *found = name_map_get(heads, hash, slice_from(host, at));
            if (found != NULL)
                longest = found;
        }
        hash = name_hash_step(hash, host.at[at - 1]);
    }
    return longest;
}

/* The longest wildcard "prefix.*". */
static const struct server *find_tail(const struct name_map *tails, struct slice host)
{
    const struct server *longest = NULL;
    uint64_t hash = NAME_HASH_SEED;

    for (size_t at = 0; at < host.len && at <= tails->longest; at++) {
        if (host.at[at] == '.') {
            const struct server *found = name_map_get(tails, hash, slice_first(host, at));
            if (found != NULL)
                longest = found;
        }
        hash = name_hash_step(hash, host.at[at]);
    }
    return longest;
}

const struct server *server_names_find(const struct server_name_table *table, struct slice host)
{
    const struct server *found = NULL;

    if (host.len <= table->exact.longest)
        found = name_map_get(&table->exact, name_hash(host), host);
    if (found == NULL && table->heads.count > 0)
        found = find_head(&table->heads, host);
    if (found == NULL && table->tails.count > 0)
        found = find_tail(&table->tails, host);
    return found;
}

const struct server *http_find_server(const struct http_address *address, struct request *request,
                                      struct slice host)
{
    const struct server_name_table *table = address->names;

    if (table == NULL)
        return address->default_server;
    const struct server *found = server_names_find(table, host);
    if (found != NULL || host.len == 0)
        return found != NULL ? found : address->default_server;
    const struct server_regex *regexes = table->regexes.items;
    for (size_t i = 0; i < table->regexes.count; i++)
        if (capture_match(request, regexes[i].pattern, host) != CAPTURE_NO_MATCH)
            return regexes[i].server;
    return address->default_server;
}

const struct server *http_default_server(const struct http_address *address)
{
    return address->default_server;
}

bool http_single_server(const struct http_address *address)
{
    return address->names == NULL;
}
