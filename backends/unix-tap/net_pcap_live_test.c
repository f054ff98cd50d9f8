/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_pcap_live_test.c - NET on an interface: which frames it takes, what it does
 * when queues are full and pages are few. The peer is the kernel itself, or a packet socket. */
#include <netinet/udp.h>

#include "net_pcap_live_testing.h"

/* What comes off the wire, and nothing that this host sends: neither the kernel's nor our own. */
static void only_what_the_wire_brings(void **state)
{
    struct live_test t;
    uint8_t bytes[60] = {0};
    (void)state;
    begin(&t);
    must_open(&t);
    assert_true(put_frame(t.host, ALL, OTHER, 1));
    assert_true(put_frame(t.host, OURS, OTHER, 2));
    memcpy(bytes, ALL, 6);
    memcpy(bytes + 6, OURS, 6);
    assert_int_equal(send_one(&t, bytes, 60), 1);
    assert_true(put_frame(t.peer, ALL, OURS, 3)); /* our own, come back */
    assert_true(put_frame(t.peer, OTHER, THIRD, 4));
    assert_true(put_frame(t.peer, ALL, OTHER, 5));
    assert_true(put_frame(t.peer, OURS, OTHER, 6));
    assert_int_equal(await_mark(&t), 5);
    assert_int_equal(await_mark(&t), 6);
    assert_int_equal(t.pcap.net.stats.rx_frames, 2);
    end(&t);
}

/* UDP from the far end's kernel to everyone, in pieces of segment bytes if that is not 0. */
static void kernel_speaks(size_t len, int segment)
{
    static const char words[9000];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    int on = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    inet_pton(AF_INET, "192.0.2.255", &to.sin_addr);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)), 0);
    if (segment)
        assert_int_equal(setsockopt(fd, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)), 0);
    assert_int_equal(sendto(fd, words, len, 0, (const struct sockaddr *)(const void *)&to,
                            sizeof(to)), len);
    close(fd);
}

static void unfinished_frames_of_a_kernel(void **state)
{
    struct live_test t;
    (void)state;
    for (int offload = 0; offload < 2; offload++) {
        begin(&t);
        test_link_addr("far", "192.0.2.1/24");
        t.keys.offload = offload;
        must_open(&t);
        kernel_speaks(700, 0);
        do {
            if (t.got)
                t.got->release(t.got);
            t.got = NULL;
            test_wait(t.p, has_frame, &t);
        } while (t.got->len != 742);
        assert_int_equal(t.got->flags, offload ? RUNG_FRAME_CSUM : 0);
        assert_int_equal(t.got->csum_start, offload ? 34 : 0);
        t.got->release(t.got);
        end(&t);
    }
}

static bool has_lost(void *arg)
{
    struct live_test *t = arg;
    if (has_frame(t)) {
        t->got->release(t->got);
        t->got = NULL;
    }
    return t->pcap.net.stats.rx_dropped > 0;
}

static void merged_frames_say_how_to_end_them(void **state)
{
    struct live_test t;
    (void)state;
    begin(&t);
    test_link_addr("far", "192.0.2.1/24");
    must_open(&t);
    kernel_speaks(8000, 1000);
    test_wait(t.p, has_lost, &t);
    must_say(&t, "ours hands over merged frames");
    must_say(&t, "run `ethtool -K ours gro off lro off`");
    size_t lines = test_log_count(t.p);
    kernel_speaks(8000, 1000);
    test_settle(t.p);
    has_lost(&t);
    assert_int_equal(test_log_count(t.p), lines); /* once is enough */
    end(&t);
}

static bool has_room(void *arg)
{
    return (((struct live_test *)arg)->events & RUNG_NET_TX_READY) != 0;
}

/* A queue that is full of others' frames: nobody says when it is not, so we look again. */
static void a_full_queue_is_tried_again(void **state)
{
    struct live_test t;
    uint8_t bytes[1000] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, [13] = 1};
    unsigned sent = 0;
    (void)state;
    begin(&t);
    must_open(&t);
    if (system("tc qdisc add dev ours root tbf rate 8bit burst 1600 limit 5000")) {
        end(&t);
        print_message("skipped: no shaper (tc-tbf) on this host\n");
        skip();
    }
    while (send_one(&t, bytes, sizeof(bytes)) == 1)
        assert_true(++sent < 20);
    assert_true(sent > 0);
    assert_int_equal(t.events, 0);
    test_wait(t.p, has_room, &t);
    assert_int_equal(send_one(&t, bytes, sizeof(bytes)), 0);
    t.events = 0;
    assert_int_equal(system("tc qdisc del dev ours root"), 0);
    test_wait(t.p, has_room, &t);
    assert_int_equal(send_one(&t, bytes, sizeof(bytes)), 1);
    assert_int_equal(t.pcap.net.stats.tx_frames, sent + 1);
    assert_int_equal(t.pcap.net.stats.tx_dropped, 0);
    end(&t);
}

/* Who waits for room on a link that goes down is told: all is taken now, and lost. */
static void down_is_room(void **state)
{
    struct live_test t;
    uint8_t bytes[1000] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, [13] = 1};
    (void)state;
    begin(&t);
    must_open(&t);
    if (system("tc qdisc add dev ours root tbf rate 8bit burst 1600 limit 100mb")) {
        end(&t);
        print_message("skipped: no shaper (tc-tbf) on this host\n");
        skip();
    }
    for (unsigned sent = 0; send_one(&t, bytes, sizeof(bytes)) == 1; sent++)
        assert_true(sent < 100000);
    test_settle(t.p);
    assert_int_equal(t.events, 0);
    test_link_up("ours", false);
    test_wait(t.p, has_room, &t);
    test_wait(t.p, link_is_down, &t);
    assert_int_equal(send_one(&t, bytes, sizeof(bytes)), 1);
    assert_int_equal(t.pcap.net.stats.tx_dropped, 1);
    end(&t);
}

/* The interface takes in frames for our address too: here in the only way that a veth has, which
 * is to take in all. It ends with the link. */
static void the_interface_knows_our_address(void **state)
{
    static const char all[] = "ip -d link show ours | grep -q 'promiscuity 1 '";
    struct live_test t;
    (void)state;
    for (int promisc = 0; promisc < 2; promisc++) {
        begin(&t);
        t.keys.promisc = promisc;
        assert_int_not_equal(system(all), 0);
        must_open(&t);
        assert_int_equal(system(all), 0);
        close_it(&t);
        assert_int_not_equal(system(all), 0);
        end(&t);
    }
}

/* An interface whose mtu shrinks under us loses what no longer fits, and nothing else. */
static void the_mtu_shrinks(void **state)
{
    struct live_test t;
    uint8_t bytes[1514] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, [13] = 1};
    (void)state;
    begin(&t);
    must_open(&t);
    test_link_mtu("ours", 1000);
    struct rung_frame frames[5], *f[5];
    for (unsigned i = 0; i < 5; i++) {
        frames[i] = (struct rung_frame){.data = bytes, .release = release};
        frames[i].len = i % 2 ? 1514 : 60;
        f[i] = &frames[i];
    }
    assert_int_equal(rung_net_send(&t.pcap.net, f, 5), 5);
    assert_int_equal(t.pcap.net.stats.tx_frames, 3);
    assert_int_equal(t.pcap.net.stats.tx_dropped, 2);
    end(&t);
}

/* Frames that nobody takes, and pages that nobody gives back, do not keep the loop busy. */
static void waiting_does_not_spin(void **state)
{
    struct live_test t;
    struct rung_frame *held[64];
    (void)state;
    begin(&t);
    t.keys.offload = false;
    t.keys.pool = 3;
    must_open(&t);
    for (uint8_t i = 1; i <= 6; i++)
        assert_true(put_frame(t.peer, OURS, OTHER, i));
    t.pcap.net.ready = NULL;
    test_settle(t.p);
    assert_int_equal(t.rx_events, 0);
    t.pcap.net.ready = on_ready;
    test_pause(t.p, 100);
    assert_int_equal(t.rx_events, 1); /* it was kept, and is told once */
    test_settle(t.p);
    assert_int_equal(rung_net_recv(&t.pcap.net, held, 64), 3);
    test_settle(t.p);
    assert_int_equal(t.rx_events, 1); /* three wait, without a page to put them */
    for (unsigned i = 0; i < 3; i++)
        held[i]->release(held[i]);
    test_settle(t.p);
    assert_int_equal(t.rx_events, 2);
    for (uint8_t i = 4; i <= 6; i++)
        assert_int_equal(await_mark(&t), i);
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_the_wire_brings),
        cmocka_unit_test(unfinished_frames_of_a_kernel),
        cmocka_unit_test(merged_frames_say_how_to_end_them),
        cmocka_unit_test(a_full_queue_is_tried_again),
        cmocka_unit_test(down_is_room),
        cmocka_unit_test(the_interface_knows_our_address),
        cmocka_unit_test(the_mtu_shrinks),
        cmocka_unit_test(waiting_does_not_spin),
    };
    test_netns_enter_or_exit();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
