#include "worker/http/template.h"

#include "worker/http/request.h"
#include "worker/http/uri.h"
#include "worker/http/variables.h"

enum part_kind { PART_LITERAL, PART_VARIABLE, PART_CAPTURE };

struct template_part {
    enum part_kind kind;
    struct slice text; /* the literal, or the variable's name as written */
    struct variable_use variable;
    unsigned capture; /* 1 to 9 */
};

/* What stands at a '$'. */
static bool read_variable(struct conf *conf, struct conf_scope *scope, struct position at,
                          struct slice text, size_t *from, struct template_part *part)
{
    char digit = *from + 1 < text.len ? text.at[*from + 1] : '\0';

    if (digit >= '1' && digit <= '9') {
        part->kind = PART_CAPTURE;
        part->capture = (unsigned)(digit - '0');
        part->text = slice_make(text.at + *from + 1, 1);
        *from += 2;
        return true;
    }
    part->kind = PART_VARIABLE;
    switch (variable_name_read(text, from, &part->text)) {
    case VARIABLE_NAME:
        return variable_resolve(conf, scope, at, part->text, &part->variable);
    case VARIABLE_NAME_MISSING:
        conf_error(conf, at, "invalid variable name");
        return false;
    case VARIABLE_BRACE_MISSING:
        break;
    }
    conf_error(conf, at, "the closing bracket in \"%.*s\" variable is missing", (int)part->text.len,
               part->text.at);
    return false;
}

static void read_literal(struct slice text, size_t *from, struct template_part *part)
{
    struct slice rest = slice_from(text, *from);
    ptrdiff_t end = slice_find(rest, '$');

    part->kind = PART_LITERAL;
    part->text = end < 0 ? rest : slice_first(rest, (size_t)end);
    *from += part->text.len;
}

bool template_compile(struct conf *conf, struct conf_scope *scope, struct position at,
                      struct slice text, struct template *template)
{
    struct array parts = { .item_size = sizeof(struct template_part) };
    size_t from = 0;

    *template = (struct template){ .literal = text, .constant = slice_find(text, '$') < 0 };
    if (template->constant)
        return true;
    while (from < text.len) {
        struct template_part *part = array_push(&parts, conf->arena);
        if (part == NULL) {
            conf_error(conf, at, "no memory for this value");
            return false;
        }
        if (text.at[from] != '$')
            read_literal(text, &from, part);
        else if (!read_variable(conf, scope, at, text, &from, part))
            return false;
    }
    template->parts = parts.items;
    template->count = parts.count;
    return true;
}

/* Captures are of the decoded path: what was escaped there is escaped again. */
static bool was_escaped(const struct request *request)
{
    struct slice path = request->head.path;

    return slice_find(path, '%') >= 0 || slice_find(path, '+') >= 0;
}

/* The part's text for this request; empty when it has no value. */
static struct slice part_value(struct request *request, const struct template_part *part,
                               bool escape)
{
    struct slice value = { "", 0 };

    switch (part->kind) {
    case PART_LITERAL:
        return part->text;
    case PART_CAPTURE:
        if (request->captures == NULL)
            return value;
        value = request->captures[part->capture];
        return escape ? uri_escape(&request->arena, value, ESCAPE_ARGUMENTS) : value;
    case PART_VARIABLE:
        if (!variable_value(request, &part->variable, &value))
            return slice_make("", 0);
        break;
    }
    return value;
}

/* Sets *len to the length of the whole; NULL when memory is out. */
static struct slice *all_values(struct request *request, const struct template *template,
                                bool escape, size_t *len)
{
    struct slice *values = arena_alloc(&request->arena, template->count * sizeof *values);

    *len = 0;
    for (size_t i = 0; values != NULL && i < template->count; i++) {
        values[i] = part_value(request, &template->parts[i], escape);
        *len += values[i].len;
    }
    return values;
}

static bool eval(struct request *request, const struct template *template, bool escape,
                 struct slice *value)
{
    size_t len;

    if (template->count == 1) {
        *value = part_value(request, template->parts, escape);
        return !request->arena.exhausted;
    }
    struct slice *values = all_values(request, template, escape, &len);
    char *text = values == NULL ? NULL : arena_text(&request->arena, len);
    if (text == NULL)
        return false;
    *value = slice_make(text, len);
    for (size_t i = 0; i < template->count; i++) {
        if (values[i].len > 0)
            memcpy(text, values[i].at, values[i].len);
        text += values[i].len;
    }
    return !request->arena.exhausted;
}

bool template_eval(struct request *request, const struct template *template, struct slice *value)
{
    if (!template->constant)
        return eval(request, template, false, value);
    *value = template->literal;
    return true;
}

bool template_eval_escaped(struct request *request, const struct template *template,
                           struct slice *value)
{
    if (!template->constant)
        return eval(request, template, was_escaped(request), value);
    *value = template->literal;
    return true;
}

bool template_uses(const struct template *template, const char *variable)
{
    for (size_t i = 0; i < template->count; i++)
        if (template->parts[i].kind != PART_LITERAL &&
            slice_is_nocase(template->parts[i].text, variable))
            return true;
    return false;
}

static void set_template(struct conf *conf, struct conf_scope *scope, const struct conf_node *node,
                         const struct directive *directive, void *value)
{
    (void)directive;
    template_compile(conf, scope, node->words[1].at, node->words[1].text, value);
}

const struct value_type as_template = { "text", sizeof(struct template), set_template };

bool template_eval_head(struct request *request, const struct template *template,
                        enum head_text kind, struct slice *value)
{
    return template_eval(request, template, value) &&
           (template->constant || head_text_escape(&request->arena, value, kind));
}
