#include "worker/net/buffers.h"

#include "tests/unit/unit.h"

#include <stdint.h>
#include <string.h>

START_TEST(a_buffer_is_empty)
{
    struct buffer_pool pool;

    buffer_pool_init(&pool, 1024, 4);
    struct buffer *buffer = buffer_take(&pool);
    ck_assert_uint_eq(buffer->size, 1024);
    ck_assert_uint_eq(buffer->start, 0);
    ck_assert_uint_eq(buffer->end, 0);
    ck_assert_ptr_null(buffer->next);
    memset(buffer->data, 'x', buffer->size);
    buffer->start = 7;
    buffer->end = 9;
    buffer_give(&pool, buffer);
    /* The warm one comes back, empty again. */
    ck_assert_ptr_eq(buffer_take(&pool), buffer);
    ck_assert_uint_eq(buffer->start, 0);
    ck_assert_uint_eq(buffer->end, 0);
    ck_assert_ptr_null(buffer->next);
    buffer_give(&pool, buffer);
    buffer_pool_free(&pool);
}
END_TEST

START_TEST(no_more_are_kept_than_the_limit)
{
    struct buffer_pool pool;
    struct buffer *buffers[5];

    buffer_pool_init(&pool, 16, 3);
    for (int i = 0; i < 5; i++)
        buffers[i] = buffer_take(&pool);
    for (int i = 0; i < 5; i++)
        buffer_give(&pool, buffers[i]);
    ck_assert_uint_eq(pool.count, 3);
    ck_assert_ptr_eq(buffer_take(&pool), buffers[2]); /* last in, first out */
    ck_assert_uint_eq(pool.count, 2);
    buffer_give(&pool, buffers[2]);
    buffer_pool_free(&pool);
    ck_assert_uint_eq(pool.count, 0);
    ck_assert_ptr_null(pool.free);
}
END_TEST

START_TEST(other_sizes_are_not_kept)
{
    struct buffer_pool pool;

    buffer_pool_init(&pool, 16, 3);
    struct buffer *large = buffer_take_sized(&pool, 5000);
    ck_assert_uint_eq(large->size, 5000);
    memset(large->data, 'x', large->size);
    buffer_give(&pool, large);
    ck_assert_uint_eq(pool.count, 0);
    struct buffer *standard = buffer_take_sized(&pool, 16);
    buffer_give(&pool, standard);
    ck_assert_uint_eq(pool.count, 1);
    struct buffer *other = buffer_take_sized(&pool, 17);
    ck_assert_ptr_ne(other, standard);
    buffer_give(&pool, other);
    buffer_pool_free(&pool);
}
END_TEST

START_TEST(nothing_kept_at_all)
{
    struct buffer_pool pool;

    buffer_pool_init(&pool, 16, 0);
    buffer_give(&pool, buffer_take(&pool));
    ck_assert_uint_eq(pool.count, 0);
    buffer_give(&pool, NULL);
    buffer_pool_free(&pool);
}
END_TEST

START_TEST(impossible_sizes)
{
    struct buffer_pool pool;

    buffer_pool_init(&pool, 16, 1);
    ck_assert_ptr_null(buffer_take_sized(&pool, SIZE_MAX));
    ck_assert_ptr_null(buffer_take_sized(&pool, SIZE_MAX - sizeof(struct buffer) + 1));
    buffer_pool_free(&pool);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_buffer_is_empty,        no_more_are_kept_than_the_limit,
        other_sizes_are_not_kept, nothing_kept_at_all,
        impossible_sizes,         NULL,
    };

    return unit_main(unit_suite("buffers", tests));
}
