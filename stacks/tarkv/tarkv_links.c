/* SPDX-License-Identifier: ISC */
/* stacks/tarkv/tarkv_links.c - when the archive is read: links become the values that they lead to,
 * and what no folder could hold is refused. A hard link leads to a file in front of it, as it was
 * then; a symbolic one to what stands under that name in the end. */
#include <string.h>

#include "rung/heap.h"
#include "rung/log.h"
#include "tarkv_index.h"

enum { LINKS_MOST = 40 /* one behind the other, as Linux has it */ };

static enum rung_err links_refuse(struct rung_tarkv *self, const struct rung_tarkv_entry *entry,
                                  const char *what)
{
    rung_log(self->p, RUNG_LOG_ERROR, self->slot, "'%.*s' %s", (int)entry->key_len, entry->key,
             what);
    return RUNG_E_CORRUPT;
}

static void links_become(struct rung_tarkv_entry *entry, const struct rung_tarkv_entry *file)
{
    entry->kind = TARKV_FILE;
    entry->at = file->at;
    entry->size = file->size;
    memcpy(entry->sum, file->sum, sizeof(entry->sum));
}

/* The last entry of that name in front of the link; equal keys stand together, in their order. */
static struct rung_tarkv_entry *links_before(const struct rung_tarkv *self,
                                             const struct rung_tarkv_entry *link)
{
    struct rung_tarkv_key key = {0};
    struct rung_tarkv_entry *found = NULL;
    if (rung_tarkv_walk(&key, rung_tarkv_link(link), link->link_len, false) != TARKV_NAMED)
        return NULL;
    size_t low = rung_tarkv_seek(self, key.bytes, key.len, false);
    size_t high = rung_tarkv_seek(self, key.bytes, key.len, true);
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (self->entries[mid]->order < link->order) {
            found = self->entries[mid];
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return found;
}

/* The file or symbolic link that a hard link is another name of; NULL: there is none. */
static const struct rung_tarkv_entry *links_origin(const struct rung_tarkv *self,
                                                   const struct rung_tarkv_entry *to)
{
    for (unsigned n = 0; to && to->kind == TARKV_HARD && n < LINKS_MOST; n++)
        to = links_before(self, to);
    return to && to->kind != TARKV_HARD ? to : NULL;
}

/* Another name of a symbolic link is one itself, with the same text, read from its own folder. */
static enum rung_err links_become_soft(struct rung_tarkv *self, size_t at,
                                       const struct rung_tarkv_entry *origin)
{
    struct rung_tarkv_entry *old = self->entries[at];
    struct rung_tarkv_key key = {.len = old->key_len};
    memcpy(key.bytes, old->key, old->key_len);
    struct rung_tarkv_entry *entry =
        rung_tarkv_entry(self, &key, rung_tarkv_link(origin), origin->link_len);
    if (!entry)
        return RUNG_E_NOMEM;
    entry->kind = TARKV_SOFT;
    entry->order = old->order;
    self->entries[at] = entry;
    rung_free(self->p, old);
    return RUNG_OK;
}

static enum rung_err links_hard(struct rung_tarkv *self)
{
    for (size_t i = 0; i < self->count; i++) {
        if (self->entries[i]->kind != TARKV_HARD)
            continue;
        const struct rung_tarkv_entry *origin = links_origin(self, self->entries[i]);
        if (!origin)
            return links_refuse(self, self->entries[i],
                                "links to no file in front of it: make the archive anew");
        if (origin->kind == TARKV_FILE)
            links_become(self->entries[i], origin);
        else if (links_become_soft(self, i, origin))
            return RUNG_E_NOMEM;
    }
    return RUNG_OK;
}

/* From a symbolic link to the file; NULL: what is wrong was logged. */
static const struct rung_tarkv_entry *links_follow(struct rung_tarkv *self,
                                                   const struct rung_tarkv_entry *link)
{
    const struct rung_tarkv_entry *to = link;
    for (unsigned n = 0; n < LINKS_MOST; n++) {
        struct rung_tarkv_key key = {.len = to->key_len};
        memcpy(key.bytes, to->key, to->key_len);
        while (key.len && key.bytes[--key.len] != '/') /* the folder that the link is in */
            ;
        enum rung_tarkv_naming naming =
            rung_tarkv_walk(&key, rung_tarkv_link(to), to->link_len, true);
        if (naming == TARKV_OUTSIDE) {
            links_refuse(self, link, "is a link that leads out of the archive: put a copy there "
                         "(tar --dereference), or remove it");
            return NULL;
        }
        to = naming == TARKV_NAMED && key.len ? rung_tarkv_find(self, key.bytes, key.len) : NULL;
        if (!to) {
            links_refuse(self, link, "is a link that leads nowhere, or to a folder: put a copy "
                         "there (tar --dereference), or remove it");
            return NULL;
        }
        if (to->kind == TARKV_FILE)
            return to;
    }
    links_refuse(self, link, "is a link that leads in a circle: remove it");
    return NULL;
}

static enum rung_err links_soft(struct rung_tarkv *self)
{
    for (size_t i = 0; i < self->count; i++) {
        if (self->entries[i]->kind == TARKV_FILE)
            continue;
        const struct rung_tarkv_entry *to = links_follow(self, self->entries[i]);
        if (!to)
            return RUNG_E_CORRUPT;
        links_become(self->entries[i], to);
    }
    return RUNG_OK;
}

/* No key is another one's leading parts. */
static enum rung_err links_folders(struct rung_tarkv *self)
{
    for (size_t i = 0; i < self->count; i++) {
        const struct rung_tarkv_entry *entry = self->entries[i];
        for (size_t len = 1; len < entry->key_len; len++) {
            const struct rung_tarkv_entry *file =
                entry->key[len] == '/' ? rung_tarkv_find(self, entry->key, len) : NULL;
            if (file)
                return links_refuse(self, file, "is a file and a folder: make the archive anew");
        }
    }
    return RUNG_OK;
}

enum rung_err rung_tarkv_settle(struct rung_tarkv *self)
{
    rung_tarkv_sort(self);
    enum rung_err err = links_hard(self);
    if (err)
        return err;
    rung_tarkv_unique(self);
    err = links_soft(self);
    return err ? err : links_folders(self);
}
