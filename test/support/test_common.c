/* SPDX-License-Identifier: ISC */
/* test/support/test_common.c - seeds, the log's hook and the heap's counters, for any platform. */
#include "test_common.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "test_platform.h"

#define TEST_DEFAULT_SEED UINT64_C(0x52756e6731)

struct test_hook {
    void (*next)(struct rung_platform *p, enum rung_log_level level, const char *text, size_t len);
    void *next_arg;
    size_t count;
    char last[RUNG_LOG_MAX + 1];
};

uint64_t test_seed(void)
{
    const char *text = getenv("RUNG_TEST_SEED");
    return text ? strtoull(text, NULL, 0) : TEST_DEFAULT_SEED;
}

static void test_log_line(struct rung_platform *p, enum rung_log_level level, const char *text,
                          size_t len)
{
    struct test_hook *hook = p->log_arg;
    assert_true(len > 0 && len <= RUNG_LOG_MAX && text[len - 1] == '\n');
    snprintf(hook->last, sizeof(hook->last), "%.*s", (int)len - 1, text);
    hook->count++;
    if (getenv("RUNG_TEST_LOG"))
        fwrite(text, 1, len, stderr);
    p->log_arg = hook->next_arg;
    hook->next(p, level, text, len);
    p->log_arg = hook;
}

struct rung_platform *test_adopt(struct rung_platform *p)
{
    struct test_hook *hook = calloc(1, sizeof(*hook));
    assert_non_null(p);
    assert_non_null(hook);
    hook->next = p->log_line;
    hook->next_arg = p->log_arg;
    p->log_line = test_log_line;
    p->log_arg = hook;
    printf("seed: RUNG_TEST_SEED=%#llx\n", (unsigned long long)test_seed());
    return p;
}

size_t test_disown(struct rung_platform *p)
{
    struct test_hook *hook = p->log_arg;
    p->log_line = hook->next;
    p->log_arg = hook->next_arg;
    free(hook);
    return p->heap_blocks;
}

void test_check_running(struct rung_platform *p)
{
    if (p->stopped)
        fail_msg("the loop was stopped with status %d; last log line: '%s'", p->status,
                 test_log_last(p));
}

const char *test_log_last(struct rung_platform *p)
{
    return ((struct test_hook *)p->log_arg)->last;
}

size_t test_log_count(struct rung_platform *p)
{
    return ((struct test_hook *)p->log_arg)->count;
}

void test_heap_fail_after(struct rung_platform *p, long n)
{
    p->heap_fail_after = n;
}

size_t test_heap_blocks(struct rung_platform *p)
{
    return p->heap_blocks;
}

struct rung_platform *test_platform_new(void)
{
    return test_platform_new_args(NULL, 0);
}
