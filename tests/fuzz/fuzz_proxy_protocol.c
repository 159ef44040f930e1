/* Any bytes as a header of the PROXY protocol: it does not matter in which pieces they come,
 * and what is taken lies inside of what was given.
 *
 * The first byte says which signature is put before the rest: none, or one of the two. */
#include "worker/net/proxy_protocol.h"

#include <stdio.h>
#include <stdlib.h>

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "not so: %s\n", what);
    abort();
}

/* The reader must not look behind the bytes it is given: they get memory of their own. */
static enum proxy_result read_copy(struct slice in, size_t len, struct proxy_header *header)
{
    char *copy = malloc(len > 0 ? len : 1);

    expect(copy != NULL, "there is memory");
    memcpy(copy, in.at, len);
    enum proxy_result result = proxy_protocol_read(slice_make(copy, len), header);
    free(copy);
    return result;
}

static void check_header(struct slice in, const struct proxy_header *header)
{
    static const char *const names[] = { "alpn", "ssl", "ssl_version", "0xe0", "ssl_0x21" };
    struct slice value;
    uint32_t verify;

    expect(header->size > 0 && header->size <= in.len, "a header ends inside");
    expect(header->tlvs.len == 0 || (header->tlvs.at > in.at &&
                                     header->tlvs.at + header->tlvs.len == in.at + header->size),
           "TLVs end the header");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        expect(!proxy_protocol_tlv(header->tlvs, slice_of(names[i]), &value) ||
                   value.at + value.len <= in.at + header->size,
               "a value lies inside");
    expect(proxy_protocol_ssl_verify(header->tlvs, &verify) || !header->tls,
           "TLS is told by its TLV");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct slice signatures[] = { SLICE_INIT(""), SLICE_INIT("PROXY "),
                                               SLICE_INIT("\r\n\r\n\0\r\nQUIT\n") };
    char text[1024];
    struct proxy_header whole, part;

    if (size == 0 || size > 512)
        return 0;
    struct slice signature = signatures[data[0] % 3];
    memcpy(text, signature.at, signature.len);
    memcpy(text + signature.len, data + 1, size - 1);
    struct slice in = slice_make(text, signature.len + size - 1);
    enum proxy_result result = proxy_protocol_read(in, &whole);
    if (result == PROXY_DONE)
        check_header(in, &whole);
    for (size_t len = 0; len <= in.len; len++) {
        enum proxy_result early = read_copy(in, len, &part);
        if (result == PROXY_DONE)
            expect(early == (len < whole.size ? PROXY_MORE : PROXY_DONE), "pieces do not matter");
        else if (early != PROXY_MORE)
            expect(early == PROXY_BAD && result == PROXY_BAD, "what is bad stays bad");
    }
    return 0;
}
