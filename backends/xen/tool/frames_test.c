/* SPDX-License-Identifier: ISC */
/* backends/xen/tool/frames_test.c - frames of three functions, as a compiler describes them, found
 * at the calls that they make. */
#include "xen/tool/frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ADDRESS 0x40100000u

/* first: push rbx; call last; push 7; call last; pop; pop; call *rax, with nothing on the stack.
 * middle: 40 bytes of its own; call last. last: returns. */
static const uint8_t code[] = {
    0x53, 0xe8, 0x19, 0, 0, 0, 0x6a, 7, 0xe8, 0x12, 0, 0, 0, 0x58, 0x58, 0xff, 0xd0, 0xc3, /* 0 */
    0x48, 0x83, 0xec, 40, 0xe8, 4, 0, 0, 0, 0xc3, 0x90, 0x90, 0x90,                        /* 18 */
    0xc3, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90,                                        /* 31 */
};

#define U32(n) (n) & 0xff, (n) >> 8 & 0xff, (n) >> 16 & 0xff, (n) >> 24 & 0xff
#define U64(n) U32(n), 0, 0, 0, 0

static const uint8_t frames[] = {
    U32(16), U32(0xffffffff), 4, 0, 1, 0x78, 16, 0x0c, 7, 8, 0x90, 1, 0, 0, /* common */
    U32(36), U32(0), U64(ADDRESS), U64(18), /* first */
    0x41, 0x0e, 16, 0x83, 2, 0x47, 0x0e, 24, 0x45, 0x0a, 0x41, 0x0e, 16, 0x41, 0x0e, 8,
    U32(28), U32(0), U64(ADDRESS + 18), U64(10), /* middle */
    0x02, 4, 0x0e, 48, 0x45, 0x0e, 8, 0,
    U32(20), U32(0), U64(ADDRESS + 31), U64(1), /* last */
};

static const struct rung_xen_name names[] = {
    {.text = "first", .place = 0}, {.text = "middle", .place = 18}, {.text = "last", .place = 31},
};

static struct rung_xen_name *find(size_t frames_len, size_t *count)
{
    const struct frames_code all = {.frames = frames_len ? frames : NULL, .frames_len = frames_len,
                                    .code = code, .code_len = sizeof(code), .address = ADDRESS};
    *count = sizeof(names) / sizeof(names[0]);
    struct rung_xen_name *found = frames_find(&all, names, count);
    assert_non_null(found);
    return found;
}

static void expect(const struct rung_xen_name *entry, const char *text, uint64_t place,
                   uint64_t frame)
{
    assert_string_equal(entry->text, text);
    assert_true(entry->place == place);
    assert_true(entry->frame == frame);
}

static void test_frames(void **state)
{
    (void)state;
    size_t count;
    struct rung_xen_name *found = find(sizeof(frames), &count);
    assert_true(count == 5);
    expect(&found[0], "first", 0, 16);
    expect(&found[1], "", 8, 24); /* with an argument on the stack */
    expect(&found[2], "", 15, 8);
    expect(&found[3], "middle", 18, 48);
    expect(&found[4], "last", 31, 8);
    free(found);
}

/* What the description leaves out is not known, and no byte behind its end is read. */
static void test_cut_short(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof(frames); len++) {
        size_t count;
        struct rung_xen_name *found = find(len, &count);
        expect(&found[count - 1], "last", 31, 0);
        free(found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_cut_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
