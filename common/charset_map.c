#include "common/charset_map.h"

#include <stdio.h>

enum { ASCII = 0x80, CHARACTER_MAX = 0x10ffff };

static uint8_t *page_of(struct charset_map *map, struct arena *arena, uint16_t character)
{
    uint8_t **page = &map->bytes[character >> 8];

    if (*page == NULL)
        *page = arena_zalloc(arena, 256);
    return *page;
}

bool charset_map_add(struct charset_map *map, struct arena *arena, uint8_t byte, uint16_t character)
{
    uint8_t *page = page_of(map, arena, character);

    if (page == NULL)
        return false;
    map->characters[byte] = character;
    page[character & 0xff] = byte;
    return true;
}

struct charset_map *charset_map_new(struct arena *arena, struct slice from, struct slice to)
{
    struct charset_map *map = arena_zalloc(arena, sizeof *map);

    if (map == NULL)
        return NULL;
    map->from = from;
    map->to = to;
    map->utf8 = slice_is_nocase(to, "utf-8");
    for (unsigned i = 0; i < ASCII; i++)
        if (!charset_map_add(map, arena, (uint8_t)i, (uint16_t)i))
            return NULL;
    return map;
}

/* --- UTF-8 (RFC 3629) --- */

/* How long the character is that begins so; 0: none does. */
static unsigned utf8_length(unsigned char first)
{
    if (first < ASCII)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* A whole character; -1: it is none, or could be written shorter. */
static int utf8_decode(struct slice text)
{
    static const unsigned shortest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned len = text.len == 0 ? 0 : utf8_length((unsigned char)*text.at);

    if (len == 0 || len != text.len)
        return -1;
    unsigned character = (unsigned char)*text.at & (len == 1 ? 0x7fU : 0xffU >> (len + 1));
    for (unsigned i = 1; i < len; i++) {
        unsigned char next = (unsigned char)text.at[i];
        if ((next & 0xc0) != 0x80)
            return -1;
        character = character << 6 | (next & 0x3fU);
    }
    return character < shortest[len] || character > CHARACTER_MAX ? -1 : (int)character;
}

static size_t utf8_encode(uint16_t character, char *out)
{
    if (character < 0x80) {
        out[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        out[0] = (char)(0xc0 | character >> 6);
        out[1] = (char)(0x80 | (character & 0x3f));
        return 2;
    }
    out[0] = (char)(0xe0 | character >> 12);
    out[1] = (char)(0x80 | (character >> 6 & 0x3f));
    out[2] = (char)(0x80 | (character & 0x3f));
    return 3;
}

int charset_character(struct slice utf8)
{
    int character = utf8_decode(utf8);

    return character > UINT16_MAX ? -1 : character;
}

/* --- one character --- */

static void make(struct charset_recoder *own, const char *bytes, size_t len)
{
    memcpy(own->made, bytes, len);
    own->made_len = (uint8_t)len;
    own->made_at = 0;
}

/* The byte of a character; 0: there is none. */
static uint8_t byte_of(const struct charset_map *map, int character)
{
    const uint8_t *page = character > UINT16_MAX ? NULL : map->bytes[character >> 8];

    return page == NULL ? 0 : page[character & 0xff];
}

static void make_byte(struct charset_recoder *own, int character)
{
    uint8_t byte = byte_of(own->map, character);

    if (byte != 0 || character == 0)
        make(own, (const char *)&byte, 1);
    else
        make(own, "?", 1);
}

static void make_character(struct charset_recoder *own, uint8_t byte)
{
    uint16_t character = own->map->characters[byte];
    char bytes[3] = { (char)character };

    if (character == 0 && byte != 0)
        make(own, "?", 1);
    else
        make(own, bytes, own->map->utf8 ? utf8_encode(character, bytes) : 1);
}

static void make_held(struct charset_recoder *own)
{
    int character = utf8_decode(slice_make(own->held, own->held_len));
    char text[12];

    own->held_len = 0;
    if (character < 0)
        make(own, "?", 1);
    else if (character == 0 || byte_of(own->map, character) != 0)
        make_byte(own, character);
    else
        make(own, text, (size_t)snprintf(text, sizeof text, "&#%d;", character));
}

/* The next byte of UTF-8. False: it is not used up, since it cannot belong to the one before. */
static bool hold(struct charset_recoder *own, char byte)
{
    bool follows = ((unsigned char)byte & 0xc0) == 0x80;

    if (own->held_len > 0 && !follows) {
        own->held_len = 0;
        make(own, "?", 1);
        return false;
    }
    own->held[own->held_len++] = byte;
    if (own->held_len >= utf8_length((unsigned char)own->held[0]))
        make_held(own);
    return true;
}

static void take(struct charset_recoder *own, struct slice *in)
{
    char byte = *in->at;

    if (own->backwards && own->map->utf8) {
        if (!hold(own, byte))
            return;
    } else if (own->backwards) {
        make_byte(own, (unsigned char)byte);
    } else {
        make_character(own, (uint8_t)byte);
    }
    *in = slice_from(*in, 1);
}

/* --- the text --- */

size_t charset_recode(struct charset_recoder *own, struct slice *in, char *out, size_t room)
{
    size_t done = 0;

    while (done < room) {
        if (own->made_at < own->made_len)
            out[done++] = own->made[own->made_at++];
        else if (in->len > 0)
            take(own, in);
        else
            break;
    }
    return done;
}

bool charset_recode_end(struct charset_recoder *own)
{
    if (own->made_at == own->made_len && own->held_len > 0) {
        own->held_len = 0;
        make(own, "?", 1);
    }
    return own->made_at < own->made_len;
}
