/* SPDX-License-Identifier: ISC */
/* test/rung-kv/flips.c - kvlog-flips RUNG-KV STORE COUNT: changes one byte of the store at a time,
 * at places of chance, and asks `rung-kv check`: it must complain where the byte means something,
 * and only there. Where the first superblock changes, and so on, is not left to chance: the first
 * and last byte of each stretch are among them. The store is as before when it ends. */
#include "flips.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static uint64_t flips_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 (Steele, Lea, Flood 2014) */
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

struct flips {
    FILE *file;
    char command[4096];
    uint8_t *bytes, *used;
    size_t len;
    unsigned found, harmless, wrong;
};

static int flips_put(struct flips *f, size_t at, uint8_t byte)
{
    return fseek(f->file, (long)at, SEEK_SET) == 0 && fputc(byte, f->file) == byte
           && fflush(f->file) == 0;
}

/* Changes a byte, checks, and changes it back. */
static int flips_one(struct flips *f, size_t at, uint8_t change)
{
    if (!flips_put(f, at, f->bytes[at] ^ change))
        return 0;
    int status = system(f->command);
    int complained = WIFEXITED(status) && WEXITSTATUS(status) == 1;
    int sound = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (f->used[at] ? complained : sound) {
        f->found += f->used[at];
        f->harmless += !f->used[at];
    } else {
        printf("byte %zu (%s) ^ 0x%02x: check ended with %d\n", at,
               f->used[at] ? "means something" : "means nothing", change, status);
        f->wrong++;
    }
    return flips_put(f, at, f->bytes[at]);
}

static int flips_open(struct flips *f, const char *path)
{
    f->file = fopen(path, "r+b");
    if (!f->file || fseek(f->file, 0, SEEK_END) != 0)
        return 0;
    f->len = (size_t)ftell(f->file);
    f->bytes = malloc(f->len + 1);
    f->used = malloc(f->len + 1);
    rewind(f->file);
    return f->bytes && f->used && fread(f->bytes, 1, f->len, f->file) == f->len
           && flips_map(f->bytes, f->len, f->used);
}

int main(int argc, char **argv)
{
    static struct flips f;
    const char *seed = getenv("RUNG_TEST_SEED");
    uint64_t state = seed ? strtoull(seed, NULL, 0) : 5;
    size_t stretches = 0, meaning = 0;
    if (argc != 4)
        return 64;
    if (!flips_open(&f, argv[2])) {
        fprintf(stderr, "kvlog-flips: %s is no store that was closed\n", argv[2]);
        return 1;
    }
    snprintf(f.command, sizeof(f.command), "'%s' check '%s' >/dev/null 2>&1", argv[1], argv[2]);
    printf("seed: RUNG_TEST_SEED=%#llx\n", (unsigned long long)state);
    int good = 1;
    for (size_t i = 0; good && i < f.len; i++) {
        meaning += f.used[i];
        if (i == 0 || f.used[i] == f.used[i - 1])
            continue;
        if (++stretches <= 20) /* the last byte of one stretch, the first of the next */
            good = flips_one(&f, i - 1, 0x80) && flips_one(&f, i, 1);
    }
    for (long n = atol(argv[3]); good && n > 0; n--) {
        size_t at = flips_random(&state) % f.len;
        while (n % 4 && !f.used[at]) /* three of four where it matters */
            at = flips_random(&state) % f.len;
        good = flips_one(&f, at, (uint8_t)(1 + flips_random(&state) % 255));
    }
    printf("%zu of %zu bytes mean something; %u changes found, %u harmless, %u wrong\n", meaning,
           f.len,
           f.found, f.harmless, f.wrong);
    fclose(f.file);
    free(f.bytes);
    free(f.used);
    return !good || f.wrong || !f.found || !f.harmless;
}
