/* SPDX-License-Identifier: ISC */
/* backends/unix/block_file_open_test.c - how block-file opens, makes and locks files, and what
 * it says when it cannot. */
#include "block_file_test.h"

#include <pthread.h>
#include <sched.h>

#include "unix/unix.h"

static void what_cannot_be_opened_says_why(void **state)
{
    struct file_test t;
    char elsewhere[80];
    (void)state;
    begin(&t);
    t.keys.size = 0;
    expect_refused(&t, RUNG_E_NOTFOUND,
                   "no such file: correct block.path, or have it made with block.size=SIZE "
                   "(a new store in it wants create=on too)");
    t.keys.slot = "store.block";
    expect_refused(&t, RUNG_E_NOTFOUND, "(a new store in it wants store.create=on too)");
    t.keys.slot = "block";
    t.keys.read_only = true;
    t.keys.size = DISK;
    expect_refused(&t, RUNG_E_NOTFOUND, "no such file: correct block.path");
    t.keys.read_only = false;
    t.keys.size = 1000;
    expect_refused(&t, RUNG_E_INVAL, "set block.size to a multiple of 512");
    t.keys.size = UINT64_C(1) << 63;
    expect_refused(&t, RUNG_E_INVAL, "are no possible size");
    t.keys.size = UINT64_C(1) << 62;
    expect_refused(&t, RUNG_E_FULL, "set block.size to less");
    t.keys.size = DISK;
    t.keys.depth = 1025;
    expect_refused(&t, RUNG_E_RANGE, "a depth of 1025 is more than 1024: set block.depth");
    t.keys.depth = 1;
    snprintf(elsewhere, sizeof(elsewhere), "%s/none/disk", t.folder);
    t.keys.path = elsewhere;
    expect_refused(&t, RUNG_E_NOTFOUND, "its folder does not exist: make it");
    assert_int_equal(symlink(elsewhere, t.path), 0);
    t.keys.path = t.path;
    expect_refused(&t, RUNG_E_NOTFOUND, "is a link that leads nowhere: correct block.path");
    unlink(t.path);
    t.keys.path = t.folder;
    expect_refused(&t, RUNG_E_INVAL, "is a folder: set block.path to a file");
    t.keys.path = "/dev/null";
    expect_refused(&t, RUNG_E_INVAL, "is no file: set block.path to a file or a block device");
    t.keys.path = t.path;
    assert_int_equal(mkfifo(t.path, 0600), 0);
    t.keys.read_only = true; /* opening it would block */
    expect_refused(&t, RUNG_E_INVAL, "is no file");
    unlink(t.path);
    make_file(t.path, 4095);
    t.keys.sector_size = 1;
    expect_refused(&t, RUNG_E_INVAL, "holds 4095 bytes, no whole sector of 4096");
    end(&t);
}

static void no_right_to_write_says_so(void **state)
{
    struct file_test t;
    uid_t me = geteuid();
    (void)state;
    begin(&t);
    make_file(t.path, DISK);
    assert_int_equal(chmod(t.folder, 0755) | chmod(t.path, 0444), 0);
    if (me == 0)
        assert_int_equal(seteuid(65534), 0); /* root may do anything */
    bool reaches = access(t.path, R_OK) == 0 && faccessat(AT_FDCWD, t.path, R_OK, AT_EACCESS) == 0;
    expect_refused(&t, RUNG_E_ACCESS, reaches ? "set block.read-only=on" : t.path);
    char another[80];
    snprintf(another, sizeof(another), "%s/another", t.folder);
    t.keys.path = another;
    expect_refused(&t, RUNG_E_ACCESS,
                   reaches ? "to make it: change its folder's owner or mode" : another);
    assert_int_equal(seteuid(me), 0);
    end(&t);
}

static void a_new_file_is_made_and_kept(void **state)
{
    static const uint8_t zero[65536];
    struct file_test t;
    struct stat st;
    (void)state;
    begin(&t);
    assert_int_equal(open_disk(&t), RUNG_OK);
    assert_int_equal(t.disk.block.info.sectors, DISK / 512);
    assert_true(t.disk.block.info.caps & RUNG_BLOCK_IS_DURABLE);
    assert_int_equal(stat(t.path, &st), 0);
    assert_int_equal(st.st_size, DISK);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(st.st_blocks < DISK / 512); /* sparse */
    memset(back, 1, sizeof(back));
    assert_int_equal(run_one(&t, RUNG_BLOCK_READ, 0), RUNG_OK);
    assert_memory_equal(back, zero, sizeof(zero));
    memset(memory, 7, sizeof(memory));
    assert_int_equal(run_one(&t, RUNG_BLOCK_WRITE, 0), RUNG_OK);
    close_disk(&t);
    t.keys.size = 2 * DISK;
    assert_int_equal(open_disk(&t), RUNG_OK);
    assert_int_equal(t.disk.block.info.sectors, DISK / 512);
    assert_non_null(strstr(test_log_last(t.p), "keeps its 1048576 bytes"));
    assert_int_equal(run_one(&t, RUNG_BLOCK_READ, 0), RUNG_OK);
    assert_memory_equal(back, memory, 65536);
    close_disk(&t);
    end(&t);
}

static void a_broken_sector_at_the_end_is_left_alone(void **state)
{
    struct file_test t;
    struct stat st;
    (void)state;
    begin(&t);
    make_file(t.path, DISK + 100);
    t.keys.size = DISK; /* what is said of it is said in one line */
    size_t lines = test_log_count(t.p);
    assert_int_equal(open_disk(&t), RUNG_OK);
    assert_int_equal(test_log_count(t.p), lines + 1);
    assert_non_null(strstr(test_log_last(t.p), "its last 100 bytes are no whole sector of 512"));
    assert_int_equal(t.disk.block.info.sectors, DISK / 512);
    close_disk(&t);
    assert_int_equal(stat(t.path, &st), 0);
    assert_int_equal(st.st_size, DISK + 100);
    end(&t);
}

/* What was made for a store that then cannot be is not left behind; what others put in its place
 * is. */
static void a_new_file_that_is_not_used_goes(void **state)
{
    struct file_test t;
    char other[80];
    (void)state;
    begin(&t);
    assert_int_equal(open_disk(&t), RUNG_OK);
    assert_int_equal(run_one(&t, RUNG_BLOCK_READ, 0), RUNG_OK);
    assert_int_equal(access(t.path, F_OK), 0);
    close_disk(&t);
    assert_int_equal(access(t.path, F_OK), -1);
    assert_int_equal(open_disk(&t), RUNG_OK);
    snprintf(other, sizeof(other), "%s/other", t.folder);
    make_file(other, DISK);
    assert_int_equal(rename(other, t.path), 0);
    close_disk(&t);
    assert_int_equal(access(t.path, F_OK), 0);
    assert_int_equal(open_disk(&t), RUNG_OK); /* it was there before */
    close_disk(&t);
    assert_int_equal(access(t.path, F_OK), 0);
    end(&t);
}

static void *open_beside(void *arg)
{
    struct file_test *t = arg;
    return open_disk(t) == RUNG_OK ? t : NULL;
}

/* Who waits for the lock of a file that is then removed has no disk: what was written to it would
 * be lost. */
static void a_file_removed_before_it_is_locked_is_none(void **state)
{
    struct file_test t, second;
    pthread_t thread;
    void *opened;
    (void)state;
    begin(&t);
    begin(&second);
    second.keys.path = t.path;
    make_file(t.path, DISK);
    assert_int_equal(open_disk(&t), RUNG_OK);
    assert_int_equal(rung_unix_workers(second.p, "block"), RUNG_OK); /* descriptors come and go */
    unsigned descriptors = count_descriptors();
    assert_int_equal(pthread_create(&thread, NULL, open_beside, &second), 0);
    while (count_descriptors() == descriptors) /* it has opened the file, and waits */
        sched_yield();
    assert_int_equal(unlink(t.path), 0);
    close_disk(&t);
    assert_int_equal(pthread_join(thread, &opened), 0);
    assert_null(opened);
    assert_non_null(strstr(test_log_last(second.p), "removed or replaced it meanwhile"));
    end(&second);
    end(&t);
}

/* Locks belong to the open file, so that a second opening in this program is as good as
 * another's. */
static void one_writer_or_many_readers(void **state)
{
    struct file_test t, second;
    (void)state;
    begin(&t);
    second = t;
    second.keys.path = t.path;
    make_file(t.path, DISK);
    assert_int_equal(open_disk(&t), RUNG_OK);
    second.descriptors = count_descriptors();
    expect_refused(&second, RUNG_E_BUSY, "another program has this disk open: stop it");
    second.keys.read_only = true;
    expect_refused(&second, RUNG_E_BUSY, "another program has this disk open: stop it");
    close_disk(&t);
    t.keys.read_only = true;
    assert_int_equal(open_disk(&t), RUNG_OK);
    assert_int_equal(open_disk(&second), RUNG_OK);
    close_disk(&second);
    second.keys.read_only = false;
    expect_refused(&second, RUNG_E_BUSY, "set block.path to another file");
    close_disk(&t);
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_opened_says_why),
        cmocka_unit_test(no_right_to_write_says_so),
        cmocka_unit_test(a_new_file_is_made_and_kept),
        cmocka_unit_test(a_new_file_that_is_not_used_goes),
        cmocka_unit_test(a_broken_sector_at_the_end_is_left_alone),
        cmocka_unit_test(a_file_removed_before_it_is_locked_is_none),
        cmocka_unit_test(one_writer_or_many_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
