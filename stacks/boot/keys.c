/* SPDX-License-Identifier: ISC */
/* stacks/boot/keys.c - the words a program was started with, matched with its tree of keys. */
#include "boot.h"

#include <string.h>

#include "rung/args.h"
#include "rung/log.h"

#define KEYS_PATH_MAX 96 /* longer words are unknown keys anyhow */

const struct rung_boot_key rung_boot_log_key = {
    "log", RUNG_KEY_LEVEL, false, 0, "info", NULL, "Log lines up to this level"};

static const struct rung_boot_key *keys_find(const struct rung_boot_about *about, const char *path)
{
    for (const struct rung_boot_key *key = about->keys; key->path; key++) {
        if (strcmp(key->path, path) == 0)
            return key;
    }
    return strcmp(path, rung_boot_log_key.path) == 0 ? &rung_boot_log_key : NULL;
}

/* Edit distance (Levenshtein) of two short words, where two letters that changed places are one
 * mistake: the current row of the table and the two above it. */
static size_t keys_distance(const char *a, const char *b)
{
    size_t rows[3][KEYS_PATH_MAX + 1];
    size_t n = strlen(a);
    size_t m = strlen(b);
    if (m > KEYS_PATH_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *second = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t cost = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < cost)
                cost = above[j] + 1;
            if (row[j - 1] + 1 < cost)
                cost = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]
                && second[j - 2] + 1 < cost)
                cost = second[j - 2] + 1;
            row[j] = cost;
        }
    }
    return rows[n % 3][m];
}

/* How far a key is from what was typed: a path typed without its slot counts as near. */
static size_t keys_farness(const char *typed, const char *path)
{
    const char *last = strrchr(path, '.');
    size_t whole = keys_distance(typed, path);
    size_t tail = last ? keys_distance(typed, last + 1) : whole;
    return tail < whole ? tail : whole;
}

static void keys_unknown(struct rung_platform *p, const struct rung_boot_about *about,
                         const char *typed)
{
    size_t best = (strlen(typed) + 2) / 3 + 1; /* a third of the letters wrong is near */
    const char *near[3] = {NULL, NULL, NULL};
    size_t n = 0;
    for (size_t far = 0; far < best && n < RUNG_ARRAY_LEN(near); far++) {
        for (const struct rung_boot_key *key = about->keys; key->path; key++) {
            if (n < RUNG_ARRAY_LEN(near) && keys_farness(typed, key->path) == far)
                near[n++] = key->path;
        }
        if (n < RUNG_ARRAY_LEN(near) && keys_farness(typed, rung_boot_log_key.path) == far)
            near[n++] = rung_boot_log_key.path;
    }
    if (n == 0)
        rung_log(p, RUNG_LOG_ERROR, about->name, "unknown key '%s'; --help lists them all", typed);
    else
        rung_log(p, RUNG_LOG_ERROR, about->name,
                 "unknown key '%s'; did you mean --%s%s%s%s%s? --help lists them all", typed,
                 near[0], n > 1 ? ", --" : "", n > 1 ? near[1] : "", n > 2 ? " or --" : "",
                 n > 2 ? near[2] : "");
}

static int keys_set(struct rung_platform *p, const struct rung_boot_about *about,
                    const struct rung_boot_key *key, const char *text, void *program)
{
    const char *what;
    enum rung_log_level level = RUNG_LOG_INFO;
    bool is_log = key == &rung_boot_log_key;
    void *member = is_log ? (void *)&level : (void *)((char *)program + key->offset);
    if (rung_boot_value(key, text, member, &what) != RUNG_OK) {
        rung_log(p, RUNG_LOG_ERROR, about->name, "--%s=%s: the value must be %s%s", key->path, text,
                 key->type == RUNG_KEY_WORD ? "one of " : "", what);
        return RUNG_BOOT_USAGE;
    }
    if (is_log)
        rung_log_set_level(p, level);
    return RUNG_BOOT_GO;
}

/* One word: --key=value, key=value, or --key alone for a bool. */
static int keys_word(struct rung_platform *p, const struct rung_boot_about *about, const char *word,
                     void *program)
{
    char path[KEYS_PATH_MAX];
    const char *start = strncmp(word, "--", 2) == 0 ? word + 2 : word;
    size_t len = strcspn(start, "=");
    const char *text = start[len] == '=' ? start + len + 1 : NULL;
    if (len >= sizeof(path))
        len = sizeof(path) - 1; /* too long to be a key: shown cut */
    memcpy(path, start, len);
    path[len] = '\0';
    for (const struct rung_boot_fixed *fixed = about->fixed; fixed->path; fixed++) {
        if (strcmp(fixed->path, path) == 0) {
            rung_log(p, RUNG_LOG_ERROR, about->name,
                     "--%s was fixed at build time as '%s'; configure with -DRUNG_%s_FIX=%s=...",
                     path, fixed->value, about->name, path);
            return RUNG_BOOT_USAGE;
        }
    }
    const struct rung_boot_key *key = keys_find(about, path);
    if (!key) {
        keys_unknown(p, about, path);
        return RUNG_BOOT_USAGE;
    }
    if (!text && key->type != RUNG_KEY_BOOL) {
        rung_log(p, RUNG_LOG_ERROR, about->name, "--%s needs a value: --%s=...", path, path);
        return RUNG_BOOT_USAGE;
    }
    return keys_set(p, about, key, text ? text : "on", program);
}

/* A key with no default must be among the words, unless it may be absent. */
static int keys_missing(struct rung_platform *p, const struct rung_boot_about *about)
{
    for (const struct rung_boot_key *key = about->keys; key->path; key++) {
        bool given = key->default_value != NULL || key->optional;
        size_t len = strlen(key->path);
        for (size_t i = 0; !given && i < rung_args_count(p); i++) {
            const char *word = rung_args_word(p, i);
            const char *start = strncmp(word, "--", 2) == 0 ? word + 2 : word;
            given = strncmp(start, key->path, len) == 0 && (start[len] == '=' || start[len] == 0);
        }
        if (!given) {
            rung_log(p, RUNG_LOG_ERROR, about->name, "--%s=... must be given: %s", key->path,
                     key->help);
            return RUNG_BOOT_USAGE;
        }
    }
    return RUNG_BOOT_GO;
}

int rung_boot_keys(struct rung_platform *p, const struct rung_boot_about *about, void *program)
{
    for (size_t i = 0; i < rung_args_count(p); i++) {
        const char *word = rung_args_word(p, i);
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            rung_boot_help(p, about);
            return RUNG_BOOT_DONE;
        }
    }
    for (const struct rung_boot_key *key = about->keys; key->path; key++) {
        int status = RUNG_BOOT_GO;
        if (key->default_value)
            status = keys_set(p, about, key, key->default_value, program);
        if (status != RUNG_BOOT_GO)
            return status;
    }
    for (size_t i = 0; i < rung_args_count(p); i++) {
        int status = keys_word(p, about, rung_args_word(p, i), program);
        if (status != RUNG_BOOT_GO)
            return status;
    }
    return keys_missing(p, about);
}
