/* What the linker and the compiler have done to the program against those who find a mistake in
 * it: as checksec tells it. */
#include "tests/serve/harness.h"

#include <elf.h>

/* The program's file. */
struct program {
    char *bytes;
    size_t len;
    const Elf64_Ehdr *head;
    const Elf64_Phdr *parts;
};

static struct program read_program(void)
{
    struct program program = { 0 };
    FILE *file = fopen(getenv("MUXD_BINARY"), "re");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    program.len = (size_t)ftell(file);
    rewind(file);
    program.bytes = malloc(program.len);
    ck_assert_ptr_nonnull(program.bytes);
    ck_assert_uint_eq(fread(program.bytes, 1, program.len, file), program.len);
    fclose(file);
    ck_assert_uint_gt(program.len, sizeof(Elf64_Ehdr));
    ck_assert_int_eq(memcmp(program.bytes, ELFMAG, SELFMAG), 0);
    program.head = (const Elf64_Ehdr *)(const void *)program.bytes;
    program.parts = (const Elf64_Phdr *)(const void *)(program.bytes + program.head->e_phoff);
    return program;
}

static const Elf64_Phdr *part_of(const struct program *program, Elf64_Word type)
{
    for (int i = 0; i < program->head->e_phnum; i++)
        if (program->parts[i].p_type == type)
            return &program->parts[i];
    return NULL;
}

/* The value of an entry of the dynamic section; 0 when there is none. */
static Elf64_Xword dynamic_value(const struct program *program, Elf64_Sxword tag)
{
    const Elf64_Phdr *part = part_of(program, PT_DYNAMIC);

    ck_assert_ptr_nonnull(part);
    const Elf64_Dyn *entry = (const Elf64_Dyn *)(const void *)(program->bytes + part->p_offset);
    for (; entry->d_tag != DT_NULL; entry++)
        if (entry->d_tag == tag)
            return entry->d_un.d_val;
    return 0;
}

static bool imports(const struct program *program, const char *name)
{
    return memmem(program->bytes, program->len, name, strlen(name) + 1) != NULL;
}

START_TEST(its_addresses_are_random_and_its_tables_read_only)
{
    struct program program = read_program();
    const Elf64_Phdr *stack = part_of(&program, PT_GNU_STACK);

    ck_assert_int_eq(program.head->e_type, ET_DYN);
    ck_assert((dynamic_value(&program, DT_FLAGS_1) & DF_1_PIE) != 0);
    ck_assert_ptr_nonnull(part_of(&program, PT_GNU_RELRO));
    ck_assert((dynamic_value(&program, DT_FLAGS) & DF_BIND_NOW) != 0);
    ck_assert_uint_eq(dynamic_value(&program, DT_TEXTREL), 0);
    ck_assert_uint_eq(dynamic_value(&program, DT_RPATH), 0);
    ck_assert_uint_eq(dynamic_value(&program, DT_RUNPATH), 0);
    ck_assert_ptr_nonnull(stack);
    ck_assert_uint_eq(stack->p_flags & PF_X, 0);
    free(program.bytes);
}
END_TEST

START_TEST(nothing_is_both_written_and_run)
{
    struct program program = read_program();

    for (int i = 0; i < program.head->e_phnum; i++)
        ck_assert((program.parts[i].p_flags & (PF_W | PF_X)) != (PF_W | PF_X));
    free(program.bytes);
}
END_TEST

START_TEST(stacks_and_lengths_are_guarded)
{
    struct program program = read_program();

    ck_assert(imports(&program, "__stack_chk_fail"));
#if defined(_FORTIFY_SOURCE) && _FORTIFY_SOURCE >= 3
    ck_assert(imports(&program, "__snprintf_chk"));
    ck_assert(imports(&program, "__memcpy_chk"));
#endif
    free(program.bytes);
}
END_TEST

#if defined(__CET__) && defined(__x86_64__)

/* Where jumps may land is marked (IBT). The mark of the whole program, for which the kernel looks,
 * is the linker's to set, and it does so only where libc's own start files have it too; not all
 * distributions' do. */
START_TEST(jumps_land_where_they_may)
{
    static const char landing[] = { '\xf3', '\x0f', '\x1e', '\xfa' };
    struct program program = read_program();
    const char *at = program.bytes, *end = program.bytes + program.len;
    unsigned found = 0;

    while ((at = memmem(at, (size_t)(end - at), landing, sizeof landing)) != NULL) {
        at += sizeof landing;
        found++;
    }
    ck_assert_uint_ge(found, 450);
    free(program.bytes);
}
END_TEST

#endif

int main(void)
{
    return serve_main(
        "hardening", (const TTest *[]) {
            its_addresses_are_random_and_its_tables_read_only, nothing_is_both_written_and_run,
                stacks_and_lengths_are_guarded,
#if defined(__CET__) && defined(__x86_64__)
                jumps_land_where_they_may,
#endif
                NULL
        });
}
