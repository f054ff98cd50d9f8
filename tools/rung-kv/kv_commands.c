/* SPDX-License-Identifier: ISC */
/* tools/rung-kv/kv_commands.c - the commands on an open store. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kv_store.h"

int kv_failed(const char *doing, const char *key, size_t key_len, int err)
{
    if (err == RUNG_E_NOTFOUND)
        kv_say("there is no key '%.*s'", (int)key_len, key);
    else if (err == RUNG_E_CANCELED)
        kv_say("interrupted");
    else if (err == RUNG_E_INVAL && key_len > 2 && memcmp(key, "./", 2) == 0)
        kv_say("there is no key '%.*s': the keys of an archive have no ./ in front", (int)key_len,
               key);
    else if (key_len < 1 || key_len > RUNG_KV_KEY_MAX)
        kv_say("a key is of 1 to %u bytes, not %zu", RUNG_KV_KEY_MAX, key_len);
    else
        kv_say("%s '%.*s' failed: %s", doing, (int)key_len, key, rung_err_text(err));
    return KV_FAILED;
}

int kv_output_end(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return KV_OK;
    kv_say("standard output cannot be written to: %s", strerror(errno));
    return KV_FAILED;
}

int kv_command_get(struct kv_store *store, int argc, char **argv)
{
    struct kv_got got;
    (void)argc;
    int err = kv_get(store, argv[0], strlen(argv[0]), &got);
    if (err)
        return kv_failed("getting", argv[0], strlen(argv[0]), err);
    fwrite(got.get.value.data, 1, got.get.value.len, stdout);
    rung_buf_release(&got.get.value);
    return kv_output_end();
}

/* All of standard input, on the heap, if it is no longer than most: else some more than that. NULL:
 * no memory, or it cannot be read. */
static char *command_input(uint64_t most, size_t *len)
{
    size_t room = 65536;
    char *bytes = malloc(room);
    *len = 0;
    while (bytes) {
        *len += fread(bytes + *len, 1, room - *len, stdin);
        if (*len < room || *len > most)
            break;
        char *more = realloc(bytes, room *= 2);
        if (!more)
            free(bytes);
        bytes = more;
    }
    if (bytes && !ferror(stdin))
        return bytes;
    kv_say("standard input cannot be read: %s", strerror(errno));
    free(bytes);
    return NULL;
}

int kv_command_set(struct kv_store *store, int argc, char **argv)
{
    struct rung_vec vec = {.base = argc > 1 ? argv[1] : NULL};
    char *input = NULL;
    if (argc > 1)
        vec.len = strlen(argv[1]);
    else
        vec.base = input = command_input(store->kv->info.max_value, &vec.len);
    if (!vec.base)
        return KV_FAILED;
    struct rung_kv_change change = {
        .key = argv[0], .key_len = strlen(argv[0]), .value = &vec, .value_count = 1,
    };
    int err = kv_write(store, &change, 1);
    free(input);
    if (err == RUNG_E_TOOBIG && change.key_len <= RUNG_KV_KEY_MAX) {
        kv_say("setting '%s' failed: the value is too big: a store of this size takes at most "
               "%" PRIu64 " bytes", argv[0], store->kv->info.max_value);
        return KV_FAILED;
    }
    return err ? kv_failed("setting", argv[0], change.key_len, err) : KV_OK;
}

int kv_command_remove(struct kv_store *store, int argc, char **argv)
{
    int status = KV_OK;
    for (int i = 0; i < argc; i++) {
        struct rung_kv_change change = {.key = argv[i], .key_len = strlen(argv[i])};
        struct kv_got got;
        int err = kv_get(store, change.key, change.key_len, &got);
        if (!err)
            rung_buf_release(&got.get.value);
        if (!err || err == RUNG_E_CORRUPT)
            err = kv_write(store, &change, 1);
        if (err)
            status = kv_failed("removing", change.key, change.key_len, err);
    }
    return status;
}

int kv_command_list(struct kv_store *store, int argc, char **argv)
{
    struct kv_keys keys = {0}, before = {0};
    int err;
    do {
        err = kv_list(store, argc > 0 ? argv[0] : "",
                      before.count ? &before.key[before.count - 1] : NULL, &keys);
        for (size_t i = 0; !err && i < keys.count; i++) {
            fwrite(keys.key[i].key, 1, keys.key[i].len, stdout);
            putchar('\n');
        }
        kv_keys_free(&before);
        before = keys;
        keys = (struct kv_keys){0};
    } while (!err && before.more && !ferror(stdout));
    kv_keys_free(&before);
    if (err) {
        kv_say("listing failed: %s", rung_err_text(err));
        return KV_FAILED;
    }
    return kv_output_end();
}

static void command_found(struct rung_kvlog_check *check, uint64_t place, const char *what)
{
    (void)check;
    printf("byte %" PRIu64 ": %s\n", place, what);
}

static void command_checked(struct rung_kvlog_check *check, uint64_t done, uint64_t total)
{
    kv_progress(check->arg, "checking", done, total);
}

int kv_command_check(struct kv_store *store, int argc, char **argv)
{
    struct rung_kvlog_check check = {
        .found = command_found, .progress = command_checked, .arg = store,
    };
    (void)argc;
    (void)argv;
    if (store->archive) { /* that it was opened says all there is: it holds no sums of its values */
        printf("%zu %s in a tar archive: its headers are sound\n", store->tar.count,
               kv_plural(store->tar.count, "keys", "key"));
        return kv_output_end();
    }
    int err = rung_kvlog_check(&store->log, &check);
    kv_progress_end(store);
    if (err) {
        kv_say("checking failed: %s", rung_err_text(err));
        return KV_FAILED;
    }
    const struct rung_kvlog_ring *log = &store->log.log;
    printf("%" PRIu64 " %s, %" PRIu64 " of %" PRIu64 " bytes needed; read %" PRIu64 " %s with %"
           PRIu64 " %s: ", check.keys, kv_plural(check.keys, "keys", "key"), store->log.index.live,
           log->ring, check.groups, kv_plural(check.groups, "groups", "group"), check.records,
           kv_plural(check.records, "records", "record"));
    if (check.damages)
        printf("%" PRIu64 " %s\n", check.damages, kv_plural(check.damages, "damages", "damage"));
    else
        printf("sound\n");
    if (store->log.torn)
        printf("the last write is not whole, and counts as never finished\n");
    return kv_output_end() || check.damages ? KV_FAILED : KV_OK;
}

int kv_command_compact(struct kv_store *store, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    int err = kv_compact(store);
    if (err)
        kv_say("compacting failed: %s", rung_err_text(err));
    return err ? KV_FAILED : KV_OK;
}
