/* SPDX-License-Identifier: ISC */
/* stacks/tarkv/tarkv_test.c - what counts as a value in an archive, and under which name. */
#include "tarkv_testing.h"

static void names_of_all_kinds(void **state)
{
    struct tar_test t;
    char prefix[156], name[101], whole[260], gnu[] = "a/name/as/GNU/tar/has/it.txt";
    (void)state;
    tar_begin(&t);
    tar_file(&t, "./one.txt", "1");
    memset(prefix, 'p', 155);
    memset(name, 'n', 100);
    prefix[155] = name[100] = 0;
    uint8_t *h = tar_header(&t, '0', name, 3); /* all of both fields, without a NUL */
    memcpy(h + 345, prefix, 155);
    tar_sum(h);
    tar_bytes(&t, "two", 3);
    tar_pax(&t, "path", "./a//b/./sch\xc3\xb6n.txt");
    tar_file(&t, "PaxHeaders/x", "three");
    tar_extra(&t, 'L', gnu, sizeof(gnu));
    tar_file(&t, "a/name", "four");
    tar_file(&t, "next", "five"); /* what was said in front of one entry is not for the next */
    h = tar_header(&t, 0, "v7", 3);
    memset(h + 257, 0, 8);
    tar_sum(h);
    tar_bytes(&t, "six", 3);
    tar_header(&t, '7', "contiguous", 0);
    tar_pax(&t, "path", "");
    tar_file(&t, "its-own", "seven"); /* an empty value takes nothing away from it */
    assert_int_equal(tar_open(&t), 0);
    snprintf(whole, sizeof(whole), "%s/%s", prefix, name);
    tar_has(&t, "one.txt", "1");
    tar_has(&t, whole, "two");
    tar_has(&t, "a/b/sch\xc3\xb6n.txt", "three");
    tar_has(&t, gnu, "four");
    tar_has(&t, "next", "five");
    tar_has(&t, "v7", "six");
    tar_has(&t, "contiguous", "");
    tar_has(&t, "its-own", "seven");
    assert_int_equal(t.store.count, 8);
    tar_end(&t);
}

static void what_is_no_file_is_not_there(void **state)
{
    struct tar_test t;
    char comment[] = "16 comment=abcd\n";
    (void)state;
    tar_begin(&t);
    tar_extra(&t, 'g', comment, sizeof(comment) - 1); /* as git archive begins */
    tar_header(&t, '5', "./", 0);
    tar_header(&t, '5', "/", 0); /* Python's arcname="" */
    tar_header(&t, '5', "folder/", 77);      /* whatever its size says, nothing is behind it */
    tar_header(&t, '0', "v7-folder/", 0);
    tar_header(&t, '3', "device", 4096);
    tar_header(&t, '6', "fifo", 0);
    tar_header(&t, 'V', "a label", 0);
    tar_file(&t, ".rung-tmp/1", "hidden");
    tar_file(&t, "a/.rung-x", "hidden");
    tar_header(&t, 'D', "dumped/", 3);
    tar_bytes(&t, "Ya", 3);
    tar_file(&t, "file", "here");
    assert_int_equal(tar_open(&t), 0);
    tar_has(&t, "file", "here");
    tar_lacks(&t, "folder");
    tar_lacks(&t, "v7-folder");
    tar_lacks(&t, "device");
    assert_int_equal(t.store.count, 1);
    tar_end(&t);
}

static void the_last_of_equal_names_counts(void **state)
{
    struct tar_test t;
    (void)state;
    tar_begin(&t);
    tar_file(&t, "a", "first");
    tar_file(&t, "b", "other");
    tar_file(&t, "./a", "second");
    tar_link(&t, '1', "then", "a"); /* the file as it was then */
    tar_file(&t, "a", "third");
    tar_link(&t, '2', "now", "a");
    assert_int_equal(tar_open(&t), 0);
    tar_has(&t, "a", "third");
    tar_has(&t, "then", "second");
    tar_has(&t, "now", "third");
    assert_int_equal(t.store.count, 4);
    tar_end(&t);
}

static void links_count_as_what_they_lead_to(void **state)
{
    struct tar_test t;
    (void)state;
    tar_begin(&t);
    tar_link(&t, '2', "site/early.html", "pages/../index.html"); /* before there is anything */
    tar_link(&t, '2', "site/pages/up.html", "../early.html");
    tar_file(&t, "site/index.html", "home");
    tar_link(&t, '1', "./site/hard.html", "./site/index.html");
    tar_link(&t, '1', "hard-again", "site/hard.html");
    tar_pax(&t, "linkpath", "site/index.html");
    tar_link(&t, '2', "long", "cut-off-na");
    tar_extra(&t, 'K', "site/index.html", 16);
    tar_link(&t, '1', "gnu", "site/ind");
    assert_int_equal(tar_open(&t), 0);
    tar_has(&t, "site/early.html", "home");
    tar_has(&t, "site/pages/up.html", "home");
    tar_has(&t, "site/hard.html", "home");
    tar_has(&t, "hard-again", "home");
    tar_has(&t, "long", "home");
    tar_has(&t, "gnu", "home");
    tar_end(&t);
}

/* GNU tar archives a hard link to a symbolic one as one to its name. What it leads to depends on
 * the folder that it is in, and not on what takes the first name later. */
static void hard_links_to_symbolic_ones(void **state)
{
    struct tar_test t;
    (void)state;
    tar_begin(&t);
    tar_link(&t, '2', "site/soft", "index.html");
    tar_link(&t, '1', "site/hard", "site/soft");
    tar_link(&t, '1', "again/hard", "site/hard");
    tar_link(&t, '2', "soft", "again/hard");
    tar_link(&t, '2', "site/soft", "later.html");
    tar_file(&t, "site/index.html", "home");
    tar_file(&t, "again/index.html", "another");
    tar_file(&t, "site/later.html", "later");
    assert_int_equal(tar_open(&t), 0);
    tar_has(&t, "site/soft", "later");
    tar_has(&t, "site/hard", "home");
    tar_has(&t, "again/hard", "another");
    tar_has(&t, "soft", "another");
    assert_int_equal(t.store.count, 7);
    tar_end(&t);
}

/* What the header holds of a long name may end at a slash: that makes no folder of the file, whose
 * bytes would be taken for entries. */
static void a_name_that_is_cut_at_a_slash(void **state)
{
    struct tar_test t;
    char inner[1024] = "", cut[101], name[128];
    (void)state;
    memset(cut, 'd', 100);
    cut[99] = '/';
    cut[100] = 0;
    snprintf(name, sizeof(name), "%sfile", cut);
    for (unsigned gnu = 0; gnu < 2; gnu++) {
        tar_begin(&t);
        for (unsigned i = 0; i < 2; i++) { /* zeros within, as at an archive's end, and an entry */
            if (gnu)
                tar_extra(&t, 'L', name, strlen(name) + 1);
            else
                tar_pax(&t, "path", name);
            tar_header(&t, '0', cut, sizeof(inner));
            tar_bytes(&t, inner, sizeof(inner));
            name[strlen(name) - 1]++;
            memcpy(inner, t.bytes + t.at - sizeof(inner) - 512, 512);
        }
        tar_file(&t, "behind", "here");
        assert_int_equal(tar_open(&t), 0);
        assert_int_equal(t.store.count, 3);
        tar_has(&t, "behind", "here");
        tar_end(&t);
    }
    tar_begin(&t); /* and a long one that does end at one is a folder's */
    tar_pax(&t, "path", "folder/");
    tar_file(&t, "cut", "");
    tar_file(&t, "behind", "here");
    assert_int_equal(tar_open(&t), 0);
    assert_int_equal(t.store.count, 1);
    tar_end(&t);
}

static void sizes_of_all_kinds(void **state)
{
    struct tar_test t;
    (void)state;
    tar_begin(&t);
    uint8_t *h = tar_header(&t, '0', "base-256", 0);
    memset(h + 124, 0, 12);
    h[124] = 0x80;
    h[135] = 5;
    tar_sum(h);
    tar_bytes(&t, "bytes", 5);
    h = tar_header(&t, '0', "blanks", 0);
    memcpy(h + 124, "          5 ", 12);
    tar_sum(h);
    tar_bytes(&t, "bytes", 5);
    tar_pax(&t, "size", "5");
    tar_header(&t, '0', "pax", 0);
    tar_bytes(&t, "bytes", 5);
    h = tar_header(&t, '0', "\xc3\xbcml\xc3\xa4ut", 5); /* summed by signed bytes */
    snprintf((char *)h + 148, 8, "%06o", (unsigned)strtoul((char *)h + 148, NULL, 8) - 4 * 256);
    tar_bytes(&t, "bytes", 5);
    assert_int_equal(tar_open(&t), 0);
    tar_has(&t, "base-256", "bytes");
    tar_has(&t, "blanks", "bytes");
    tar_has(&t, "pax", "bytes");
    tar_has(&t, "\xc3\xbcml\xc3\xa4ut", "bytes");
    tar_end(&t);
}

static void versions_follow_from_the_bytes(void **state)
{
    struct tar_test t;
    struct tar_get one, two, three;
    (void)state;
    tar_begin(&t);
    tar_file(&t, "one", "same");
    tar_file(&t, "two", "same");
    tar_file(&t, "three", "other");
    assert_int_equal(tar_open(&t), 0);
    assert_int_equal(tar_get(&t, &one, "one", 1, 2), 0);
    assert_int_equal(tar_get(&t, &two, "two", 0, 0), 0);
    assert_int_equal(tar_get(&t, &three, "three", 0, RUNG_KV_ALL), 0);
    assert_int_equal(strlen(one.req.version), 32);
    assert_string_equal(one.req.version, two.req.version);
    assert_string_not_equal(one.req.version, three.req.version);
    rung_buf_release(&one.req.value);
    rung_buf_release(&two.req.value);
    rung_buf_release(&three.req.value);
    tar_close(&t);
    t.keys.versions = false;
    assert_int_equal(tar_open(&t), 0);
    assert_int_equal(tar_get(&t, &one, "one", 0, RUNG_KV_ALL), 0);
    assert_null(one.req.version);
    rung_buf_release(&one.req.value);
    tar_end(&t);
}

/* A range reads its sectors; without versions opening reads headers. */
static void no_more_is_read_than_needed(void **state)
{
    struct tar_test t;
    struct tar_get get;
    char *text = malloc(400001);
    (void)state;
    assert_non_null(text);
    for (unsigned i = 0; i < 400000; i++)
        text[i] = (char)('a' + i % 26);
    text[400000] = 0;
    for (unsigned sector = 512; sector <= 4096; sector *= 8) {
        tar_begin(&t);
        t.keys.versions = false;
        tar_file(&t, "big", text);
        tar_file(&t, "small", "s");
        assert_int_equal(tar_open_on(&t, TEST_BYTES, sector), 0);
        assert_true(t.disk.read_bytes <= 40000);
        uint64_t before = t.disk.read_bytes;
        assert_int_equal(tar_get(&t, &get, "big", 300001, 1000), 0);
        assert_memory_equal(get.req.value.data, text + 300001, 1000);
        assert_true(t.disk.read_bytes - before <= 1000 + 2 * sector);
        rung_buf_release(&get.req.value);
        tar_has(&t, "big", text);
        tar_has(&t, "small", "s");
        tar_close(&t);
        t.keys.versions = true;
        assert_int_equal(tar_open_on(&t, TEST_BYTES, sector), 0);
        tar_has(&t, "big", text);
        tar_end(&t);
    }
    free(text);
}

static void a_disk_that_fails(void **state)
{
    struct tar_test t;
    struct tar_get get;
    (void)state;
    tar_begin(&t);
    tar_file(&t, "one", "1");
    assert_int_equal(tar_open(&t), 0);
    t.disk.read_err = RUNG_E_IO;
    assert_int_equal(tar_get(&t, &get, "one", 0, RUNG_KV_ALL), RUNG_E_IO);
    t.disk.read_err = RUNG_E_DOWN;
    assert_int_equal(tar_get(&t, &get, "one", 0, RUNG_KV_ALL), RUNG_E_DOWN);
    t.disk.read_err = 0;
    tar_has(&t, "one", "1");
    test_heap_fail_after(t.p, 1);
    assert_int_equal(tar_get(&t, &get, "one", 0, RUNG_KV_ALL), RUNG_E_NOMEM);
    tar_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_all_kinds), cmocka_unit_test(what_is_no_file_is_not_there),
        cmocka_unit_test(the_last_of_equal_names_counts),
        cmocka_unit_test(links_count_as_what_they_lead_to),
        cmocka_unit_test(hard_links_to_symbolic_ones),
        cmocka_unit_test(a_name_that_is_cut_at_a_slash), cmocka_unit_test(sizes_of_all_kinds),
        cmocka_unit_test(versions_follow_from_the_bytes),
        cmocka_unit_test(no_more_is_read_than_needed), cmocka_unit_test(a_disk_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
