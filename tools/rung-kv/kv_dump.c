/* SPDX-License-Identifier: ISC */
/* tools/rung-kv/kv_dump.c - dump and load, in the format of cdbmake (D. J. Bernstein): for each key
 * "+<key's bytes>,<value's bytes>:<key>-><value>" and a newline, and one more newline at the end.
 * So a dump holds any bytes, whoever cuts it off is found out, and other programs read and write
 * it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kv_store.h"

enum {
    DUMP_BATCH = 256,
    LOAD_BESIDES = 64, /* what an entry takes besides its bytes, and more */
};

static int dump_key(struct kv_store *store, const struct kv_key *key)
{
    struct kv_got got;
    int err = kv_get(store, key->key, key->len, &got);
    if (err)
        return err;
    printf("+%zu,%zu:", key->len, got.get.value.len);
    fwrite(key->key, 1, key->len, stdout);
    fputs("->", stdout);
    fwrite(got.get.value.data, 1, got.get.value.len, stdout);
    putchar('\n');
    rung_buf_release(&got.get.value);
    return RUNG_OK;
}

/* A value that cannot be read is left out and said; the rest is worth having. */
int kv_command_dump(struct kv_store *store, int argc, char **argv)
{
    struct kv_keys keys = {0}, before = {0};
    uint64_t done = 0, lost = 0, total = store->archive ? store->tar.count : store->log.index.keys;
    int err = 0;
    (void)argc;
    (void)argv;
    do {
        const struct kv_key *after = before.count ? &before.key[before.count - 1] : NULL;
        err = kv_list(store, "", after, &keys);
        for (size_t i = 0; !err && i < keys.count && !ferror(stdout); i++) {
            int one = dump_key(store, &keys.key[i]);
            if (one == RUNG_E_CORRUPT || one == RUNG_E_IO) {
                kv_failed("reading", keys.key[i].key, keys.key[i].len, one);
                lost++;
            } else {
                err = one;
            }
            kv_progress(store, "dumping", ++done, total);
        }
        kv_keys_free(&before);
        before = keys;
        keys = (struct kv_keys){0};
    } while (!err && before.more && !ferror(stdout));
    kv_keys_free(&before);
    kv_progress_end(store);
    if (err) {
        kv_say("dumping failed: %s", rung_err_text(err));
        return KV_FAILED;
    }
    putchar('\n');
    if (lost)
        kv_say("%" PRIu64 " of %" PRIu64 " keys could not be read; the dump has the others", lost,
               done);
    return kv_output_end() || lost ? KV_FAILED : KV_OK;
}

struct dump_load {
    struct kv_store *store;
    struct rung_kv_change change[DUMP_BATCH];
    struct rung_vec vec[DUMP_BATCH];
    char *bytes[DUMP_BATCH]; /* key and value together */
    unsigned count, most;    /* most: written at once */
    size_t held, held_most;
    uint64_t keys;
    uint64_t too_big;        /* the value that the store does not take; 0: none */
};

/* A long group keeps more of the store from being filled than its own length: so it is no longer
 * than what the store writes by itself. The store does not warn that it is full, since fewer keys
 * at once may fit. */
static struct dump_load *load_new(struct kv_store *store)
{
    struct dump_load *load = calloc(1, sizeof(*load));
    const struct rung_kvlog_ring *log = &store->log.log;
    if (!load)
        return NULL;
    load->store = store;
    load->most = DUMP_BATCH;
    load->held_most = (size_t)(log->step > log->together ? log->step : log->together);
    store->log.full_told = true;
    return load;
}

/* What has been read; fewer at once, down to a single key, once the store has no room for all. */
static int load_flush(struct dump_load *load)
{
    int err = RUNG_OK;
    for (unsigned at = 0; !err && at < load->count;) {
        unsigned left = load->count - at, n = left < load->most ? left : load->most;
        err = kv_write(load->store, &load->change[at], n);
        if (err == RUNG_E_FULL && n > 1) {
            load->most = n / 2;
            err = RUNG_OK;
            continue;
        }
        load->keys += err ? 0 : n;
        at += n;
    }
    for (unsigned i = 0; i < load->count; i++)
        free(load->bytes[i]);
    load->count = 0;
    load->held = 0;
    kv_progress(load->store, "loading", load->keys, 0);
    return err;
}

/* "<digits><end>" */
static bool load_number(uint64_t *number, int end)
{
    int c, digits = 0;
    *number = 0;
    while ((c = getchar()) >= '0' && c <= '9' && digits++ < 12)
        *number = *number * 10 + (uint64_t)(c - '0');
    return c == end && digits > 0;
}

/* The bytes of an entry, behind the two numbers. False: they are not there. */
static bool load_bytes(char *bytes, size_t key_len, size_t len)
{
    return fread(bytes, 1, key_len, stdin) == key_len && getchar() == '-' && getchar() == '>'
           && fread(bytes + key_len, 1, len, stdin) == len && getchar() == '\n';
}

/* The entry behind a '+'. False: there is none. */
static bool load_entry(struct dump_load *load, int *err)
{
    uint64_t key_len, len;
    *err = RUNG_OK;
    if (!load_number(&key_len, ',') || !load_number(&len, ':') || key_len < 1
        || key_len > RUNG_KV_KEY_MAX)
        return false;
    if (len > load->store->kv->info.max_value) {
        load->too_big = len;
        *err = RUNG_E_TOOBIG;
        return true;
    }
    size_t takes = (size_t)(key_len + len + len / 512) + LOAD_BESIDES;
    if (load->count == DUMP_BATCH || load->held + takes > load->held_most)
        *err = load_flush(load);
    char *bytes = *err ? NULL : malloc((size_t)(key_len + len) + 1);
    if (!bytes) {
        *err = *err ? *err : RUNG_E_NOMEM;
        return true;
    }
    if (!load_bytes(bytes, (size_t)key_len, (size_t)len)) {
        free(bytes);
        return false;
    }
    unsigned i = load->count++;
    load->held += takes;
    load->bytes[i] = bytes;
    load->vec[i] = (struct rung_vec){bytes + key_len, (size_t)len};
    load->change[i] = (struct rung_kv_change){
        .key = bytes, .key_len = (size_t)key_len, .value = &load->vec[i], .value_count = 1,
    };
    return true;
}

/* What came before is loaded, and stays so. */
static void load_failed(const struct dump_load *load, int err)
{
    const char *keys = kv_plural(load->keys, "keys", "key");
    if (err == RUNG_E_FULL && !load->store->log.no_room_told)
        kv_say("the store is full: the first %" PRIu64 " %s of the dump were loaded; load it into "
               "a bigger one", load->keys, keys);
    else if (err == RUNG_E_TOOBIG && load->too_big)
        kv_say("loading failed behind %" PRIu64 " %s: a value of %" PRIu64 " bytes comes, and a "
               "store of this size takes at most %" PRIu64 ": load it into a bigger one",
               load->keys, keys, load->too_big, load->store->kv->info.max_value);
    else
        kv_say("loading failed behind %" PRIu64 " %s: %s", load->keys, keys, rung_err_text(err));
}

int kv_command_load(struct kv_store *store, int argc, char **argv)
{
    struct dump_load *load = load_new(store);
    int c = 0, err = RUNG_OK;
    bool good = true;
    (void)argc;
    (void)argv;
    if (!load) {
        kv_say("loading failed: %s", rung_err_text(RUNG_E_NOMEM));
        return KV_FAILED;
    }
    while (good && !err && (c = getchar()) == '+')
        good = load_entry(load, &err);
    good = good && (err || c == '\n');
    bool more = good && !err && getchar() != EOF;
    int last = load_flush(load); /* what came whole is kept */
    kv_progress_end(store);
    err = err ? err : last;
    const char *keys = kv_plural(load->keys, "keys", "key");
    if (err)
        load_failed(load, err);
    else if (!good)
        kv_say("the dump is cut off or no dump behind %" PRIu64 " %s; what came before was loaded",
               load->keys, keys);
    else if (more)
        kv_say("the dump ends behind %" PRIu64 " %s, and more bytes follow: those keys were "
               "loaded, the rest was not; load one dump at a time", load->keys, keys);
    free(load);
    return err || !good || more ? KV_FAILED : KV_OK;
}
