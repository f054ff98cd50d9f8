/* SPDX-License-Identifier: ISC */
/* tools/rung-kv/kv_store.h - a store in a file, one request at a time, for a program that waits.
 * Model    Calls run the loop until what they ask for is done. A tar archive is a store that is
 *          only read.
 * Errors   A negative enum rung_err; what concerns the store or its disk has been said on standard
 *          error when they return. */
#ifndef RUNG_KV_STORE_H
#define RUNG_KV_STORE_H

#include <stdio.h>

#include "block_file.h"
#include "kvlog.h"
#include "tarkv.h"

enum { KV_OK = 0, KV_FAILED = 1, KV_MISUSE = 64 }; /* exit statuses */

struct kv_options {
    const char *file;
    bool write;        /* the file is changed */
    bool salvage;
    uint64_t create;   /* make it, of so many bytes; 0: it is there */
    bool big_sectors;
    bool progress;     /* tell how far it is, even if nobody sits there */
};

struct kv_store {
    struct rung_platform *p;
    struct rung_block_file disk;
    struct rung_block_file_keys disk_keys;
    struct rung_kv *kv;
    bool archive; /* of the two it is the second */
    struct rung_kvlog log;
    struct rung_kvlog_keys keys;
    struct rung_kvlog_needs needs;
    struct rung_tarkv tar;
    struct rung_tarkv_keys tar_keys;
    struct rung_tarkv_needs tar_needs;
    struct kv_progress {
        bool forced, terminal;
        uint64_t next_ns, tenth; /* when, and how much, must have passed until it is told again */
        struct rung_timer timer;
        uint64_t tail, head;     /* compact: where it began, and where it goes */
    } progress;
};

/* Prints "rung-kv: ..." on standard error. */
void kv_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Says a log line of a module's as this program would have. */
void kv_log(const char *line, size_t len);

/* The word for so many. */
static inline const char *kv_plural(uint64_t n, const char *many, const char *one)
{
    return n == 1 ? one : many;
}

int kv_open(struct kv_store *store, struct rung_platform *p, const struct kv_options *options);
int kv_close(struct kv_store *store);

/* Says on standard error how far the work is: each second if somebody sits there, and each tenth if
 * it was asked for. total 0: not known. The end takes it away again. */
void kv_progress_begin(struct kv_store *store, const struct kv_options *options);
void kv_progress(struct kv_store *store, const char *doing, uint64_t done, uint64_t total);
void kv_progress_end(struct kv_store *store);

struct store_wait;
struct kv_got { /* a get; if it went well its value is lent, and to be released */
    struct rung_kv_get get;
    struct store_wait *wait;
};
int kv_get(struct kv_store *store, const char *key, size_t key_len, struct kv_got *got);
int kv_write(struct kv_store *store, const struct rung_kv_change *change, unsigned count);
int kv_compact(struct kv_store *store);

struct kv_key {
    char *key; /* on the heap of the C library */
    size_t len;
    uint64_t size;
};
struct kv_keys {
    struct kv_key *key;
    size_t count, room;
    bool more, failed;
};
/* Some keys with the prefix behind `after` (NULL: from the first); frees what was there before. */
int kv_list(struct kv_store *store, const char *prefix, const struct kv_key *after,
            struct kv_keys *keys);
void kv_keys_free(struct kv_keys *keys);

/* The commands: arguments behind the file's name; an exit status. */
int kv_command_get(struct kv_store *store, int argc, char **argv);
int kv_command_set(struct kv_store *store, int argc, char **argv);
int kv_command_remove(struct kv_store *store, int argc, char **argv);
int kv_command_list(struct kv_store *store, int argc, char **argv);
int kv_command_check(struct kv_store *store, int argc, char **argv);
int kv_command_compact(struct kv_store *store, int argc, char **argv);
int kv_command_dump(struct kv_store *store, int argc, char **argv);
int kv_command_load(struct kv_store *store, int argc, char **argv);

/* Says why a command on a key failed; the exit status. */
int kv_failed(const char *doing, const char *key, size_t key_len, int err);

/* Ends a command that wrote to standard output. */
int kv_output_end(void);

#endif
