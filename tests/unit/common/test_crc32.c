#include "common/crc32.h"

#include "tests/unit/unit.h"

#include <string.h>

/* One bit at a time, as the polynomial says. */
static uint32_t slow_crc(const uint8_t *at, size_t len)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < len; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320u : 0);
    }
    return ~crc;
}

START_TEST(known_sums)
{
    ck_assert_uint_eq(crc32_add(0, "", 0), 0);
    ck_assert_uint_eq(crc32_add(0, "a", 1), 0xe8b7be43u);
    ck_assert_uint_eq(crc32_add(0, "123456789", 9), 0xcbf43926u);
    ck_assert_uint_eq(crc32_add(0, "The quick brown fox jumps over the lazy dog", 43), 0x414fa339u);
}
END_TEST

/* Each place of each of the four tables takes part. */
START_TEST(every_byte_at_every_place)
{
    uint8_t bytes[4] = { 0 };

    for (size_t place = 0; place < sizeof bytes; place++)
        for (unsigned byte = 0; byte < 256; byte++) {
            bytes[place] = (uint8_t)byte;
            ck_assert_uint_eq(crc32_add_by_table(0, bytes, sizeof bytes),
                              slow_crc(bytes, sizeof bytes));
        }
}
END_TEST

START_TEST(pieces_add_up)
{
    uint8_t bytes[300];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * i * 31 + i);
    uint32_t whole = slow_crc(bytes, sizeof bytes);
    for (size_t cut = 0; cut <= sizeof bytes; cut++)
        ck_assert_uint_eq(crc32_add(crc32_add(0, bytes, cut), bytes + cut, sizeof bytes - cut),
                          whole);
}
END_TEST

/* Every length around what is folded at a time, at every alignment, behind whatever came before:
 * both ways agree, and with the bits. */
START_TEST(the_processor_agrees_with_the_tables)
{
    uint8_t bytes[16 + 600];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    for (size_t len = 0; len <= 600; len++) {
        const uint8_t *at = bytes + len % 16;
        uint32_t before = (uint32_t)len * 2246822519u;
        ck_assert_uint_eq(crc32_add(0, at, len), slow_crc(at, len));
        ck_assert_uint_eq(crc32_add(before, at, len), crc32_add_by_table(before, at, len));
    }
}
END_TEST

int main(void)
{
    return unit_main(
        unit_suite("crc32", (const TTest *[]){ known_sums, every_byte_at_every_place, pieces_add_up,
                                               the_processor_agrees_with_the_tables, NULL }));
}
