/* SPDX-License-Identifier: ISC */
/* tools/rung-kv/kv_store.c - see kv_store.h. */
#include "kv_store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rung/log.h"

enum {
    STORE_PAGE = 512,           /* keys listed at a time */
    STORE_EMPTY = 100,          /* blocks; the smallest store has 128 */
    STORE_TICK_NS = 20000000,   /* how often it is looked at how far a compaction is */
};

struct store_wait {
    struct rung_platform *p;
    bool done;
    int result;
};

static void store_done(struct store_wait *wait, int result)
{
    wait->done = true;
    wait->result = result;
    rung_loop_stop(wait->p, 1);
}

/* An interrupt does not tear a request: the program ends when it is done. */
static int store_run(struct store_wait *wait)
{
    bool stopped = false;
    while (!wait->done)
        stopped |= rung_loop_run(wait->p) != 1;
    return stopped && wait->result >= 0 ? RUNG_E_CANCELED : wait->result;
}

static int store_disk(struct kv_store *store, const struct kv_options *options)
{
    struct rung_block_file_needs needs = {0};
    store->disk_keys = (struct rung_block_file_keys){
        .slot = "disk", .path = options->file, .size = options->create,
        .sector_size = options->big_sectors && !store->archive, .read_only = !options->write,
        .depth = 4,
    };
    int err = rung_block_file_open(&store->disk, store->p, &store->disk_keys, &needs);
    return err;
}

struct store_close {
    struct rung_op op;
    struct store_wait wait;
};

static void store_closed(struct rung_op *op, int result)
{
    store_done(&rung_container_of(op, struct store_close, op)->wait, result);
}

static int store_close_disk(struct kv_store *store)
{
    struct store_close close = {.op = {.done = store_closed}, .wait = {.p = store->p}};
    rung_block_close(&store->disk.block, &close.op);
    return store_run(&close.wait);
}

static bool store_holds(const char *path, off_t at, const char *words)
{
    char bytes[16] = "";
    size_t len = strlen(words);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    bool holds = fd >= 0 && pread(fd, bytes, len, at) == (ssize_t)len
                 && memcmp(bytes, words, len) == 0;
    if (fd >= 0)
        close(fd);
    return holds;
}

/* By the word in an archive's first header: no store has it there. */
static bool store_is_archive(const char *path)
{
    return store_holds(path, 257, "ustar");
}

static bool store_is_log(const char *path)
{
    return store_holds(path, 0, "rung-kv\n") || store_holds(path, 4096, "rung-kv\n");
}

/* As tar makes an archive of nothing, and too short for a store. */
static bool store_is_empty_archive(const char *path)
{
    static const char zeros[512];
    char block[sizeof(zeros)];
    FILE *file = fopen(path, "rb");
    unsigned blocks = 0;
    while (file && blocks < STORE_EMPTY && fread(block, sizeof(block), 1, file) == 1
           && memcmp(block, zeros, sizeof(block)) == 0)
        blocks++;
    bool ended = file && feof(file);
    if (file)
        fclose(file);
    return ended && blocks >= 2;
}

static int store_open_tar(struct kv_store *store)
{
    store->tar_keys = (struct rung_tarkv_keys){.slot = "store"};
    store->tar_needs.block = &store->disk.block;
    store->kv = &store->tar.kv;
    return rung_tarkv_open(&store->tar, store->p, &store->tar_keys, &store->tar_needs);
}

static int store_open_log(struct kv_store *store, const struct kv_options *options)
{
    store->keys = (struct rung_kvlog_keys){
        .slot = "store", .create = options->create > 0, .salvage = options->salvage,
    };
    store->needs.block = &store->disk.block;
    store->kv = &store->log.kv;
    return rung_kvlog_open(&store->log, store->p, &store->keys, &store->needs);
}

/* What the file holds, now that it is locked and nobody else changes it. */
static int store_look(const struct kv_options *options)
{
    if (options->create && store_is_log(options->file)) {
        kv_say("%s holds a store already: remove it, or choose another file", options->file);
        return RUNG_E_EXISTS;
    }
    if (!options->create && store_is_empty_archive(options->file)) {
        kv_say("%s holds nothing but zeros: an archive without files, or no store", options->file);
        return RUNG_E_NOTFOUND;
    }
    return RUNG_OK;
}

int kv_open(struct kv_store *store, struct rung_platform *p, const struct kv_options *options)
{
    *store = (struct kv_store){.p = p, .archive = store_is_archive(options->file)};
    if (store->archive && options->write) {
        kv_say("%s is a tar archive, and only read: load a dump of it into a store", options->file);
        return RUNG_E_READONLY;
    }
    int err = store_disk(store, options);
    if (err)
        return err;
    const char *made = store->disk.unused;
    err = store_look(options);
    if (!err)
        err = store->archive ? store_open_tar(store) : store_open_log(store, options);
    if (!err) {
        kv_progress_begin(store, options);
        return RUNG_OK;
    }
    store->disk.unused = made; /* made for this store, it goes with it, written to or not */
    store_close_disk(store);
    return err;
}

int kv_close(struct kv_store *store)
{
    struct store_close close = {.op = {.done = store_closed}, .wait = {.p = store->p}};
    rung_kv_close(store->kv, &close.op);
    int err = store_run(&close.wait), disk_err = store_close_disk(store);
    return err < 0 ? err : disk_err;
}

struct store_request { /* a request that is the caller's, and who waits for it */
    union {
        struct rung_kv_write write;
        struct rung_op op;
    } u;
    struct store_wait wait;
};

static void store_compacted(struct rung_op *op, int result)
{
    store_done(&rung_container_of(op, struct store_request, u.op)->wait, result);
}

static void store_compact_tick(struct rung_timer *timer)
{
    struct kv_progress *progress = rung_container_of(timer, struct kv_progress, timer);
    struct kv_store *store = rung_container_of(progress, struct kv_store, progress);
    kv_progress(store, "compacting", store->log.log.tail - progress->tail,
                progress->head - progress->tail);
    rung_timer_start(store->p, timer, STORE_TICK_NS);
}

int kv_compact(struct kv_store *store)
{
    struct store_request request = {.wait = {.p = store->p}};
    request.u.op = (struct rung_op){.done = store_compacted};
    store->progress.tail = store->log.log.tail;
    store->progress.head = store->log.log.head;
    store->progress.timer.fn = store_compact_tick;
    rung_timer_start(store->p, &store->progress.timer, STORE_TICK_NS);
    rung_kvlog_compact(&store->log, &request.u.op);
    int err = store_run(&request.wait);
    rung_timer_stop(store->p, &store->progress.timer);
    kv_progress_end(store);
    return err;
}

static void store_written(struct rung_op *op, int result)
{
    store_done(&rung_container_of(op, struct store_request, u.write.op)->wait, result);
}

int kv_write(struct kv_store *store, const struct rung_kv_change *change, unsigned count)
{
    struct store_request request = {.wait = {.p = store->p}};
    request.u.write = (struct rung_kv_write){
        .op = {.done = store_written}, .change = change, .change_count = count,
    };
    rung_kv_write(store->kv, &request.u.write);
    return store_run(&request.wait);
}

static void store_got(struct rung_op *op, int result)
{
    struct kv_got *got = rung_container_of(op, struct kv_got, get.op);
    store_done(got->wait, result);
}

int kv_get(struct kv_store *store, const char *key, size_t key_len, struct kv_got *got)
{
    struct store_wait wait = {.p = store->p};
    *got = (struct kv_got){.wait = &wait};
    got->get = (struct rung_kv_get){
        .op = {.done = store_got}, .key = key, .key_len = key_len, .len = RUNG_KV_ALL,
    };
    rung_kv_get(store->kv, &got->get);
    return store_run(&wait);
}

struct store_list {
    struct rung_kv_list list;
    struct store_wait wait;
    struct kv_keys *keys;
};

static bool store_each(struct rung_kv_list *list, const char *key, size_t key_len, uint64_t size)
{
    struct kv_keys *keys = rung_container_of(list, struct store_list, list)->keys;
    char *copy = malloc(key_len + 1);
    if (copy && keys->count == keys->room) {
        size_t room = keys->room ? keys->room * 2 : 64;
        struct kv_key *more = realloc(keys->key, room * sizeof(*more));
        keys->key = more ? more : keys->key;
        keys->room = more ? room : keys->room;
    }
    if (!copy || keys->count == keys->room) {
        free(copy);
        keys->failed = true;
        return false;
    }
    memcpy(copy, key, key_len);
    copy[key_len] = 0;
    keys->key[keys->count++] = (struct kv_key){copy, key_len, size};
    return true;
}

static void store_listed(struct rung_op *op, int result)
{
    store_done(&rung_container_of(op, struct store_list, list.op)->wait, result);
}

void kv_keys_free(struct kv_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        free(keys->key[i].key);
    free(keys->key);
    *keys = (struct kv_keys){0};
}

int kv_list(struct kv_store *store, const char *prefix, const struct kv_key *after,
            struct kv_keys *keys)
{
    struct kv_keys found = {0};
    struct store_list list = {.wait = {.p = store->p}, .keys = &found};
    list.list = (struct rung_kv_list){
        .op = {.done = store_listed}, .prefix = prefix, .prefix_len = strlen(prefix),
        .after = after ? after->key : NULL, .after_len = after ? after->len : 0,
        .limit = STORE_PAGE, .each = store_each,
    };
    rung_kv_list(store->kv, &list.list);
    int err = store_run(&list.wait);
    kv_keys_free(keys);
    found.more = list.list.more;
    *keys = found;
    return found.failed ? RUNG_E_NOMEM : err < 0 ? err : RUNG_OK;
}
