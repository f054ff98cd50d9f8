/* SPDX-License-Identifier: ISC */
/* stacks/boot/help.c - the tree of keys as --help prints it. */
#include "boot.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rung/log.h"

static const char *help_type(const struct rung_boot_key *key)
{
    static const char *const names[] = {
        [RUNG_KEY_BOOL] = "on|off",         [RUNG_KEY_U16] = "NUMBER",
        [RUNG_KEY_U32] = "NUMBER",          [RUNG_KEY_U64] = "NUMBER",
        [RUNG_KEY_SIZE] = "SIZE",           [RUNG_KEY_DURATION] = "TIME",
        [RUNG_KEY_STRING] = "TEXT",         [RUNG_KEY_PATH] = "PATH",
        [RUNG_KEY_ADDR] = "ADDRESS",        [RUNG_KEY_CIDR] = "ADDRESS/PREFIX",
        [RUNG_KEY_LEVEL] = "error|warn|info|debug", [RUNG_KEY_WORD] = NULL,
    };
    return key->type == RUNG_KEY_WORD ? key->words : names[key->type];
}

__attribute__((format(printf, 2, 3))) static void
help_line(struct rung_platform *p, const char *fmt, ...)
{
    char line[RUNG_LOG_MAX];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (n > 0)
        rung_console_write(p, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

static void help_key(struct rung_platform *p, const struct rung_boot_key *key)
{
    char head[128];
    const char *value = key->default_value;
    snprintf(head, sizeof(head), "--%s=%s", key->path, help_type(key));
    help_line(p, "  %-40s %s", head, key->help);
    if (value)
        help_line(p, " [%s]\n", value);
    else
        help_line(p, key->optional ? "\n" : " (must be given)\n");
}

void rung_boot_help(struct rung_platform *p, const struct rung_boot_about *about)
{
    help_line(p, "%s - %s\n\nusage: %s [--key=value ...]\n\n", about->name, about->about,
              about->name);
    for (const struct rung_boot_key *key = about->keys; key->path; key++)
        help_key(p, key);
    help_key(p, &rung_boot_log_key);
    if (about->fixed->path)
        help_line(p, "\nfixed at build time:\n");
    for (const struct rung_boot_fixed *fixed = about->fixed; fixed->path; fixed++)
        help_line(p, "  %s=%s\n", fixed->path, fixed->value);
}
