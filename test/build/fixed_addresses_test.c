/* SPDX-License-Identifier: ISC */
/* test/build/fixed_addresses_test.c - an address that is fixed at build time is the one that the
 * program would have read from its words, and what the one reader refuses the other does too. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "rung/addr.h"

#include "boot.h"

static const struct row {
    const char *text;
    enum rung_key_type type;
    bool fits; /* says CMake */
    union {
        struct rung_addr addr;
        struct rung_cidr cidr;
    } fixed;
} rows[] = {
#include "fixed_addresses.inc"
};

static void test_both_readers_agree(void **state)
{
    (void)state;
    size_t good = 0;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        const struct rung_boot_key key = {"a", row->type, true, 0, NULL, NULL, "Under test"};
        struct rung_cidr cidr = {0};
        void *member = row->type == RUNG_KEY_CIDR ? (void *)&cidr : (void *)&cidr.addr;
        const char *what;
        bool fits = rung_boot_value(&key, row->text, member, &what) == RUNG_OK;
        if (fits != row->fits)
            fail_msg("'%s', %s: CMake says %d, the program %d", row->text,
                     row->type == RUNG_KEY_CIDR ? "cidr" : "addr", row->fits, fits);
        good += fits;
        const struct rung_addr *addr =
            row->type == RUNG_KEY_CIDR ? &row->fixed.cidr.addr : &row->fixed.addr;
        if (fits && (!rung_addr_equal(addr, &cidr.addr)
                     || (row->type == RUNG_KEY_CIDR && row->fixed.cidr.prefix != cidr.prefix)))
            fail_msg("'%s': CMake reads another address than the program", row->text);
    }
    assert_true(good >= 20 && good < RUNG_ARRAY_LEN(rows) - 20); /* neither says the same to all */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_both_readers_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
