/* SPDX-License-Identifier: ISC */
/* backends/xen/console_test.c - the console's ring with a reader at its other end who is slow, dead
 * or lies. The clock moves only while the writer sleeps, so a wait without end is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rung/clock.h"
#include "xen/boot/machine.h"
#include "xen/boot/paging.h"
#include "xen/bus/abi.h"
#include "xen/ground.h"
#include "xen/hypercall.h"
#include "xen/libc/libc.h"
#include <xen/event_channel.h>
#include <xen/io/console.h>
#include <xen/sched.h>

enum { READER_MOST = 65536, READER_NEVER = 0 };

static struct {
    struct xencons_interface ring;
    uint8_t behind[64]; /* what a writer that leaves the ring would hit */
    unsigned each_sleep; /* bytes it reads while the writer sleeps */
    void (*lie)(void);   /* what else it does to the ring then */
    char text[READER_MOST];
    size_t len;
    uint64_t now_ns, random;
    unsigned sleeps, notified;
} reader;

struct rung_xen_ground rung_xen_ground;

static void reader_read(unsigned most)
{
    struct xencons_interface *ring = &reader.ring;
    for (; most && ring->out_cons != ring->out_prod; most--) {
        assert_true(reader.len < READER_MOST);
        reader.text[reader.len++] = ring->out[MASK_XENCONS_IDX(ring->out_cons++, ring->out)];
    }
}

long rung_xen_event_channel_op(int cmd, void *arg)
{
    assert_int_equal(cmd, EVTCHNOP_send);
    assert_int_equal(((struct evtchn_send *)arg)->port, 3);
    reader.notified++;
    return 0;
}

long rung_xen_sched_op(int cmd, void *arg)
{
    const struct sched_poll *poll = arg;
    assert_int_equal(cmd, SCHEDOP_poll);
    assert_true(poll->timeout > reader.now_ns);
    reader.now_ns = poll->timeout;
    reader.sleeps++;
    reader_read(reader.each_sleep);
    if (reader.lie)
        reader.lie();
    return 0;
}

uint64_t rung_clock_monotonic_ns(struct rung_platform *p)
{
    assert_ptr_equal(p, &rung_xen_ground.base);
    return reader.now_ns;
}

uint64_t rung_xen_clock_system_ns(const struct rung_xen_clock *clock, uint64_t monotonic_ns)
{
    assert_ptr_equal(clock, &rung_xen_ground.clock);
    return monotonic_ns;
}

bool rung_xen_param(unsigned index, uint64_t *value)
{
    (void)index;
    *value = 3;
    return true;
}

void *rung_xen_map(struct rung_xen_ram *ram, uint64_t frame)
{
    assert_ptr_equal(ram, &rung_xen_ground.ram);
    assert_int_equal(frame, 3);
    return &reader.ring;
}

void rung_xen_machine_write(const char *text, size_t len)
{
    fail_msg("'%.*s' goes to Xen's log", (int)len, text);
}

static int begin(void **state)
{
    static const struct shared_info time; /* there is a clock */
    (void)state;
    memset(&reader, 0, sizeof(reader));
    memset(reader.behind, 0xa5, sizeof(reader.behind));
    memset(&rung_xen_ground, 0, sizeof(rung_xen_ground));
    rung_xen_ground.clock.shared = &time;
    reader.ring.out_cons = reader.ring.out_prod = UINT32_MAX - 5; /* they wrap */
    rung_xen_console_init(&rung_xen_ground);
    return 0;
}

static void say(const char *text)
{
    rung_console_write(&rung_xen_ground.base, text, strlen(text));
}

static void must_have_read(const char *text)
{
    reader_read(READER_MOST);
    reader.text[reader.len] = 0;
    assert_string_equal(reader.text, text);
    reader.len = 0;
}

static void a_line_ends_for_a_terminal(void **state)
{
    (void)state;
    say("hello\nworld\n");
    assert_int_equal(reader.sleeps, 0);
    assert_true(reader.notified > 0);
    must_have_read("hello\r\nworld\r\n");
}

/* A text of several rings, and of several writes within one, comes whole and once: the count of
 * what a part has written is added, not put in the place of the sum. */
static void a_slow_reader_gets_all_of_it(void **state)
{
    char text[9000], want[2 * sizeof(text)];
    size_t len = 0, want_len = 0;
    (void)state;
    for (unsigned i = 0; len < sizeof(text) - 16; i++)
        len += (size_t)snprintf(text + len, 16, "%u%c", i, i % 7 ? ' ' : '\n');
    for (size_t i = 0; i <= len; i++) {
        if (text[i] == '\n')
            want[want_len++] = '\r';
        want[want_len++] = text[i];
    }
    for (unsigned each = 1; each <= sizeof(reader.ring.out); each = each * 3 + 1) {
        reader.each_sleep = each;
        say(text);
        must_have_read(want);
    }
    assert_true(reader.sleeps > 0);
}

static void nobody_reads(void **state)
{
    char text[3000], want[sizeof(reader.ring.out) + 1];
    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = 0;
    reader.each_sleep = READER_NEVER;
    say(text);
    assert_in_range(reader.now_ns, 1, 2 * RUNG_NS_PER_S); /* it has waited for a while */
    unsigned slept = reader.sleeps;
    for (unsigned i = 0; i < 100; i++)
        say(text);
    assert_int_equal(reader.sleeps, slept); /* and then no more */
    memset(want, 'x', sizeof(want));
    want[sizeof(reader.ring.out) - 1] = 0; /* a line end would have found room for two */
    must_have_read(want);
    say("again\n");
    char line[128];
    snprintf(line, sizeof(line), "warn: xen: %zu bytes of output lost\r\nagain\r\n",
             101 * (sizeof(text) - 1) - strlen(want));
    must_have_read(line);
}

static uint32_t reader_random(void)
{
    reader.random ^= reader.random << 13; /* xorshift64 */
    reader.random ^= reader.random >> 7;
    reader.random ^= reader.random << 17;
    return (uint32_t)(reader.random >> 32);
}

static void lie_about_both(void)
{
    reader.ring.out_cons = reader_random() & 1 ? reader_random() : reader.ring.out_prod;
    if (reader_random() % 4 == 0)
        reader.ring.out_prod = reader_random();
}

/* Whatever it writes to the indexes, the writer comes back, and stays within the ring. */
static void a_reader_that_lies(void **state)
{
    const char *seed = getenv("RUNG_TEST_SEED");
    char text[3000];
    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = 0;
    reader.random = (seed ? strtoull(seed, NULL, 0) : UINT64_C(0x52756e6731)) | 1;
    print_message("seed: RUNG_TEST_SEED=%#llx\n", (unsigned long long)reader.random);
    reader.lie = lie_about_both;
    for (unsigned i = 0; i < 300; i++) {
        lie_about_both();
        say(text);
        assert_in_range(reader.sleeps, 0, 100 * sizeof(text));
        reader.sleeps = 0;
    }
    rung_xen_console_flush();
    for (size_t i = 0; i < sizeof(reader.behind); i++)
        assert_int_equal(reader.behind[i], 0xa5);
    assert_int_equal(reader.ring.in[sizeof(reader.ring.in) - 1], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_line_ends_for_a_terminal, begin),
        cmocka_unit_test_setup(a_slow_reader_gets_all_of_it, begin),
        cmocka_unit_test_setup(nobody_reads, begin),
        cmocka_unit_test_setup(a_reader_that_lies, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
