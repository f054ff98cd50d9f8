/* SPDX-License-Identifier: ISC */
/* stacks/capture/capture_pcapng_test.c - every block, at every length, read by a strict reader. */
#include "capture_pcapng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "test_pcapng.h"

static const struct rung_pcapng_head plain = {
    .application = "a test", .name = "net.capture", .description = "net-pair",
    .mac = {2, 1, 2, 3, 4, 5}, .snaplen = 96,
};

static void the_head_says_what_it_is(void **state)
{
    uint8_t bytes[RUNG_PCAPNG_HEAD_MAX];
    struct test_pcapng file;
    (void)state;
    test_pcapng_begin(&file, bytes, rung_pcapng_head(bytes, &plain));
    assert_string_equal(file.application, "a test");
    assert_string_equal(file.name, "net.capture");
    assert_string_equal(file.description, "net-pair");
    assert_memory_equal(file.mac, plain.mac, 6);
    assert_int_equal(file.snaplen, 96);
    assert_int_equal(test_pcapng_rest(&file), 0);
}

/* Longer texts than there is room for are cut, shorter ones are padded, absent ones left out. */
static void texts_of_every_length_fit(void **state)
{
    char text[RUNG_PCAPNG_TEXT_MAX + 40];
    uint8_t *bytes = malloc(RUNG_PCAPNG_HEAD_MAX);
    (void)state;
    for (size_t len = 1; len < sizeof(text); len++) {
        struct rung_pcapng_head head = plain;
        struct test_pcapng file;
        memset(text, 'x', len);
        text[len] = '\0';
        head.application = head.name = text;
        head.description = len % 2 ? text : NULL;
        uint32_t written = rung_pcapng_head(bytes, &head);
        assert_true(written <= RUNG_PCAPNG_HEAD_MAX);
        test_pcapng_begin(&file, bytes, written);
        assert_int_equal(strlen(file.name),
                         len < RUNG_PCAPNG_TEXT_MAX ? len : RUNG_PCAPNG_TEXT_MAX);
        assert_int_equal(strlen(file.description), len % 2 ? strlen(file.name) : 0);
    }
    free(bytes);
}

/* Packets of every length with every choice of options, each in memory of just its length. */
static void packets_of_every_kind(void **state)
{
    static const char *const comments[] = {NULL, "c", "four", "a longer one"};
    uint8_t head[RUNG_PCAPNG_HEAD_MAX];
    uint32_t head_len = rung_pcapng_head(head, &plain);
    (void)state;
    for (uint32_t i = 0; i < 8 * 64; i++) {
        struct rung_pcapng_packet packet = {
            .time_ns = UINT64_C(1767225600123456789) + i, .len = 60 + i / 8, .kept = i / 8,
            .flags = i % 3, .lost = i & 1 ? UINT64_C(0x123456789a) + i : 0,
            .comment = comments[i >> 1 & 3],
        };
        uint32_t len = rung_pcapng_packet_len(&packet);
        uint8_t *bytes = malloc(head_len + len);
        memcpy(bytes, head, head_len);
        memset(bytes + head_len, 0xee, len);
        memset(rung_pcapng_packet(bytes + head_len, &packet), 0x5a, packet.kept);
        struct test_pcapng file;
        struct test_pcapng_packet got;
        test_pcapng_begin(&file, bytes, head_len + len);
        assert_true(test_pcapng_next(&file, &got));
        assert_true(got.time_ns == packet.time_ns);
        assert_int_equal(got.len, packet.len);
        assert_int_equal(got.kept, packet.kept);
        assert_int_equal(got.flags, packet.flags);
        assert_true(got.lost == packet.lost);
        assert_string_equal(got.comment, packet.comment ? packet.comment : "");
        for (uint32_t k = 0; k < got.kept; k++)
            assert_int_equal(got.bytes[k], 0x5a);
        assert_false(test_pcapng_next(&file, &got));
        free(bytes);
    }
}

static void statistics_end_the_file(void **state)
{
    uint8_t bytes[RUNG_PCAPNG_HEAD_MAX + RUNG_PCAPNG_STATISTICS_LEN];
    uint32_t len = rung_pcapng_head(bytes, &plain);
    struct test_pcapng file;
    (void)state;
    rung_pcapng_statistics(bytes + len, &(struct rung_pcapng_statistics){
        .time_ns = UINT64_C(1767225600000000009), .start_ns = UINT64_C(1767225600000000001),
        .seen = UINT64_C(1) << 40, .lost = 3, .recorded = UINT64_C(0xfffffffff0),
    });
    test_pcapng_begin(&file, bytes, len + RUNG_PCAPNG_STATISTICS_LEN);
    assert_int_equal(test_pcapng_rest(&file), 0);
    assert_true(file.has_statistics);
    assert_true(file.start_ns == UINT64_C(1767225600000000001));
    assert_true(file.end_ns == UINT64_C(1767225600000000009));
    assert_true(file.seen == UINT64_C(1) << 40 && file.recorded == UINT64_C(0xfffffffff0));
    assert_int_equal(file.lost, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_head_says_what_it_is),
        cmocka_unit_test(texts_of_every_length_fit),
        cmocka_unit_test(packets_of_every_kind),
        cmocka_unit_test(statistics_end_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
