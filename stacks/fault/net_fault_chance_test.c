/* SPDX-License-Identifier: ISC */
/* stacks/fault/net_fault_chance_test.c - how often what happens, and that it happens again. */
#include "fault_testing.h"

enum { MANY = 20000, LEN = 100 };

/* What became of each frame of a run: how often it arrived, after how many of its followers, and
 * with how many changed bits. */
struct run {
    uint8_t times[MANY], bits[MANY];
    uint32_t order[2 * MANY], count;
};

/* The id stands there three times: one changed bit does not hide it. */
static void make(uint8_t *bytes, uint32_t id)
{
    for (unsigned i = 0; i < LEN; i++)
        bytes[i] = (uint8_t)(id * 131 + i * 7);
    for (unsigned i = 0; i < 3; i++)
        memcpy(bytes + 30 * i, &id, sizeof(id));
}

static void arrive(struct run *run, const uint8_t *bytes)
{
    uint32_t id[3];
    uint8_t want[LEN];
    for (unsigned i = 0; i < 3; i++)
        memcpy(&id[i], bytes + 30 * i, sizeof(id[i]));
    uint32_t it = id[0] == id[1] || id[0] == id[2] ? id[0] : id[1];
    assert_true(it < MANY);
    make(want, it);
    for (unsigned i = 0; i < LEN; i++) {
        for (unsigned x = bytes[i] ^ want[i]; x; x &= x - 1)
            run->bits[it]++;
    }
    run->times[it]++;
    run->order[run->count++] = it;
}

static void play_sent(struct fault_test *t, struct run *run, unsigned batch)
{
    struct test_net_out *out = calloc(batch, sizeof(*out));
    struct rung_frame **f = calloc(batch, sizeof(struct rung_frame *));
    struct test_net_frame *got;
    assert_true(out && f);
    for (uint32_t id = 0; id < MANY; id += batch) {
        unsigned n = MANY - id < batch ? MANY - id : batch;
        for (unsigned i = 0; i < n; i++) {
            test_net_out(&out[i], LEN);
            make(out[i].bytes, id + i);
            f[i] = &out[i].frame;
        }
        assert_int_equal(rung_net_send(&t->fault.net, f, n), n);
        rung_virtual_advance_ns(t->p, RUNG_NS_PER_S); /* all arrive: their memory is used again */
        for (; (got = test_net_take(&t->link)) != NULL; test_net_free(got))
            arrive(run, got->bytes);
        for (unsigned i = 0; i < n; i++)
            assert_int_equal(out[i].released, 1);
    }
    free(out);
    free(f);
}

static void play_received(struct fault_test *t, struct run *run, unsigned batch)
{
    struct rung_frame *f;
    for (uint32_t id = 0; id < MANY;) {
        for (unsigned i = 0; i < batch && id < MANY; i++) {
            uint8_t bytes[LEN];
            make(bytes, id++);
            test_net_put(&t->link, bytes, LEN, NULL);
        }
        while ((f = fault_recv(t)) != NULL) {
            arrive(run, f->data);
            f->release(f);
        }
    }
    rung_virtual_advance_ns(t->p, RUNG_NS_PER_S);
    while ((f = fault_recv(t)) != NULL) {
        arrive(run, f->data);
        f->release(f);
    }
}

static struct run *play(const struct rung_net_fault_keys *keys, bool sent, unsigned batch)
{
    struct fault_test t;
    struct run *run = calloc(1, sizeof(*run));
    assert_non_null(run);
    fault_begin(&t);
    t.keys = *keys;
    fault_open(&t);
    if (sent)
        play_sent(&t, run, batch);
    else
        play_received(&t, run, batch);
    const struct rung_net_stats *stats = &t.fault.net.stats;
    uint32_t lost = 0;
    for (uint32_t id = 0; id < MANY; id++)
        lost += run->times[id] == 0;
    assert_int_equal(sent ? stats->tx_dropped : stats->rx_dropped, lost);
    assert_int_equal(sent ? stats->tx_frames : stats->rx_frames, run->count);
    assert_int_equal(sent ? stats->tx_bytes : stats->rx_bytes, run->count * LEN);
    fault_close(&t);
    fault_end(&t);
    return run;
}

static struct rung_net_fault_keys keys_of(uint64_t seed)
{
    return (struct rung_net_fault_keys){
        .slot = "net.fault", .seed = seed, .loss = "0%", .duplicate = "0%", .reorder = "0%",
        .corrupt = "0%", .delay = "0ms", .jitter = "0ms", .queue = 1000, .offload = true,
    };
}

/* Six standard deviations on both sides of what the share says: for any seed it holds, but once in
 * 500 million. */
static void assert_share(uint32_t count, double share)
{
    double mean = MANY * share, variance = mean * (1 - share), off = count - mean;
    if (off * off > 36 * variance)
        fail_msg("%u of %d for a share of %g", (unsigned)count, MANY, share);
}

static void shares_are_kept(void **state)
{
    (void)state;
    for (unsigned sent = 0; sent < 2; sent++) {
        struct rung_net_fault_keys keys = keys_of(test_seed());
        keys.loss = "5%";
        keys.duplicate = "2%";
        keys.corrupt = "0.5%";
        struct run *run = play(&keys, sent, 7);
        uint32_t lost = 0, twice = 0, corrupted = 0;
        for (uint32_t id = 0; id < MANY; id++) {
            assert_in_range(run->times[id], 0, 2);
            lost += run->times[id] == 0;
            twice += run->times[id] == 2;
            corrupted += run->bits[id] > 0;
            assert_int_equal(run->bits[id], run->bits[id] ? run->times[id] : 0); /* one bit each */
        }
        assert_share(lost, 0.05);
        assert_share(twice, 0.95 * 0.02);
        assert_share(corrupted, 0.95 * 0.005);
        free(run);
    }
}

/* Those that are overtaken are, by one to five, and all others keep their order. */
static void order_is_lost_for_some_only(void **state)
{
    struct rung_net_fault_keys keys = keys_of(test_seed());
    (void)state;
    keys.reorder = "3%";
    for (unsigned sent = 0; sent < 2; sent++) {
        struct run *run = play(&keys, sent, sent ? 500 : 1);
        uint32_t next = 0, late = 0;
        assert_int_equal(run->count, MANY);
        for (uint32_t i = 0; i < MANY; i++) {
            if (run->order[i] < next)
                late++;
            else
                next = run->order[i] + 1;
        }
        assert_share(late, 0.03);
        for (uint32_t i = 0; i < MANY; i++) {
            uint32_t before = 0; /* followers of it that came before it */
            for (uint32_t k = i > 40 ? i - 40 : 0; k < i; k++)
                before += run->order[k] > run->order[i];
            assert_in_range(before, 0, RUNG_FAULT_OVERTAKEN_MAX + 5);
        }
        free(run);
    }
}

/* The same seed, the same fates, whatever the batches; another seed, others. */
static void a_seed_is_a_sequence(void **state)
{
    struct rung_net_fault_keys keys = keys_of(12345);
    (void)state;
    keys.loss = "10%";
    keys.duplicate = "5%";
    keys.corrupt = "1%";
    for (unsigned sent = 0; sent < 2; sent++) {
        struct run *one = play(&keys, sent, 1), *many = play(&keys, sent, 111);
        assert_memory_equal(one->times, many->times, MANY);
        assert_memory_equal(one->bits, many->bits, MANY);
        assert_memory_equal(one->order, many->order, one->count * sizeof(one->order[0]));
        keys.seed++;
        struct run *other = play(&keys, sent, 1);
        assert_memory_not_equal(one->times, other->times, MANY);
        keys.seed--;
        free(one);
        free(many);
        free(other);
    }
    struct run *sent = play(&keys, true, 1), *received = play(&keys, false, 1);
    assert_memory_not_equal(sent->times, received->times, MANY); /* a sequence each */
    free(sent);
    free(received);
}

/* Turning one knob does not change whom the others hit. */
static void shares_do_not_touch_each_other(void **state)
{
    struct rung_net_fault_keys keys = keys_of(99);
    (void)state;
    keys.loss = "5%";
    struct run *before = play(&keys, true, 8);
    keys.corrupt = "20%";
    keys.duplicate = "0.5%";
    struct run *after = play(&keys, true, 8);
    for (uint32_t id = 0; id < MANY; id++)
        assert_int_equal(before->times[id] == 0, after->times[id] == 0);
    free(before);
    free(after);
}

/* 0: a seed of its own for each run, and the line that says it is enough to play it again. */
static void a_seed_of_its_own_is_told(void **state)
{
    struct fault_test t;
    unsigned long long seed[2];
    (void)state;
    fault_begin(&t);
    t.keys.seed = 0;
    for (unsigned i = 0; i < 2; i++) {
        fault_open(&t);
        const char *says = strstr(test_log_last(t.p), "the same again with net.fault.seed=");
        assert_non_null(says);
        seed[i] = strtoull(strchr(says, '=') + 1, NULL, 10);
        assert_true(seed[i] != 0);
        fault_close(&t);
    }
    assert_true(seed[0] != seed[1]);
    fault_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_kept),
        cmocka_unit_test(order_is_lost_for_some_only),
        cmocka_unit_test(a_seed_is_a_sequence),
        cmocka_unit_test(shares_do_not_touch_each_other),
        cmocka_unit_test(a_seed_of_its_own_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
