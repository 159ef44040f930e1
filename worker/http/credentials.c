#include "worker/http/credentials.h"

#include "common/base64.h"
#include "worker/http/request.h"

bool request_credentials(struct request *request, struct credentials *credentials)
{
    static const struct slice scheme = { "Basic ", 6 };
    const struct field *field = head_known(&request->head, FIELD_AUTHORIZATION);
    size_t len;

    if (field == NULL || !slice_equal_nocase(slice_first(field->value, scheme.len), scheme))
        return false;
    struct slice text = slice_from(field->value, scheme.len);
    while (text.len > 0 && *text.at == ' ')
        text = slice_from(text, 1);
    char *decoded = arena_text(&request->arena, text.len);
    if (decoded == NULL || !base64_decode(text, BASE64, decoded, &len))
        return false;
    ptrdiff_t colon = slice_find(slice_make(decoded, len), ':');
    if (colon <= 0)
        return false;
    credentials->user = slice_make(decoded, (size_t)colon);
    credentials->password = slice_from(slice_make(decoded, len), (size_t)colon + 1);
    return true;
}
