/* SPDX-License-Identifier: ISC */
/* What no_statics.sh must find: a writable static. */
int rung_test_counter(void);

int rung_test_counter(void)
{
    static int counter;
    return ++counter;
}
