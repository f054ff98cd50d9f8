/* SPDX-License-Identifier: ISC */
/* test/apps/fault/fault.c - an app that goes wrong in the way that its key names. Each way is a
 * function of its own, so that a backtrace has a name to show, and hides from the compiler what it
 * is about to do. */
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "rung/log.h"

#include "fault_app.h"

#define FAULT __attribute__((noinline))

static const char fault_constant[] = "constants stay as they are";
static unsigned char fault_data[] = {0xc3}; /* ret */

/* The value, but the compiler does not know it. */
FAULT static uintptr_t fault_hide(uintptr_t value)
{
    __asm__ volatile("" : "+r"(value));
    return value;
}

FAULT static int fault_null(void)
{
    return *(volatile int *)fault_hide(8);
}

FAULT static int fault_stack(int depth)
{
    volatile char room[512];
    room[0] = (char)depth;
    return depth < 0 ? 0 : fault_stack(depth + 1) + room[0];
}

FAULT static int fault_code(void)
{
    *(volatile char *)fault_hide((uintptr_t)fault_code) = 0;
    return 0;
}

FAULT static int fault_write_constant(void)
{
    *(volatile char *)fault_hide((uintptr_t)fault_constant) = 0;
    return 0;
}

FAULT static int fault_jump(void)
{
    ((void (*)(void))fault_hide((uintptr_t)fault_data))();
    return 0;
}

FAULT static int fault_wild(void)
{
    return *(volatile int *)fault_hide(UINT64_C(0x123456789000));
}

FAULT static int fault_assert(size_t answer)
{
    assert(answer == 42);
    return 0;
}

/* To the end of the frame: between the array and the canary there may be a gap. */
FAULT static int fault_smash(void)
{
    char text[16];
    char *end = __builtin_frame_address(0);
    memset((char *)fault_hide((uintptr_t)text), 0x78, fault_hide((size_t)(end - text)));
    return text[(size_t)fault_hide(3)] == 'y';
}

FAULT static int fault_divide(void)
{
    return (int)fault_hide(1000) / (int)fault_hide(0);
}

int fault_main(struct rung_platform *p, const struct fault_slots *slots)
{
    static const char line[] = "about to go wrong\n";
    rung_console_write(p, line, sizeof(line) - 1);
    switch (fault_key_how(&slots->keys)) {
    case 0: return fault_null();
    case 1: return fault_stack(0);
    case 2: return fault_code();
    case 3: return fault_write_constant();
    case 4: return fault_jump();
    case 5: return fault_wild();
    case 6: return fault_assert(fault_hide(41));
    case 7: abort();
    case 8: return fault_smash();
    case 9: return fault_divide();
    default: return 3;
    }
}
