/* SPDX-License-Identifier: ISC */
/* test/support/test_pcapng.c - see test_pcapng.h. */
#include "test_pcapng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* A block's body, or what is left of it. */
struct body {
    const uint8_t *at, *end;
};

static const uint8_t *need(struct body *body, size_t len)
{
    const uint8_t *at = body->at;
    assert_true((size_t)(body->end - at) >= len);
    body->at += len;
    return at;
}

static uint32_t number(const uint8_t *at, unsigned len)
{
    uint32_t value = 0;
    while (len-- > 0)
        value = value << 8 | at[len];
    return value;
}

static uint32_t get16(struct body *body)
{
    return number(need(body, 2), 2);
}

static uint32_t get32(struct body *body)
{
    return number(need(body, 4), 4);
}

static uint64_t get64(struct body *body)
{
    uint64_t low = get32(body);
    return low | (uint64_t)get32(body) << 32;
}

static uint64_t get_time(struct body *body)
{
    uint64_t high = get32(body);
    return high << 32 | get32(body);
}

static const uint8_t *get_padded(struct body *body, size_t len)
{
    static const uint8_t zero[4];
    const uint8_t *at = need(body, len);
    size_t pad = (4 - len % 4) % 4;
    assert_memory_equal(need(body, pad), zero, pad); /* "should be filled with zeros" */
    return at;
}

/* The next option; false at opt_endofopt, which ends the block. */
static bool get_option(struct body *body, unsigned *code, struct body *value)
{
    *code = get16(body);
    uint32_t len = get16(body);
    value->at = get_padded(body, len);
    value->end = value->at + len;
    if (*code != 0)
        return true;
    assert_int_equal(len, 0);
    assert_ptr_equal(body->at, body->end);
    return false;
}

static void get_text(const struct body *value, char text[160])
{
    size_t len = (size_t)(value->end - value->at);
    assert_in_range(len, 1, 159);
    assert_null(memchr(value->at, 0, len)); /* texts are not terminated */
    assert_string_equal(text, "");          /* not twice */
    memcpy(text, value->at, len);
    text[len] = '\0';
}

static void value_is_over(const struct body *value)
{
    assert_ptr_equal(value->at, value->end);
}

static uint32_t get_block(struct test_pcapng *file, struct body *body)
{
    struct body rest = {file->bytes + file->at, file->bytes + file->len};
    uint32_t type = get32(&rest), len = get32(&rest);
    assert_true(len >= 12 && len % 4 == 0 && len <= file->len - file->at);
    body->at = rest.at;
    body->end = file->bytes + file->at + len - 4;
    assert_int_equal(number(body->end, 4), len);
    file->at += len;
    return type;
}

static void get_section(struct test_pcapng *file)
{
    struct body body, value;
    unsigned code;
    assert_int_equal(get_block(file, &body), 0x0a0d0d0a);
    assert_int_equal(get32(&body), 0x1a2b3c4d);
    assert_int_equal(get16(&body), 1);
    assert_int_equal(get16(&body), 0);
    assert_true(get64(&body) == UINT64_MAX);
    while (get_option(&body, &code, &value)) {
        assert_int_equal(code, 4);
        get_text(&value, file->application);
    }
}

static void get_interface(struct test_pcapng *file)
{
    struct body body, value;
    unsigned code, seen = 0;
    assert_int_equal(get_block(file, &body), 1);
    assert_int_equal(get16(&body), 1); /* Ethernet */
    assert_int_equal(get16(&body), 0);
    file->snaplen = get32(&body);
    while (get_option(&body, &code, &value)) {
        assert_true(code < 16 && !(seen & 1u << code));
        seen |= 1u << code;
        switch (code) {
        case 2:
            get_text(&value, file->name);
            break;
        case 3:
            get_text(&value, file->description);
            break;
        case 6:
            memcpy(file->mac, need(&value, 6), 6);
            value_is_over(&value);
            break;
        case 9:
            assert_int_equal(*need(&value, 1), 9); /* nanoseconds: the times here are taken so */
            value_is_over(&value);
            break;
        default:
            fail_msg("an interface with the option %u", code);
        }
    }
    assert_true(seen & 1u << 9);
}

static void get_packet(struct test_pcapng *file, struct body *body,
                       struct test_pcapng_packet *packet)
{
    struct body value;
    unsigned code;
    memset(packet, 0, sizeof(*packet));
    assert_int_equal(get32(body), 0); /* the interface */
    packet->time_ns = get_time(body);
    packet->kept = get32(body);
    packet->len = get32(body);
    assert_true(packet->kept <= packet->len);
    assert_true(!file->snaplen || packet->kept <= file->snaplen);
    packet->bytes = get_padded(body, packet->kept);
    while (get_option(body, &code, &value)) {
        if (code == 2) {
            packet->flags = get32(&value);
            value_is_over(&value);
        } else if (code == 4) {
            packet->lost = get64(&value);
            value_is_over(&value);
        } else {
            assert_int_equal(code, 1);
            get_text(&value, packet->comment);
        }
    }
    file->packets++;
}

static void get_statistics(struct test_pcapng *file, struct body *body)
{
    struct body value;
    unsigned code, seen = 0;
    assert_int_equal(get32(body), 0);
    uint64_t time_ns = get_time(body);
    while (get_option(body, &code, &value)) {
        uint64_t *const places[9] = {[4] = &file->seen, [7] = &file->lost, [8] = &file->recorded};
        assert_true(code < 9 && !(seen & 1u << code));
        seen |= 1u << code;
        if (code == 2)
            file->start_ns = get_time(&value);
        else if (code == 3)
            file->end_ns = get_time(&value);
        else if (places[code])
            *places[code] = get64(&value);
        else
            fail_msg("statistics with the option %u", code);
        value_is_over(&value);
    }
    assert_int_equal(seen, 1u << 2 | 1u << 3 | 1u << 4 | 1u << 7 | 1u << 8);
    assert_true(file->end_ns == time_ns && file->start_ns <= file->end_ns);
    assert_int_equal(file->at, file->len); /* the last block */
    file->has_statistics = true;
}

void test_pcapng_begin(struct test_pcapng *file, const uint8_t *bytes, size_t len)
{
    memset(file, 0, sizeof(*file));
    file->bytes = bytes;
    file->len = len;
    get_section(file);
    get_interface(file);
}

bool test_pcapng_next(struct test_pcapng *file, struct test_pcapng_packet *packet)
{
    struct body body;
    if (file->at == file->len)
        return false;
    uint32_t type = get_block(file, &body);
    if (type == 5) {
        get_statistics(file, &body);
        return false;
    }
    assert_int_equal(type, 6);
    get_packet(file, &body, packet);
    return true;
}

unsigned test_pcapng_rest(struct test_pcapng *file)
{
    struct test_pcapng_packet packet;
    unsigned n = 0;
    while (test_pcapng_next(file, &packet))
        n++;
    return n;
}
