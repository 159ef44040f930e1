#include "common/regex_internal.h"

/* Adds the text of a node; false when it is more than text. Letters must all
 * be of one mind about case: `cased` and `folded` say which minds were met. */
static bool add_text(const struct node *node, char *text, size_t *len, bool *cased, bool *folded)
{
    char lower = ascii_lower((char)node->byte);

    if (node->kind != NODE_BYTE)
        return false;
    if (node->set != REGEX_NONE)
        *folded = true;
    else if (ascii_letter(lower))
        *cased = true;
    text[(*len)++] = node->set != REGEX_NONE ? lower : (char)node->byte;
    return !(*cased && *folded);
}

static bool is_end(const struct node *node)
{
    return node->kind == NODE_ASSERT && node->next == NULL &&
           (node->assertion == ASSERT_TEXT_END || node->assertion == ASSERT_LAST_LINE_END);
}

bool literal_find(struct literal *literal, struct arena *arena, const struct node *root,
                  size_t longest)
{
    const struct node *node = root->kind == NODE_CONCAT ? root->child : root;
    char *text = arena_text(arena, longest);
    bool cased = false, folded = false;
    size_t len = 0;

    if (text == NULL)
        return false;
    if (node->kind == NODE_ASSERT && node->assertion == ASSERT_TEXT_START) {
        literal->at_start = true;
        node = node->next;
    }
    for (; node != NULL && !is_end(node); node = node->next)
        if (node->kind != NODE_EMPTY && !add_text(node, text, &len, &cased, &folded))
            return true;
    literal->at_end = node != NULL;
    literal->before_newline = node != NULL && node->assertion == ASSERT_LAST_LINE_END;
    literal->nocase = folded;
    literal->text = slice_make(text, len);
    literal->usable = !folded || literal->at_start || literal->at_end;
    return true;
}

static bool same_text(const struct literal *literal, struct slice text)
{
    return literal->nocase ? slice_equal_nocase(literal->text, text)
                           : slice_equal(literal->text, text);
}

/* The literal is at the end of the first `end` bytes, and at their start when
 * it has to be. */
static bool ends_at(const struct literal *literal, struct slice text, size_t end, size_t *start)
{
    if (end < literal->text.len || (literal->at_start && end > literal->text.len))
        return false;
    *start = end - literal->text.len;
    return same_text(literal, slice_make(text.at + *start, literal->text.len));
}

bool literal_match(const struct literal *literal, struct slice text, size_t *start)
{
    size_t len = literal->text.len;

    *start = 0;
    if (literal->at_end) {
        bool newline = literal->before_newline && text.len > 0 && text.at[text.len - 1] == '\n';
        return (newline && ends_at(literal, text, text.len - 1, start)) ||
               ends_at(literal, text, text.len, start);
    }
    if (len == 0)
        return true;
    if (literal->at_start)
        return text.len >= len && same_text(literal, slice_first(text, len));
    const char *found = text.len == 0 ? NULL : memmem(text.at, text.len, literal->text.at, len);
    *start = found == NULL ? 0 : (size_t)(found - text.at);
    return found != NULL;
}
