/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_tap_test.c - what a tap does beyond the contract suite: events that nobody
 * hears, devices that go away, frames that the kernel refuses, memory that runs out. In a network
 * of the program's own. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "net_tap_hdr.h"
#include "net_tap_testing.h"
#include "test_netns.h"

enum { SUPER_LEN = 60000 };

/* The system call says that the device is full; see fixture_net_tap.c. */
static int full_fd = -1;

ssize_t write(int fd, const void *bytes, size_t len)
{
    if (fd == full_fd) {
        errno = EAGAIN;
        return -1;
    }
    return syscall(SYS_write, fd, bytes, len);
}

/* The host's side of the device. */
static int host_open(const struct tap_test *t)
{
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_ifindex = (int)t->tap.index};
    int on = 1, fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

/* Sends a plain frame of 60 bytes, or a super-frame. */
static void host_send(int fd, bool super)
{
    static uint8_t bytes[sizeof(struct virtio_net_hdr) + SUPER_LEN];
    struct virtio_net_hdr hdr = {.flags = 0};
    uint8_t *frame = bytes + sizeof(hdr);
    size_t len = super ? SUPER_LEN : 60;
    memset(bytes, 0, sizeof(bytes));
    memset(frame, 0x02, 12);
    frame[12] = super ? 0x08 : 0x88;
    frame[13] = super ? 0x00 : 0xb5;
    if (super) {
        hdr = (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .hdr_len = 54,
                                      .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 1460};
        hdr.csum_start = 34;
        hdr.csum_offset = 16;
        frame[14] = 0x45;
        frame[16] = (uint8_t)((len - 14) >> 8);
        frame[17] = (uint8_t)(len - 14);
        frame[23] = 6;
        frame[46] = 5 << 4;
    }
    memcpy(bytes, &hdr, sizeof(hdr));
    assert_int_equal(send(fd, bytes, sizeof(hdr) + len, 0), sizeof(hdr) + len);
}

struct out {
    struct rung_frame frame;
    unsigned released;
    uint8_t bytes[128];
};

static void out_release(struct rung_frame *frame)
{
    rung_container_of(frame, struct out, frame)->released++;
}

static void out_init(struct out *out, uint32_t len)
{
    memset(out, 0, sizeof(*out));
    memset(out->bytes, 0xff, sizeof(out->bytes));
    out->frame = (struct rung_frame){.data = out->bytes + 16, .len = len, .release = out_release};
}

static void open_it(struct tap_test *t)
{
    tap_begin(t, &tap_good);
    assert_int_equal(tap_try_open(t), RUNG_OK);
}

static void an_event_waits_for_who_hears_it(void **state)
{
    struct tap_test t;
    struct rung_frame *f;
    (void)state;
    open_it(&t);
    int host = host_open(&t);
    t.tap.net.ready = NULL;
    host_send(host, false);
    test_run_turns(t.p, 10);
    t.tap.net.ready = tap_on_ready;
    test_run_turns(t.p, 2);
    assert_int_equal(t.events, RUNG_NET_RX_READY);
    assert_int_equal(rung_net_recv(&t.tap.net, &f, 1), 1);
    f->release(f);
    t.events = 0;
    assert_int_equal(rung_net_recv(&t.tap.net, &f, 1), 0);
    t.tap.net.ready = NULL;
    host_send(host, false);
    test_run_turns(t.p, 10);
    assert_int_equal(rung_net_recv(&t.tap.net, &f, 1), 1); /* came without being told */
    f->release(f);
    assert_int_equal(rung_net_recv(&t.tap.net, &f, 1), 0);
    t.tap.net.ready = tap_on_ready;
    test_run_turns(t.p, 10);
    assert_int_equal(t.events, 0); /* which is old news by now */
    close(host);
    tap_close_it(&t);
    tap_end(&t);
}

static bool has_event(void *arg)
{
    return ((struct tap_test *)arg)->events != 0;
}

static void a_deleted_device_says_all_once(void **state)
{
    struct tap_test t;
    struct rung_frame *f = NULL;
    (void)state;
    open_it(&t);
    test_link_delete(t.tap.name);
    test_run_until(t.p, has_event, &t);
    assert_int_equal(t.events, RUNG_NET_RX_READY | RUNG_NET_TX_READY | RUNG_NET_LINK);
    assert_false(t.tap.net.link_up);
    assert_int_equal(rung_net_recv(&t.tap.net, &f, 1), RUNG_E_DOWN);
    assert_non_null(strstr(test_log_last(t.p), "has been deleted"));
    t.events = 0;
    test_run_turns(t.p, 10);
    assert_int_equal(t.events, 0);
    tap_close_it(&t);
    tap_end(&t);
}

/* Who sends or receives before the loop has heard of it finds out first. */
static void a_deleted_device_is_noticed_in_passing(void **state)
{
    struct tap_test t;
    struct rung_frame *f;
    struct out out;
    (void)state;
    for (unsigned sends = 0; sends < 2; sends++) {
        open_it(&t);
        test_link_delete(t.tap.name);
        out_init(&out, 60);
        f = &out.frame;
        if (sends)
            assert_int_equal(rung_net_send(&t.tap.net, &f, 1), RUNG_E_DOWN);
        else
            assert_int_equal(rung_net_recv(&t.tap.net, &f, 1), RUNG_E_DOWN);
        assert_int_equal(out.released, 0);
        assert_int_equal(t.events, 0); /* not inside the call */
        test_run_until(t.p, has_event, &t);
        assert_int_equal(t.events, RUNG_NET_RX_READY | RUNG_NET_TX_READY | RUNG_NET_LINK);
        tap_close_it(&t);
        tap_end(&t);
    }
}

static bool has_moved(void *arg)
{
    struct tap_test *t = arg;
    return strstr(test_log_last(t->p), "has been moved to another") != NULL;
}

/* Somebody moves it into a container: it is deleted here, and lives on. */
static void a_moved_device_lives_on(void **state)
{
    struct tap_test t;
    struct out out;
    struct rung_frame *f = &out.frame;
    int go[2], there[2];
    char byte = 0;
    (void)state;
    open_it(&t);
    assert_int_equal(pipe(go) | pipe(there), 0);
    pid_t child = fork();
    if (child == 0) { /* a network of its own, up to the end of the test */
        syscall(SYS_write, there[1], unshare(CLONE_NEWNET) ? "n" : "y", 1);
        close(go[1]);
        while (read(go[0], &byte, 1) < 0)
            ;
        _exit(0);
    }
    assert_int_equal(read(there[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    test_link_move(t.tap.name, child);
    test_run_until(t.p, has_moved, &t);
    assert_false(t.tap.gone);
    assert_true(t.tap.net.link_up);
    out_init(&out, 60);
    assert_int_equal(rung_net_send(&t.tap.net, &f, 1), 1);
    assert_int_equal(out.released, 1);
    assert_int_equal(t.tap.net.stats.tx_dropped, 1); /* nobody has brought it up there */
    close(go[1]);
    close(go[0]);
    close(there[0]);
    close(there[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    tap_close_it(&t);
    tap_end(&t);
}

/* A frame that the kernel does not take is lost; those around it are not. */
static void a_bad_frame_is_lost_alone(void **state)
{
    struct tap_test t;
    struct out out[4];
    struct rung_frame *f[4];
    (void)state;
    open_it(&t);
    for (unsigned i = 0; i < 4; i++) {
        out_init(&out[i], 60);
        f[i] = &out[i].frame;
    }
    f[1]->len = 10; /* no Ethernet header */
    f[2]->flags = RUNG_FRAME_CSUM;
    f[2]->csum_start = 70;
    assert_int_equal(rung_net_send(&t.tap.net, f, 4), 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(out[i].released, 1);
    assert_int_equal(t.tap.net.stats.tx_frames, 2);
    assert_int_equal(t.tap.net.stats.tx_bytes, 120);
    assert_int_equal(t.tap.net.stats.tx_dropped, 2);
    tap_close_it(&t);
    tap_end(&t);
}

/* Super-frames that are held take all large pages, and leave some for small frames. */
static void small_frames_come_in_beside_held_ones(void **state)
{
    enum { MOST = 64 };
    struct tap_test t;
    struct rung_frame *held[MOST], *f;
    unsigned count = 0;
    (void)state;
    open_it(&t);
    int host = host_open(&t);
    while (t.tap.net.stats.rx_dropped == 0) {
        assert_true(count < MOST);
        host_send(host, true);
        count += (unsigned)rung_net_recv(&t.tap.net, &held[count], 1);
    }
    assert_in_range(count, 4, (1 << 20) / SUPER_LEN);
    for (unsigned i = 0; i < 50; i++) {
        host_send(host, false);
        assert_int_equal(rung_net_recv(&t.tap.net, &f, 1), 1);
        assert_int_equal(f->len, 60);
        assert_null(f->next);
        f->release(f);
    }
    assert_true(t.tap.pool.used <= 1 << 20);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(held[i]->gso_size, 1460);
        assert_int_equal(held[i]->len, SUPER_LEN);
        held[i]->release(held[i]);
    }
    host_send(host, true);
    assert_int_equal(rung_net_recv(&t.tap.net, &f, 1), 1);
    f->release(f);
    assert_int_equal(t.tap.net.stats.rx_dropped, 1);
    close(host);
    tap_close_it(&t);
    tap_end(&t);
}

/* Small frames that are held leave nothing for large ones; free pages go over to where they are
 * needed. */
static void memory_goes_where_it_is_needed(void **state)
{
    enum { MOST = 1024 };
    struct tap_test t;
    struct rung_frame *held[MOST], *f;
    unsigned count = 0;
    (void)state;
    open_it(&t);
    int host = host_open(&t);
    size_t room = (1 << 20) - t.tap.pool.of[RUNG_NET_TAP_LARGE].cost; /* that page is read into */
    for (unsigned round = 0; round < 3; round++) {
        for (count = 0; t.tap.net.stats.rx_dropped == round; count++) {
            assert_true(count < MOST);
            host_send(host, false);
            if (rung_net_recv(&t.tap.net, &held[count], 1) != 1)
                break;
        }
        assert_in_range(count, room / 2048 - 1, room / 2000);
        for (unsigned i = 0; i < count; i++)
            held[i]->release(held[i]);
        for (unsigned i = 0; i < 10; i++) {
            host_send(host, true);
            assert_int_equal(rung_net_recv(&t.tap.net, &held[i], 1), 1);
        }
        for (unsigned i = 0; i < 10; i++)
            held[i]->release(held[i]);
    }
    assert_int_equal(rung_net_recv(&t.tap.net, &f, 1), 0);
    close(host);
    tap_close_it(&t);
    tap_end(&t);
}

/* The heap refuses what a frame needs: it is lost, the next one is not. */
static void a_frame_without_memory_is_lost(void **state)
{
    struct tap_test t;
    struct rung_frame *f[2];
    (void)state;
    open_it(&t);
    int host = host_open(&t);
    for (unsigned i = 0; i < 2; i++)
        host_send(host, false);
    assert_int_equal(rung_net_recv(&t.tap.net, f, 1), 1); /* it has the first page */
    test_heap_fail_after(t.p, 1);
    assert_int_equal(rung_net_recv(&t.tap.net, f + 1, 1), 0);
    assert_int_equal(t.tap.net.stats.rx_dropped, 1);
    host_send(host, false);
    assert_int_equal(rung_net_recv(&t.tap.net, f + 1, 1), 1);
    f[0]->release(f[0]);
    f[1]->release(f[1]);
    close(host);
    tap_close_it(&t);
    tap_end(&t);
}

/* Who waits for room in a device that goes down is told: frames are taken and dropped then. */
static void a_full_device_that_goes_down_has_room(void **state)
{
    struct tap_test t;
    struct out out;
    struct rung_frame *f = &out.frame;
    (void)state;
    open_it(&t);
    full_fd = t.tap.fd;
    out_init(&out, 60);
    assert_int_equal(rung_net_send(&t.tap.net, &f, 1), 0);
    test_link_up(t.tap.name, false);
    t.events = 0;
    test_run_until(t.p, has_event, &t);
    assert_int_equal(t.events, RUNG_NET_TX_READY | RUNG_NET_LINK);
    assert_int_equal(rung_net_send(&t.tap.net, &f, 1), 1);
    assert_int_equal(out.released, 1);
    full_fd = -1;
    tap_close_it(&t);
    tap_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_waits_for_who_hears_it),
        cmocka_unit_test(a_deleted_device_says_all_once),
        cmocka_unit_test(a_deleted_device_is_noticed_in_passing),
        cmocka_unit_test(a_moved_device_lives_on),
        cmocka_unit_test(a_bad_frame_is_lost_alone),
        cmocka_unit_test(small_frames_come_in_beside_held_ones),
        cmocka_unit_test(memory_goes_where_it_is_needed),
        cmocka_unit_test(a_frame_without_memory_is_lost),
        cmocka_unit_test(a_full_device_that_goes_down_has_room),
    };
    const char *why = "";
    if (!test_netns_enter_with_tun(&why)) {
        printf("skipped: %s\n", why);
        return TEST_NETNS_SKIP;
    }
    test_link_quiet("default");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
