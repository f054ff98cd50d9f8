/* SPDX-License-Identifier: ISC */
/* tools/rung-kv/kv_dump.c - dump and load, in the format of cdbmake (D. J. Bernstein): for each key
 * "+<key's bytes>,<value's bytes>:<key>-><value>" and a newline, and one more newline at the end.
 * So a dump holds any bytes, whoever cuts it off is found out, and other programs read and write
 * it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kv_store.h"

enum { DUMP_BATCH = 256, DUMP_BYTES = 1 << 20 };

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
    uint64_t done = 0, total = store->archive ? store->tar.count : store->log.index.keys;
    int err = 0, status = KV_OK;
    (void)argc;
    (void)argv;
    do {
        const struct kv_key *after = before.count ? &before.key[before.count - 1] : NULL;
        err = kv_list(store, "", after, &keys);
        for (size_t i = 0; !err && i < keys.count && !ferror(stdout); i++) {
            int one = dump_key(store, &keys.key[i]);
            if (one == RUNG_E_CORRUPT || one == RUNG_E_IO)
                status = kv_failed("reading", keys.key[i].key, keys.key[i].len, one);
            else
                err = one;
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
    return kv_output_end() ? KV_FAILED : status;
}

struct dump_load {
    struct kv_store *store;
    struct rung_kv_change change[DUMP_BATCH];
    struct rung_vec vec[DUMP_BATCH];
    char *bytes[DUMP_BATCH]; /* key and value together */
    unsigned count;
    size_t held;
    uint64_t keys;
};

static int load_flush(struct dump_load *load)
{
    int err = load->count ? kv_write(load->store, load->change, load->count) : RUNG_OK;
    for (unsigned i = 0; i < load->count; i++)
        free(load->bytes[i]);
    load->keys += err ? 0 : load->count;
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

/* The entry behind a '+'. False: there is none. */
static bool load_entry(struct dump_load *load, int *err)
{
    uint64_t key_len, len;
    *err = RUNG_OK;
    if (!load_number(&key_len, ',') || !load_number(&len, ':') || key_len < 1
        || key_len > RUNG_KV_KEY_MAX || len > load->store->kv->info.max_value)
        return false;
    char *bytes = malloc((size_t)(key_len + len) + 1);
    if (!bytes) {
        *err = RUNG_E_NOMEM;
        return true;
    }
    unsigned i = load->count;
    bool whole = fread(bytes, 1, (size_t)key_len, stdin) == key_len && getchar() == '-'
                 && getchar() == '>' && fread(bytes + key_len, 1, (size_t)len, stdin) == len
                 && getchar() == '\n';
    if (!whole) {
        free(bytes);
        return false;
    }
    load->bytes[i] = bytes;
    load->vec[i] = (struct rung_vec){bytes + key_len, (size_t)len};
    load->change[i] = (struct rung_kv_change){
        .key = bytes, .key_len = (size_t)key_len, .value = &load->vec[i], .value_count = 1,
    };
    load->count++;
    load->held += (size_t)(key_len + len);
    if (load->count == DUMP_BATCH || load->held >= DUMP_BYTES)
        *err = load_flush(load);
    return true;
}

int kv_command_load(struct kv_store *store, int argc, char **argv)
{
    struct dump_load *load = calloc(1, sizeof(*load));
    int c = 0, err = RUNG_OK;
    bool good = load != NULL;
    (void)argc;
    (void)argv;
    if (load)
        load->store = store;
    while (good && !err && (c = getchar()) == '+')
        good = load_entry(load, &err);
    good = good && (err || c == '\n');
    int last = load ? load_flush(load) : RUNG_E_NOMEM; /* what came whole is kept */
    kv_progress_end(store);
    err = err ? err : last;
    if (err)
        kv_say("loading failed behind %" PRIu64 " keys: %s", load ? load->keys : 0,
               rung_err_text(err));
    else if (!good)
        kv_say("the dump is cut off or no dump behind %" PRIu64 " keys; those were loaded",
               load->keys);
    free(load);
    return err || !good ? KV_FAILED : KV_OK;
}
