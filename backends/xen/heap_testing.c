/* SPDX-License-Identifier: ISC */
/* backends/xen/heap_testing.c - see heap_testing.h. */
#include "xen/heap_testing.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "xen/hypercall.h"
#include "xen/libc/libc.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define POISON(start, len) ASAN_POISON_MEMORY_REGION(start, len)
#define UNPOISON(start, len) ASAN_UNPOISON_MEMORY_REGION(start, len)
#endif
#endif
#ifndef POISON
#define POISON(start, len) memset(start, 0x5a, len) /* what was freed is not read again */
#define UNPOISON(start, len) ((void)0)
#endif

struct heap_test heap_test;
static _Alignas(4096) uint8_t arena[HEAP_TEST_PAGES][RUNG_XEN_PAGE];
static bool out[HEAP_TEST_PAGES];

size_t rung_xen_pages_left(struct rung_platform *p)
{
    assert_non_null(p);
    return HEAP_TEST_PAGES - heap_test.pages_out;
}

void *rung_xen_pages_get(struct rung_platform *p, size_t count)
{
    size_t run = 0;
    assert_non_null(p);
    assert_true(count > 0);
    if (heap_test.fail_every && ++heap_test.gets % heap_test.fail_every == 0)
        return NULL;
    for (size_t i = 0; i < HEAP_TEST_PAGES; i++) {
        run = out[i] ? 0 : run + 1;
        if (run == count) {
            size_t first = i + 1 - count;
            memset(&out[first], true, count);
            UNPOISON(arena[first], count * RUNG_XEN_PAGE);
            heap_test.pages_out += count;
            if (heap_test.pages_out > heap_test.most_out)
                heap_test.most_out = heap_test.pages_out;
            return memset(arena[first], 0, count * RUNG_XEN_PAGE);
        }
    }
    return NULL;
}

void rung_xen_pages_put(struct rung_platform *p, void *pages, size_t count)
{
    size_t offset = (size_t)((uint8_t *)pages - arena[0]), first = offset / RUNG_XEN_PAGE;
    assert_non_null(p);
    assert_int_equal(offset % RUNG_XEN_PAGE, 0);
    assert_true(count > 0 && first + count <= HEAP_TEST_PAGES);
    for (size_t i = first; i < first + count; i++) {
        assert_true(out[i]);
        out[i] = false;
    }
    POISON(pages, count * RUNG_XEN_PAGE);
    heap_test.pages_out -= count;
}

void rung_xen_crash(const char *reason)
{
    heap_test.reason = reason;
    if (heap_test.crash)
        longjmp(*heap_test.crash, 1);
    print_error("crash: %s\n", reason);
    _fail(__FILE__, __LINE__);
    __builtin_trap();
}

bool heap_test_crashes(void (*free_it)(void *block), void *block)
{
    jmp_buf here;
    bool crashed = true;
    heap_test.crash = &here;
    if (setjmp(here) == 0) {
        free_it(block);
        crashed = false;
    }
    heap_test.crash = NULL;
    return crashed;
}

bool heap_test_dies(void (*free_it)(void *block), void *block)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL); /* cmocka's would go on with the next test */
        signal(SIGBUS, SIG_DFL);
        _exit(heap_test_crashes(free_it, block));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status != 0;
}
