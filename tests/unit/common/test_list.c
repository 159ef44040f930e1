#include "common/list.h"

#include "tests/unit/unit.h"

START_TEST(an_empty_list)
{
    struct list_node list;

    list_init(&list);
    ck_assert_ptr_null(list_first(&list));
    ck_assert_ptr_null(list_last(&list));
}
END_TEST

START_TEST(nodes_come_and_go)
{
    struct list_node list, a, b, c;

    list_init(&list);
    list_add_first(&list, &a);
    ck_assert_ptr_eq(list_first(&list), &a);
    ck_assert_ptr_eq(list_last(&list), &a);
    list_add_first(&list, &b);
    list_add_first(&list, &c);
    ck_assert_ptr_eq(list_first(&list), &c);
    ck_assert_ptr_eq(list_next(&list, &c), &b);
    ck_assert_ptr_eq(list_next(&list, &b), &a);
    ck_assert_ptr_null(list_next(&list, &a));
    list_remove(&b);
    ck_assert_ptr_eq(list_next(&list, &c), &a);
    list_remove(&a);
    ck_assert_ptr_eq(list_last(&list), &c);
    list_remove(&c);
    ck_assert_ptr_null(list_first(&list));
}
END_TEST

int main(void)
{
    return unit_main(unit_suite("list", (const TTest *[]){
                                            an_empty_list,
                                            nodes_come_and_go,
                                            NULL,
                                        }));
}
