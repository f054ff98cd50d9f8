/* SPDX-License-Identifier: ISC */
/* test/kvd/kvd_table_test.c - the hash of keys: as its paper has it, and no two collide that a
 * client can choose. */
#include "kvd_int.h"
#include "kvd_siphash.h"
#include "kvd_rig.h"
#include "test_platform.h"

/* For the key 00 01 .. 0f and the text 00 01 .. : SipHash-2-4's of the paper (15 bytes: its
 * appendix A; the others: the vectors of its authors' code), and SipHash-1-3's as CPython 3.11
 * has it. */
static void test_siphash(void **state)
{
    static const struct { size_t len; uint64_t two_four, one_three; } vectors[] = {
        {0, 0x726fdb47dd0e0e31, 0xabac0158050fc4dc}, {1, 0x74f839c593dc67fd, 0xc9f49bf37d57ca93},
        {7, 0xab0200f58b01d137, 0xd3927d989bb11140}, {8, 0x93f5f5799a932462, 0x369095118d299a8e},
        {15, 0xa129ca6149be45e5, 0xd320d86d2a519956}, {16, 0x3f2acc7f57c29bdb, 0xcc4fdd1a7d908b66},
        {17, 0x699ae9f52cbe4794, 0x9cf2689063dbd80c}, {63, 0x958a324ceb064572, 0x9d199062b7bbb3a8},
    };
    static const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    uint8_t text[64];
    (void)state;
    for (unsigned i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)i;
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(vectors); i++) {
        struct kvd_bytes name = {text, vectors[i].len, NULL};
        struct kvd kvd = {.seed = {key[0], key[1]}};
        assert_int_equal(kvd_siphash(key, text, vectors[i].len, 2, 4), vectors[i].two_four);
        assert_int_equal(kvd_siphash(key, text, vectors[i].len, 1, 3), vectors[i].one_three);
        assert_int_equal(kvd_key_hash(&kvd, name), vectors[i].one_three);
    }
}

static int hash_order(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Pairs of words whose differences cancelled in the hash that was there before, whatever the seed:
 * 16 such pairs in a key make 65,536 keys of one hash. */
static void test_collisions(void **state)
{
    enum { KEYS = 4096, PAIRS = 12 };
    static uint64_t hashes[KEYS];
    uint64_t chance = test_seed() | 1;
    struct kvd kvd = {0};
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        kvd.seed[i] = (uint64_t)test_chance(&chance, UINT32_MAX) << 32
                      | test_chance(&chance, UINT32_MAX) | 1;
    for (unsigned i = 0; i < KEYS; i++) {
        uint8_t name[16 * PAIRS] = {0};
        for (unsigned k = 0; k < PAIRS; k++) {
            if ((i >> k & 1) == 0)
                continue;
            name[16 * k + 7] = name[16 * k + 15] = 0x80;
            name[16 * k + 12] = 0x04;
        }
        hashes[i] = kvd_key_hash(&kvd, (struct kvd_bytes){name, sizeof name, NULL});
    }
    qsort(hashes, KEYS, sizeof hashes[0], hash_order);
    for (unsigned i = 1; i < KEYS; i++)
        assert_true(hashes[i - 1] != hashes[i]);
}

#define CASE(name) cmocka_unit_test(test_##name)
static const struct CMUnitTest cases[] = {CASE(siphash), CASE(collisions), {0}};

int main(void)
{
    const struct CMUnitTest *const files[] = {cases};
    return test_run_group("kvd-table", files, 1);
}
