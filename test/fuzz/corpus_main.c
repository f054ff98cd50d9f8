/* SPDX-License-Identifier: ISC */
/* test/fuzz/corpus_main.c - runs a fuzz target over the files of a folder, without a fuzzer: each
 * as it is, and cut short at every length, or a long one at some thousands. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int corpus_run(const char *path)
{
    uint8_t bytes[65536];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    size_t step = 1 + size / 4096;
    for (size_t len = size % step; len <= size; len += step) {
        uint8_t *copy = malloc(len + 1); /* of its exact length, for the sanitizer */
        if (copy == NULL)
            return 1;
        memcpy(copy + 1, bytes, len);
        LLVMFuzzerTestOneInput(copy + 1, len);
        free(copy);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int count = 0, failed = 0;
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 64;
    }
    DIR *dir = opendir(argv[1]);
    if (dir == NULL) {
        perror(argv[1]);
        return 1;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        printf("%s\n", entry->d_name);
        fflush(stdout); /* so that the last line names what crashed */
        failed += corpus_run(path);
        count++;
    }
    closedir(dir);
    printf("%d files\n", count);
    return failed > 0 || count == 0;
}
