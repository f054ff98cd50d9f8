/* SPDX-License-Identifier: ISC */
/* apps/hello/hello.c - the smallest app: no slots, one key. It prints a line and ends. */
#include <string.h>

#include "rung/log.h"

#include "hello_app.h"

int hello_main(struct rung_platform *p, const struct hello_slots *slots)
{
    const char *const words[] = {"hello, ", hello_key_name(&slots->keys), "\n"};
    for (size_t i = 0; i < RUNG_ARRAY_LEN(words); i++)
        rung_console_write(p, words[i], strlen(words[i]));
    return 0;
}
