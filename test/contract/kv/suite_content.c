/* SPDX-License-Identifier: ISC */
/* test/contract/kv/suite_content.c - the files of crunch-content, read from where they are. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const content_keys[] = {
    "-dash.txt", ".well-known/security.txt", "50%25.txt", "SHOUT.TXT", "a-b", "a.b", "a/b", "a0",
    "archive.tar.gz", "back\\slash", "css/site.css", "deep/er/and/deeper/still.json", "empty.txt",
    "index.html", "noise.bin", "noise.txt", "one", "quo\"te's.txt",
    "semi;colon [x] {y} $z `w` #v &u !t ?s *r.txt", "with space/a file.txt",
    "\xc3\xbcml\xc3\xa4ut.html",
};

static void content_read(struct kv_file *file, const char *key)
{
    char path[1024];
    uint8_t *bytes = malloc(1 << 16);
    assert_non_null(bytes);
    snprintf(path, sizeof(path), "%s/contract/kv/crunch-content/%s", RUNG_TEST_SOURCE_DIR, key);
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    *file = (struct kv_file){.key = key, .key_len = strlen(key), .value = bytes};
    file->len = fread(bytes, 1, 1 << 16, stream);
    assert_true(file->len < 1 << 16);
    fclose(stream);
}

const struct kv_file *kv_content(size_t *count)
{
    static struct kv_file files[RUNG_ARRAY_LEN(content_keys)];
    for (size_t i = 0; !files[RUNG_ARRAY_LEN(files) - 1].value && i < RUNG_ARRAY_LEN(files); i++)
        content_read(&files[i], content_keys[i]);
    *count = RUNG_ARRAY_LEN(files);
    return files;
}

void kv_begin_filled(struct kv_test *t)
{
    size_t count;
    const struct kv_file *files = kv_content(&count);
    t->p = test_platform_new();
    t->kv = kv_fixture.open(t->p, KV_FAST);
    if (!t->kv) {
        t->kv = kv_fixture.open(t->p, KV_FILLED);
        assert_non_null(t->kv);
        return;
    }
    for (size_t i = 0; i < count; i++) /* not in order: the store has to sort them itself */
        assert_int_equal(kv_set(t, files[i * 8 % count].key, files[i * 8 % count].key_len,
                                files[i * 8 % count].value, files[i * 8 % count].len), 0);
}
