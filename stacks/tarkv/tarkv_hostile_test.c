/* SPDX-License-Identifier: ISC */
/* stacks/tarkv/tarkv_hostile_test.c - archives that are none, or that somebody means harm with: one
 * line each, nothing left behind, and memory that is bounded. */
#include "tarkv_testing.h"

static void refused(struct tar_test *t, size_t bytes, enum rung_err err, const char *words)
{
    size_t lines = test_log_count(t->p);
    assert_int_equal(tar_open_on(t, bytes, 512), err);
    if (!strstr(test_log_last(t->p), words))
        fail_msg("said '%s', not '%s'", test_log_last(t->p), words);
    assert_int_equal(test_log_count(t->p), lines + 1);
    assert_int_equal(test_heap_blocks(t->p), 0);
}

static void refused_and_over(struct tar_test *t, enum rung_err err, const char *words)
{
    refused(t, TEST_BYTES, err, words);
    tar_end(t);
}

static void no_archive(void **state)
{
    struct tar_test t;
    (void)state;
    tar_begin(&t);
    refused(&t, TEST_BYTES, RUNG_E_NOTFOUND, "holds no tar archive");
    refused(&t, 0, RUNG_E_CORRUPT, "cut off");
    memset(t.bytes, 0x55, TEST_BYTES);
    refused_and_over(&t, RUNG_E_NOTFOUND, "holds no tar archive");
}

static void damaged_headers(void **state)
{
    struct tar_test t;
    (void)state;
    for (unsigned at = 0; at < 512; at++) { /* the blanks of the sum itself may be of any kind */
        if (at >= 148 && at < 156)
            continue;
        tar_begin(&t);
        tar_file(&t, "one", "1");
        tar_file(&t, "two", "2");
        t.bytes[1024 + at] ^= 0x04;
        refused_and_over(&t, RUNG_E_CORRUPT, "byte 1024 of the archive: a wrong checksum");
    }
    tar_begin(&t);
    tar_file(&t, "one", "1");
    uint8_t *h = tar_header(&t, '0', "two", 1);
    memcpy(h + 124, "0000000009x", 11);
    tar_sum(h);
    refused_and_over(&t, RUNG_E_CORRUPT, "its size is no number");
    tar_begin(&t);
    h = tar_header(&t, '0', "two", 1);
    memset(h + 124, 0xff, 12);
    tar_sum(h);
    refused_and_over(&t, RUNG_E_CORRUPT, "its size is no number");
    tar_begin(&t);
    tar_header(&t, '0', "", 0);
    refused_and_over(&t, RUNG_E_CORRUPT, "it has no name");
}

static void sizes_that_reach_too_far(void **state)
{
    static const char *const sizes[] = {
        "1048576", "9223372036854775807", "18446744073709551615", "99999999999999999999999999",
    };
    struct tar_test t;
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        tar_begin(&t);
        tar_pax(&t, "size", sizes[i]);
        tar_file(&t, "one", "1");
        refused_and_over(&t, RUNG_E_CORRUPT, i < 1 ? "reaches past the end of the disk"
                                                   : "a size in it is no number");
    }
    tar_begin(&t);
    uint8_t *h = tar_header(&t, '0', "one", 0);
    memcpy(h + 124, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12);
    tar_sum(h);
    refused_and_over(&t, RUNG_E_CORRUPT, "reaches past the end of the disk");
    tar_begin(&t);
    tar_header(&t, 'x', "extra", 131073);
    refused_and_over(&t, RUNG_E_NOTSUP, "more than 128 KiB");
}

/* Wherever the disk ends before the archive does. */
static void cut_off(void **state)
{
    struct tar_test t;
    (void)state;
    tar_begin(&t);
    tar_file(&t, "one", "1");
    tar_pax(&t, "path", "two");
    tar_file(&t, "2", "2");
    for (size_t bytes = 512; bytes < t.at + 1024; bytes += 512)
        refused(&t, bytes, RUNG_E_CORRUPT, "cut off");
    assert_int_equal(tar_open_on(&t, t.at + 1024, 512), 0);
    tar_close(&t);
    tar_header(&t, '0', "behind a block of zeros", 0);
    memmove(t.bytes + t.at, t.bytes + t.at - 512, 512);
    memset(t.bytes + t.at - 512, 0, 512);
    refused_and_over(&t, RUNG_E_CORRUPT, "a block of zeros within the archive");
}

static void names_that_lead_out(void **state)
{
    static const char *const names[] = {"/etc/passwd", "../secret", "a/../../b", "a/..", "..", "/"};
    struct tar_test t;
    (void)state;
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(names); i++) {
        tar_begin(&t);
        tar_file(&t, names[i], "x");
        refused_and_over(&t, RUNG_E_CORRUPT, "its name leads out of the archive");
        tar_begin(&t);
        tar_pax(&t, "path", names[i]);
        tar_header(&t, names[i][1] ? '5' : '3', "folder", 0); /* the folder "/" is the archive's */
        refused_and_over(&t, RUNG_E_CORRUPT, "its name leads out of the archive");
    }
}

static void links_that_lead_nowhere(void **state)
{
    static const struct {
        char type;
        const char *to, *words;
    } links[] = {
        {'2', "/etc/passwd", "leads out of the archive"}, {'2', "../x", "leads out of the archive"},
        {'2', "a/../../x", "leads out of the archive"},   {'2', "nothing", "leads nowhere"},
        {'2', "folder", "leads nowhere, or to a folder"}, {'2', "link", "leads in a circle"},
        {'2', "", "leads nowhere"},                       {'2', ".", "leads nowhere"},
        {'1', "later", "links to no file in front of it"}, {'1', "link", "links to no file"},
        {'1', "../x", "links to no file"},                {'1', "", "links to no file"},
    };
    struct tar_test t;
    (void)state;
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(links); i++) {
        tar_begin(&t);
        tar_file(&t, "folder/x", "x");
        tar_link(&t, links[i].type, "link", links[i].to);
        tar_file(&t, "later", "x");
        refused_and_over(&t, RUNG_E_CORRUPT, links[i].words);
    }
    tar_begin(&t);
    tar_link(&t, '2', "a", "b");
    tar_link(&t, '2', "b", "c/../c");
    tar_link(&t, '2', "c", "a");
    refused_and_over(&t, RUNG_E_CORRUPT, "'a' is a link that leads in a circle");
    tar_begin(&t);
    tar_file(&t, "folder", "a file");
    tar_file(&t, "folder-x", "between them in order");
    tar_file(&t, "folder/x", "x");
    refused_and_over(&t, RUNG_E_CORRUPT, "'folder' is a file and a folder");
}

static void kinds_that_are_not_known(void **state)
{
    struct tar_test t;
    (void)state;
    for (unsigned type = 1; type < 256; type++) {
        if (strchr("01234567xgLKVD", (int)type))
            continue;
        tar_begin(&t);
        tar_header(&t, (char)type, "name", 0);
        refused_and_over(&t, RUNG_E_NOTSUP,
                         type == 'S' ? "--sparse" : type == 'M' ? "--multi-volume" : "not known");
    }
    tar_begin(&t);
    tar_pax(&t, "GNU.sparse.major", "1");
    tar_file(&t, "name", "x");
    refused_and_over(&t, RUNG_E_NOTSUP, "--sparse");
    tar_begin(&t);
    tar_file(&t, "a", "a");
    uint8_t *h = tar_header(&t, '1', "b", 1);
    h[157] = 'a';
    tar_sum(h);
    refused_and_over(&t, RUNG_E_NOTSUP, "a link with bytes of its own");
}

static void pax_records_that_are_wrong(void **state)
{
    static const struct {
        const char *text, *words;
    } records[] = {
        {"9 path=a", "wrong length"},          {"99 path=a\n", "wrong length"},
        {"10 path=abc\n", "wrong length"},     {"path=a\n", "wrong length"},
        {" 9 path=a\n", "wrong length"},       {"-9 path=a\n", "wrong length"},
        {"99999999999999999999 a=b\n", "wrong length"}, {"4 a\n", "wrong length"},
        {"0 a=b\n", "wrong length"},           {"5 =b\n", "no key"},
        {"5 ab\n", "no key"},
        {"9 path=a\n9 path", "wrong length"},  {"11 size=1x\n", "no number"},
        {"11 size=-1\n", "no number"},
    };
    struct tar_test t;
    char nul[] = "10 path=a\0\n";
    (void)state;
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(records); i++) {
        tar_begin(&t);
        tar_extra(&t, 'x', records[i].text, strlen(records[i].text));
        tar_file(&t, "name", "x");
        refused_and_over(&t, RUNG_E_CORRUPT, records[i].words);
    }
    tar_begin(&t);
    tar_extra(&t, 'x', nul, sizeof(nul) - 1);
    refused_and_over(&t, RUNG_E_CORRUPT, "wrong length");
    tar_begin(&t);
    tar_extra(&t, 'x', "11 path=a\0\n", 11);
    refused_and_over(&t, RUNG_E_CORRUPT, "holds a NUL");
    tar_begin(&t);
    tar_extra(&t, 'g', "9 path=a\n", 9);
    refused_and_over(&t, RUNG_E_CORRUPT, "gives all files one name");
}

static void names_that_are_too_long(void **state)
{
    struct tar_test t;
    char *name = malloc(8192);
    (void)state;
    assert_non_null(name);
    memset(name, 'n', 8192);
    for (size_t len = 255; len <= 256; len++) {
        tar_begin(&t);
        name[len] = 0;
        tar_extra(&t, 'L', name, len + 1);
        tar_file(&t, "cut", "x");
        if (len == 255) {
            assert_int_equal(tar_open(&t), 0);
            tar_has(&t, name, "x");
            tar_end(&t);
        } else {
            refused_and_over(&t, RUNG_E_CORRUPT, "longer than 1024 bytes, or a part of it");
        }
        name[len] = 'n';
    }
    for (size_t i = 250; i < 8192; i += 251)
        name[i] = '/';
    tar_begin(&t);
    tar_extra(&t, 'L', name, 1100);
    tar_file(&t, "cut", "x");
    refused_and_over(&t, RUNG_E_CORRUPT, "longer than 1024 bytes");
    tar_begin(&t);
    tar_extra(&t, 'L', name, 8192);
    refused_and_over(&t, RUNG_E_CORRUPT, "too long");
    free(name);
}

static void memory_is_bounded(void **state)
{
    struct tar_test t;
    char name[16];
    (void)state;
    tar_begin(&t);
    t.keys.memory = 20000;
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "%u", i);
        tar_header(&t, '0', name, 0);
    }
    refused(&t, TEST_BYTES, RUNG_E_NOMEM, "set content.memory to more");
    t.keys.memory = 0;
    assert_int_equal(tar_open(&t), 0);
    assert_int_equal(t.store.count, 1000);
    assert_true(t.store.memory < 1000 * 100);
    tar_close(&t);
    enum rung_err err = RUNG_E_NOMEM;
    unsigned refusals = 0;
    for (long n = 1; err == RUNG_E_NOMEM && n < 2000; n++) {
        test_heap_fail_after(t.p, n);
        err = tar_open(&t);
        test_heap_fail_after(t.p, 0);
        refusals += err == RUNG_E_NOMEM;
        if (err)
            assert_int_equal(test_heap_blocks(t.p), 0);
    }
    assert_int_equal(err, 0);
    assert_true(refusals > 1000);
    tar_end(&t);
}

static void a_disk_that_cannot_be_read(void **state)
{
    struct tar_test t;
    (void)state;
    tar_begin(&t);
    tar_file(&t, "one", "1");
    test_disk_init(&t.disk, t.p, t.bytes, TEST_BYTES, 512, 0);
    t.disk.read_err = RUNG_E_DOWN;
    t.needs.block = &t.disk.block;
    assert_int_equal(rung_tarkv_open(&t.store, t.p, &t.keys, &t.needs), RUNG_E_DOWN);
    assert_non_null(strstr(test_log_last(t.p), "byte 0 of the disk cannot be read"));
    assert_int_equal(test_heap_blocks(t.p), 0);
    tar_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_archive), cmocka_unit_test(damaged_headers),
        cmocka_unit_test(sizes_that_reach_too_far), cmocka_unit_test(cut_off),
        cmocka_unit_test(names_that_lead_out), cmocka_unit_test(links_that_lead_nowhere),
        cmocka_unit_test(kinds_that_are_not_known), cmocka_unit_test(pax_records_that_are_wrong),
        cmocka_unit_test(names_that_are_too_long), cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(a_disk_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
