/* SPDX-License-Identifier: ISC */
/* test/xen-guest/guest.c - rung_program() for test programs that know nothing of it. */
#include "guest.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "rung/args.h"
#include "rung/heap.h"
#include "rung/program.h"

#define GUEST_SKIPPED 77 /* as ctest knows it */

int main(void);

static struct {
    jmp_buf way_out;
    const char **words;
    size_t count;
} guest;

_Noreturn void guest_exit(int status)
{
    longjmp(guest.way_out, status + 1);
}

const char *guest_environment(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < guest.count; i++)
        if (strncmp(guest.words[i], name, len) == 0 && guest.words[i][len] == '=')
            return guest.words[i] + len + 1;
    return NULL;
}

/* The words are kept: tests give the platform words of their own. */
static void guest_keep_words(struct rung_platform *p)
{
    guest.count = rung_args_count(p);
    guest.words = guest.count ? rung_alloc(p, guest.count * sizeof(*guest.words)) : NULL;
    for (size_t i = 0; guest.words && i < guest.count; i++)
        guest.words[i] = rung_args_word(p, i);
    if (!guest.words)
        guest.count = 0;
}

int rung_program(struct rung_platform *p)
{
    rung_free(p, rung_alloc(p, 1)); /* malloc()'s pages come from where these did */
    guest_keep_words(p);
    int left = setjmp(guest.way_out);
    int status = left ? left - 1 : main();
    printf("guest: %s\n", status == 0               ? "all tests have passed"
                          : status == GUEST_SKIPPED ? "skipped"
                                                    : "tests have failed");
    fflush(stdout);
    rung_free(p, guest.words);
    return status == GUEST_SKIPPED ? 0 : status;
}
