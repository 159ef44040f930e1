/* For tests/bench/deflate: the compressor as a program.
 *
 *     deflate mix FOLDER SCALE    writes the files that are compressed (tests/mix.h)
 *     deflate LEVEL FILE          writes FILE in gzip to standard output */
#include "common/gzip.h"
#include "tests/mix.h"

#include <stdio.h>
#include <stdlib.h>

static int write_mix(const char *folder, size_t scale)
{
    for (unsigned kind = 0; kind < MIX_FILES; kind++) {
        struct slice text = mix_make(kind, scale);
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, mix_kinds[kind].name);
        FILE *file = fopen(path, "we");
        if (text.at == NULL || file == NULL || fwrite(text.at, 1, text.len, file) != text.len ||
            fclose(file) != 0)
            return EXIT_FAILURE;
        free((void *)(uintptr_t)text.at);
    }
    return EXIT_SUCCESS;
}

static int compress(int level, FILE *file)
{
    struct gzip_writer *writer = calloc(1, gzip_writer_size());
    static char in[16384], out[16384];
    enum deflate_result result = DEFLATE_NEEDS_INPUT;
    struct slice input = { NULL, 0 };

    if (file == NULL || writer == NULL)
        return EXIT_FAILURE;
    gzip_writer_init(writer, level, SIZE_MAX);
    while (result != DEFLATE_ENDED) {
        size_t made;
        if (input.len == 0 && result == DEFLATE_NEEDS_INPUT)
            input = slice_make(in, fread(in, 1, sizeof in, file));
        result = gzip_write(writer, &input, feof(file) ? DEFLATE_FINISH : DEFLATE_MORE, out,
                            sizeof out, &made);
        if (ferror(file) || fwrite(out, 1, made, stdout) != made)
            return EXIT_FAILURE;
    }
    free(writer);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "mix") == 0)
        return write_mix(argv[2], (size_t)atoi(argv[3]));
    if (argc == 3 && atoi(argv[1]) >= DEFLATE_LEVEL_MIN && atoi(argv[1]) <= DEFLATE_LEVEL_MAX)
        return compress(atoi(argv[1]), fopen(argv[2], "re"));
    return EXIT_FAILURE;
}
