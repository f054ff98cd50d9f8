/* SPDX-License-Identifier: ISC */
/* stacks/tarkv/tarkv_scan.c - see tarkv_scan.h. Every place is checked against the disk's end
 * before it is used, and the place only ever grows, so that whatever the disk holds this ends. */
#include "tarkv_scan.h"

#include <string.h>

#include "rung/heap.h"
#include "rung/log.h"
#include "tarkv_format.h"
#include "tarkv_index.h"
#include "tarkv_sum.h"
#include "tarkv_window.h"

struct scan {
    struct rung_tarkv *self;
    struct rung_tarkv_window window;
    struct rung_tarkv_sum *sum;
    uint64_t at;                     /* of the present header */
    struct rung_tarkv_header header;
    struct rung_tarkv_extra extra;   /* for the next entry */
    struct rung_tarkv_key key;
    bool ended;
};

static enum rung_err scan_wrong(struct scan *s, enum rung_err err, const char *what)
{
    rung_log(s->self->p, RUNG_LOG_ERROR, s->self->slot, "the entry at byte %llu of the archive: %s",
             (unsigned long long)s->at, what);
    return err;
}

static enum rung_err scan_cut_off(struct scan *s)
{
    if (s->window.err)
        return (enum rung_err)s->window.err;
    rung_log(s->self->p, RUNG_LOG_ERROR, s->self->slot, "the archive is cut off: the disk ends at "
             "byte %llu; write the archive anew, or give it a bigger disk",
             (unsigned long long)s->window.end);
    return RUNG_E_CORRUPT;
}

/* Where the bytes behind the header end; whole blocks of them. False: not on this disk. */
static bool scan_behind(const struct scan *s, uint64_t size, uint64_t *next)
{
    uint64_t from = s->at + TARKV_BLOCK, left = s->window.end - from;
    if (size > left || (size + TARKV_BLOCK - 1) / TARKV_BLOCK > left / TARKV_BLOCK)
        return false;
    *next = from + (size + TARKV_BLOCK - 1) / TARKV_BLOCK * TARKV_BLOCK;
    return true;
}

static enum rung_err scan_value(struct scan *s, struct rung_tarkv_entry *entry)
{
    uint64_t left = entry->size, at = entry->at;
    if (!s->self->versions)
        return RUNG_OK;
    rung_tarkv_sum_begin(s->sum);
    while (left > 0) {
        const uint8_t *bytes;
        uint64_t n = rung_tarkv_window_some(&s->window, at, &bytes);
        if (!n)
            return scan_cut_off(s);
        n = n < left ? n : left;
        rung_tarkv_sum_add(s->sum, bytes, (size_t)n);
        at += n;
        left -= n;
    }
    rung_tarkv_sum_end(s->sum, entry->sum);
    return RUNG_OK;
}

static const struct rung_tarkv_text *scan_path(const struct scan *s)
{
    return s->extra.path.len ? &s->extra.path : &s->header.path;
}

/* As V7 has folders. The name in the header may be the beginning of a long one. */
static bool scan_is_folder(const struct scan *s)
{
    const struct rung_tarkv_text *path = scan_path(s);
    return path->len && path->bytes[path->len - 1] == '/';
}

/* The archived folder itself, as Python writes it: "/". */
static bool scan_is_top(const struct scan *s, const struct rung_tarkv_text *path)
{
    size_t n = 0;
    while (n < path->len && path->bytes[n] == '/')
        n++;
    return s->header.type == '5' && n == path->len;
}

/* The entry's name, made a key; *none: it has none, and is passed over. */
static enum rung_err scan_name(struct scan *s, bool *none)
{
    const struct rung_tarkv_text *path = scan_path(s);
    s->key.len = 0;
    if (!path->len)
        return scan_wrong(s, RUNG_E_CORRUPT, "it has no name; write the archive anew");
    *none = scan_is_top(s, path);
    if (*none)
        return RUNG_OK;
    enum rung_tarkv_naming naming = rung_tarkv_walk(&s->key, path->bytes, path->len, false);
    *none = naming == TARKV_HIDDEN || s->key.len == 0;
    if (naming == TARKV_OUTSIDE)
        return scan_wrong(s, RUNG_E_CORRUPT, "its name leads out of the archive; make it with "
                          "'tar -C FOLDER -cf ARCHIVE .'");
    if (naming == TARKV_TOO_LONG)
        return scan_wrong(s, RUNG_E_CORRUPT, "its name is longer than 1024 bytes, or a part of it "
                          "than 255; shorten it");
    return RUNG_OK;
}

static enum rung_err scan_file(struct scan *s, uint64_t size)
{
    bool none;
    enum rung_err err = scan_name(s, &none);
    if (err || none || scan_is_folder(s))
        return err;
    if (s->extra.sparse)
        return scan_wrong(s, RUNG_E_NOTSUP, "a sparse file; make the archive without --sparse");
    struct rung_tarkv_entry *entry = rung_tarkv_add(s->self, &s->key, NULL, 0);
    if (!entry)
        return RUNG_E_NOMEM;
    entry->kind = TARKV_FILE;
    entry->at = s->at + TARKV_BLOCK;
    entry->size = size;
    return scan_value(s, entry);
}

static enum rung_err scan_link(struct scan *s, enum rung_tarkv_kind kind, uint64_t size)
{
    const struct rung_tarkv_text *link = s->extra.link.len ? &s->extra.link : &s->header.link;
    bool none;
    enum rung_err err = scan_name(s, &none);
    if (err || none)
        return err;
    if (kind == TARKV_HARD && size)
        return scan_wrong(s, RUNG_E_NOTSUP, "a link with bytes of its own; make the archive with "
                          "GNU tar");
    struct rung_tarkv_entry *entry = rung_tarkv_add(s->self, &s->key, link->bytes, link->len);
    if (entry)
        entry->kind = (uint8_t)kind;
    return entry ? RUNG_OK : RUNG_E_NOMEM;
}

/* A pax header, or a GNU long name. */
static enum rung_err scan_extra(struct scan *s, uint64_t size)
{
    struct rung_tarkv_extra *global = NULL;
    const char *wrong = NULL;
    if (size > TARKV_EXTRA_MAX)
        return scan_wrong(s, RUNG_E_NOTSUP, "a name or pax header of more than 128 KiB; make the "
                          "archive without extended attributes");
    const uint8_t *bytes = rung_tarkv_window_at(&s->window, s->at + TARKV_BLOCK, (size_t)size);
    if (!bytes)
        return scan_cut_off(s);
    if (s->header.type == 'x') {
        wrong = rung_tarkv_get_pax(bytes, (size_t)size, &s->extra);
    } else if (s->header.type == 'L') {
        wrong = rung_tarkv_get_long(bytes, (size_t)size, &s->extra.path);
    } else if (s->header.type == 'K') {
        wrong = rung_tarkv_get_long(bytes, (size_t)size, &s->extra.link);
    } else { /* for all that follow: a comment, but no names */
        global = rung_zalloc(s->self->p, 1, sizeof(*global));
        if (!global)
            return scan_wrong(s, RUNG_E_NOMEM, "no memory to read it; give more");
        wrong = rung_tarkv_get_pax(bytes, (size_t)size, global);
        if (!wrong && (global->path.len || global->link.len || global->has_size))
            wrong = "it gives all files one name or size";
        rung_free(s->self->p, global);
    }
    return wrong ? scan_wrong(s, RUNG_E_CORRUPT, wrong) : RUNG_OK;
}

/* What kind of entry it is; *data: how many bytes lie behind it. */
static enum rung_err scan_entry(struct scan *s, uint64_t size, uint64_t *data)
{
    enum rung_err err;
    bool none;
    *data = 0;
    switch (s->header.type) {
    case '0':
    case '7':
        *data = size;
        return scan_file(s, size);
    case '1':
        return scan_link(s, TARKV_HARD, size);
    case '2':
        return scan_link(s, TARKV_SOFT, size);
    case '3':
    case '4':
    case '5':
    case '6':
        return scan_name(s, &none); /* not there, but it must not lead out either */
    case 'D':
        err = scan_name(s, &none);
        *data = size;
        return err;
    case 'V':
        *data = size;
        return RUNG_OK;
    case 'S':
        return scan_wrong(s, RUNG_E_NOTSUP, "a sparse file; make the archive without --sparse");
    case 'M':
        return scan_wrong(s, RUNG_E_NOTSUP, "a part of an archive on several disks; make it "
                          "without --multi-volume");
    default:
        return scan_wrong(s, RUNG_E_NOTSUP, "a kind of entry that is not known; make the archive "
                          "with 'tar --format=ustar' or '--format=pax'");
    }
}

static enum rung_err scan_end(struct scan *s)
{
    const uint8_t *second = rung_tarkv_window_at(&s->window, s->at + TARKV_BLOCK, TARKV_BLOCK);
    s->ended = true;
    if (!second)
        return scan_cut_off(s);
    return rung_tarkv_is_zero(second)
               ? RUNG_OK : scan_wrong(s, RUNG_E_CORRUPT, "a block of zeros within the archive; "
                                      "write it anew");
}

static enum rung_err scan_step(struct scan *s)
{
    const uint8_t *block = rung_tarkv_window_at(&s->window, s->at, TARKV_BLOCK);
    if (!block)
        return scan_cut_off(s);
    if (s->at && rung_tarkv_is_zero(block))
        return scan_end(s);
    if (!rung_tarkv_is_header(block) && s->at)
        return scan_wrong(s, RUNG_E_CORRUPT, "a wrong checksum: it is damaged; write the archive "
                          "anew");
    if (!rung_tarkv_is_header(block)) {
        rung_log(s->self->p, RUNG_LOG_ERROR, s->self->slot, "the disk holds no tar archive: choose "
                 "another, or put one there ('tar -C FOLDER -cf DISK .')");
        return RUNG_E_NOTFOUND;
    }
    const char *wrong = rung_tarkv_get_header(block, &s->header);
    bool extra = s->header.type && strchr("xgLK", s->header.type);
    uint64_t size = !extra && s->extra.has_size ? s->extra.size : s->header.size, data, next = 0;
    if (wrong)
        return scan_wrong(s, RUNG_E_CORRUPT, wrong);
    if (!scan_behind(s, size, &next) && !strchr("23456", s->header.type))
        return scan_wrong(s, RUNG_E_CORRUPT, "it reaches past the end of the disk: the archive is "
                          "cut off; write it anew, or give it a bigger disk");
    enum rung_err err = extra ? scan_extra(s, size) : scan_entry(s, size, &data);
    if (err)
        return err;
    if (!extra)
        s->extra = (struct rung_tarkv_extra){.has_size = false};
    s->at = extra || data ? next : s->at + TARKV_BLOCK;
    return RUNG_OK;
}

enum rung_err rung_tarkv_scan(struct rung_tarkv *self)
{
    struct scan *s = rung_zalloc(self->p, 1, sizeof(*s)); /* too big for a stack */
    struct rung_tarkv_sum *sum = rung_tarkv_sum_new(self->p);
    enum rung_err err = RUNG_E_NOMEM;
    if (!s || !sum) {
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "no memory to read the archive: give more");
    } else {
        s->self = self;
        s->sum = sum;
        err = rung_tarkv_window_open(self, &s->window);
        while (!err && !s->ended)
            err = scan_step(s);
        rung_tarkv_window_close(&s->window);
    }
    rung_free(self->p, sum);
    rung_free(self->p, s);
    return err;
}
