#include "common/murmur.h"
#include "worker/http/maps.h"
#include "worker/http/template.h"
#include "worker/http/variables.h"

enum { ALL = 10000 }; /* hundredths of a percent */

/* A share of all clients: those with a hash below `end`; 0: all that are left. */
struct share {
    uint32_t end;
    struct slice value;
};

struct split {
    struct template source;
    struct array shares; /* of struct share */
    uint64_t end;        /* of the last one */
    unsigned sum;        /* of all, in hundredths of a percent */
};

static bool compute(struct request *request, const void *data, struct slice *value)
{
    const struct split *split = data;
    const struct share *shares = split->shares.items;
    struct slice text;

    if (!template_eval(request, &split->source, &text))
        return false;
    uint32_t hash = murmur_hash2(text);
    *value = SLICE("");
    for (size_t i = 0; i < split->shares.count; i++)
        if (hash < shares[i].end || shares[i].end == 0) {
            *value = shares[i].value;
            break;
        }
    return true;
}

/* "12.5%" in hundredths of a percent; 0: it is none. */
static unsigned read_percent(struct slice text)
{
    ptrdiff_t dot;
    uint64_t whole = 0, part = 0;

    if (!slice_ends(text, SLICE("%")))
        return 0;
    text.len--;
    dot = slice_find(text, '.');
    struct slice decimals = dot < 0 ? SLICE("") : slice_from(text, (size_t)dot + 1);
    struct slice number = dot < 0 ? text : slice_first(text, (size_t)dot);
    if (number.len + decimals.len == 0 || decimals.len > 2 ||
        (number.len > 0 && !slice_to_number(number, UINT16_MAX, &whole)) ||
        (decimals.len > 0 && !slice_to_number(decimals, 99, &part)))
        return 0;
    return (unsigned)(whole * 100 + (decimals.len == 1 ? part * 10 : part));
}

static void read_line(struct conf *conf, const struct conf_node *line, struct split *split)
{
    const struct word *word = &line->words[0];
    bool rest = slice_is(word->text, "*");
    unsigned percent = rest ? 0 : read_percent(word->text);

    if (!rest && percent == 0) {
        conf_error(conf, word->at, "invalid percent value \"%.*s\"", (int)word->text.len,
                   word->text.at);
        return;
    }
    split->sum = rest ? ALL : split->sum + percent;
    if (split->sum > ALL) {
        conf_error(conf, word->at, "percent total is greater than 100%%");
        return;
    }
    struct share *share = array_push(&split->shares, conf->arena);
    if (share == NULL) {
        conf_error(conf, word->at, "no memory for this value");
        return;
    }
    split->end += (uint64_t)percent * UINT32_MAX / ALL;
    *share = (struct share){ rest ? 0 : (uint32_t)split->end, line->words[1].text };
}

/* split_clients source $variable { percent% value; ... * value; } */
static void set_split(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                      const struct directive *directive, void *unused)
{
    const struct word *source = &node->words[1], *target = &node->words[2];
    struct split *split = arena_zalloc(conf->arena, sizeof *split);

    (void)directive;
    (void)unused;
    if (split == NULL) {
        conf_error(conf, node->words[0].at, "no memory for this block");
        return;
    }
    split->shares.item_size = sizeof(struct share);
    struct slice name = variable_name_of(conf, target);
    if (name.at == NULL || !template_compile(conf, scope, source->at, source->text, &split->source))
        return;
    for (const struct conf_node *line = node->children; line != NULL; line = line->next)
        if (map_line_check(conf, line, 2, 2, "split_clients"))
            read_line(conf, line, split);
    variable_define(conf, scope, target->at, name, compute, split, false);
}

static const struct value_type as_split = { "source $variable { percent% value; ... * value; }", 0,
                                            set_split };

static const struct directive split_clients_directives[] = {
    { "split_clients", IN_HTTP, BLOCK(2, 2), &as_split, 0, NULL,
      "a variable that has one of several values, each for a share of all clients" },
    { 0 },
};

const struct conf_module split_clients_module = {
    .name = "split_clients",
    .id = MODULE_SPLIT_CLIENTS,
    .size = 0,
    .directives = split_clients_directives,
};
