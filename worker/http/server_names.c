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

static bool add_to_table(struct conf *conf, struct server_name_table *table,
                         const struct http_address *address, const struct server *server,
                         const struct server_name *name)
{
    char text[ADDRESS_TEXT_MAX];

    if (name->pattern.regex != NULL) {
        struct server_regex *regex = array_push(&table->regexes, conf->arena);
        if (regex != NULL)
            *regex = (struct server_regex){ &name->pattern, server };
        return regex != NULL;
    }
    enum name_added added =
        name_table_add(&table->names, conf->arena, name->text, (void *)(uintptr_t)server);
    if (added == NAME_ADDED || added == NAME_NO_MEMORY)
        return added == NAME_ADDED;
    size_t len = address_text(&address->options.address, text);
    if (added == NAME_BAD)
        conf_error(conf, name->at, "invalid server name or wildcard \"%.*s\" on %.*s",
                   (int)name->text.len, name->text.at, (int)len, text);
    else
        conf_message_add(&conf->messages, CONF_WARN, name->at,
                         SLICE("remove it: a server before has the name"),
                         "conflicting server name \"%.*s\" on %.*s, ignored", (int)name->text.len,
                         name->text.at, (int)len, text);
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

const struct server *server_names_find(const struct server_name_table *table, struct slice host)
{
    return name_table_find(&table->names, host);
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
