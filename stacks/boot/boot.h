/* SPDX-License-Identifier: ISC */
/* stacks/boot/boot.h - what the generated main of every app calls: keys in, modules out.
 * Model    The words of rung/args.h are read against a table of keys and written into the program's
 *          structure; then modules are opened, the app runs, and modules are closed one by one.
 * Units    See docs/reference/modules.md for the types of keys and how their values are written.
 * Owner    The tables are constants; string values point into the platform's words.
 * Context  Before and after the app's own use of the loop.
 * Errors   A bad word is one log line that names what would fit, and RUNG_BOOT_USAGE. */
#ifndef RUNG_BOOT_H
#define RUNG_BOOT_H

#include "rung/loop.h"

enum rung_key_type {
    RUNG_KEY_BOOL,
    RUNG_KEY_U16,
    RUNG_KEY_U32,
    RUNG_KEY_U64,
    RUNG_KEY_SIZE,
    RUNG_KEY_DURATION,
    RUNG_KEY_STRING,
    RUNG_KEY_PATH,
    RUNG_KEY_ADDR,
    RUNG_KEY_CIDR,
    RUNG_KEY_LEVEL,
    RUNG_KEY_WORD,
};

struct rung_boot_key { /* a table of these ends with path NULL */
    const char *path;
    enum rung_key_type type;
    bool optional;
    size_t offset;             /* of the member in the program's structure */
    const char *default_value; /* NULL: none */
    const char *words;         /* for WORD: "a|b|c" */
    const char *help;
};

extern const struct rung_boot_key rung_boot_log_key; /* the one key that every program has */

struct rung_boot_fixed { /* a key fixed at build time; a table of these ends with path NULL */
    const char *path;
    const char *value;
};

struct rung_boot_about {
    const char *name;
    const char *about;
    const struct rung_boot_key *keys;
    const struct rung_boot_fixed *fixed;
};

enum rung_boot_status {
    RUNG_BOOT_GO = -1, /* all is well: open the modules */
    RUNG_BOOT_DONE = 0,
    RUNG_BOOT_FAILED = 1,
    RUNG_BOOT_USAGE = 64, /* EX_USAGE of sysexits.h */
};

/* Reads the platform's words into program, defaults first, and sets the log level. GO, or the
 * status to end with: DONE after --help, USAGE after a bad word, which has been logged. */
int rung_boot_keys(struct rung_platform *p, const struct rung_boot_about *about, void *program);

/* Reads one value. 0, or INVAL with *what (a constant or words) naming what would fit. */
enum rung_err rung_boot_value(const struct rung_boot_key *key, const char *text, void *member,
                              const char **what);

/* Prints the tree of keys on the console. */
void rung_boot_help(struct rung_platform *p, const struct rung_boot_about *about);

/* After opening a module: GO; USAGE if a key's value was out of range (RUNG_E_RANGE); else FAILED.
 * The module has logged why. */
enum rung_boot_status rung_boot_opened(enum rung_err err);

/* Closing a module: rung_kv_close(kv, rung_boot_closing(&closer, p, "content")), then wait. */
struct rung_boot_closer {
    struct rung_op op;
    struct rung_platform *p;
    const char *slot;
    bool done;
    int result; /* once done: 0 or an error of enum rung_err */
};

struct rung_op *rung_boot_closing(struct rung_boot_closer *closer, struct rung_platform *p,
                                  const char *slot);

/* Runs the loop until the close is done. Takes and returns the program's exit status: one that
 * would be 0 is FAILED if the close failed, which is logged. */
int rung_boot_wait(struct rung_boot_closer *closer, int status);

#endif
