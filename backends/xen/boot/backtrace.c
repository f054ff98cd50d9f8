/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/backtrace.c - who called whom, by name. Frames are chained through rbp (all
 * code here is compiled with frame pointers). The names are a table that rung-image (tool/) has
 * put behind the image: for each function, in the order of addresses, the distance from the one
 * before (base-128, least significant first), how many characters its name has in common with the
 * one before (a byte), the rest of the name, and a zero. */
#include "xen/boot/image.h"
#include "xen/boot/trap.h"

#include <stdbool.h>
#include <stddef.h>

#define BACKTRACE_LINES 24u
#define BACKTRACE_GUESSES 8u
#define BACKTRACE_NAME 64u /* rung-image cuts names to this, the zero included */

/* rung-image writes the size here, in the file. */
const volatile uint32_t rung_xen_symbols_size = 0;

struct backtrace_symbol {
    char name[BACKTRACE_NAME];
    uint64_t address;
};

/* Reads the next symbol, which builds on the one before. False: the table has ended. */
static bool backtrace_next(const uint8_t **at, const uint8_t *end, struct backtrace_symbol *symbol)
{
    const uint8_t *p = *at;
    uint64_t distance = 0;
    unsigned shift = 0, n;
    bool more = true;
    for (; more && p < end && shift < 64; shift += 7) {
        distance |= (uint64_t)(*p & 0x7f) << shift;
        more = *p++ & 0x80;
    }
    if (more || p == end)
        return false;
    for (n = *p++; p < end && *p && n < BACKTRACE_NAME - 1; n++)
        symbol->name[n] = (char)*p++;
    if (p == end || *p || n >= BACKTRACE_NAME)
        return false;
    symbol->name[n] = '\0';
    symbol->address += distance;
    *at = p + 1;
    return true;
}

static bool backtrace_is_code(uint64_t address)
{
    return address >= (uintptr_t)rung_xen_code && address < (uintptr_t)rung_xen_code_end;
}

void rung_xen_print_symbol(uint64_t address)
{
    const uint8_t *at = (const uint8_t *)rung_xen_image_end;
    const uint8_t *end = at + rung_xen_symbols_size;
    struct backtrace_symbol next = {.address = (uintptr_t)rung_xen_code}, found = {.name = ""};
    rung_xen_print("0x");
    rung_xen_print_hex(address, 1);
    if (!backtrace_is_code(address))
        return;
    while (backtrace_next(&at, end, &next) && next.address <= address)
        found = next;
    if (!found.name[0])
        return;
    rung_xen_print(" ");
    rung_xen_print(found.name);
    rung_xen_print("+0x");
    rung_xen_print_hex(address - found.address, 1);
}

static bool backtrace_on(uint64_t pointer, uint64_t bytes, const char *start, const char *end)
{
    return pointer % sizeof(uint64_t) == 0 && pointer >= (uintptr_t)start
           && pointer <= (uintptr_t)end - bytes;
}

/* The words at an address of either stack; NULL elsewhere. */
static const uint64_t *backtrace_words(uint64_t pointer, unsigned count)
{
    uint64_t bytes = count * sizeof(uint64_t);
    if (!backtrace_on(pointer, bytes, rung_xen_stack, rung_xen_stack_end)
        && !backtrace_on(pointer, bytes, rung_xen_fault_stack, rung_xen_fault_stack_end))
        return NULL;
    return (const uint64_t *)(uintptr_t)pointer;
}

static void backtrace_line(uint64_t return_address)
{
    rung_xen_print("    ");
    rung_xen_print_symbol(return_address - 1); /* the call, not what stands behind it */
    rung_xen_print("\n");
}

/* The frame of the caller, which lies higher; NULL: there is none. */
static const uint64_t *backtrace_up(const uint64_t *frame)
{
    return frame[0] > (uintptr_t)frame ? backtrace_words(frame[0], 2) : NULL;
}

/* Whether a call stands in front of an address, as in front of every return address. */
static bool backtrace_after_call(uint64_t address)
{
    const uint8_t *p = (const uint8_t *)(uintptr_t)address;
    if (!backtrace_is_code(address) || !backtrace_is_code(address - 7))
        return false;
    if (p[-5] == 0xe8) /* to a fixed place */
        return true;
    for (unsigned n = 2; n <= 7; n++) /* through a register, or through memory */
        if (p[-(int)n] == 0xff && (p[1 - (int)n] & 0x38) == 0x10)
            return true;
    return false;
}

/* For a stack whose chain of frames has been written over: what else on it looks like a return
 * address. */
static void backtrace_guess(const uint64_t *at)
{
    unsigned lines = 0;
    rung_xen_print("  the frames are damaged; perhaps from\n");
    for (; lines < BACKTRACE_GUESSES && backtrace_words((uintptr_t)at, 1); at++) {
        if (!backtrace_after_call(*at))
            continue;
        backtrace_line(*at);
        lines++;
    }
}

/* A recursion that has filled the stack is shown as one line: who began it is what counts. */
void rung_xen_print_backtrace(uint64_t frame_pointer, uint64_t stack_pointer)
{
    const uint64_t *frame = backtrace_words(frame_pointer, 2);
    const uint64_t *top = backtrace_words(stack_pointer, 1);
    const uint64_t *last = frame ? frame : top;
    rung_xen_print("  called from\n");
    if (top && backtrace_is_code(*top) && (!frame || frame[1] != *top))
        backtrace_line(*top);
    for (unsigned i = 0; i < BACKTRACE_LINES && frame; i++) {
        uint64_t from = frame[1], again = 0;
        backtrace_line(from);
        while (last = frame, (frame = backtrace_up(frame)) != NULL && frame[1] == from)
            again++;
        if (again > 0) {
            rung_xen_print("    ... the same ");
            rung_xen_print_number(again);
            rung_xen_print(" times more\n");
        }
    }
    if (!frame && last && last[0] != 0) /* entry.S ends the chain with 0 */
        backtrace_guess(last);
}
