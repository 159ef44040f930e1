/* Any bytes as a name server's answer: what is read of it stays within it, and comes to an
 * end.
 *
 * The first byte chooses the type that was asked for; the message follows, with the head and
 * the question put in their places so that it is an answer. */
#include "worker/net/dns_message.h"

#include <stdio.h>
#include <stdlib.h>

enum { ID = 0x1234 };

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "not so: %s\n", what);
    abort();
}

static void read_all(struct slice message, const struct dns_name *name, enum dns_type type)
{
    struct dns_answer answer;
    struct dns_record record;
    uint32_t seconds;
    size_t records = 0;

    if (dns_answer_begin(&answer, message, ID, name, type) != DNS_ANSWER)
        return;
    expect(!dns_answer_absence(&answer, &seconds) || seconds <= DNS_TTL_MAX, "absence has an end");
    expect(answer.name.len <= DNS_NAME_MAX && answer.ttl <= DNS_TTL_MAX, "an alias has bounds");
    while (dns_answer_next(&answer, &record)) {
        expect(record.ttl <= DNS_TTL_MAX, "a record has a time");
        expect(type != DNS_SRV || record.target.len <= DNS_NAME_MAX, "a target is a name");
        records++;
    }
    expect(records <= answer.count, "there are no more records than the head says");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_SRV };
    struct dns_name name;
    char question[DNS_QUERY_MAX];

    if (size == 0)
        return 0;
    enum dns_type type = types[data[0] % 3];
    dns_name_set(&name, SLICE("a.example"));
    char *message = malloc(size - 1 + DNS_QUERY_MAX);
    if (message == NULL)
        return 0;
    memcpy(message, data + 1, size - 1);
    read_all(slice_make(message, size - 1), &name, type);
    size_t len = dns_write_query(question, ID, &name, type);
    memcpy(message, question, len);
    memcpy(message + len, data + 1, size - 1);
    message[2] = '\x81';
    message[6] = '\0';
    message[7] = (char)(8 * (data[0] < 128)); /* answers, or records of an authority */
    message[9] = (char)(8 - message[7]);
    read_all(slice_make(message, len + size - 1), &name, type);
    free(message);
    return 0;
}
