/* SPDX-License-Identifier: ISC */
/* backends/xen/libc/libc_test.c - the C library of an image, in a program without any other on the
 * build machine: that what it offers is there, works without what musl usually stands on, and ends
 * where the platform wants it. */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "xen/libc/libc.h"

#define CONSOLE_MAX 256u

static struct {
    char console[CONSOLE_MAX];
    size_t len;
    jmp_buf crash;
    char reason[CONSOLE_MAX];
    unsigned failures;
} test;

unsigned long __stack_chk_guard = 0x5bd1e995;
_Noreturn void __stack_chk_fail(void);
void go(void);

static long host(long call, long a, const void *b, size_t c)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(call), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

static _Noreturn void leave(int status)
{
    for (;;)
        host(60, status, NULL, 0);
}

void __stack_chk_fail(void)
{
    leave(2);
}

void rung_xen_console_put(const char *text, size_t len)
{
    size_t room = CONSOLE_MAX - 1 - test.len;
    memcpy(test.console + test.len, text, len < room ? len : room);
    test.len += len < room ? len : room;
}

void rung_xen_crash(const char *reason)
{
    strlcpy(test.reason, reason, sizeof(test.reason));
    longjmp(test.crash, 1);
}

static void check(bool good, int line)
{
    char text[64];
    if (good)
        return;
    test.failures++;
    snprintf(text, sizeof(text), "libc_test.c:%d: failed\n", line);
    host(1, 2, text, strlen(text));
}

#define CHECK(condition) check(condition, __LINE__)

static void test_print(void)
{
    static const char expected[] = "-2147483648     7|ab  |00001234 -9223372036854775808 "
                                   "18446744073709551615 9223372036854775807 200x% abc 0x1000";
    char text[200];
    int len = snprintf(text, sizeof(text), "%d %5u|%-4x|%08lx %lld %zu %jd %hhu%c%% %.*s %p",
                       INT_MIN, 7u, 0xabu, 0x1234ul, LLONG_MIN, SIZE_MAX, INTMAX_MAX,
                       (unsigned char)200, 'x', 3, "abcdef", (void *)0x1000);
    CHECK(len == (int)sizeof(expected) - 1 && strcmp(text, expected) == 0);
    CHECK(snprintf(text, sizeof(text), "%" PRIu64 " %s", UINT64_MAX, "end") == 24);
    CHECK(strcmp(text, "18446744073709551615 end") == 0);
    CHECK(snprintf(text, 5, "%s", "123456") == 6 && strcmp(text, "1234") == 0);
    CHECK(snprintf(NULL, 0, "%ls", L"wide") == 4);
    CHECK(sprintf(text, "%m") > 0);
}

static void test_print_float(void)
{
    char text[40];
    if (setjmp(test.crash) == 0) {
        snprintf(text, sizeof(text), "%.3f %g %e", 3.14159, 1e100, -0.5);
        CHECK(strcmp(text, "3.142 1e+100 -5.000000e-01") == 0);
        CHECK(LIBC_TEST_FLOAT);
    } else {
        CHECK(!LIBC_TEST_FLOAT && strstr(test.reason, "RUNG_XEN_PRINTF_FLOAT=ON"));
    }
}

static void test_console(void)
{
    test.len = 0;
    printf("%s", "kept ");
    CHECK(test.len == 0); /* until the line ends */
    puts("line");
    fprintf(stderr, "%d", 1);
    fputs("rest", stdout);
    CHECK(rung_xen_libc_flush != NULL);
    rung_xen_libc_flush();
    test.console[test.len] = '\0';
    CHECK(strcmp(test.console, "kept line\n1rest") == 0);
}

static int test_compare(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return x < y ? -1 : x > y;
}

static void test_numbers(void)
{
    int numbers[100], *found, key = 37;
    char *end;
    errno = 0;
    CHECK(strtol("-0x7f rest", &end, 0) == -127 && strcmp(end, " rest") == 0 && errno == 0);
    CHECK(strtoull("99999999999999999999", NULL, 10) == ULLONG_MAX && errno == ERANGE);
    for (int i = 0; i < 100; i++)
        numbers[i] = i * 37 % 100;
    qsort(numbers, 100, sizeof(int), test_compare);
    for (int i = 0; i < 100; i++)
        CHECK(numbers[i] == i);
    found = bsearch(&key, numbers, 100, sizeof(int), test_compare);
    CHECK(found == &numbers[37]);
}

/* All lengths and distances around the words that the assembly works with. */
static void test_memory(void)
{
    unsigned char from[160], to[160];
    for (size_t i = 0; i < sizeof(from); i++)
        from[i] = (unsigned char)(i * 7 + 1);
    for (size_t len = 0; len <= 100; len++)
        for (size_t at = 0; at < 24; at++) {
            memset(to, 0, sizeof(to));
            CHECK(memcpy(to + at, from + 5, len) == to + at);
            CHECK(memcmp(to + at, from + 5, len) == 0 && to[at + len] == 0);
            memcpy(to, from, sizeof(to));
            memmove(to + at, to + 12, len);
            CHECK(memcmp(to + at, from + 12, len) == 0 && to[at + len] == from[at + len]);
            memset(to + at, 0xee, len);
            CHECK(!len || (to[at] == 0xee && to[at + len - 1] == 0xee));
            CHECK(to[at + len] == from[at + len]);
        }
}

static void test_strings(void)
{
    char text[] = "a=1;b=2", *state, *word = strtok_r(text, ";", &state);
    CHECK(strcmp(word, "a=1") == 0 && strcmp(strtok_r(NULL, ";", &state), "b=2") == 0);
    CHECK(strstr("find the needle", "needle") && !strchr("abc", 'd'));
    CHECK(strrchr("a/b/c", '/')[1] == 'c');
    CHECK(strspn("aab", "a") == 2 && strcspn("aab", "b") == 2 && strnlen("abc", 2) == 2);
    CHECK(memchr("abc", 'c', 3) && !memchr("abc", 'c', 2) && strcasecmp("AbC", "aBc") == 0);
    CHECK(isalpha('x') && !isalpha(0xe9) && toupper('x') == 'X' && isspace('\t'));
    CHECK(strcmp(strerror(ENOENT), "No such file or directory") == 0);
}

static void test_time(void)
{
    time_t now = 1700000000;
    struct tm tm;
    CHECK(gmtime_r(&now, &tm) == &tm);
    CHECK(tm.tm_year == 123 && tm.tm_mon == 10 && tm.tm_mday == 14 && tm.tm_wday == 2);
    CHECK(timegm(&tm) == now && strcmp(tm.tm_zone, "UTC") == 0);
}

static void test_ends(void)
{
    if (setjmp(test.crash) == 0) {
        assert(test.failures == UINT_MAX);
        CHECK(false);
    }
    CHECK(strstr(test.reason, "libc_test.c:") && strstr(test.reason, "'test.failures == "));
    if (setjmp(test.crash) == 0)
        abort();
    CHECK(strstr(test.reason, "abort()"));
}

/* The host enters here, with a stack that no call has left its mark on. */
__attribute__((force_align_arg_pointer)) void go(void)
{
    test_print();
    test_print_float();
    test_console();
    test_numbers();
    test_memory();
    test_strings();
    test_time();
    test_ends();
    leave(test.failures != 0);
}
