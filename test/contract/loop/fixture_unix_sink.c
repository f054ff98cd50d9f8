/* SPDX-License-Identifier: ISC */
/* test/contract/loop/fixture_unix_sink.c - sinks on Unix: files, FIFOs with readers of all kinds,
 * and what is neither. */
#include "suite.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture_unix.h"
#include "rung/sink.h"

static char folder[64], path[128];

static void folder_make(void)
{
    if (folder[0])
        return;
    snprintf(folder, sizeof(folder), "/tmp/rung-sink-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/sink", folder);
}

static void folder_remove(void)
{
    unlink(path);
    rmdir(folder);
    folder[0] = '\0';
}

const char *fixture_sink_name(struct rung_platform *p)
{
    (void)p;
    folder_make();
    return path;
}

size_t fixture_sink_read(struct rung_platform *p, uint8_t *bytes, size_t room)
{
    size_t len = 0;
    ssize_t n;
    (void)p;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    while (len < room && (n = read(fd, bytes + len, room - len)) > 0)
        len += (size_t)n;
    close(fd);
    return len;
}

void fixture_sink_end(struct rung_platform *p)
{
    (void)p;
    folder_remove();
}

struct sink_op {
    struct rung_op op;
    bool done;
    int result;
};

static void sink_op_done(struct rung_op *op, int result)
{
    struct sink_op *it = rung_container_of(op, struct sink_op, op);
    assert_false(it->done);
    it->done = true;
    it->result = result;
}

static bool sink_op_is_done(void *arg)
{
    return ((struct sink_op *)arg)->done;
}

static int sink_op_wait(struct rung_platform *p, struct sink_op *it)
{
    test_run_until(p, sink_op_is_done, it);
    return it->result;
}

static void close_sink(struct rung_platform *p, struct rung_sink *sink)
{
    struct sink_op closing = {.op.done = sink_op_done};
    rung_sink_close(sink, &closing.op);
    assert_int_equal(sink_op_wait(p, &closing), RUNG_OK);
}

static void test_sink_is_private(void **state)
{
    struct rung_platform *p = test_platform_new();
    struct rung_sink *sink;
    struct stat st;
    (void)state;
    mode_t before = umask(0);
    assert_int_equal(rung_sink_open(p, fixture_sink_name(p), &sink), RUNG_OK);
    umask(before);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    close_sink(p, sink);
    folder_remove();
    test_platform_free(p);
}

static void test_sink_open_says_what_is_wrong(void **state)
{
    struct rung_platform *p = test_platform_new();
    struct rung_sink *sink = NULL;
    char in_nowhere[160];
    (void)state;
    folder_make();
    test_heap_fail_after(p, 1);
    assert_int_equal(rung_sink_open(p, path, &sink), RUNG_E_AGAIN);
    assert_non_null(strstr(test_log_last(p), "worker threads cannot be had"));
    assert_int_not_equal(access(path, F_OK), 0);
    snprintf(in_nowhere, sizeof(in_nowhere), "%s/none/sink", folder);
    assert_int_equal(rung_sink_open(p, in_nowhere, &sink), RUNG_E_NOTFOUND);
    assert_int_equal(rung_sink_open(p, folder, &sink), RUNG_E_INVAL);
    assert_int_equal(rung_sink_open(p, "", &sink), RUNG_E_NOTFOUND);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(rung_sink_open(p, path, &sink), RUNG_E_DOWN);
    test_heap_fail_after(p, 1);
    assert_int_equal(rung_sink_open(p, path, &sink), RUNG_E_NOMEM);
    assert_null(sink);
    assert_int_equal(test_log_count(p), 1);
    folder_remove();
    test_platform_free(p);
}

static void test_sink_on_a_full_disk(void **state)
{
    struct rung_platform *p = test_platform_new();
    struct rung_sink *sink;
    struct sink_op writing = {.op.done = sink_op_done};
    static char bytes[100];
    (void)state;
    assert_int_equal(rung_sink_open(p, "/dev/full", &sink), RUNG_OK);
    rung_sink_write(sink, &writing.op, &(struct rung_vec){bytes, sizeof(bytes)}, 1);
    assert_int_equal(sink_op_wait(p, &writing), RUNG_E_FULL);
    close_sink(p, sink);
    test_platform_free(p);
}

/* More than a pipe holds, to a FIFO that the test reads. */
struct fifo {
    struct rung_platform *p;
    struct rung_sink *sink;
    int fd; /* the reading end */
    struct sink_op writing;
    uint8_t *bytes;
    size_t len, read;
    struct rung_timer tick; /* the reader's pace */
};

static void fifo_begin(struct fifo *f)
{
    memset(f, 0, sizeof(*f));
    f->p = test_platform_new();
    folder_make();
    assert_int_equal(mkfifo(path, 0600), 0);
    f->fd = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(f->fd >= 0);
    assert_int_equal(rung_sink_open(f->p, path, &f->sink), RUNG_OK);
    f->len = 300000;
    f->bytes = malloc(f->len);
    for (size_t i = 0; i < f->len; i++)
        f->bytes[i] = (uint8_t)(i * 3 + (i >> 8));
    f->writing.op.done = sink_op_done;
    struct rung_vec vec[2] = {{f->bytes, 1000}, {f->bytes + 1000, f->len - 1000}};
    rung_sink_write(f->sink, &f->writing.op, vec, 2);
}

static void fifo_end(struct fifo *f)
{
    close_sink(f->p, f->sink);
    close(f->fd);
    folder_remove();
    free(f->bytes);
    test_platform_free(f->p);
}

static void fifo_on_tick(struct rung_timer *timer)
{
    struct fifo *f = rung_container_of(timer, struct fifo, tick);
    uint8_t some[5000];
    ssize_t n = read(f->fd, some, sizeof(some));
    if (n > 0) {
        assert_memory_equal(some, f->bytes + f->read, (size_t)n);
        f->read += (size_t)n;
    }
    if (f->read < f->len)
        rung_timer_start(f->p, timer, 1000000);
}

static bool fifo_is_read(void *arg)
{
    struct fifo *f = arg;
    return f->read == f->len;
}

static void test_sink_waits_for_a_slow_reader(void **state)
{
    struct fifo f;
    (void)state;
    fifo_begin(&f);
    f.tick.fn = fifo_on_tick;
    rung_timer_start(f.p, &f.tick, 0);
    test_run_until(f.p, fifo_is_read, &f);
    assert_int_equal(sink_op_wait(f.p, &f.writing), RUNG_OK);
    fifo_end(&f);
}

static bool fifo_is_stuck(void *arg)
{
    struct fifo *f = arg;
    f->read += 1; /* turns: the reader takes nothing at all */
    return f->read > 20;
}

static void test_sink_need_not_wait(void **state)
{
    struct fifo f;
    (void)state;
    fifo_begin(&f);
    test_run_until(f.p, fifo_is_stuck, &f);
    assert_false(f.writing.done);
    rung_sink_cancel(f.sink);
    assert_false(f.writing.done);
    assert_int_equal(sink_op_wait(f.p, &f.writing), RUNG_E_CANCELED);
    fifo_end(&f);
    fifo_begin(&f); /* at once: while the first attempt is with a thread */
    rung_sink_cancel(f.sink);
    assert_int_equal(sink_op_wait(f.p, &f.writing), RUNG_E_CANCELED);
    fifo_end(&f);
}

static void test_sink_without_its_reader(void **state)
{
    struct fifo f;
    (void)state;
    fifo_begin(&f);
    test_run_until(f.p, fifo_is_stuck, &f);
    close(f.fd);
    f.fd = -1;
    assert_int_equal(sink_op_wait(f.p, &f.writing), RUNG_E_DOWN);
    fifo_end(&f);
}

int fixture_unix_sink(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sink_is_private),
        cmocka_unit_test(test_sink_open_says_what_is_wrong),
        cmocka_unit_test(test_sink_on_a_full_disk),
        cmocka_unit_test(test_sink_waits_for_a_slow_reader),
        cmocka_unit_test(test_sink_need_not_wait),
        cmocka_unit_test(test_sink_without_its_reader),
    };
    return cmocka_run_group_tests_name("unix sinks", tests, NULL, NULL);
}
