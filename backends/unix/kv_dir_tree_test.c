/* SPDX-License-Identifier: ISC */
/* backends/unix/kv_dir_tree_test.c - kv-dir with more than fits: trees larger than the memory for
 * listing them, and files that change while they are read. */
#include "kv_dir_testing.h"

#include <fcntl.h>
#include <pthread.h>

/* A tree whose folders do not fit into their windows, at every depth, in order and whole. */
enum { TREE_WIDE = 2500, TREE_DEPTH = 40, TREE_EACH = 5, TREE_MAX = TREE_WIDE + 400 };

struct tree {
    char (*keys)[512];
    size_t count, seen;
    struct test_op op;
    char last[512];
};

static int tree_sorter(const void *a, const void *b)
{
    return strcmp(a, b); /* no key has a NUL, and bytes compare as unsigned */
}

static void tree_add(struct tree *tree, const char *folder, unsigned i)
{
    char *key = tree->keys[tree->count++];
    int fd;
    snprintf(key, sizeof(*tree->keys), "%s%c%0*u", folder, "ab!-.z0~"[i * 7919 % 8],
             (int)(60 + i * 31 % 190), i * 7919u % 10007u);
    fd = openat(dir.root, key, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
    assert_true(fd >= 0);
    close(fd);
}

static bool tree_each(struct rung_kv_list *list, const char *key, size_t len, uint64_t size)
{
    struct test_op *op = rung_container_of(list, struct test_op, list);
    struct tree *tree = rung_container_of(op, struct tree, op);
    assert_int_equal(size, 0);
    assert_true(tree->seen < tree->count);
    assert_int_equal(len, strlen(tree->keys[tree->seen]));
    assert_memory_equal(key, tree->keys[tree->seen], len);
    memcpy(tree->last, key, len);
    tree->last[len] = 0;
    tree->seen++;
    return true;
}

static bool tree_page(struct tree *tree, uint32_t limit)
{
    char after[512];
    size_t before = tree->seen;
    strcpy(after, tree->last);
    tree->op = (struct test_op){.list = {
        .op = {.done = listed}, .limit = limit, .each = tree_each,
        .after = before ? after : NULL, .after_len = strlen(after),
    }};
    rung_kv_list(&dir.kv, &tree->op.list);
    int result = finish(&tree->op);
    assert_int_equal(result, tree->seen - before);
    return tree->op.list.more;
}

static void big_tree(void **state)
{
    char folder[256] = "";
    struct tree *tree = calloc(1, sizeof(*tree));
    (void)state;
    tree->keys = calloc(TREE_MAX, sizeof(*tree->keys));
    assert_non_null(tree->keys);
    open_store();
    for (unsigned i = 0; i < TREE_WIDE; i++)
        tree_add(tree, folder, i);
    for (unsigned depth = 0; depth < TREE_DEPTH; depth++) {
        strcat(folder, depth % 3 ? "m/" : "n/");
        assert_int_equal(mkdirat(dir.root, folder, 0777), 0);
        for (unsigned i = 0; i < TREE_EACH; i++)
            tree_add(tree, folder, i + depth * TREE_EACH);
    }
    qsort(tree->keys, tree->count, sizeof(*tree->keys), tree_sorter);
    assert_false(tree_page(tree, 0));
    assert_int_equal(tree->seen, tree->count);
    tree->seen = 0;
    while (tree_page(tree, 400))
        assert_int_equal(tree->seen % 400, 0);
    assert_int_equal(tree->seen, tree->count);
    close_store();
    free(tree->keys);
    free(tree);
}

/* Another program writes the file in place, shorter and longer, while it is read: a get gives bytes
 * that were written and as many as it says, or tells that the file changed. */
struct rewriter {
    pthread_t thread;
    int stop; /* atomic */
    unsigned rounds;
};

enum { REWRITE_MAX = 300000, CHANGING_GETS = 1000 };

static void *rewrite(void *arg)
{
    struct rewriter *r = arg;
    char *bytes = malloc(REWRITE_MAX);
    int fd = open(at("store/file"), O_WRONLY | O_CLOEXEC);
    while (bytes && !__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
        size_t len = (r->rounds / 32 * 79193u) % REWRITE_MAX + 1;
        memset(bytes, 'a' + (int)(r->rounds % 26), len);
        if (r->rounds % 32 == 0 && ftruncate(fd, 0))
            break;
        if (pwrite(fd, bytes, len, 0) != (ssize_t)len)
            break;
        if (r->rounds++ % 64 == 0)
            usleep(15000); /* long enough for a get to find it at rest */
    }
    close(fd);
    free(bytes);
    return NULL;
}

static void changing_file(void **state)
{
    struct rewriter r = {.stop = 0};
    (void)state;
    put_file("store/file", "sssss");
    open_store();
    assert_int_equal(pthread_create(&r.thread, NULL, rewrite, &r), 0);
    for (int i = 0; i < CHANGING_GETS; i++) {
        struct test_op op = {
            .get = {.op = {.done = got}, .key = "file", .key_len = 4, .len = RUNG_KV_ALL},
        };
        rung_kv_get(&dir.kv, &op.get);
        if (finish(&op)) {
            assert_int_equal(op.result, RUNG_E_CHANGED);
            continue;
        }
        assert_int_equal(op.get.value.len, op.get.size);
        for (size_t k = 0; k < op.get.value.len; k++)
            assert_in_range(op.get.value.data[k], 'a', 'z');
        rung_buf_release(&op.get.value);
    }
    __atomic_store_n(&r.stop, 1, __ATOMIC_RELAXED);
    pthread_join(r.thread, NULL);
    put_file("store/file", "at rest");
    expect_text("file", "at rest");
    close_store();
}

/* Edits in place, of the same length, faster than the file system's clock ticks: each is seen, and
 * has a version of its own. */
static void edited_in_place(void **state)
{
    enum { EDITS = 60 };
    char (*versions)[96] = calloc(EDITS, sizeof(*versions)), text[8];
    (void)state;
    assert_non_null(versions);
    put_file("store/file", "000000");
    open_store();
    int fd = open(at("store/file"), O_WRONLY | O_CLOEXEC);
    for (int i = 0; i < EDITS; i++) {
        struct test_op op = {
            .get = {.op = {.done = got}, .key = "file", .key_len = 4, .len = RUNG_KV_ALL},
        };
        snprintf(text, sizeof(text), "%06d", i);
        assert_int_equal(pwrite(fd, text, 6, 0), 6);
        rung_kv_get(&dir.kv, &op.get);
        assert_int_equal(finish(&op), 0);
        assert_memory_equal(op.get.value.data, text, 6);
        snprintf(versions[i], sizeof(*versions), "%s", op.get.version);
        rung_buf_release(&op.get.value);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(versions[k], versions[i]);
    }
    close(fd);
    close_store();
    free(versions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KV_DIR_TEST(big_tree), KV_DIR_TEST(changing_file), KV_DIR_TEST(edited_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
