/* SPDX-License-Identifier: ISC */
/* test/xen-guest/process.c - what cmocka and the suites call of an ordinary C library, and images
 * have no use for: memory from the image's heap, words of the command line for the environment; no
 * signals; for files, those of crunch-content, one at a time and to be read whole. */
#include "guest.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crunch_image.h"
#include "xen/libc/mallocng.h"

extern const struct rung_crunch_image rung_crunch_image_contract;

static const struct rung_crunch_entry *process_file; /* that is open */

void *malloc(size_t size)
{
    return rung_xen_mallocng_alloc(size ? size : 1);
}

void *calloc(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    void *block = malloc(count * size);
    if (block && count * size)
        memset(block, 0, count * size);
    return block;
}

int posix_memalign(void **block, size_t align, size_t size)
{
    *block = rung_xen_mallocng_alloc_aligned(align, size ? size : 1);
    return *block ? 0 : ENOMEM;
}

void free(void *block)
{
    rung_xen_mallocng_free(block);
}

size_t malloc_usable_size(void *block); /* musl's */

void *realloc(void *block, size_t size)
{
    void *fresh = malloc(size);
    if (fresh && block) {
        size_t old = malloc_usable_size(block);
        memcpy(fresh, block, old < size ? old : size);
        free(block);
    }
    return fresh;
}

char *strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

char *getenv(const char *name)
{
    return (char *)(uintptr_t)guest_environment(name);
}

_Noreturn void exit(int status)
{
    guest_exit(status);
}

void (*signal(int number, void (*handler)(int)))(int)
{
    (void)number;
    (void)handler;
    return SIG_DFL;
}

FILE *fopen(const char *path, const char *how)
{
    static const char folder[] = RUNG_TEST_SOURCE_DIR "/contract/kv/crunch-content/";
    const struct rung_crunch_image *image = &rung_crunch_image_contract;
    (void)how;
    process_file = NULL;
    if (strncmp(path, folder, sizeof(folder) - 1) != 0)
        return NULL;
    for (size_t i = 0; i < image->count && !process_file; i++)
        if (strcmp(image->entries[i].key, path + sizeof(folder) - 1) == 0)
            process_file = &image->entries[i];
    return (FILE *)(uintptr_t)process_file;
}

size_t fread(void *to, size_t size, size_t count, FILE *file)
{
    size_t len = process_file->plain.size < size * count ? process_file->plain.size : size * count;
    (void)file;
    if (len > 0)
        memcpy(to, process_file->plain.data, len);
    return len / size;
}

int fclose(FILE *file)
{
    (void)file;
    return 0;
}

/* For values that are compressed, which stores that are written to do not have. */
int mkstemp(char *name)
{
    (void)name;
    return -1;
}

FILE *fdopen(int number, const char *how)
{
    (void)number;
    (void)how;
    return NULL;
}

FILE *popen(const char *command, const char *how)
{
    (void)command;
    (void)how;
    return NULL;
}

int pclose(FILE *file)
{
    (void)file;
    return -1;
}

int remove(const char *name)
{
    (void)name;
    return -1;
}
