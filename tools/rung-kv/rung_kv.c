/* SPDX-License-Identifier: ISC */
/* tools/rung-kv/rung_kv.c - makes, looks into and mends stores of kvlog in files. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kv_store.h"
#include "rung/log.h"
#include "unix/unix.h"

static const char usage[] =
    "Usage: rung-kv COMMAND FILE [ARGUMENTS]\n"
    "\n"
    "Stores of key and value in a file or block device, as Rung's module kvlog keeps them. A tar\n"
    "archive can be read as one (get, list, dump, check), as Rung's module tarkv does.\n"
    "\n"
    "  create FILE SIZE     make an empty store; SIZE in bytes, or with K, M, G (an empty file or\n"
    "                       device that is there keeps its own)\n"
    "  get FILE KEY         write the value to standard output\n"
    "  set FILE KEY [VALUE] set it, from standard input if no value is given\n"
    "  remove FILE KEY...   remove keys\n"
    "  list FILE [PREFIX]   print the keys, one a line, in order\n"
    "  dump FILE            write all keys and values to standard output (cdbmake's format)\n"
    "  load FILE            set what a dump on standard input holds\n"
    "  check FILE           read everything and tell what is damaged\n"
    "  compact FILE         move what is needed together, and drop the rest\n"
    "\n"
    "  --salvage            open a damaged store as far as possible (get, list, dump; check does\n"
    "                       so by itself)\n"
    "  --sector-size=4096   of a new store, for disks with such sectors (create; else 512)\n"
    "  --progress           tell how far it is, even if standard error is no terminal\n"
    "  --                   what comes behind it is no option, as in: set FILE KEY -- -5\n"
    "  --help               this text\n"
    "\n"
    "A store is used by one program at a time; get, list, dump and check only read, and do not\n"
    "disturb one another. Exit status: 0 well, 1 failed or damaged, 64 misused.\n";

static const struct kv_command {
    const char *name;
    int (*run)(struct kv_store *store, int argc, char **argv); /* NULL: create */
    int least, most; /* arguments behind the file */
    bool write;
    bool prints;
    int reads;       /* standard input, with fewer arguments than this */
} commands[] = {
    {"create", NULL, 1, 1, true, false, 0},
    {"get", kv_command_get, 1, 1, false, true, 0},
    {"set", kv_command_set, 1, 2, true, false, 2},
    {"remove", kv_command_remove, 1, 1 << 20, true, false, 0},
    {"list", kv_command_list, 0, 1, false, true, 0},
    {"dump", kv_command_dump, 0, 0, false, true, 0},
    {"load", kv_command_load, 0, 0, true, false, 1},
    {"check", kv_command_check, 0, 0, false, true, 0},
    {"compact", kv_command_compact, 0, 0, true, false, 0},
};

void kv_say(const char *fmt, ...)
{
    va_list args;
    fflush(stdout);
    va_start(args, fmt);
    fputs("rung-kv: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
}

static int main_misuse(const char *what, const char *word)
{
    kv_say("%s%s%s%s; rung-kv --help tells more", what, word ? " '" : "", word ? word : "",
           word ? "'" : "");
    return KV_MISUSE;
}

static bool main_size(const char *text, uint64_t *size)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    unsigned shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : *end == 'T' ? 40 : 0;
    if (errno || end == text || text[0] == '-' || end[shift ? 1 : 0] || number == 0
        || number > (UINT64_C(1) << 60) >> shift)
        return false;
    *size = (uint64_t)number << shift;
    return true;
}

static int main_create(struct rung_platform *p, struct kv_options *options, const char *size)
{
    struct kv_store store;
    uint32_t sector = options->big_sectors ? 4096 : 512;
    if (!main_size(size, &options->create))
        return main_misuse("no size", size);
    if (options->create % sector)
        return main_misuse("no whole number of sectors:", size);
    if (kv_open(&store, p, options))
        return KV_FAILED;
    return kv_close(&store) < 0 ? KV_FAILED : KV_OK;
}

static int main_run(struct rung_platform *p, const struct kv_command *command,
                    struct kv_options *options, int argc, char **argv)
{
    struct kv_store store;
    if (!command->run)
        return main_create(p, options, argv[0]);
    if (access(options->file, F_OK) != 0) {
        kv_say("%s: %s", options->file, strerror(errno));
        return KV_FAILED;
    }
    bool checks = command->run == kv_command_check;
    int err = kv_open(&store, p, options);
    if (err == RUNG_E_CORRUPT && checks && !options->salvage && store.log.log.ring) {
        options->salvage = true; /* there is a superblock, and it was said why it is of no use */
        rung_log_set_level(p, RUNG_LOG_ERROR);
        err = kv_open(&store, p, options);
    }
    if (err)
        return KV_FAILED;
    int status = command->run(&store, argc, argv);
    bool partial = !store.archive && store.log.partial;
    err = kv_close(&store);
    if (err < 0 && !status) {
        kv_say("closing %s failed: %s", options->file, rung_err_text(err));
        status = KV_FAILED;
    }
    if (partial && !checks) {
        kv_say("not all of the damaged store could be read: keys may be missing or have come back, "
               "and values may be older");
        status = status ? status : KV_FAILED;
    }
    return status;
}

/* Takes the options out of the words; *argc: what is left. 0, or an exit status. */
static int main_options(struct kv_options *options, int *argc, char **argv)
{
    int n = 0;
    bool over = false;
    for (int i = 0; i < *argc; i++) {
        bool option = !over && argv[i][0] == '-' && argv[i][1];
        if (!option)
            argv[n++] = argv[i];
        else if (strcmp(argv[i], "--") == 0)
            over = true;
        else if (strcmp(argv[i], "--salvage") == 0)
            options->salvage = true;
        else if (strcmp(argv[i], "--progress") == 0)
            options->progress = true;
        else if (strcmp(argv[i], "--sector-size=4096") == 0)
            options->big_sectors = true;
        else if (strncmp(argv[i], "--sector-size", 13) == 0 && strcmp(argv[i] + 13, "=512") != 0)
            return main_misuse("a sector has 512 or 4096 bytes, not", argv[i]);
        else if (strcmp(argv[i], "--sector-size=512") != 0)
            return main_misuse("there is no option", argv[i]);
    }
    *argc = n;
    return KV_OK;
}

static bool main_closed(int fd)
{
    return fcntl(fd, F_GETFD) < 0 && errno == EBADF;
}

/* Before the platform is made, which puts /dev/null where nothing is: what it swallows would pass
 * for printed, and an empty value for one that was given. */
static bool main_streams(const struct kv_command *command, int argc)
{
    if (command->prints && main_closed(STDOUT_FILENO))
        kv_say("standard output is closed, and %s writes to it: give it one (>OUT)",
               command->name);
    else if (argc < command->reads && main_closed(STDIN_FILENO))
        kv_say("standard input is closed, and %s reads from it: give it one (<IN)",
               command->name);
    else
        return true;
    return false;
}

int main(int argc, char **argv)
{
    struct kv_options options = {0};
    const struct kv_command *command = NULL;
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
        fputs(usage, stdout);
        return kv_output_end();
    }
    int count = argc - 1;
    char **words = argv + 1;
    int status = main_options(&options, &count, words);
    if (status)
        return status;
    if (count < 1)
        return main_misuse("give a command", NULL);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(commands); i++) {
        if (strcmp(words[0], commands[i].name) == 0)
            command = &commands[i];
    }
    if (!command)
        return main_misuse("there is no command", words[0]);
    if (count < 2)
        return main_misuse("name the store's file behind", words[0]);
    if (count - 2 < command->least || count - 2 > command->most)
        return main_misuse("too few or too many words behind", words[0]);
    options.file = words[1];
    options.write = command->write && !options.salvage;
    if (command->write && options.salvage)
        return main_misuse("--salvage only reads; it does not go with", words[0]);
    if (!main_streams(command, count - 2))
        return KV_FAILED;
    struct rung_platform *p = rung_unix_new(1, (const char *const *)argv);
    if (!p)
        return KV_FAILED;
    rung_log_set_level(p, RUNG_LOG_WARN);
    rung_unix_log_to(p, kv_log);
    status = main_run(p, command, &options, count - 2, words + 2);
    rung_unix_free(p);
    return status;
}
