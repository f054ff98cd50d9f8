/* SPDX-License-Identifier: ISC */
/* backends/xen/entropy_cpu.c - the processor that we run on, for entropy.c. */
#include <cpuid.h>

#include "xen/entropy.h"

#define CPUID_1_ECX_RDRAND (1u << 30)
#define CPUID_7_EBX_RDSEED (1u << 18)

static unsigned here_features(void *arg)
{
    unsigned a, b, c, d, features = 0;
    (void)arg;
    if (__get_cpuid(1, &a, &b, &c, &d) && (c & CPUID_1_ECX_RDRAND))
        features |= RUNG_XEN_CPU_RDRAND;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & CPUID_7_EBX_RDSEED))
        features |= RUNG_XEN_CPU_RDSEED;
    return features;
}

static bool here_rdrand(void *arg, uint64_t *value)
{
    bool good;
    (void)arg;
    __asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(good));
    return good;
}

/* It is dry after some values in a row, and then needs a moment. */
static bool here_rdseed(void *arg, uint64_t *value)
{
    bool good;
    (void)arg;
    __asm__ volatile("rdseed %0" : "=r"(*value), "=@ccc"(good));
    if (!good)
        __asm__ volatile("pause");
    return good;
}

static uint64_t here_ticks(void *arg)
{
    uint32_t low, high;
    (void)arg;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

const struct rung_xen_cpu rung_xen_cpu_here = {
    .features = here_features, .rdrand = here_rdrand, .rdseed = here_rdseed, .ticks = here_ticks,
};
