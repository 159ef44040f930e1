/* dns_reply.h: answers of a name server that a test plays. */
#ifndef MUXD_TESTS_DNS_REPLY_H
#define MUXD_TESTS_DNS_REPLY_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REPLY_MAX = 4096,
    REPLY_HEADER = 12,
    REPLY_A = 1,
    REPLY_CNAME = 5,
    REPLY_SOA = 6,
    REPLY_AAAA = 28,
    REPLY_SRV = 33,
    REPLY_TRUNCATED = 0x200,
};

/* A record as people write it: 127.0.0.1; ::1; alias.example; 10 5 8080 target.example. An SOA
 * is its last number, and stands behind the answers. */
struct reply_record {
    const char *owner; /* "" : the name that was asked for */
    unsigned type;
    unsigned ttl;
    const char *data;
};

static inline char *reply_put16(char *at, unsigned number)
{
    at[0] = (char)(number >> 8);
    at[1] = (char)number;
    return at + 2;
}

static inline char *reply_put_name(char *at, const char *name)
{
    while (*name != '\0') {
        size_t len = strcspn(name, ".");
        *at++ = (char)len;
        memcpy(at, name, len);
        at += len;
        name += len + (name[len] == '.');
    }
    *at++ = '\0';
    return at;
}

static inline char *reply_put_data(char *at, const struct reply_record *record)
{
    unsigned priority, weight, port;
    int name_at = 0;
    uint32_t numbers[5] = { 0 };

    switch (record->type) {
    case REPLY_A:
        inet_pton(AF_INET, record->data, at);
        return at + 4;
    case REPLY_AAAA:
        inet_pton(AF_INET6, record->data, at);
        return at + 16;
    case REPLY_SRV:
        sscanf(record->data, "%u %u %u %n", &priority, &weight, &port, &name_at);
        at = reply_put16(reply_put16(reply_put16(at, priority), weight), port);
        return reply_put_name(at, record->data + name_at);
    case REPLY_SOA:
        numbers[4] = htonl((uint32_t)strtoul(record->data, NULL, 10));
        at = reply_put_name(reply_put_name(at, "ns.example"), "who.example");
        memcpy(at, numbers, sizeof(numbers));
        return at + sizeof(numbers);
    default:
        return reply_put_name(at, record->data);
    }
}

/* The name that a query asks for, and the type behind it; false: it is none. */
static inline bool reply_question(const char *query, size_t len, char name[256], unsigned *type)
{
    size_t at = REPLY_HEADER, to = 0;

    while (at < len && query[at] != '\0') {
        size_t label = (unsigned char)query[at++];
        if (at + label >= len || to + label + 1 > 255)
            return false;
        memcpy(name + to, query + at, label);
        to += label;
        name[to++] = '.';
        at += label;
    }
    if (at + 5 > len || to == 0)
        return false;
    name[to - 1] = '\0';
    *type = (unsigned)(unsigned char)query[at + 1] << 8 | (unsigned char)query[at + 2];
    return true;
}

/* Writes the answer to a query into `room` of REPLY_MAX bytes; `flags` are a code and
 * REPLY_TRUNCATED; an SOA is the last of the records. Its length. */
static inline size_t reply_write(char *room, const char *query, unsigned flags,
                                 const struct reply_record *records, size_t count)
{
    size_t question = REPLY_HEADER + strlen(query + REPLY_HEADER) + 5;

    memcpy(room, query, question);
    reply_put16(room + 2, 0x8180 | flags);
    unsigned authorities = count > 0 && records[count - 1].type == REPLY_SOA;
    reply_put16(room + 6, (unsigned)count - authorities);
    reply_put16(room + 8, authorities);
    char *at = room + question;
    for (size_t i = 0; i < count; i++) {
        if (records[i].owner[0] == '\0')
            at = reply_put16(at, 0xc00c);
        else
            at = reply_put_name(at, records[i].owner);
        at = reply_put16(reply_put16(at, records[i].type), 1);
        at = reply_put16(reply_put16(at, records[i].ttl >> 16), records[i].ttl & 0xffff);
        char *data = at + 2;
        char *end = reply_put_data(data, &records[i]);
        reply_put16(at, (unsigned)(end - data));
        at = end;
    }
    return (size_t)(at - room);
}

#endif
