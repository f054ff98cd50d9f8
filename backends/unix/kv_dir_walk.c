/* SPDX-License-Identifier: ISC */
/* backends/unix/kv_dir_walk.c - the keys of a tree of folders in byte order, in bounded memory. A
 * folder's entries are sorted with a '/' behind the names of folders: so "a.b" comes before what is
 * in "a" ("a/b"), for '.' is less than '/', and that before "a0". Each folder on the way down has a
 * window of memory; of one with more entries than fit the first ones are kept, and when they are
 * used up it is read again for those behind them. No descriptor is kept between two steps. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kv_dir_impl.h"

enum {
    WALK_LEVELS = RUNG_KV_KEY_MAX / 2 + 1, /* "a/a/a/...": the folder itself, and two bytes each */
    WALK_WINDOW_MIN = 640,                 /* two entries of the longest kind, and the pointers */
    WALK_SPARE = 512 * 1024,               /* the first window gets half, the next half the rest */
    WALK_ARENA = WALK_LEVELS * WALK_WINDOW_MIN + WALK_SPARE,
    WALK_OUT = 64 * 1024,
};

struct walk_entry {
    uint16_t len; /* of name, with the '/' of a folder; there is no NUL */
    bool folder, keep;
    char name[];
};

struct walk_level {
    size_t start, limit;       /* its window in the arena */
    size_t used;               /* end of the entries in it */
    size_t end;                /* end of what is in use once it is sorted */
    struct walk_entry **index; /* behind the entries when sorted, at the window's end before */
    size_t count, at;
    size_t path_len;           /* of the folder's name in walk->path, with the '/' */
    dev_t dev;
    ino_t ino;
    bool cut;                  /* there are more entries behind the last */
};

struct rung_kv_dir_walk {
    const struct rung_kv_dir *dir;
    const struct rung_kv_list *list;
    size_t depth; /* levels in use; 0: the end */
    size_t out_used;
    size_t path_len;
    char path[RUNG_KV_KEY_MAX + 257]; /* of the folder at the top, and one name */
    struct walk_level levels[WALK_LEVELS];
    _Alignas(16) char out[WALK_OUT];
    _Alignas(16) char arena[WALK_ARENA];
};

size_t rung_kv_dir_walk_size(void)
{
    return sizeof(struct rung_kv_dir_walk);
}

static size_t walk_align(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

static size_t walk_entry_size(size_t name_len)
{
    return walk_align(sizeof(struct walk_entry) + name_len);
}

static int walk_order(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

static int walk_sorter(const void *a, const void *b)
{
    const struct walk_entry *x = *(struct walk_entry *const *)a;
    const struct walk_entry *y = *(struct walk_entry *const *)b;
    return walk_order(x->name, x->len, y->name, y->len);
}

/* Opens a level for the folder in walk->path. Every deeper level still has its minimum. */
static void walk_push(struct rung_kv_dir_walk *walk)
{
    struct walk_level *level = &walk->levels[walk->depth];
    size_t start = 0;
    if (walk->depth > 0)
        start = walk_align(level[-1].end);
    size_t deeper = (WALK_LEVELS - walk->depth) * WALK_WINDOW_MIN;
    size_t spare = WALK_ARENA - start > deeper ? WALK_ARENA - start - deeper : 0;
    *level = (struct walk_level){
        .start = start, .limit = start + WALK_WINDOW_MIN + ((spare / 2) & ~(size_t)7),
        .path_len = walk->path_len, .cut = true, /* it has not been read */
    };
    walk->depth++;
}

void rung_kv_dir_walk_start(struct rung_kv_dir_walk *walk, const struct rung_kv_dir *dir,
                            const struct rung_kv_list *list)
{
    walk->dir = dir;
    walk->list = list;
    walk->depth = 0;
    walk->out_used = 0;
    walk->path_len = 0;
    walk->path[0] = 0;
    walk_push(walk);
}

/* Keeps the first half of a full window. */
static void walk_cut(struct rung_kv_dir_walk *walk, struct walk_level *level)
{
    struct walk_entry **index = level->index;
    size_t kept = level->count / 2, from = level->start, to = level->start, n = 0;
    qsort(index, level->count, sizeof(*index), walk_sorter);
    for (size_t i = 0; i < level->count; i++)
        index[i]->keep = i < kept;
    index += level->count - kept; /* it ends where the window ends */
    while (from < level->used) {
        struct walk_entry *entry = (struct walk_entry *)(void *)(walk->arena + from);
        size_t size = walk_entry_size(entry->len);
        if (entry->keep) {
            memmove(walk->arena + to, entry, size);
            index[n++] = (struct walk_entry *)(void *)(walk->arena + to);
            to += size;
        }
        from += size;
    }
    qsort(index, kept, sizeof(*index), walk_sorter);
    level->index = index;
    level->count = kept;
    level->used = to;
    level->cut = true;
}

/* Whether a window that was cut ends before this name. */
static bool walk_is_beyond(const struct walk_level *level, const char *name, size_t len)
{
    if (!level->cut)
        return false;
    const struct walk_entry *last = level->index[level->count - 1];
    return walk_order(name, len, last->name, last->len) > 0;
}

static void walk_add(struct rung_kv_dir_walk *walk, struct walk_level *level, const char *name,
                     size_t len, bool folder)
{
    size_t size = walk_entry_size(len);
    while (level->used + size + (level->count + 1) * sizeof(*level->index) > level->limit)
        walk_cut(walk, level);
    if (walk_is_beyond(level, name, len))
        return;
    struct walk_entry *entry = (struct walk_entry *)(void *)(walk->arena + level->used);
    *entry = (struct walk_entry){.len = (uint16_t)len, .folder = folder};
    memcpy(entry->name, name, len);
    level->used += size;
    level->count++;
    *--level->index = entry;
}

/* Whether the key, or the folder with its '/', may hold keys that the list wants. */
static bool walk_wanted(const struct rung_kv_list *list, const char *path, size_t len, bool folder)
{
    size_t common = len < list->prefix_len ? len : list->prefix_len;
    if (common && memcmp(path, list->prefix, common) != 0)
        return false;
    if (len < list->prefix_len && !folder)
        return false;
    if (!list->after)
        return true;
    if (!folder)
        return walk_order(path, len, list->after, list->after_len) > 0;
    return memcmp(path, list->after, len < list->after_len ? len : list->after_len) >= 0;
}

/* What the entry is to us: 'f', 'd', or 0 for neither; or an error. Links are what they lead to. */
static int walk_kind(struct rung_kv_dir_walk *walk, const struct dirent *entry, size_t len)
{
    struct stat st;
    if (entry->d_type == DT_REG)
        return 'f';
    if (entry->d_type == DT_DIR)
        return 'd';
    if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
        return 0;
    memcpy(walk->path + walk->path_len, entry->d_name, len + 1);
    int err = rung_kv_dir_stat(walk->dir, walk->path, &st);
    walk->path[walk->path_len] = 0;
    if (err)
        return err == RUNG_E_NOTFOUND ? 0 : err;
    return S_ISREG(st.st_mode) ? 'f' : S_ISDIR(st.st_mode) ? 'd' : 0;
}

/* Adds an entry that the list wants. after: those up to it have been reported. */
static int walk_consider(struct rung_kv_dir_walk *walk, struct walk_level *level,
                         const struct dirent *entry, const char *after, size_t after_len)
{
    char *name = walk->path + walk->path_len;
    size_t len = strlen(entry->d_name);
    if (!rung_kv_key_portable(entry->d_name, len) || walk->path_len + len > RUNG_KV_KEY_MAX)
        return RUNG_OK;
    if (walk_is_beyond(level, entry->d_name, len)) /* and so with a '/': whatever it is */
        return RUNG_OK;
    int kind = walk_kind(walk, entry, len);
    if (kind <= 0)
        return kind;
    memcpy(name, entry->d_name, len);
    if (kind == 'd')
        name[len++] = '/';
    if (walk->path_len + len < RUNG_KV_KEY_MAX + (kind != 'd')
        && walk_wanted(walk->list, walk->path, walk->path_len + len, kind == 'd')
        && walk_order(name, len, after, after_len) > 0)
        walk_add(walk, level, name, len, kind == 'd');
    *name = 0;
    return RUNG_OK;
}

/* Where the prefix names the next folder whole, there is nothing to search. */
static bool walk_only(struct rung_kv_dir_walk *walk, struct walk_level *level)
{
    const struct rung_kv_list *list = walk->list;
    size_t at = level->path_len;
    if (list->prefix_len <= at)
        return false;
    const char *part = list->prefix + at, *slash = memchr(part, '/', list->prefix_len - at);
    if (!slash)
        return false;
    size_t len = (size_t)(slash - part) + 1;
    if (rung_kv_key_portable(part, len - 1) && at + len < RUNG_KV_KEY_MAX) {
        memcpy(walk->path + at, part, len);
        if (walk_wanted(list, walk->path, at + len, true))
            walk_add(walk, level, part, len, true);
        walk->path[at] = 0;
    }
    return true;
}

/* A link, or a mount, may lead back to a folder that we are in. */
static bool walk_is_loop(const struct rung_kv_dir_walk *walk, struct walk_level *level, int fd)
{
    struct stat st;
    if (fstat(fd, &st))
        return true;
    level->dev = st.st_dev;
    level->ino = st.st_ino;
    for (const struct walk_level *up = walk->levels; up < level; up++)
        if (up->dev == st.st_dev && up->ino == st.st_ino)
            return true;
    return false;
}

static int walk_read(struct rung_kv_dir_walk *walk, struct walk_level *level, int fd,
                     const char *after, size_t after_len)
{
    DIR *folder = fdopendir(fd);
    struct dirent *entry;
    int result = RUNG_OK;
    if (!folder) {
        result = rung_kv_dir_err(errno);
        close(fd);
        return result;
    }
    while (!result && (errno = 0, entry = readdir(folder)))
        result = walk_consider(walk, level, entry, after, after_len);
    if (!result && errno)
        result = rung_kv_dir_err(errno);
    closedir(folder);
    return result == RUNG_E_NOTFOUND ? RUNG_OK : result; /* removed meanwhile */
}

/* Fills the window at the top with what comes behind the last entry it held. */
static int walk_scan(struct rung_kv_dir_walk *walk, struct walk_level *level)
{
    char after[256] = "";
    size_t after_len = 0;
    if (level->count) {
        const struct walk_entry *last = level->index[level->count - 1];
        after_len = last->len;
        memcpy(after, last->name, after_len);
    }
    level->used = level->start;
    level->index = (struct walk_entry **)(void *)(walk->arena + level->limit);
    level->count = level->at = 0;
    level->cut = false;
    int fd = rung_kv_dir_open_at(walk->dir, walk->path, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return fd == RUNG_E_NOTFOUND ? RUNG_OK : fd;
    int result = RUNG_OK;
    if (walk_is_loop(walk, level, fd) || walk_only(walk, level))
        close(fd);
    else
        result = walk_read(walk, level, fd, after, after_len);
    qsort(level->index, level->count, sizeof(*level->index), walk_sorter);
    /* The next level's window begins where this one's entries end. */
    size_t index_len = level->count * sizeof(*level->index);
    memmove(walk->arena + level->used, level->index, index_len);
    level->index = (struct walk_entry **)(void *)(walk->arena + level->used);
    level->end = level->used + index_len;
    return result;
}

/* Reports the file at walk->path if it still is one. False: there is no room for it. */
static bool walk_report(struct rung_kv_dir_walk *walk, size_t len, int *result)
{
    struct stat st;
    size_t size = walk_align(sizeof(struct rung_kv_dir_found) + len);
    if (walk->out_used + size > WALK_OUT)
        return false;
    int err = rung_kv_dir_stat(walk->dir, walk->path, &st);
    if (err && err != RUNG_E_NOTFOUND)
        *result = err;
    if (err || !S_ISREG(st.st_mode))
        return true;
    struct rung_kv_dir_found *found = (struct rung_kv_dir_found *)(void *)(walk->out
                                                                           + walk->out_used);
    found->size = (uint64_t)st.st_size;
    found->key_len = (uint16_t)len;
    found->record_len = (uint16_t)size;
    memcpy(found->key, walk->path, len);
    walk->out_used += size;
    return true;
}

int rung_kv_dir_walk_step(struct rung_kv_dir_walk *walk, uint32_t most)
{
    uint32_t found = 0;
    int result = RUNG_OK;
    walk->out_used = 0;
    while (walk->depth > 0 && !result) {
        struct walk_level *level = &walk->levels[walk->depth - 1];
        walk->path_len = level->path_len;
        walk->path[walk->path_len] = 0;
        if (level->at == level->count) {
            if (level->cut)
                result = walk_scan(walk, level);
            else
                walk->depth--;
            continue;
        }
        const struct walk_entry *entry = level->index[level->at];
        memcpy(walk->path + walk->path_len, entry->name, entry->len);
        walk->path[walk->path_len + entry->len] = 0;
        if (entry->folder) {
            level->at++;
            walk->path_len += entry->len;
            walk_push(walk);
            continue;
        }
        size_t before = walk->out_used;
        if ((most && found == most) || !walk_report(walk, walk->path_len + entry->len, &result))
            return 1;
        level->at++;
        found += walk->out_used > before;
    }
    return result;
}

const struct rung_kv_dir_found *rung_kv_dir_walk_found(const struct rung_kv_dir_walk *walk,
                                                       const struct rung_kv_dir_found *found)
{
    const char *next = found ? (const char *)found + found->record_len : walk->out;
    if (next == walk->out + walk->out_used)
        return NULL;
    return (const struct rung_kv_dir_found *)(const void *)next;
}
