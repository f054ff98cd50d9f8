/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_pcap_file_test.c - NET on a capture file, and the keys of net-pcap. */
#include <sys/stat.h>

#include "net_pcap_testing.h"

static char folder[] = "/tmp/rung-net-pcap-XXXXXX";

static void keys_that_will_not_do(void **state)
{
    static const char *const macs[] = {"", "02:00:00:00:00", "02:00:00:00:00:00:00", "hello",
                                       "03:00:00:00:00:01", "00:00:00:00:00:00",
                                       "02:00:00:00:00:0g", "2:0:0:0:0:1", "02:00:00:00:00:1"};
    struct file_test t;
    (void)state;
    begin(&t, folder);
    t.keys.device = "lo";
    must_refuse(&t, RUNG_E_RANGE, "both an interface and a file: give one of net.device and "
                                  "net.file");
    t.keys.device = t.keys.file = NULL;
    must_refuse(&t, RUNG_E_RANGE, "set net.device to an Ethernet interface, or net.file");
    t.keys.file = t.path;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(macs); i++) {
        t.keys.mac = macs[i];
        must_refuse(&t, RUNG_E_RANGE, "set net.mac to one like 02:00:00:12:34:56");
    }
    t.keys.mac = NULL;
    t.keys.mtu = 575;
    must_refuse(&t, RUNG_E_RANGE, "set net.mtu to 576 or more");
    t.keys.mtu = 0;
    t.keys.buffer = 1000;
    must_refuse(&t, RUNG_E_RANGE, "set net.buffer to 256K or more");
    t.keys.buffer = UINT64_C(1) << 40;
    must_refuse(&t, RUNG_E_RANGE, "below 2G");
    t.keys.buffer = 1 << 20;
    t.keys.pool = 16;
    must_refuse(&t, RUNG_E_RANGE, "set net.pool to 17 or more");
    t.keys.pool = 0;
    t.keys.offload = false;
    must_refuse(&t, RUNG_E_RANGE, "set net.pool to 1 or more");
    end(&t);
}

static void files_that_are_no_captures(void **state)
{
    struct file_test t;
    (void)state;
    begin(&t, folder);
    must_refuse(&t, RUNG_E_NOTFOUND, "there is no file '/tmp/rung-net-pcap");
    t.keys.file = folder;
    must_refuse(&t, RUNG_E_INVAL, "is no regular file");
    t.keys.file = t.path;
    assert_int_equal(mkfifo(t.path, 0600), 0);
    must_refuse(&t, RUNG_E_INVAL, "is no regular file"); /* and does not wait for a writer */
    unlink(t.path);
    write_file(&t); /* empty */
    must_refuse(&t, RUNG_E_CORRUPT, "is no capture that can be read");
    t.len = (size_t)sprintf((char *)t.bytes, "just some words, longer than a header is");
    write_file(&t);
    must_refuse(&t, RUNG_E_CORRUPT, "set net.file to a pcap or pcapng file");
    t.len = 0;
    put_head(&t, FILE_MAGIC, 1);
    t.len -= 3; /* cut in the header */
    write_file(&t);
    must_refuse(&t, RUNG_E_CORRUPT, "is no capture that can be read");
    t.len = 0;
    put_head(&t, FILE_MAGIC, 101);
    write_file(&t);
    must_refuse(&t, RUNG_E_NOTSUP, "frames of type RAW (12), not Ethernet");
    t.len = 0;
    put_section(&t, 113);
    write_file(&t);
    must_refuse(&t, RUNG_E_NOTSUP, "frames of type LINUX_SLL (113), not Ethernet");
    end(&t);
}

/* pcap in both byte orders and both time units, and pcapng. */
static void frames_come_in_order(void **state)
{
    static const uint32_t magics[] = {FILE_MAGIC, 0xa1b23c4d, 0};
    static const uint32_t lens[] = {14, 60, 61, 1514, 1513, 900};
    struct file_test t;
    (void)state;
    for (unsigned round = 0; round < 2 * RUNG_ARRAY_LEN(magics); round++) {
        uint32_t magic = magics[round / 2];
        begin(&t, folder);
        t.big = round % 2;
        if (magic)
            put_head(&t, magic, 1);
        else
            put_section(&t, 1);
        for (uint32_t i = 0; i < RUNG_ARRAY_LEN(lens); i++) {
            if (magic)
                put_frame(&t, i, lens[i], lens[i]);
            else
                put_enhanced(&t, i, lens[i]);
        }
        must_open(&t);
        assert_int_equal(t.pcap.net.info.mtu, 1500);
        assert_int_equal(t.pcap.net.info.mac[0] & 3, 2);
        assert_true(t.pcap.net.info.caps & RUNG_NET_PROMISC);
        test_run_turns(t.p, 3);
        assert_int_equal(t.rx_events, 1);
        for (uint32_t i = 0; i < RUNG_ARRAY_LEN(lens); i++)
            expect_frame(&t, i, lens[i]);
        expect_end(&t, "6 frames (4062 bytes) came from it, 0 were left out, 0 were sent");
        close_it(&t);
        end(&t);
    }
}

static void sent_release(struct rung_frame *frame)
{
    frame->len = 0;
}

static void what_is_sent_is_counted_and_dropped(void **state)
{
    struct file_test t;
    uint8_t bytes[60] = {0};
    (void)state;
    begin(&t, folder);
    put_head(&t, FILE_MAGIC, 1);
    put_frame(&t, 1, 60, 60);
    must_open(&t);
    for (unsigned i = 0; i < 4; i++) {
        struct rung_frame frame = {.data = bytes, .len = 60, .release = sent_release};
        struct rung_frame *f = &frame;
        assert_int_equal(rung_net_send(&t.pcap.net, &f, 1), 1);
        assert_int_equal(frame.len, 0);
        if (i == 1)
            expect_frame(&t, 1, 60);
        if (i == 2)
            expect_end(&t, "1 frames (60 bytes) came from it, 0 were left out, 3 were sent so far");
    }
    assert_int_equal(t.pcap.net.stats.tx_dropped, 4);
    assert_int_equal(t.pcap.net.stats.tx_frames, 0);
    close_it(&t);
    end(&t);
}

static void frames_that_will_not_do_are_left_out(void **state)
{
    struct file_test t;
    (void)state;
    begin(&t, folder);
    put_head(&t, FILE_MAGIC, 1);
    put_frame(&t, 0, 13, 13);      /* a runt */
    put_frame(&t, 1, 60, 1400);    /* cut by who captured it */
    put_frame(&t, 2, 0, 0);
    put_frame(&t, 3, 60, 60);
    put_frame(&t, 4, 1515, 1515);  /* longer than the mtu */
    put_frame(&t, 5, 9014, 9014);
    put_frame(&t, 6, 65550, 65550);
    put_frame(&t, 7, 200000, 200000);
    put_frame(&t, 8, 1514, 1514);
    must_open(&t);
    expect_frame(&t, 3, 60);
    expect_frame(&t, 8, 1514);
    assert_int_equal(test_log_count(t.p), 1);
    assert_non_null(strstr(test_log_last(t.p), "(1515 bytes), and they are lost: set net.mtu to "
                                               "1501 or more"));
    expect_end(&t, "2 frames (1574 bytes) came from it, 7 were left out");
    assert_int_equal(t.pcap.net.stats.rx_dropped, 7);
    close_it(&t);
    t.keys.mtu = 65535;
    must_open(&t);
    expect_frame(&t, 3, 60);
    expect_frame(&t, 4, 1515);
    expect_frame(&t, 5, 9014);
    close_it(&t); /* in the midst of it */
    end(&t);
}

static void a_damaged_file_ends_where_it_is_damaged(void **state)
{
    struct file_test t;
    (void)state;
    for (unsigned kind = 0; kind < 3; kind++) {
        begin(&t, folder);
        if (kind < 2)
            put_head(&t, FILE_MAGIC, 1);
        else
            put_section(&t, 1);
        for (uint32_t i = 0; i < 3; i++) {
            if (kind < 2)
                put_frame(&t, i, 100, 100);
            else
                put_enhanced(&t, i, 100);
        }
        if (kind == 0)
            t.len -= 1; /* cut in the last frame */
        else if (kind == 1)
            memset(t.bytes + t.len - 108, 0xff, 8); /* longer than any frame */
        else
            t.bytes[t.len - 128] = 99; /* the block ends in the midst of a word */
        must_open(&t);
        expect_frame(&t, 0, 100);
        expect_frame(&t, 1, 100);
        expect_end(&t, "is damaged after frame 2 (");
        close_it(&t);
        end(&t);
    }
}

/* Nothing is lost while the borrower holds all the pages; it hears when there is more. */
static void a_dry_pool_waits(void **state)
{
    struct file_test t;
    struct rung_frame *held[20];
    (void)state;
    begin(&t, folder);
    t.keys.offload = false;
    t.keys.pool = 5;
    put_head(&t, FILE_MAGIC, 1);
    for (uint32_t i = 0; i < 12; i++)
        put_frame(&t, i, 100 + i, 100 + i);
    must_open(&t);
    test_run_turns(t.p, 3);
    assert_int_equal(t.rx_events, 1);
    assert_int_equal(rung_net_recv(&t.pcap.net, held, 20), 5);
    assert_int_equal(rung_net_recv(&t.pcap.net, held + 5, 15), 0);
    test_run_turns(t.p, 3);
    assert_int_equal(t.rx_events, 1);
    for (unsigned i = 0; i < 5; i++)
        held[i]->release(held[i]);
    assert_int_equal(t.rx_events, 1); /* not inside a call */
    test_run_turns(t.p, 3);
    assert_int_equal(t.rx_events, 2);
    for (uint32_t i = 5; i < 12; i++)
        expect_frame(&t, i, 100 + i);
    expect_end(&t, "12 frames");
    close_it(&t);
    end(&t);
}

static bool was_told(void *arg)
{
    return ((struct file_test *)arg)->rx_events > 0;
}

static void an_event_waits_for_its_listener(void **state)
{
    struct file_test t;
    (void)state;
    begin(&t, folder);
    put_head(&t, FILE_MAGIC, 1);
    put_frame(&t, 1, 60, 60);
    must_open(&t);
    t.pcap.net.ready = NULL;
    test_run_turns(t.p, 5);
    t.pcap.net.ready = on_ready;
    assert_int_equal(t.rx_events, 0);
    test_run_until(t.p, was_told, &t);
    expect_frame(&t, 1, 60);
    close_it(&t);
    end(&t);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_that_will_not_do),
        cmocka_unit_test(files_that_are_no_captures),
        cmocka_unit_test(frames_come_in_order),
        cmocka_unit_test(what_is_sent_is_counted_and_dropped),
        cmocka_unit_test(frames_that_will_not_do_are_left_out),
        cmocka_unit_test(a_damaged_file_ends_where_it_is_damaged),
        cmocka_unit_test(a_dry_pool_waits),
        cmocka_unit_test(an_event_waits_for_its_listener),
    };
    return run_in_folder("net-pcap on a file", tests, RUNG_ARRAY_LEN(tests), folder);
}
