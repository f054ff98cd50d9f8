/* SPDX-License-Identifier: ISC */
/* stacks/capture/capture_ring_test.c - the ring against a plain list, by chance. */
#include "capture_ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "test_platform.h"
#include "test_suite.h"

enum { MODEL_MAX = 4096, VECS = 3 };

/* What the ring must give out: the blocks' numbers, in order. */
struct model {
    struct rung_capture_ring ring;
    uint64_t chance;
    uint32_t id[MODEL_MAX], len[MODEL_MAX];
    uint8_t *block[MODEL_MAX]; /* NULL: taken back */
    unsigned count;
    uint32_t next_id;
    unsigned out; /* blocks given out, from the front */
};

static void put32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t get32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void model_add(struct model *m)
{
    uint32_t len = 12 + 4 * test_chance(&m->chance, 20);
    uint8_t *block = rung_capture_ring_add(&m->ring, len);
    if (!block) { /* only for want of room: at worst an end as long as the block is passed over */
        assert_true(m->ring.size - m->ring.used < 2 * len);
        return;
    }
    assert_true(block >= m->ring.bytes && block + len <= m->ring.bytes + m->ring.size);
    memset(block, 0xcc, len);
    put32(block, 6);
    put32(block + 4, len);
    put32(block + 8, m->next_id);
    m->id[m->count] = m->next_id++;
    m->len[m->count] = len;
    m->block[m->count++] = block;
}

static void model_void(struct model *m)
{
    if (m->count == m->out)
        return;
    unsigned i = m->out + test_chance(&m->chance, m->count - m->out);
    if (m->block[i])
        rung_capture_ring_void(&m->ring, m->block[i]);
    m->block[i] = NULL;
}

static void model_take(struct model *m)
{
    struct rung_vec vec[VECS] = {{0}};
    if (m->ring.out)
        return;
    unsigned n = rung_capture_ring_take(&m->ring, vec, VECS);
    unsigned i = 0;
    for (unsigned v = 0; v < n; v++) {
        const uint8_t *at = vec[v].base;
        assert_true(vec[v].len > 0);
        for (size_t left = vec[v].len; left > 0; left -= m->len[i], at += m->len[i], i++) {
            while (!m->block[i])
                i++;
            assert_true(i < m->count);
            assert_ptr_equal(at, m->block[i]);
            assert_int_equal(get32(at + 8), m->id[i]);
            assert_true(m->len[i] <= left);
        }
    }
    m->out = i;
    if (n < VECS) { /* then it was all */
        for (; i < m->count; i++)
            assert_null(m->block[i]);
        m->out = m->count;
    }
    if (!n) {
        assert_int_equal(m->ring.used, 0);
        m->count = m->out = 0;
    }
}

static void model_done(struct model *m)
{
    if (!m->ring.out)
        return;
    rung_capture_ring_done(&m->ring);
    m->count -= m->out;
    memmove(m->id, m->id + m->out, m->count * sizeof(m->id[0]));
    memmove(m->len, m->len + m->out, m->count * sizeof(m->len[0]));
    memmove(m->block, m->block + m->out, m->count * sizeof(m->block[0]));
    m->out = 0;
}

static void a_ring_is_a_queue(void **state)
{
    struct rung_platform *p = test_platform_new();
    struct model *m = calloc(1, sizeof(*m));
    (void)state;
    assert_non_null(m);
    for (uint32_t size = 100; size <= 1200; size += 4) {
        memset(m, 0, sizeof(*m));
        m->chance = (test_seed() ^ size) | 1;
        m->ring.size = size;
        m->ring.bytes = malloc(size);
        for (unsigned step = 0; step < 400; step++) {
            switch (test_chance(&m->chance, 8)) {
            case 0:
                model_void(m);
                break;
            case 1:
                model_take(m);
                break;
            case 2:
                model_done(m);
                break;
            default:
                model_add(m);
            }
            assert_true(m->ring.used <= size && m->ring.out <= m->ring.used);
        }
        free(m->ring.bytes);
    }
    free(m);
    test_platform_free(p);
}

static void a_block_as_long_as_the_ring(void **state)
{
    uint8_t bytes[64];
    struct rung_capture_ring ring = {.bytes = bytes, .size = sizeof(bytes)};
    struct rung_vec vec;
    (void)state;
    assert_null(rung_capture_ring_add(&ring, 68));
    uint8_t *block = rung_capture_ring_add(&ring, 64);
    assert_ptr_equal(block, bytes);
    assert_null(rung_capture_ring_add(&ring, 8));
    rung_capture_ring_void(&ring, block);
    assert_int_equal(ring.used, 0);
    assert_int_equal(rung_capture_ring_take(&ring, &vec, 1), 0);
    block = rung_capture_ring_add(&ring, 64);
    put32(block, 6);
    assert_int_equal(rung_capture_ring_take(&ring, &vec, 1), 1);
    assert_int_equal(vec.len, 64);
    rung_capture_ring_done(&ring);
    assert_int_equal(ring.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ring_is_a_queue),
        cmocka_unit_test(a_block_as_long_as_the_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
