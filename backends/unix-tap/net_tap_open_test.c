/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_tap_open_test.c - what open does with devices of all kinds, and what it
 * says when it cannot: in a network of the program's own. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/capability.h>
#include <linux/if.h>
#include <linux/if_tun.h>

#include "net_tap_testing.h"
#include "test_netns.h"

static void refused(struct tap_test *t, enum rung_err err, const char *says)
{
    size_t lines = test_log_count(t->p), blocks = test_heap_blocks(t->p);
    assert_int_equal(tap_try_open(t), err);
    assert_int_equal(test_log_count(t->p), lines + 1);
    if (!strstr(test_log_last(t->p), says))
        fail_msg("'%s' does not say '%s'", test_log_last(t->p), says);
    assert_int_equal(test_heap_blocks(t->p), blocks);
}

/* As `ip tuntap add dev NAME mode tap user UID` does it. false: there is no such user, in a user
 * namespace. */
static bool make_persistent(const char *name, int uid)
{
    struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
    assert_int_equal(ioctl(fd, TUNSETIFF, &ifr), 0);
    assert_int_equal(ioctl(fd, TUNSETPERSIST, 1), 0);
    bool owned = ioctl(fd, TUNSETOWNER, uid) == 0;
    close(fd);
    return owned;
}

/* Lets go of the right to change networks, or takes it again. */
static void network_right(bool have)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    uint32_t bit = 1u << CAP_NET_ADMIN;
    assert_int_equal(syscall(SYS_capget, &header, data), 0);
    data[0].effective = have ? data[0].effective | bit : data[0].effective & ~bit;
    assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

static void bad_keys_say_what_to_do(void **state)
{
    static const struct {
        const char *device, *mac, *says;
        uint64_t rx_memory;
        uint16_t mtu;
    } bad[] = {
        {"", NULL, "'' is no name for a device: say --a.net.device=tap0", 1 << 20, 0},
        {"a/b", NULL, "'a/b' is no name for a device", 1 << 20, 0},
        {"..", NULL, "'..' is no name for a device", 1 << 20, 0},
        {"tap%d", NULL, "'tap%d' is no name for a device", 1 << 20, 0},
        {"sixteen-letters-", NULL, "is no name for a device", 1 << 20, 0},
        {NULL, "", "'' is no Ethernet address of a station: say --a.net.mac=", 1 << 20, 0},
        {NULL, "02:00:00:00:00", "is no Ethernet address", 1 << 20, 0},
        {NULL, "02:00:00:00:00:1", "is no Ethernet address", 1 << 20, 0},
        {NULL, "02:00:00:00:00:01:", "is no Ethernet address", 1 << 20, 0},
        {NULL, "02-00-00-00-00-01", "is no Ethernet address", 1 << 20, 0},
        {NULL, "g2:00:00:00:00:01", "is no Ethernet address", 1 << 20, 0},
        {NULL, "03:00:00:00:00:01", "is no Ethernet address", 1 << 20, 0},
        {NULL, "00:00:00:00:00:00", "is no Ethernet address", 1 << 20, 0},
        {NULL, NULL, "an mtu of 575 is too small: set a.net.mtu to 576 or more", 1 << 20, 575},
        {NULL, NULL, "rx-memory is too small: set a.net.rx-memory to 256K or more", 262143, 0},
        {NULL, NULL, "does not take an mtu of 65535", 1 << 20, 65535},
    };
    struct tap_test t;
    (void)state;
    tap_begin(&t, &tap_good);
    t.keys.slot = "a.net";
    for (size_t i = 0; i < RUNG_ARRAY_LEN(bad); i++) {
        t.keys.device = bad[i].device;
        t.keys.mac = bad[i].mac;
        t.keys.mtu = bad[i].mtu;
        t.keys.rx_memory = bad[i].rx_memory;
        refused(&t, RUNG_E_RANGE, bad[i].says);
    }
    tap_end(&t);
}

static void a_new_device_comes_and_goes(void **state)
{
    static const uint8_t mac[6] = {0x0a, 0xbc, 0xde, 0xf0, 0x12, 0x34};
    uint8_t theirs[6];
    char name[16];
    struct tap_test t;
    (void)state;
    tap_begin(&t, &tap_good);
    assert_int_equal(tap_try_open(&t), RUNG_OK);
    memcpy(name, t.tap.name, sizeof(name));
    assert_true(test_link_exists(name));
    assert_true(t.tap.net.link_up);
    assert_int_equal(t.tap.net.info.mtu, 1500);
    assert_int_equal(t.tap.net.info.mac[0] & 3, 2); /* local, of one station */
    test_link_get_mac(name, theirs);
    assert_memory_not_equal(t.tap.net.info.mac, theirs, 6);
    tap_close_it(&t);
    assert_false(test_link_exists(name));
    t.keys.device = "mine0";
    t.keys.mtu = 9000;
    t.keys.mac = "0A:bc:dE:f0:12:34";
    assert_int_equal(tap_try_open(&t), RUNG_OK);
    assert_true(test_link_exists("mine0"));
    assert_true(t.tap.net.link_up);
    assert_int_equal(t.tap.net.info.mtu, 9000);
    assert_memory_equal(t.tap.net.info.mac, mac, 6);
    tap_close_it(&t);
    assert_false(test_link_exists("mine0"));
    tap_end(&t);
}

static void no_offload_means_none(void **state)
{
    struct tap_test t;
    (void)state;
    tap_begin(&t, &tap_good);
    t.keys.offload = false;
    assert_int_equal(tap_try_open(&t), RUNG_OK);
    assert_int_equal(t.tap.net.info.caps, RUNG_NET_TX_SG | RUNG_NET_PROMISC);
    assert_non_null(strstr(test_log_last(t.p), "no offload"));
    tap_close_it(&t);
    tap_end(&t);
}

static bool is_up(void *arg)
{
    return ((struct tap_test *)arg)->events & RUNG_NET_LINK;
}

/* One that somebody else made stays as he made it, also when the program has gone. */
static void a_device_of_others_is_used_as_it_is(void **state)
{
    struct tap_test t;
    (void)state;
    make_persistent("kept0", (int)geteuid());
    tap_begin(&t, &tap_good);
    t.keys.device = "kept0";
    assert_int_equal(tap_try_open(&t), RUNG_OK);
    assert_false(t.tap.net.link_up);
    assert_non_null(strstr(test_log_last(t.p), "kept0 is down: sudo ip link set dev kept0 up"));
    test_link_up("kept0", true);
    test_run_until(t.p, is_up, &t);
    assert_true(t.tap.net.link_up);
    assert_int_equal(t.events, RUNG_NET_LINK);
    tap_close_it(&t);
    assert_true(test_link_exists("kept0"));
    assert_int_equal(tap_try_open(&t), RUNG_OK); /* and once more, while it is up */
    assert_true(t.tap.net.link_up);
    tap_close_it(&t);
    tap_end(&t);
    test_link_delete("kept0");
}

static void devices_that_cannot_be_had(void **state)
{
    struct tap_test t, other;
    (void)state;
    tap_begin(&t, &tap_good);
    tap_begin(&other, &tap_good);
    t.keys.device = other.keys.device = "busy0";
    assert_int_equal(tap_try_open(&other), RUNG_OK);
    refused(&t, RUNG_E_BUSY, "busy0 is in use by another program: end that one, or say --net");
    tap_close_it(&other);
    test_link_veth("wire0", "wire1");
    t.keys.device = "wire0";
    refused(&t, RUNG_E_INVAL, "wire0 is no tap device");
    test_link_delete("wire0");
    make_persistent("small0", (int)geteuid());
    test_link_mtu("small0", 500);
    t.keys.device = "small0";
    refused(&t, RUNG_E_INVAL, "the mtu of small0 is 500: sudo ip link set dev small0 mtu 1500");
    test_link_delete("small0");
    tap_end(&other);
    tap_end(&t);
}

static void the_hosts_own_address_is_not_ours(void **state)
{
    uint8_t m[6];
    char mac[18];
    struct tap_test t;
    (void)state;
    make_persistent("kept0", (int)geteuid());
    test_link_get_mac("kept0", m);
    snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
    tap_begin(&t, &tap_good);
    t.keys.device = "kept0";
    t.keys.mac = mac;
    refused(&t, RUNG_E_RANGE, "the host itself has the address");
    tap_end(&t);
    test_link_delete("kept0");
}

/* As an ordinary user has it: no right over networks, but over a device made for him. */
static void without_the_right(void **state)
{
    struct tap_test t;
    (void)state;
    assert_true(make_persistent("mine0", (int)geteuid()));
    bool other = make_persistent("other0", 12345 + (int)geteuid());
    tap_begin(&t, &tap_good);
    network_right(false);
    refused(&t, RUNG_E_ACCESS, "no permission to make a tap device: use ./rung run, or sudo ip "
                               "tuntap add dev tap0 mode tap user $USER, and say --net.device=");
    t.keys.device = "new0";
    refused(&t, RUNG_E_ACCESS, "sudo ip tuntap add dev new0 mode tap");
    t.keys.device = "mine0";
    t.keys.mtu = 1400;
    refused(&t, RUNG_E_ACCESS, "no permission to set the mtu of mine0: sudo ip link set dev mine0 "
                               "mtu 1400, or leave --net.mtu out");
    t.keys.mtu = 1500; /* which it has */
    assert_int_equal(tap_try_open(&t), RUNG_OK);
    assert_true((t.tap.net.info.caps & RUNG_NET_TX_TSO6) && t.tap.net.info.headroom > 0);
    tap_close_it(&t);
    t.keys.device = "other0";
    if (other)
        refused(&t, RUNG_E_ACCESS, "other0 belongs to another user: sudo ip tuntap del dev other0");
    network_right(true);
    tap_end(&t);
    test_link_delete("mine0");
    test_link_delete("other0");
}

/* The program runs out of descriptors at any point of open. */
static void without_descriptors(void **state)
{
    enum { MOST = 200 };
    struct tap_test t;
    struct rlimit before, few;
    int taken[MOST], count = 0;
    (void)state;
    tap_begin(&t, &tap_good);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = (struct rlimit){.rlim_cur = MOST, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    while (count < MOST && (taken[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        count++;
    refused(&t, RUNG_E_LIMIT, "Too many open files");
    close(taken[--count]);
    refused(&t, RUNG_E_LIMIT, "Too many open files");
    close(taken[--count]);
    assert_int_equal(tap_try_open(&t), RUNG_OK);
    tap_close_it(&t);
    while (count > 0)
        close(taken[--count]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    tap_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_keys_say_what_to_do),
        cmocka_unit_test(a_new_device_comes_and_goes),
        cmocka_unit_test(no_offload_means_none),
        cmocka_unit_test(a_device_of_others_is_used_as_it_is),
        cmocka_unit_test(devices_that_cannot_be_had),
        cmocka_unit_test(the_hosts_own_address_is_not_ours),
        cmocka_unit_test(without_the_right),
        cmocka_unit_test(without_descriptors),
    };
    const char *why = "";
    if (!test_netns_enter_with_tun(&why)) {
        printf("skipped: %s\n", why);
        return TEST_NETNS_SKIP;
    }
    test_link_quiet("default"); /* a host that greets its neighbours makes events of its own */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
