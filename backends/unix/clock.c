/* SPDX-License-Identifier: ISC */
/* backends/unix/clock.c - clock.h on the kernel's clocks; neither call leaves user space. */
#include <time.h>

#include "rung/clock.h"
#include "unix/ground.h"

uint64_t rung_clock_monotonic_ns(struct rung_platform *p)
{
    (void)p;
    return uv_hrtime();
}

uint64_t rung_clock_wall_ns(struct rung_platform *p)
{
    struct timespec now;
    (void)p;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0 || now.tv_sec < 0)
        return 0;
    return (uint64_t)now.tv_sec * RUNG_NS_PER_S + (uint64_t)now.tv_nsec;
}
