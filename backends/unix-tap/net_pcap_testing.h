/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_pcap_testing.h - what the tests of net-pcap on a capture share. The
 * captures are written byte by byte, from the formats' descriptions. */
#ifndef RUNG_NET_PCAP_TESTING_H
#define RUNG_NET_PCAP_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "net_pcap.h"
#include "test_platform.h"

#define FILE_MAGIC 0xa1b2c3d4 /* of pcap with microseconds */

struct file_test {
    struct rung_platform *p;
    struct rung_net_pcap pcap;
    struct rung_net_pcap_keys keys;
    char path[64];
    uint8_t *bytes; /* of the file */
    size_t len;
    bool big; /* in big-endian order */
    unsigned rx_events, link_events;
};

static inline void begin(struct file_test *t, const char *folder)
{
    memset(t, 0, sizeof(*t));
    t->p = test_platform_new();
    t->bytes = calloc(1, 1 << 20);
    assert_non_null(t->bytes);
    snprintf(t->path, sizeof(t->path), "%s/capture", folder);
    t->keys = (struct rung_net_pcap_keys){
        .slot = "net", .file = t->path, .offload = true, .buffer = 1 << 20, .pool = 64,
    };
}

static inline void end(struct file_test *t)
{
    test_platform_free(t->p);
    free(t->bytes);
    unlink(t->path);
}

static inline void put(struct file_test *t, uint32_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        t->bytes[t->len++] = (uint8_t)(value >> 8 * (t->big ? size - 1 - i : i));
}

static inline void put_head(struct file_test *t, uint32_t magic, uint32_t type)
{
    put(t, magic, 4);
    put(t, 2, 2); /* version 2.4 */
    put(t, 4, 2);
    put(t, 0, 4);
    put(t, 0, 4);
    put(t, 262144, 4); /* snapshot length */
    put(t, type, 4);
}

/* Byte i of frame id. Of an Ethernet type for experiments. */
static inline uint8_t byte_of(uint32_t id, uint32_t i)
{
    return i == 12 ? 0x88 : i == 13 ? 0xb5 : (uint8_t)(id * 31 + i * 7 + (i >> 8));
}

static inline void put_frame(struct file_test *t, uint32_t id, uint32_t kept, uint32_t len)
{
    put(t, 1000 + id, 4);
    put(t, 0, 4);
    put(t, kept, 4);
    put(t, len, 4);
    for (uint32_t i = 0; i < kept; i++)
        put(t, byte_of(id, i), 1);
}

static inline void put_section(struct file_test *t, uint32_t type)
{
    put(t, 0x0a0d0d0a, 4);
    put(t, 28, 4);
    put(t, 0x1a2b3c4d, 4);
    put(t, 1, 2); /* version 1.0 */
    put(t, 0, 2);
    put(t, 0xffffffff, 4); /* of unknown length */
    put(t, 0xffffffff, 4);
    put(t, 28, 4);
    put(t, 1, 4); /* interface */
    put(t, 20, 4);
    put(t, type, 2);
    put(t, 0, 2);
    put(t, 0, 4);
    put(t, 20, 4);
}

static inline void put_enhanced(struct file_test *t, uint32_t id, uint32_t len)
{
    uint32_t padded = (len + 3) & ~3u;
    put(t, 6, 4);
    put(t, 32 + padded, 4);
    put(t, 0, 4);
    put(t, 0, 4);
    put(t, id, 4);
    put(t, len, 4);
    put(t, len, 4);
    for (uint32_t i = 0; i < padded; i++)
        put(t, i < len ? byte_of(id, i) : 0, 1);
    put(t, 32 + padded, 4);
}

static inline void write_file(struct file_test *t)
{
    FILE *file = fopen(t->path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(t->bytes, 1, t->len, file), t->len);
    assert_int_equal(fclose(file), 0);
}

static inline void on_ready(struct rung_net *net, unsigned events, void *arg)
{
    struct file_test *t = arg;
    assert_ptr_equal(net, &t->pcap.net);
    assert_int_equal(events & RUNG_NET_TX_READY, 0);
    t->rx_events += (events & RUNG_NET_RX_READY) != 0;
    t->link_events += (events & RUNG_NET_LINK) != 0;
}

static inline enum rung_err try_open(struct file_test *t)
{
    struct rung_net_pcap_needs needs = {0};
    enum rung_err err = rung_net_pcap_open(&t->pcap, t->p, &t->keys, &needs);
    t->pcap.net.ready = err ? NULL : on_ready;
    t->pcap.net.arg = t;
    return err;
}

static inline void must_open(struct file_test *t)
{
    write_file(t);
    enum rung_err err = try_open(t);
    if (err)
        fail_msg("open gives %s: %s", rung_err_name(err), test_log_last(t->p));
    assert_true(t->pcap.net.link_up);
}

static inline void must_refuse(struct file_test *t, enum rung_err want, const char *says)
{
    size_t lines = test_log_count(t->p), blocks = test_heap_blocks(t->p);
    assert_int_equal(try_open(t), want);
    if (!strstr(test_log_last(t->p), says))
        fail_msg("'%s' does not say '%s'", test_log_last(t->p), says);
    assert_int_equal(test_log_count(t->p), lines + 1);
    assert_int_equal(test_heap_blocks(t->p), blocks);
}

struct closing {
    struct rung_op op;
    unsigned done_count;
};

static inline void on_closed(struct rung_op *op, int result)
{
    assert_int_equal(result, RUNG_OK);
    rung_container_of(op, struct closing, op)->done_count++;
}

static inline void close_it(struct file_test *t)
{
    struct closing closing = {.op.done = on_closed};
    rung_net_close(&t->pcap.net, &closing.op);
    assert_int_equal(closing.done_count, 0);
    test_run_turns(t->p, 5);
    assert_int_equal(closing.done_count, 1);
}

/* The next frame is this one, whole. */
static inline void expect_frame(struct file_test *t, uint32_t id, uint32_t len)
{
    struct rung_frame *f = NULL;
    uint32_t at = 0;
    assert_int_equal(rung_net_recv(&t->pcap.net, &f, 1), 1);
    for (const struct rung_frame *part = f; part; part = part->next) {
        for (uint32_t i = 0; i < part->len; i++)
            assert_int_equal(part->data[i], byte_of(id, at + i));
        at += part->len;
    }
    assert_int_equal(at, len);
    f->release(f);
}

static inline void expect_end(struct file_test *t, const char *says)
{
    struct rung_frame *f = NULL;
    size_t lines = test_log_count(t->p);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(rung_net_recv(&t->pcap.net, &f, 1), 0);
    assert_null(f);
    assert_false(t->pcap.net.link_up);
    assert_int_equal(t->link_events, 0);
    test_run_turns(t->p, 3);
    assert_int_equal(t->link_events, 1);
    assert_int_equal(test_log_count(t->p), lines + 1);
    if (!strstr(test_log_last(t->p), says))
        fail_msg("'%s' does not say '%s'", test_log_last(t->p), says);
}

/* main() of a test: the cases in a folder of their own, whose name they find in folder. */
static inline int run_in_folder(const char *name, const struct CMUnitTest *cases, size_t n,
                                char *folder)
{
    if (!mkdtemp(folder)) {
        perror(folder);
        return 1;
    }
    int failed = _cmocka_run_group_tests(name, cases, n, NULL, NULL);
    rmdir(folder);
    return failed;
}

#endif
