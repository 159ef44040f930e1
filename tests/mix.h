/* mix.h: files of the kinds that the Canterbury corpus has, made anew the same each time:
 * prose, a program, a page, a list of records, a drawing of black and white, machine
 * code, and noise. For the tests and the measurement of compression. */
#ifndef MUXD_TESTS_MIX_H
#define MUXD_TESTS_MIX_H

#include "common/slice.h"

#include <stdio.h>
#include <stdlib.h>

enum { MIX_FILES = 8 };

/* A file being made; `at` is from malloc. */
struct mix_text {
    char *at;
    size_t len, size;
    uint64_t state; /* of the numbers that are the same in every run */
};

static inline uint32_t mix_random(struct mix_text *text, uint32_t below)
{
    text->state = text->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((text->state >> 33) % below);
}

static inline void mix_add(struct mix_text *text, const void *bytes, size_t len)
{
    if (len > text->size - text->len)
        len = text->size - text->len;
    memcpy(text->at + text->len, bytes, len);
    text->len += len;
}

static inline void mix_say(struct mix_text *text, const char *words)
{
    mix_add(text, words, strlen(words));
}

static inline bool mix_full(const struct mix_text *text)
{
    return text->len == text->size;
}

/* A word of made-up language: few are frequent, many are rare. */
static inline void mix_word(struct mix_text *text)
{
    static const char *const syllables[] = { "the", "re",  "in",  "an", "to",  "of", "ing", "ed",
                                             "al",  "sho", "con", "er", "men", "st", "ly",  "ar",
                                             "vi",  "gra", "pu",  "mo", "qui", "ke", "ble", "oth" };
    uint32_t rank = mix_random(text, 1 + mix_random(text, 1 + mix_random(text, 20000)));

    do {
        mix_say(text, syllables[rank % 24]);
        rank /= 24;
    } while (rank > 0);
}

static inline void mix_prose(struct mix_text *text)
{
    static const char *const ends[] = { ". ", ".\n", ", ", "; ", "?\n\n", ", ", ". " };

    while (!mix_full(text)) {
        for (uint32_t words = 3 + mix_random(text, 12); words > 0; words--) {
            mix_word(text);
            if (words > 1)
                mix_say(text, " ");
        }
        mix_say(text, ends[mix_random(text, 7)]);
    }
}

static inline void mix_program(struct mix_text *text)
{
    while (!mix_full(text)) {
        mix_say(text, "static int ");
        mix_word(text);
        mix_say(text, "(struct request *request, size_t ");
        mix_word(text);
        mix_say(text, ")\n{\n");
        for (uint32_t lines = mix_random(text, 20); lines > 0; lines--) {
            mix_say(text, lines % 3 == 0 ? "    if (" : "    ");
            mix_word(text);
            mix_say(text, lines % 3 == 0 ? " == NULL)\n        return " : " = ");
            mix_word(text);
            mix_say(text, ";\n");
        }
        mix_say(text, "}\n\n");
    }
}

static inline void mix_page(struct mix_text *text)
{
    mix_say(text, "<!DOCTYPE html>\n<html><head><title>Mix</title></head><body>\n");
    while (!mix_full(text)) {
        mix_say(text, "<div class=\"entry\"><a href=\"/archive/");
        mix_word(text);
        mix_say(text, ".html\">");
        mix_word(text);
        mix_say(text, "</a><p>");
        for (uint32_t words = mix_random(text, 15); words > 0; words--) {
            mix_word(text);
            mix_say(text, " ");
        }
        mix_say(text, "</p></div>\n");
    }
}

static inline void mix_list(struct mix_text *text)
{
    for (unsigned id = 1; !mix_full(text); id++) {
        char line[128];
        snprintf(line, sizeof line, "{\"id\":%u,\"price\":%u.%02u,\"stock\":%u,\"name\":\"", id,
                 mix_random(text, 1000), mix_random(text, 100), mix_random(text, 9));
        mix_say(text, line);
        mix_word(text);
        mix_say(text, "\"},\n");
    }
}

/* Records of a spreadsheet: mostly the same bytes with counting numbers in them. */
static inline void mix_sheet(struct mix_text *text)
{
    for (uint32_t row = 0; !mix_full(text); row++) {
        uint8_t record[14] = { 3, 2, 10, 0 };
        record[4] = (uint8_t)row;
        record[5] = (uint8_t)(row >> 8);
        record[6] = (uint8_t)(row % 16);
        record[9] = (uint8_t)mix_random(text, 4);
        record[12] = (uint8_t)(mix_random(text, 6) * 40);
        record[13] = 64;
        mix_add(text, record, sizeof record);
    }
}

/* Rows of a scanned page: each like the one above it but for a few places. */
static inline void mix_drawing(struct mix_text *text)
{
    uint8_t row[216] = { 0 };

    while (!mix_full(text)) {
        for (uint32_t changes = mix_random(text, 4); changes > 0; changes--)
            memset(row + mix_random(text, 200), mix_random(text, 4) == 0 ? 0xff : 0,
                   1 + mix_random(text, 16));
        mix_add(text, row, sizeof row);
    }
}

/* Instructions: a few operations with all kinds of operands. */
static inline void mix_code(struct mix_text *text)
{
    static const uint8_t operations[][3] = { { 0x48, 0x8b, 0x45 }, { 0x48, 0x89, 0xc7 },
                                             { 0xe8, 0x00, 0x00 }, { 0x0f, 0x84, 0x10 },
                                             { 0x83, 0xf8, 0x01 }, { 0x5d, 0xc3, 0x90 } };

    while (!mix_full(text)) {
        uint8_t operand = (uint8_t)mix_random(text, 1 + mix_random(text, 256));
        mix_add(text, operations[mix_random(text, 6)], 1 + mix_random(text, 3));
        mix_add(text, &operand, 1);
    }
}

static inline void mix_noise(struct mix_text *text)
{
    while (!mix_full(text)) {
        uint8_t byte = (uint8_t)mix_random(text, 256);
        mix_add(text, &byte, 1);
    }
}

static const struct mix_kind {
    const char *name;
    size_t size;
    void (*make)(struct mix_text *);
} mix_kinds[MIX_FILES] = {
    { "prose", 150000, mix_prose }, { "program", 40000, mix_program },
    { "page", 100000, mix_page },   { "list", 200000, mix_list },
    { "sheet", 300000, mix_sheet }, { "drawing", 250000, mix_drawing },
    { "code", 120000, mix_code },   { "noise", 70000, mix_noise },
};

/* File number `kind` < MIX_FILES, in memory from malloc that the caller frees; `scale`
 * times as long. NULL at .at: memory is out. */
static inline struct slice mix_make(unsigned kind, size_t scale)
{
    struct mix_text text = { .size = mix_kinds[kind].size * scale, .state = kind + 1 };

    text.at = malloc(text.size);
    if (text.at == NULL)
        return (struct slice){ NULL, 0 };
    mix_kinds[kind].make(&text);
    return slice_make(text.at, text.len);
}

#endif
