/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_pcap_link_test.c - NET on an interface that is not there, not allowed,
 * not Ethernet, down, up again, renamed, removed. */
#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <linux/if_tun.h>

#include "net_pcap_live_testing.h"

static void open_says_what_is_wrong(void **state)
{
    struct live_test t;
    (void)state;
    begin(&t);
    t.keys.device = "eth77";
    must_refuse(&t, RUNG_E_NOTFOUND, "no interface 'eth77': set net.device to one of lo, ");
    must_say(&t, "ours");
    t.keys.device = "any";
    must_refuse(&t, RUNG_E_NOTFOUND, "there is no interface 'any'");
    t.keys.device = "a-name-that-is-longer-than-a-name-can-be";
    must_refuse(&t, RUNG_E_NOTFOUND, "there is no interface");
    t.keys.device = "ours";
    t.keys.mtu = 1501;
    must_refuse(&t, RUNG_E_RANGE, "ours takes at most 1500 bytes: set net.mtu to less, or run "
                                  "`ip link set ours mtu 1501`");
    t.keys.mtu = 0;
    t.keys.offload = false;
    test_link_mtu("ours", 9000);
    t.keys.pool = 2;
    must_refuse(&t, RUNG_E_RANGE, "set net.pool to 3 or more");
    test_link_up("ours", false);
    t.keys.pool = 64;
    must_refuse(&t, RUNG_E_DOWN, "ours is down: run `ip link set ours up`");
    end(&t);
}

static void open_without_the_right(void **state)
{
    struct live_test t;
    (void)state;
    begin(&t);
    uid_t me = geteuid();
    if (seteuid(65534)) { /* takes the capabilities along, till we come back */
        end(&t);
        print_message("skipped: this user cannot become another\n");
        skip();
    }
    enum rung_err err = try_open(&t);
    assert_int_equal(seteuid(me), 0);
    assert_int_equal(err, RUNG_E_ACCESS);
    must_say(&t, "no permission to use ours: run as root, or once `sudo setcap cap_net_raw+ep /");
    end(&t);
}

static void ethernet_only(void **state)
{
    struct live_test t;
    struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    (void)state;
    begin(&t);
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    memcpy(ifr.ifr_name, "ip0", sizeof("ip0"));
    if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr)) {
        if (fd >= 0)
            close(fd);
        end(&t);
        print_message("skipped: no /dev/net/tun to make an interface that is not Ethernet\n");
        skip();
    }
    test_link_quiet("ip0");
    test_link_up("ip0", true);
    t.keys.device = "ip0";
    must_refuse(&t, RUNG_E_NOTSUP, "ip0 is not Ethernet but RAW (12)");
    close(fd);
    end(&t);
}

static bool was_told(void *arg)
{
    return (((struct live_test *)arg)->events & RUNG_NET_RX_READY) != 0;
}

/* Which of the two is the cable and which the card makes no difference. */
static void down_and_up_again(void **state)
{
    static const char *const names[] = {"far", "ours", "far"};
    struct live_test t;
    uint8_t bytes[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, [13] = 1};
    (void)state;
    begin(&t);
    must_open(&t);
    for (uint8_t i = 0; i < 3; i++) {
        unsigned links = t.link_events;
        drain(&t);
        test_link_up(names[i], false);
        test_wait(t.p, link_is_down, &t);
        must_say(&t, "ours is down");
        test_settle(t.p);
        assert_int_equal(t.link_events, links + 1);
        uint64_t lost = t.pcap.net.stats.tx_dropped;
        assert_int_equal(send_one(&t, bytes, 60), 1);
        assert_int_equal(t.pcap.net.stats.tx_dropped, lost + 1);
        if (i == 2) {
            test_link_up("ours", false);
            test_settle(t.p);
            test_link_up("ours", true);
        }
        test_link_up(names[i], true);
        await_running("ours");
        await_running("far");
        test_wait(t.p, link_is_up, &t);
        must_say(&t, "ours is up again");
        test_settle(t.p);
        assert_int_equal(t.link_events, links + 2);
        drain(&t);
        if (!put_frame(t.peer, OURS, OTHER, 1)) /* its socket remembers that it was down */
            assert_true(put_frame(t.peer, OURS, OTHER, 1));
        test_wait(t.p, was_told, &t);
        assert_int_equal(await_mark(&t), 1);
        lost = t.pcap.net.stats.tx_dropped;
        assert_int_equal(send_one(&t, bytes, 60), 1);
        assert_int_equal(t.pcap.net.stats.tx_dropped, lost);
    }
    end(&t);
}

/* Down that nobody has told us of yet: the frame is dropped, the link is seen to be down. */
static void a_send_sees_that_the_link_is_down(void **state)
{
    struct live_test t;
    uint8_t bytes[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, [13] = 1};
    (void)state;
    begin(&t);
    must_open(&t);
    test_link_up("ours", false);
    assert_true(t.pcap.net.link_up);
    assert_int_equal(send_one(&t, bytes, 60), 1);
    assert_int_equal(t.pcap.net.stats.tx_dropped, 1);
    assert_false(t.pcap.net.link_up);
    assert_int_equal(t.link_events, 0); /* not inside the call */
    test_settle(t.p);
    assert_int_equal(t.link_events, 1);
    end(&t);
}

static void removed_and_renamed(void **state)
{
    struct live_test t;
    uint8_t bytes[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, [13] = 1};
    struct rung_frame *f = NULL;
    (void)state;
    begin(&t);
    must_open(&t);
    assert_int_equal(system("ip link set ours down && ip link set ours name mine && "
                            "ip link set mine up"), 0);
    test_settle(t.p);
    await_running("mine");
    await_running("far");
    test_wait(t.p, link_is_up, &t);
    if (!put_frame(t.peer, OURS, OTHER, 1))
        assert_true(put_frame(t.peer, OURS, OTHER, 1));
    assert_int_equal(await_mark(&t), 1);
    test_settle(t.p);
    t.events = 0;
    size_t lines = test_log_count(t.p);
    test_link_delete("mine");
    test_wait(t.p, link_is_down, &t);
    test_settle(t.p);
    assert_int_equal(t.events, RUNG_NET_RX_READY | RUNG_NET_TX_READY | RUNG_NET_LINK);
    assert_int_equal(test_log_count(t.p), lines + 1);
    must_say(&t, "ours has been removed");
    assert_int_equal(rung_net_recv(&t.pcap.net, &f, 1), RUNG_E_DOWN);
    assert_int_equal(send_one(&t, bytes, 60), RUNG_E_DOWN);
    end(&t);
}

static bool is_removed(void *arg)
{
    struct live_test *t = arg;
    uint8_t bytes[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, [13] = 1};
    return send_one(t, bytes, 60) == RUNG_E_DOWN;
}

/* The one who sends may see it first; the events still come, once. */
static void a_send_sees_that_the_device_is_gone(void **state)
{
    struct live_test t;
    (void)state;
    begin(&t);
    must_open(&t);
    size_t lines = test_log_count(t.p);
    test_link_delete("ours");
    assert_true(is_removed(&t));
    assert_int_equal(t.events, 0);
    test_settle(t.p);
    assert_int_equal(test_log_count(t.p), lines + 1);
    assert_int_equal(t.events, RUNG_NET_RX_READY | RUNG_NET_TX_READY | RUNG_NET_LINK);
    assert_int_equal(t.rx_events, 1);
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_says_what_is_wrong),
        cmocka_unit_test(open_without_the_right),
        cmocka_unit_test(ethernet_only),
        cmocka_unit_test(down_and_up_again),
        cmocka_unit_test(a_send_sees_that_the_link_is_down),
        cmocka_unit_test(removed_and_renamed),
        cmocka_unit_test(a_send_sees_that_the_device_is_gone),
    };
    test_netns_enter_or_exit();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
