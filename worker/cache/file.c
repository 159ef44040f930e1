#include "worker/cache/file.h"

#include "common/crc32.h"
#include "worker/cache/body.h"

/* Places in the head. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 4,
    AT_VALID_UNTIL = 8,
    AT_DATE = 16,
    AT_STALE_UPDATING = 24,
    AT_STALE_ERROR = 28,
    AT_STAMP_SECONDS = 32,
    AT_STAMP_NANOSECONDS = 40,
    AT_RECORD_CRC = 44,
    AT_BODY_SIZE = 48, /* CACHE_RECORD */
    AT_SEED = 56,
    AT_KEY_LEN = 64,
    AT_VARY_LEN = 68,
    AT_HEAD_LEN = 72,
    AT_CRC = 76,
    AT_VARIANT = 80,
};

enum { VERSION = 2 };

/* So that grep(1) finds the file of a key, as in nginx's. */
static const struct slice magic = SLICE_INIT("muxd"), key_mark = SLICE_INIT("\nKEY: "),
                          key_end = SLICE_INIT("\n");

/* --- numbers --- */

static void put_number(char *at, uint64_t number, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (char)(number >> 8 * i);
}

static uint64_t get_number(const char *at, unsigned bytes)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < bytes; i++)
        number |= (uint64_t)(unsigned char)at[i] << 8 * i;
    return number;
}

static uint32_t get_word(const char *at)
{
    return (uint32_t)get_number(at, 4);
}

/* --- writing --- */

size_t cache_file_head_len(const struct cache_entry *entry)
{
    return CACHE_FIXED + key_mark.len + entry->key.len + key_end.len + entry->vary.len +
           entry->head.len;
}

uint64_t cache_file_size(const struct cache_entry *entry)
{
    return cache_file_head_len(entry) + cache_body_space(entry->body_size);
}

void cache_file_write_record(const struct cache_record *record, char out[static CACHE_RECORD])
{
    memcpy(out + AT_MAGIC, magic.at, magic.len);
    put_number(out + AT_VERSION, VERSION, 4);
    put_number(out + AT_VALID_UNTIL, (uint64_t)record->valid_until, 8);
    put_number(out + AT_DATE, (uint64_t)record->date, 8);
    put_number(out + AT_STALE_UPDATING, record->stale_updating, 4);
    put_number(out + AT_STALE_ERROR, record->stale_error, 4);
    put_number(out + AT_STAMP_SECONDS, (uint64_t)record->stamp.tv_sec, 8);
    put_number(out + AT_STAMP_NANOSECONDS, (uint64_t)record->stamp.tv_nsec, 4);
    put_number(out + AT_RECORD_CRC, crc32_add(0, out, AT_RECORD_CRC), 4);
}

static char *put_text(char *at, struct slice text)
{
    if (text.len > 0)
        memcpy(at, text.at, text.len);
    return at + text.len;
}

/* Of all behind the record but the checksum itself. */
static uint32_t checksum(const char *bytes, size_t head_len)
{
    uint32_t crc = crc32_add(0, bytes + CACHE_RECORD, AT_CRC - CACHE_RECORD);

    return crc32_add(crc, bytes + AT_VARIANT, head_len - AT_VARIANT);
}

void cache_file_write(const struct cache_entry *entry, char *out)
{
    cache_file_write_record(&entry->record, out);
    put_number(out + AT_BODY_SIZE, entry->body_size, 8);
    put_number(out + AT_SEED, entry->seed, 8);
    put_number(out + AT_KEY_LEN, entry->key.len, 4);
    put_number(out + AT_VARY_LEN, entry->vary.len, 4);
    put_number(out + AT_HEAD_LEN, entry->head.len, 4);
    memcpy(out + AT_VARIANT, entry->variant, CACHE_DIGEST);
    char *at = put_text(out + CACHE_FIXED, key_mark);
    at = put_text(at, entry->key);
    at = put_text(at, key_end);
    at = put_text(at, entry->vary);
    put_text(at, entry->head);
    put_number(out + AT_CRC, checksum(out, cache_file_head_len(entry)), 4);
}

/* --- reading --- */

static bool read_record(const char *at, struct cache_record *record)
{
    if (memcmp(at + AT_MAGIC, magic.at, magic.len) != 0 || get_word(at + AT_VERSION) != VERSION ||
        get_word(at + AT_RECORD_CRC) != crc32_add(0, at, AT_RECORD_CRC))
        return false;
    *record = (struct cache_record){
        .date = (int64_t)get_number(at + AT_DATE, 8),
        .valid_until = (int64_t)get_number(at + AT_VALID_UNTIL, 8),
        .stale_updating = get_word(at + AT_STALE_UPDATING),
        .stale_error = get_word(at + AT_STALE_ERROR),
        .stamp = { .tv_sec = (time_t)get_number(at + AT_STAMP_SECONDS, 8),
                   .tv_nsec = (long)get_word(at + AT_STAMP_NANOSECONDS) },
    };
    return true;
}

/* Lengths that an entry may have. */
static bool read_lengths(const char *at, struct cache_entry *entry)
{
    entry->body_size = get_number(at + AT_BODY_SIZE, 8);
    entry->seed = get_number(at + AT_SEED, 8);
    entry->key.len = get_word(at + AT_KEY_LEN);
    entry->vary.len = get_word(at + AT_VARY_LEN);
    entry->head.len = get_word(at + AT_HEAD_LEN);
    return entry->key.len <= CACHE_KEY_MAX && entry->vary.len <= CACHE_VARY_MAX &&
           entry->head.len <= CACHE_HEAD_MAX && entry->body_size <= INT64_MAX / 2;
}

static bool read_texts(const char *at, struct cache_entry *entry)
{
    if (memcmp(at, key_mark.at, key_mark.len) != 0)
        return false;
    entry->key.at = at + key_mark.len;
    at = entry->key.at + entry->key.len;
    if (memcmp(at, key_end.at, key_end.len) != 0)
        return false;
    entry->vary.at = at + key_end.len;
    entry->head.at = entry->vary.at + entry->vary.len;
    return true;
}

enum cache_file_result cache_file_read(struct slice bytes, struct cache_entry *entry,
                                       size_t *needed)
{
    *needed = CACHE_FIXED;
    if (bytes.len < CACHE_FIXED)
        return CACHE_FILE_MORE;
    if (!read_record(bytes.at, &entry->record) || !read_lengths(bytes.at, entry))
        return CACHE_FILE_BAD;
    *needed = cache_file_head_len(entry);
    if (bytes.len < *needed)
        return CACHE_FILE_MORE;
    if (get_word(bytes.at + AT_CRC) != checksum(bytes.at, *needed))
        return CACHE_FILE_BAD;
    memcpy(entry->variant, bytes.at + AT_VARIANT, CACHE_DIGEST);
    return read_texts(bytes.at + CACHE_FIXED, entry) ? CACHE_FILE_OK : CACHE_FILE_BAD;
}

int64_t cache_file_written(const struct cache_entry *entry)
{
    return (int64_t)entry->record.stamp.tv_sec * 1000000000 + entry->record.stamp.tv_nsec;
}

/* File systems whose times are whole seconds keep no more of the stamp. */
static bool has_stamp(const struct cache_record *record, struct timespec modified)
{
    return modified.tv_sec == record->stamp.tv_sec &&
           (modified.tv_nsec == record->stamp.tv_nsec || modified.tv_nsec == 0);
}

bool cache_file_is_untouched(const struct cache_entry *entry, uint64_t size,
                             struct timespec modified)
{
    return size == cache_file_size(entry) && has_stamp(&entry->record, modified);
}
