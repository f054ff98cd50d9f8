/* SPDX-License-Identifier: ISC */
/* backends/xen/entropy_test.c - what the generator of random bytes accepts as a seed, and when it
 * asks for another; on a processor that does as it is told. */
#include "xen/entropy_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define MIB ((size_t)1 << 20)
#define DRAW 32u

static void draw(uint8_t bytes[DRAW])
{
    rung_entropy_fill(NULL, bytes, DRAW);
}

static void assert_starts(enum fake_source rdseed, enum fake_source rdrand, unsigned warnings)
{
    struct fake_cpu fake;
    uint8_t a[DRAW], b[DRAW];
    fake_cpu_init(&fake, rdseed, rdrand, FAKE_STEADY, 1);
    assert_int_equal(fake_cpu_start(&fake, false), RUNG_OK);
    assert_int_equal(test_entropy.lines[RUNG_LOG_WARN], warnings);
    assert_int_equal(test_entropy.lines[RUNG_LOG_ERROR], 0);
    draw(a);
    draw(b);
    assert_memory_not_equal(a, b, DRAW);
}

static void assert_refused(enum fake_source rdseed, enum fake_source rdrand, enum fake_clock clock,
                           bool allow_jitter, const char *says)
{
    struct fake_cpu fake;
    uint8_t a[DRAW];
    fake_cpu_init(&fake, rdseed, rdrand, clock, 1);
    assert_int_equal(fake_cpu_start(&fake, allow_jitter), RUNG_E_NOTSUP);
    assert_int_equal(test_entropy.lines[RUNG_LOG_ERROR], 1);
    assert_non_null(strstr(test_entropy.last, says));
    expect_assert_failure(draw(a));
    assert_int_equal(test_entropy.crashes, 1);
}

static void test_starts_with_either(void **state)
{
    (void)state;
    assert_starts(FAKE_GOOD, FAKE_GOOD, 0);
    assert_starts(FAKE_ABSENT, FAKE_GOOD, 0);
    assert_starts(FAKE_GOOD, FAKE_ABSENT, 0);
    assert_starts(FAKE_SLOW, FAKE_SLOW, 0);
    assert_starts(FAKE_CONSTANT, FAKE_GOOD, 1);
    assert_starts(FAKE_GOOD, FAKE_NEVER_READY, 1);
}

static void test_refuses_broken_processors(void **state)
{
    static const enum fake_source broken[] = {
        FAKE_ABSENT, FAKE_CONSTANT, FAKE_ONES, FAKE_ZEROS, FAKE_TWO_BY_TURNS, FAKE_COUNTER,
        FAKE_NEVER_READY,
    };
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(broken); i++) {
        assert_refused(broken[i], FAKE_ABSENT, FAKE_JITTERS, false, "xen.entropy=jitter");
        assert_refused(FAKE_ABSENT, broken[i], FAKE_JITTERS, false, "xen.entropy=jitter");
        assert_refused(broken[i], broken[i], FAKE_JITTERS, false, "xen.entropy=jitter");
    }
}

static void test_jitter_alone_if_allowed(void **state)
{
    struct fake_cpu fake;
    uint8_t a[DRAW], b[DRAW];
    (void)state;
    fake_cpu_init(&fake, FAKE_ABSENT, FAKE_CONSTANT, FAKE_JITTERS, 1);
    assert_int_equal(fake_cpu_start(&fake, true), RUNG_OK);
    assert_int_equal(test_entropy.lines[RUNG_LOG_WARN], 2); /* RDRAND fails; jitter alone */
    assert_non_null(strstr(test_entropy.last, "jitter"));
    draw(a);
    fake_cpu_init(&fake, FAKE_ABSENT, FAKE_ABSENT, FAKE_JITTERS, 2);
    assert_int_equal(fake_cpu_start(&fake, true), RUNG_OK);
    draw(b);
    assert_memory_not_equal(a, b, DRAW);
}

static void test_refuses_clocks_that_do_not_jitter(void **state)
{
    static const enum fake_clock clocks[] = {FAKE_STANDS, FAKE_STEADY, FAKE_TICK_TOCK, FAKE_MOSTLY};
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(clocks); i++)
        assert_refused(FAKE_ABSENT, FAKE_ABSENT, clocks[i], true, "does not jitter");
}

/* What comes out follows from what goes in: from each of the sources, and from nothing else. */
static void test_every_source_counts(void **state)
{
    uint8_t first[DRAW], again[DRAW];
    struct fake_cpu fake;
    (void)state;
    fake_cpu_init(&fake, FAKE_GOOD, FAKE_GOOD, FAKE_JITTERS, 1);
    assert_int_equal(fake_cpu_start(&fake, false), RUNG_OK);
    draw(first);
    for (unsigned source = 0; source <= 3; source++) {
        fake_cpu_init(&fake, FAKE_GOOD, FAKE_GOOD, FAKE_JITTERS, 1);
        if (source < 3)
            fake.random[source] ^= 1;
        assert_int_equal(fake_cpu_start(&fake, false), RUNG_OK);
        draw(again);
        assert_int_equal(memcmp(first, again, DRAW) == 0, source == 3);
    }
}

static void test_new_seed_after_a_mebibyte_and_some_minutes(void **state)
{
    static uint8_t bulk[MIB];
    struct fake_cpu fake;
    uint8_t byte;
    unsigned asked;
    (void)state;
    fake_cpu_init(&fake, FAKE_ABSENT, FAKE_GOOD, FAKE_STEADY, 1);
    assert_int_equal(fake_cpu_start(&fake, false), RUNG_OK);
    asked = fake.asked[1];
    rung_entropy_fill(NULL, bulk, MIB);
    assert_int_equal(fake.asked[1], asked);
    rung_entropy_fill(NULL, &byte, 1);
    assert_int_equal(fake.asked[1], asked + 8);
    rung_entropy_fill(NULL, &byte, 1);
    assert_int_equal(fake.asked[1], asked + 8);
    fake.skew = (uint64_t)1 << 40;
    rung_entropy_fill(NULL, &byte, 1);
    assert_int_equal(fake.asked[1], asked + 16);
    assert_int_equal(rung_xen_entropy_reseed(&test_entropy.generator), RUNG_OK);
    assert_int_equal(fake.asked[1], asked + 24);
}

/* A guest that was saved once and resumed twice: the same state, another seed. */
static void test_reseed_parts_twins(void **state)
{
    struct rung_xen_entropy saved;
    uint8_t a[DRAW], b[DRAW];
    struct fake_cpu fake;
    (void)state;
    fake_cpu_init(&fake, FAKE_ABSENT, FAKE_GOOD, FAKE_STEADY, 1);
    assert_int_equal(fake_cpu_start(&fake, false), RUNG_OK);
    saved = test_entropy.generator;
    assert_int_equal(rung_xen_entropy_reseed(&test_entropy.generator), RUNG_OK);
    draw(a);
    test_entropy.generator = saved;
    assert_int_equal(rung_xen_entropy_reseed(&test_entropy.generator), RUNG_OK);
    draw(b);
    assert_memory_not_equal(a, b, DRAW);
}

/* The generator goes on from the seed that it has; after a resume that would not do. */
static void test_processor_that_breaks_later(void **state)
{
    static uint8_t bulk[2 * MIB];
    struct fake_cpu fake;
    uint8_t a[DRAW];
    (void)state;
    fake_cpu_init(&fake, FAKE_ABSENT, FAKE_GOOD, FAKE_JITTERS, 1);
    assert_int_equal(fake_cpu_start(&fake, false), RUNG_OK);
    fake.rdrand = FAKE_ONES;
    rung_entropy_fill(NULL, bulk, sizeof(bulk));
    rung_entropy_fill(NULL, bulk, sizeof(bulk));
    assert_int_equal(test_entropy.lines[RUNG_LOG_WARN], 1);
    assert_int_equal(rung_xen_entropy_reseed(&test_entropy.generator), RUNG_E_NOTSUP);
    assert_int_equal(test_entropy.lines[RUNG_LOG_ERROR], 1);
    expect_assert_failure(draw(a));

    fake_cpu_init(&fake, FAKE_ABSENT, FAKE_GOOD, FAKE_JITTERS, 1);
    assert_int_equal(fake_cpu_start(&fake, true), RUNG_OK);
    fake.rdrand = FAKE_ONES;
    assert_int_equal(rung_xen_entropy_reseed(&test_entropy.generator), RUNG_OK);
    draw(a);
}

static void test_fills_exactly(void **state)
{
    static uint8_t bytes[3 * 65536 + 3];
    static const size_t lens[] = {0, 1, 31, 32, 33, 65536, 65537, 3 * 65536 + 1};
    struct fake_cpu fake;
    (void)state;
    fake_cpu_init(&fake, FAKE_ABSENT, FAKE_GOOD, FAKE_STEADY, 1);
    assert_int_equal(fake_cpu_start(&fake, false), RUNG_OK);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(lens); i++) {
        unsigned ones = 0;
        memset(bytes, 0, sizeof(bytes));
        rung_entropy_fill(NULL, bytes + 1, lens[i]);
        assert_int_equal(bytes[0], 0);
        assert_int_equal(bytes[lens[i] + 1], 0);
        for (size_t k = 1; k <= lens[i]; k++)
            ones += (unsigned)__builtin_popcount(bytes[k]);
        if (lens[i] >= 65536) /* half of them, within 10 sigma */
            assert_in_range(ones, lens[i] * 4 - 10 * 627, lens[i] * 4 + 10 * 627);
    }
}

/* BearSSL's own known answer (test/test_crypto.c): what we compiled is HMAC-DRBG. */
static void test_known_answer(void **state)
{
    static const uint8_t seed[42] = {
        0x00, 0x9a, 0x4d, 0x67, 0x92, 0x29, 0x5a, 0x7f, 0x73, 0x0f, 0xc3, 0xf2, 0xb4, 0x9c,
        0xbc, 0x0f, 0x62, 0xe8, 0x62, 0x27, 0x2f, 0x01, 0x79, 0x5e, 0xdf, 0x0d, 0x54, 0xdb,
        0x76, 0x0f, 0x15, 0x6d, 0x0d, 0xac, 0x04, 0xc0, 0x32, 0x2b, 0x3a, 0x20, 0x42, 0x24,
    };
    static const uint8_t expected[30] = {
        0x93, 0x05, 0xa4, 0x6d, 0xe7, 0xff, 0x8e, 0xb1, 0x07, 0x19, 0x4d, 0xeb, 0xd3, 0xfd, 0x48,
        0xaa, 0x20, 0xd5, 0xe7, 0x65, 0x6c, 0xbe, 0x0e, 0xa6, 0x9d, 0x2a, 0x8d, 0x4e, 0x7c, 0x67,
    };
    br_hmac_drbg_context drbg;
    uint8_t got[30];
    (void)state;
    br_hmac_drbg_init(&drbg, &br_sha256_vtable, seed, sizeof(seed));
    br_hmac_drbg_generate(&drbg, got, sizeof(got));
    assert_memory_equal(got, expected, sizeof(got));
}

/* The machine that the test runs on; without RDRAND its clock must do. */
static void test_this_processor(void **state)
{
    const struct rung_xen_cpu *here = &rung_xen_cpu_here;
    struct fake_cpu fake;
    uint8_t a[DRAW], b[DRAW];
    uint64_t before = here->ticks(here->arg);
    (void)state;
    fake_cpu_init(&fake, FAKE_ABSENT, FAKE_ABSENT, FAKE_STANDS, 1);
    fake.cpu = *here;
    assert_int_equal(fake_cpu_start(&fake, true), RUNG_OK);
    draw(a);
    draw(b);
    assert_memory_not_equal(a, b, DRAW);
    assert_true(here->ticks(here->arg) > before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_starts_with_either),
        cmocka_unit_test(test_refuses_broken_processors),
        cmocka_unit_test(test_jitter_alone_if_allowed),
        cmocka_unit_test(test_refuses_clocks_that_do_not_jitter),
        cmocka_unit_test(test_every_source_counts),
        cmocka_unit_test(test_new_seed_after_a_mebibyte_and_some_minutes),
        cmocka_unit_test(test_reseed_parts_twins),
        cmocka_unit_test(test_processor_that_breaks_later),
        cmocka_unit_test(test_fills_exactly),
        cmocka_unit_test(test_known_answer),
        cmocka_unit_test(test_this_processor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
