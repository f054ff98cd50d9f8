/* SPDX-License-Identifier: ISC */
/* backends/unix/entropy.c - entropy.h on getrandom(), or /dev/urandom where a kernel lacks it. */
#include <stdio.h>
#include <stdlib.h>

#include "rung/entropy.h"
#include "unix/ground.h"

#define ENTROPY_CHUNK ((size_t)1 << 30) /* uv_random() takes less than 2^31 bytes at once */

static int entropy_get(unsigned char *buf, size_t len)
{
    int err = 0;
    while (len > 0 && !err) {
        size_t n = len < ENTROPY_CHUNK ? len : ENTROPY_CHUNK;
        err = uv_random(NULL, NULL, buf, n, 0, NULL);
        buf += n;
        len -= n;
    }
    return err;
}

int rung_unix_entropy_check(void)
{
    unsigned char byte;
    return entropy_get(&byte, 1);
}

void rung_entropy_fill(struct rung_platform *p, void *buf, size_t len)
{
    (void)p;
    int err = entropy_get(buf, len);
    if (err) { /* it worked at start; going on with guessable keys would be worse than ending */
        fprintf(stderr, "error: unix: no random numbers any more: %s\n", uv_strerror(err));
        abort();
    }
}
