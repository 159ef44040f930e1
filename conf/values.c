#include "conf/values.h"

#include "conf/suggest.h"

/* --- numbers as nginx writes them --- */

struct unit {
    char suffix;
    uint64_t factor;
};

/* Digits and perhaps a unit, in either case; up to INT64_MAX, as nginx's off_t. */
static bool parse_units(struct slice text, const struct unit *units, size_t count, uint64_t *bytes)
{
    uint64_t factor = 1;
    uint64_t number;

    for (size_t i = 0; i < count && text.len > 0; i++)
        if (ascii_lower(text.at[text.len - 1]) == units[i].suffix) {
            factor = units[i].factor;
            text.len--;
            break;
        }
    if (!slice_to_number(text, INT64_MAX / factor, &number))
        return false;
    *bytes = number * factor;
    return true;
}

static const struct unit size_units[] = {
    { 'k', 1 << 10 },
    { 'm', 1 << 20 },
    { 'g', 1 << 30 },
};

bool value_parse_size(struct slice text, uint64_t *bytes)
{
    return parse_units(text, size_units, 2, bytes);
}

bool value_parse_offset(struct slice text, uint64_t *bytes)
{
    return parse_units(text, size_units, 3, bytes);
}

/* --- times --- */

/* In the order in which they may follow each other. */
static const struct time_unit {
    const char *suffix;
    uint64_t milliseconds;
} time_units[] = {
    { "y", 365 * 86400000ULL },
    { "M", 30 * 86400000ULL },
    { "w", 7 * 86400000ULL },
    { "d", 86400000 },
    { "h", 3600000 },
    { "ms", 1 }, /* before "m", which it begins with */
    { "m", 60000 },
    { "s", 1000 },
};

enum { TIME_UNITS = sizeof time_units / sizeof *time_units, SECONDS = TIME_UNITS - 1 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The unit at the beginning of *text, which is taken off; none is seconds, when
 * a space or the end follows. NULL: not a unit. */
static const struct time_unit *take_unit(struct slice *text)
{
    if (text->len == 0 || *text->at == ' ')
        return &time_units[SECONDS];
    for (size_t i = 0; i < TIME_UNITS; i++)
        if (slice_starts(*text, slice_of(time_units[i].suffix))) {
            *text = slice_from(*text, strlen(time_units[i].suffix));
            return &time_units[i];
        }
    return NULL;
}

static void skip_spaces(struct slice *text)
{
    while (text->len > 0 && *text->at == ' ')
        *text = slice_from(*text, 1);
}

/* One number and its unit, added to *total; the unit must be smaller than *last. */
static bool add_time(struct slice *text, uint64_t *last, uint64_t *total)
{
    size_t digits = 0;
    uint64_t number;

    while (digits < text->len && is_digit(text->at[digits]))
        digits++;
    if (!slice_to_number(slice_first(*text, digits), INT64_MAX, &number))
        return false;
    *text = slice_from(*text, digits);
    const struct time_unit *unit = take_unit(text);
    if (unit == NULL || unit->milliseconds >= *last)
        return false;
    if (number > (INT64_MAX - *total) / unit->milliseconds)
        return false;
    *total += number * unit->milliseconds;
    *last = unit->milliseconds;
    return true;
}

bool value_parse_time(struct slice text, uint64_t *milliseconds)
{
    uint64_t last = UINT64_MAX;
    uint64_t total = 0;

    do {
        if (!add_time(&text, &last, &total))
            return false;
        skip_spaces(&text);
    } while (text.len > 0);
    *milliseconds = total;
    return true;
}

bool value_option(struct slice text, const char *name, struct slice *value)
{
    size_t len = strlen(name);

    if (text.len <= len || memcmp(text.at, name, len) != 0 || text.at[len] != '=')
        return false;
    *value = slice_from(text, len + 1);
    return true;
}

/* --- setters --- */

static void set_flag(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    const struct word *word = &node->words[1];

    (void)scope;
    if (slice_is_nocase(word->text, "on") || slice_is_nocase(word->text, "off"))
        *(bool *)value = slice_is_nocase(word->text, "on");
    else
        conf_error(conf, word->at,
                   "invalid value \"%.*s\" in \"%s\" directive, it must be \"on\" or \"off\"",
                   (int)word->text.len, word->text.at, directive->name);
}

static void set_present(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                        const struct directive *directive, void *value)
{
    (void)conf;
    (void)scope;
    (void)node;
    (void)directive;
    *(bool *)value = true;
}

static void set_number(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                       const struct directive *directive, void *value)
{
    (void)scope;
    if (!slice_to_number(node->words[1].text, INT64_MAX, value))
        conf_error(conf, node->words[1].at, "\"%s\" directive invalid number", directive->name);
}

/* nginx's words, and at the caret what would be right. */
static void report_value(struct conf *conf, const struct word *word,
                         const struct directive *directive, const char *expected)
{
    conf_message_add(&conf->messages, CONF_EMERG, word->at, slice_of(expected),
                     "\"%s\" directive invalid value", directive->name);
}

static const char size_expected[] = "expected a number of bytes, or one with k or m: 512, 8k, 1m";
static const char offset_expected[] =
    "expected a number of bytes, or one with k, m or g: 512, 8k, 1m, 2g";
static const char time_expected[] =
    "expected a time, in seconds or with units: 30, 500ms, 10m, 1h 30m";

static void set_size(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    (void)scope;
    if (!value_parse_size(node->words[1].text, value))
        report_value(conf, &node->words[1], directive, size_expected);
}

static void set_offset(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                       const struct directive *directive, void *value)
{
    (void)scope;
    if (!value_parse_offset(node->words[1].text, value))
        report_value(conf, &node->words[1], directive, offset_expected);
}

static void set_time(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    (void)scope;
    if (!value_parse_time(node->words[1].text, value))
        report_value(conf, &node->words[1], directive, time_expected);
}

static void set_text(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    (void)conf;
    (void)scope;
    (void)directive;
    *(struct slice *)value = node->words[1].text;
}

/* Without memory the value stays NULL; conf_load then fails. */
static void set_path(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                     const struct directive *directive, void *value)
{
    (void)scope;
    (void)directive;
    *(const char **)value = conf_absolute(conf, conf->prefix, node->words[1].text);
}

/* path [level1 [level2 [level3]]] */
static void set_temp_path(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                          const struct directive *directive, void *value)
{
    const char **path = value;
    uint64_t level;

    (void)scope;
    for (size_t i = 2; i < node->count; i++)
        if (!slice_to_number(node->words[i].text, 3, &level) || level == 0)
            conf_error(conf, node->words[i].at, "invalid value \"%.*s\" in \"%s\" directive",
                       (int)node->words[i].text.len, node->words[i].text.at, directive->name);
    *path = conf_absolute(conf, conf->prefix, node->words[1].text);
}

static void set_buffers(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                        const struct directive *directive, void *value)
{
    struct buffers_value *buffers = value;

    (void)scope;
    if (!slice_to_number(node->words[1].text, INT64_MAX, &buffers->count) || buffers->count == 0)
        report_value(conf, &node->words[1], directive, "expected a number of buffers, from 1");
    if (!value_parse_size(node->words[2].text, &buffers->size) || buffers->size == 0)
        report_value(conf, &node->words[2], directive, size_expected);
}

const struct value_type as_flag = { "on | off", sizeof(bool), set_flag };
const struct value_type as_present = { "", sizeof(bool), set_present };
const struct value_type as_number = { "number", sizeof(uint64_t), set_number };
const struct value_type as_size = { "size", sizeof(uint64_t), set_size };
const struct value_type as_offset = { "size", sizeof(uint64_t), set_offset };
const struct value_type as_time = { "time", sizeof(uint64_t), set_time };
const struct value_type as_text = { "text", sizeof(struct slice), set_text };
const struct value_type as_path = { "path", sizeof(const char *), set_path };
const struct value_type as_temp_path = { "path [level ...]", sizeof(const char *), set_temp_path };
const struct value_type as_buffers = { "number size", sizeof(struct buffers_value), set_buffers };

/* --- words of a list --- */

static struct slice choice_word(const void *context, size_t index)
{
    const struct enum_choice *choices = context;

    return slice_of(choices[index].word);
}

/* nginx does not look at the case of these words. */
void enum_set(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
              const struct directive *directive, void *value)
{
    const struct enum_choice *choices = ((const struct enum_type *)directive->type)->choices;
    struct slice word = node->words[1].text;
    size_t count = 0;

    (void)scope;
    for (; choices[count].word != NULL; count++)
        if (slice_is_nocase(word, choices[count].word)) {
            *(int *)value = choices[count].value;
            return;
        }
    conf_error_hint(conf, node->words[1].at, suggest_nearest(word, count, choice_word, choices),
                    "invalid value \"%.*s\"", (int)word.len, word.at);
}

struct regex *conf_regex(struct conf *conf, struct slice pattern, bool nocase,
                         struct regex_error *error)
{
    struct regex *regex = regex_compile(conf->arena, pattern, nocase, error);
    size_t size = regex == NULL ? 0 : regex_scratch_size(regex);

    if (size > conf->regex_memory)
        conf->regex_memory = size;
    return regex;
}

/* --- networks --- */

bool value_network(struct conf *conf, const struct word *word, struct cidr *network)
{
    enum cidr_result result = cidr_parse(word->text, network);

    if (result == CIDR_LOW_BITS)
        conf_warn(conf, word->at, "low address bits of %.*s are meaningless", (int)word->text.len,
                  word->text.at);
    return result != CIDR_BAD;
}
