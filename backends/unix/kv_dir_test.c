/* SPDX-License-Identifier: ISC */
/* backends/unix/kv_dir_test.c - what kv-dir does with a folder that others use too: links, things
 * that are no files, leftovers, folders that come and go, with and without openat2(). The contract
 * itself is tested in test/contract/kv. */
#include "kv_dir_testing.h"

#include <errno.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Links out of the folder, in every way there is, are not there. */
static void links_out(void **state)
{
    static const char *const keys_out[] = {
        "abs", "rel", "folder/secret", "folder", "chain", "inner/up/secret", "abs-inside", "proc",
    };
    char inside[128];
    (void)state;
    mkdir(at("store/inner"), 0777);
    put_file("store/inside", "inside");
    snprintf(inside, sizeof(inside), "%s/inside", root);
    assert_int_equal(symlink("/etc/hostname", at("store/abs")), 0);
    assert_int_equal(symlink("../outside/secret", at("store/rel")), 0);
    assert_int_equal(symlink("../outside", at("store/folder")), 0);
    assert_int_equal(symlink("rel", at("store/chain")), 0);
    assert_int_equal(symlink("../../outside", at("store/inner/up")), 0);
    assert_int_equal(symlink(inside, at("store/abs-inside")), 0);
    assert_int_equal(symlink("/proc/self/root/etc/hostname", at("store/proc")), 0);
    open_store();
    for (int beneath = dir.beneath; beneath >= 0; beneath--) {
        dir.beneath = beneath;
        for (size_t i = 0; i < RUNG_ARRAY_LEN(keys_out); i++)
            expect_err(keys_out[i], RUNG_E_NOTFOUND);
        expect_list("", "inside\n");
        expect_list("folder/", "");
        assert_int_equal(change("rel", NULL), 0); /* no key: nothing to remove */
        assert_int_equal(change("folder/secret", NULL), 0);
        assert_int_equal(change("folder/new", "x"), RUNG_E_INVAL);
        assert_true(exists("store/rel") && exists("outside/secret") && !exists("outside/new"));
    }
    assert_int_equal(change("rel", "written"), 0); /* replaces the link, not what it leads to */
    expect_text("rel", "written");
    close_store();
    FILE *file = fopen(at("outside/secret"), "r");
    char text[16] = "";
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof(text), file));
    fclose(file);
    assert_string_equal(text, "secret");
}

/* Links that stay inside can be read through, and are not written through. */
static void links_inside(void **state)
{
    (void)state;
    mkdir(at("store/real"), 0777);
    put_file("store/real/file", "value");
    assert_int_equal(symlink("real/file", at("store/link")), 0);
    assert_int_equal(symlink("real", at("store/alias")), 0);
    assert_int_equal(symlink(".", at("store/loop")), 0);
    assert_int_equal(symlink("../alias", at("store/real/back")), 0);
    assert_int_equal(symlink("itself", at("store/itself")), 0);
    open_store();
    bool beneath = dir.beneath;
    if (beneath) {
        expect_text("link", "value");
        expect_text("alias/file", "value");
        expect_list("", "alias/file\nlink\nreal/file\n"); /* loops are walked into once */
        expect_list("alias/", "alias/file\n");
        assert_int_equal(change("alias/file", "x"), RUNG_E_INVAL);
        assert_int_equal(change("alias/file", NULL), RUNG_E_INVAL);
    }
    expect_err("itself", RUNG_E_NOTFOUND);
    dir.beneath = false;
    expect_err("link", RUNG_E_NOTFOUND);
    expect_list("", "real/file\n");
    dir.beneath = beneath;
    assert_int_equal(change("link", NULL), 0);
    assert_int_equal(exists("store/link"), !beneath); /* or it is no key to remove */
    assert_true(exists("store/real/file"));
    close_store();
}

static void not_files(void **state)
{
    static const char *const names[] = {"fifo", "socket", "folder", "null"};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)state;
    assert_int_equal(mkfifo(at("store/fifo"), 0666), 0);
    assert_int_equal(mkdir(at("store/folder"), 0777), 0);
    snprintf(un.sun_path, sizeof(un.sun_path), "%s/socket", root);
    assert_int_equal(bind(sock, (struct sockaddr *)&un, sizeof(un)), 0);
    if (mknod(at("store/null"), S_IFCHR | 0666, (1 << 8) | 3)) /* only root may */
        assert_int_equal(symlink("/dev/null", at("store/null")), 0);
    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    assert_true(inotify_add_watch(watch, at("store/fifo"), IN_OPEN) >= 0);
    open_store();
    for (int beneath = dir.beneath; beneath >= 0; beneath--) {
        dir.beneath = beneath;
        for (size_t i = 0; i < RUNG_ARRAY_LEN(names); i++) {
            expect_err(names[i], RUNG_E_NOTFOUND);
            assert_int_equal(change(names[i], NULL), 0);
            assert_true(exists("store/fifo") && exists("store/socket") && exists("store/folder"));
        }
        expect_list("", "");
    }
    char event[sizeof(struct inotify_event) + 256];
    assert_true(read(watch, event, sizeof(event)) < 0 && errno == EAGAIN); /* nobody opened it */
    close(watch);
    assert_int_equal(change("fifo", "x"), RUNG_E_INVAL);
    assert_int_equal(change("socket", "x"), RUNG_E_INVAL);
    assert_int_equal(change("folder", "x"), 0); /* it was empty */
    expect_text("folder", "x");
    close_store();
    close(sock);
}

/* Leftovers of a crash go when nobody else has the folder open, and are never seen. */
static void leftovers(void **state)
{
    (void)state;
    assert_int_equal(mkdir(at("store/.rung-tmp"), 0700), 0);
    put_file("store/.rung-tmp/1-0", "half a val");
    put_file("store/key", "value");
    keys.read_only = true;
    open_store();
    expect_list("", "key\n");
    expect_err(".rung-tmp/1-0", RUNG_E_INVAL);
    close_store();
    assert_true(exists("store/.rung-tmp/1-0")); /* read-only is read-only */
    keys.read_only = false;
    open_store();
    assert_false(exists("store/.rung-tmp/1-0"));
    put_file("store/.rung-tmp/2-0", "of a store that is open");
    struct rung_kv_dir first = dir;
    open_store();
    assert_true(exists("store/.rung-tmp/2-0"));
    assert_int_equal(change("other", "x"), 0);
    expect_list("", "key\nother\n");
    close_store();
    assert_true(exists("store/.rung-tmp/2-0"));
    unlink(at("store/.rung-tmp/2-0"));
    memcpy(&dir, &first, sizeof(dir)); /* nothing was in flight, so it may be moved back */
    assert_int_equal(change("third", "x"), 0);
    close_store();
    assert_false(exists("store/.rung-tmp"));
}

static void folders_come_and_go(void **state)
{
    (void)state;
    mkdir(at("store/kept"), 0777);
    open_store();
    assert_int_equal(change("a/b/c/d", "x"), 0);
    assert_int_equal(change("a/e", "x"), 0);
    assert_int_equal(change("a/b/c/d", NULL), 0);
    assert_true(exists("store/a") && !exists("store/a/b"));
    assert_int_equal(change("a/e", NULL), 0);
    assert_true(!exists("store/a") && exists("store") && exists("store/kept"));
    put_file("store/file", "x");
    assert_int_equal(change("n/e/w", "x"), 0);
    assert_int_equal(change("n/e/w/x", "x"), RUNG_E_INVAL);
    assert_int_equal(change("file/x/y", "x"), RUNG_E_INVAL);
    assert_int_equal(change("n/e", "x"), RUNG_E_INVAL);
    assert_true(exists("store/n/e/w"));
    close_store();
    assert_false(exists("store/.rung-tmp"));
}

static void folder_gone(void **state)
{
    (void)state;
    open_store();
    assert_int_equal(change("key", "x"), 0);
    assert_int_equal(change("key", NULL), 0);
    rmdir(at("store/.rung-tmp"));
    assert_int_equal(rmdir(root), 0);
    expect_err("key", RUNG_E_NOTFOUND);
    expect_list("", "");
    assert_int_equal(change("key", "x"), RUNG_E_DOWN);
    close_store();
}

/* As another program would see it: the value, whole, under its name, with usual rights. */
static void seen_by_others(void **state)
{
    struct stat st;
    (void)state;
    umask(022);
    open_store();
    assert_int_equal(change("page.html", "text"), 0);
    assert_int_equal(stat(at("store/page.html"), &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0644);
    assert_int_equal(st.st_size, 4);
    put_file("store/page.html", "changed by hand");
    expect_text("page.html", "changed by hand");
    close_store();
}

static void opening(void **state)
{
    char deep[128];
    (void)state;
    put_file("file", "x");
    snprintf(deep, sizeof(deep), "%s/no/such", base);
    keys.path = deep;
    assert_int_equal(rung_kv_dir_open(&dir, p, &keys, &needs), RUNG_E_NOTFOUND);
    assert_non_null(strstr(test_log_last(p), "does not exist; make it, or give another with "
                                             "--content.path=..."));
    keys.create = true;
    open_store();
    close_store();
    assert_true(exists("no/such"));
    open_store(); /* it is there: create does no harm */
    close_store();
    snprintf(deep, sizeof(deep), "%s/file", base);
    assert_int_equal(rung_kv_dir_open(&dir, p, &keys, &needs), RUNG_E_INVAL);
    assert_non_null(strstr(test_log_last(p), "is no folder; give one with --content.path=..."));
    snprintf(deep, sizeof(deep), "%s/file/below", base);
    assert_int_equal(rung_kv_dir_open(&dir, p, &keys, &needs), RUNG_E_INVAL);
    keys.path = "";
    assert_int_equal(rung_kv_dir_open(&dir, p, &keys, &needs), RUNG_E_INVAL);
    keys.path = root;
    test_heap_fail_after(p, 1);
    assert_int_equal(rung_kv_dir_open(&dir, p, &keys, &needs), RUNG_E_NOMEM);
    test_heap_fail_after(p, 0);
    keys.sync = true;
    open_store();
    assert_int_equal(dir.kv.info.caps, RUNG_KV_IS_DURABLE);
    close_store();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KV_DIR_TEST(links_out),   KV_DIR_TEST(links_inside),        KV_DIR_TEST(not_files),
        KV_DIR_TEST(leftovers),   KV_DIR_TEST(folders_come_and_go), KV_DIR_TEST(folder_gone),
        KV_DIR_TEST(seen_by_others), KV_DIR_TEST(opening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
