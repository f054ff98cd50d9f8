/* SPDX-License-Identifier: ISC */
/* backends/xen/entropy_testing.c - see entropy_testing.h; with the log and the crash of a platform
 * that has nothing else. */
#include "xen/entropy_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/platform.h"
#include "xen/libc/libc.h"

struct test_entropy test_entropy;
static struct rung_platform platform;

void rung_log(struct rung_platform *p, enum rung_log_level level, const char *who, const char *fmt,
              ...)
{
    va_list args;
    assert_ptr_equal(p, &platform);
    assert_string_equal(who, "entropy");
    test_entropy.lines[level]++;
    va_start(args, fmt);
    vsnprintf(test_entropy.last, sizeof(test_entropy.last), fmt, args);
    va_end(args);
    print_message("log: %s\n", test_entropy.last);
}

void rung_xen_crash(const char *reason)
{
    print_message("crash: %s\n", reason);
    test_entropy.crashes++;
    mock_assert(0, reason, __FILE__, __LINE__); /* to expect_assert_failure() */
    __builtin_trap();
}

struct rung_xen_entropy *rung_xen_entropy_of(struct rung_platform *p)
{
    (void)p;
    return &test_entropy.generator;
}

static uint64_t fake_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static unsigned fake_features(void *arg)
{
    const struct fake_cpu *fake = arg;
    return (fake->rdrand != FAKE_ABSENT ? RUNG_XEN_CPU_RDRAND : 0u)
           | (fake->rdseed != FAKE_ABSENT ? RUNG_XEN_CPU_RDSEED : 0u);
}

static bool fake_value(struct fake_cpu *fake, unsigned i, enum fake_source source, uint64_t *value)
{
    unsigned n = ++fake->asked[i];
    switch (source) {
    case FAKE_ABSENT:
        fail_msg("an instruction that this processor does not have");
        return false;
    case FAKE_GOOD:
        *value = fake_random(&fake->random[i]);
        return true;
    case FAKE_CONSTANT:
        *value = UINT64_C(0x123456789abcdef);
        return true;
    case FAKE_ONES:
        *value = UINT64_MAX;
        return true;
    case FAKE_ZEROS:
        *value = 0;
        return true;
    case FAKE_TWO_BY_TURNS:
        *value = n % 2 ? UINT64_C(0x5a5a5a5a5a5a5a5a) : UINT64_C(0xa5a5a5a5a5a5a5a5);
        return true;
    case FAKE_COUNTER:
        *value = n;
        return true;
    case FAKE_NEVER_READY:
        return false;
    case FAKE_SLOW:
        *value = n % 10 ? 0 : fake_random(&fake->random[i]);
        return n % 10 == 0;
    }
    return false;
}

static bool fake_rdseed(void *arg, uint64_t *value)
{
    struct fake_cpu *fake = arg;
    return fake_value(fake, 0, fake->rdseed, value);
}

static bool fake_rdrand(void *arg, uint64_t *value)
{
    struct fake_cpu *fake = arg;
    return fake_value(fake, 1, fake->rdrand, value);
}

static uint64_t fake_ticks(void *arg)
{
    struct fake_cpu *fake = arg;
    switch (fake->clock) {
    case FAKE_JITTERS:
        fake->ticks += 80 + fake_random(&fake->random[2]) % 40;
        break;
    case FAKE_STANDS:
        break;
    case FAKE_STEADY:
        fake->ticks += 100;
        break;
    case FAKE_TICK_TOCK:
        fake->ticks += fake->ticks & 1 ? 101 : 99;
        break;
    case FAKE_MOSTLY: /* one sample in forty differs */
        fake->ticks += ++fake->calls % 80 == 0 ? 100 + fake_random(&fake->random[2]) % 64 : 100;
        break;
    }
    return fake->ticks + fake->skew;
}

void fake_cpu_init(struct fake_cpu *fake, enum fake_source rdseed, enum fake_source rdrand,
                   enum fake_clock clock, uint64_t seed)
{
    memset(&test_entropy, 0, sizeof(test_entropy));
    *fake = (struct fake_cpu){
        .cpu = {fake_features, fake_rdrand, fake_rdseed, fake_ticks, fake},
        .rdseed = rdseed, .rdrand = rdrand, .clock = clock,
        .random = {seed, seed + 1, seed + 2},
    };
}

enum rung_err fake_cpu_start(struct fake_cpu *fake, bool allow_jitter)
{
    return rung_xen_entropy_start(&test_entropy.generator, &platform, &fake->cpu, allow_jitter);
}
