/* SPDX-License-Identifier: ISC */
/* tools/rung-kv/kv_progress.c - how far long work is, on standard error; see kv_store.h. */
#include <inttypes.h>
#include <unistd.h>

#include "kv_store.h"
#include "rung/clock.h"

#define PROGRESS_EVERY_NS UINT64_C(1000000000)

void kv_progress_begin(struct kv_store *store, const struct kv_options *options)
{
    store->progress = (struct kv_progress){
        .forced = options->progress, .terminal = isatty(STDERR_FILENO) == 1,
        .next_ns = rung_clock_monotonic_ns(store->p) + PROGRESS_EVERY_NS,
    };
}

void kv_progress(struct kv_store *store, const char *doing, uint64_t done, uint64_t total)
{
    struct kv_progress *progress = &store->progress;
    uint64_t tenth = total ? done * 10 / total : done / 10000;
    if (!progress->forced && !progress->terminal)
        return;
    uint64_t now = rung_clock_monotonic_ns(store->p);
    if (now < progress->next_ns && !(progress->forced && tenth > progress->tenth))
        return;
    progress->next_ns = now + PROGRESS_EVERY_NS;
    progress->tenth = tenth;
    fputs(progress->terminal ? "\r\033[K" : "", stderr);
    if (total)
        fprintf(stderr, "rung-kv: %s: %" PRIu64 " %%", doing, done * 100 / total);
    else
        fprintf(stderr, "rung-kv: %s: %" PRIu64 " keys", doing, done);
    fputs(progress->terminal ? "" : "\n", stderr);
}

void kv_progress_end(struct kv_store *store)
{
    if (store->progress.terminal)
        fputs("\r\033[K", stderr);
}
