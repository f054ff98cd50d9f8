/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/backtrace.c - who called whom, by name. Nothing chains the frames on the stack:
 * a register for that would be a fortieth of an image. How large each function's frame is stands
 * with its name in the table that rung-image (tool/) has put behind the image, see names.h. */
#include "xen/boot/image.h"
#include "xen/boot/names.h"
#include "xen/boot/trap.h"

#include <stdbool.h>
#include <stddef.h>

#define BACKTRACE_LINES 24u
#define BACKTRACE_GUESSES 8u

/* rung-image writes the size here, in the file. */
const volatile uint32_t rung_xen_symbols_size = 0;

static bool backtrace_is_code(uint64_t address)
{
    return address >= (uintptr_t)rung_xen_code && address < (uintptr_t)rung_xen_code_end;
}

/* The function that an address lies in. */
static bool backtrace_name(uint64_t address, struct rung_xen_name *name)
{
    const uint8_t *table = (const uint8_t *)rung_xen_image_end;
    return backtrace_is_code(address)
           && rung_xen_names_find(table, rung_xen_symbols_size,
                                  address - (uintptr_t)rung_xen_code, name);
}

void rung_xen_print_symbol(uint64_t address)
{
    struct rung_xen_name name;
    rung_xen_print("0x");
    rung_xen_print_hex(address, 1);
    if (!backtrace_name(address, &name))
        return;
    rung_xen_print(" ");
    rung_xen_print(name.text);
    rung_xen_print("+0x");
    rung_xen_print_hex(address - (uintptr_t)rung_xen_code - name.place, 1);
}

static bool backtrace_on(uint64_t pointer, const char *start, const char *end)
{
    return pointer % sizeof(uint64_t) == 0 && pointer >= (uintptr_t)start
           && pointer <= (uintptr_t)end - sizeof(uint64_t);
}

/* The word at an address of either stack; NULL elsewhere. */
static const uint64_t *backtrace_word(uint64_t pointer)
{
    if (!backtrace_on(pointer, rung_xen_stack, rung_xen_stack_end)
        && !backtrace_on(pointer, rung_xen_fault_stack, rung_xen_fault_stack_end))
        return NULL;
    return (const uint64_t *)(uintptr_t)pointer;
}

static void backtrace_line(uint64_t return_address)
{
    rung_xen_print("    ");
    rung_xen_print_symbol(return_address - 1); /* the call, not what stands behind it */
    rung_xen_print("\n");
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

/* The first word from an address of the stack on that looks like a return address. */
static const uint64_t *backtrace_search(uint64_t pointer)
{
    const uint64_t *at;
    for (; (at = backtrace_word(pointer)) != NULL; pointer += sizeof(*at))
        if (backtrace_after_call(*at))
            return at;
    return NULL;
}

/* For a stack that has been written over: what else on it looks like a return address. */
static void backtrace_guess(uint64_t pointer)
{
    const uint64_t *at;
    rung_xen_print("  the frames are damaged; perhaps from\n");
    for (unsigned i = 0; i < BACKTRACE_GUESSES && (at = backtrace_search(pointer)) != NULL; i++) {
        backtrace_line(*at);
        pointer = (uintptr_t)(at + 1);
    }
}

/* A recursion that has filled the stack is shown as one line: who began it is what counts. */
void rung_xen_print_backtrace(uint64_t program_counter, uint64_t stack_pointer)
{
    struct rung_xen_name name = {.frame = 0};
    bool known = backtrace_name(program_counter, &name) && name.frame > 0;
    const uint64_t *at = known ? backtrace_word(stack_pointer + name.frame - sizeof(*at)) : NULL;
    if (!at || !backtrace_after_call(*at)) /* as its frame is not there yet, or no more */
        at = backtrace_search(stack_pointer);
    rung_xen_print("  called from\n");
    for (unsigned i = 0; i < BACKTRACE_LINES && at && backtrace_after_call(*at); i++) {
        uint64_t from = *at, again = 0;
        backtrace_line(from);
        known = backtrace_name(from - 1, &name) && name.frame > 0;
        do {
            stack_pointer = (uintptr_t)(at + 1);
            at = known ? backtrace_word(stack_pointer + name.frame - sizeof(*at)) : NULL;
        } while (at && *at == from && ++again > 0);
        if (again > 0) {
            rung_xen_print("    ... the same ");
            rung_xen_print_number(again);
            rung_xen_print(" times more\n");
        }
    }
    if (!(at && backtrace_after_call(*at)) && backtrace_word(stack_pointer))
        backtrace_guess(stack_pointer); /* which is not where the stack begins */
}
