/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/print.c - words and numbers without the C library, for a guest that is about to
 * end. */
#include "xen/boot/trap.h"
#include "xen/ground.h"

void rung_xen_print(const char *text)
{
    size_t len = 0;
    while (text[len])
        len++;
    rung_xen_console_emergency(text, len);
}

static void print_digits(uint64_t value, unsigned base, unsigned digits)
{
    char text[20];
    unsigned i = sizeof(text);
    do {
        text[--i] = "0123456789abcdef"[value % base];
        value /= base;
    } while (i > 0 && (value > 0 || sizeof(text) - i < digits));
    rung_xen_console_emergency(text + i, sizeof(text) - i);
}

void rung_xen_print_hex(uint64_t value, unsigned digits)
{
    print_digits(value, 16, digits);
}

void rung_xen_print_number(uint64_t value)
{
    print_digits(value, 10, 1);
}
