/* SPDX-License-Identifier: ISC */
/* test/xen-fake/fake_store.c - the store as dom0 sees it: keys, and the tests' watches. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "fake_impl.h"

static const char *store_path(struct fake *fake, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static const char *store_path(struct fake *fake, const char *format, ...)
{
    struct fake_store *store = &fake->store;
    char *path = store->paths[store->next_path++ % RUNG_ARRAY_LEN(store->paths)];
    va_list args;
    va_start(args, format);
    vsnprintf(path, sizeof(store->paths[0]), format, args);
    va_end(args);
    return path;
}

const char *fake_front(struct fake *fake, const char *kind, const char *id, const char *key)
{
    return store_path(fake, "/local/domain/%u/device/%s/%s%s%s", fake->config.domid, kind, id,
                      *key ? "/" : "", key);
}

const char *fake_back(struct fake *fake, const char *kind, const char *id, const char *key)
{
    return store_path(fake, "/local/domain/0/backend/%s/%u/%s%s%s", kind, fake->config.domid, id,
                      *key ? "/" : "", key);
}

void fake_store_write(struct fake *fake, const char *path, const char *format, ...)
{
    char value[XENSTORE_PAYLOAD_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(value, sizeof(value), format, args);
    va_end(args);
    assert(len >= 0 && (size_t)len < sizeof(value));
    fake_tree_write(fake->store.root, path, value, (size_t)len);
    fake_store_fire(fake, path);
}

const char *fake_store_read(struct fake *fake, const char *path)
{
    const struct fake_node *node = fake_tree_find(fake->store.root, path);
    return node ? node->value : NULL;
}

uint64_t fake_store_number(struct fake *fake, const char *path, uint64_t absent)
{
    const char *text = fake_store_read(fake, path);
    char *end;
    uint64_t number = text ? strtoull(text, &end, 10) : 0;
    return text && *text && !*end ? number : absent;
}

void fake_store_remove(struct fake *fake, const char *path)
{
    if (fake_tree_remove(fake->store.root, path))
        fake_store_fire(fake, path);
}

bool fake_path_below(const char *path, const char *top)
{
    size_t len = strlen(top);
    return strncmp(path, top, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/* What is watched below a key that goes has changed as well. */
static bool store_concerns(const char *path, const char *watched)
{
    return fake_path_below(path, watched) || fake_path_below(watched, path);
}

void fake_store_fire(struct fake *fake, const char *path)
{
    struct fake_store *store = &fake->store;
    store->generation++;
    for (struct fake_watch *w = store->test_watches; w; w = w->next)
        w->pending = w->pending || store_concerns(path, w->path);
    for (struct fake_guest_watch *w = store->watches; w; w = w->next)
        if (store_concerns(path, w->path))
            fake_xenstored_event(fake, w, fake_path_below(path, w->path) ? path : w->path);
    fake_xenstored_wake(fake);
}

void fake_store_watch(struct fake *fake, struct fake_watch *watch)
{
    assert(watch->path && watch->changed);
    watch->pending = true;
    watch->next = fake->store.test_watches;
    fake->store.test_watches = watch;
    fake_xenstored_wake(fake);
}

void fake_store_unwatch(struct fake *fake, struct fake_watch *watch)
{
    struct fake_watch **at = &fake->store.test_watches;
    while (*at && *at != watch)
        at = &(*at)->next;
    if (*at)
        *at = watch->next;
}

uint32_t fake_guest_watches(const struct fake *fake)
{
    uint32_t count = 0;
    for (const struct fake_guest_watch *w = fake->store.watches; w; w = w->next)
        count++;
    return count;
}

uint32_t fake_guest_transactions(const struct fake *fake)
{
    uint32_t count = 0;
    for (const struct fake_transaction *t = fake->store.transactions; t; t = t->next)
        count++;
    return count;
}

uint64_t fake_guest_requests(const struct fake *fake)
{
    return fake->store.requests;
}

struct fake_store_faults *fake_store_faults(struct fake *fake)
{
    return &fake->store.faults;
}
