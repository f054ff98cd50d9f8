/* SPDX-License-Identifier: ISC */
/* test/e2e/client_main.c - picks the command. */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "client.h"

static const struct command {
    const char *name;
    int args;
    int (*run)(char **args);
    const char *help;
} commands[] = {
    {"many", 4, client_many, "KIND PORT COUNT PARALLEL: open, ask, close, COUNT times"},
    {"idle", 3, client_idle, "KIND PORT COUNT: ask on COUNT, hold them, ask on all again"},
    {"crowd", 3, client_crowd, "KIND PORT COUNT: more at once than fit; all must be answered"},
    {"slow", 2, client_slow, "PORT INTERVAL_MS: sends a byte per interval until it is closed"},
    {"sip", 4, client_sip, "PORT PATH RATE SECONDS: takes RATE bytes a second, for SECONDS"},
    {"mute", 3, client_mute, "PORT PATH COUNT: asks for ever on COUNT, reads nothing"},
    {"flood", 3, client_flood, "PORT CONNECTIONS MS: asks as fast as it can"},
    {"pipeline", 3, client_pipeline, "PORT COUNT SEED: COUNT requests in pieces, in order"},
    {"fuzz", 3, client_fuzz, "PORT COUNT SEED: COUNT connections of damaged input"},
    {"udp", 3, client_udp, "PORT COUNT SEED: COUNT datagrams that must come back"},
    {"syn", 5, client_syn, "DEVICE MAC PORT COUNT SEED: COUNT SYNs from nobody"},
    {"garbage", 5, client_garbage, "DEVICE MAC PORT COUNT SEED: every type, and COUNT bad frames"},
};

/* A thousand connections need more descriptors than the soft limit usually gives. */
static void raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    raise_limit();
    size_t n = sizeof(commands) / sizeof(commands[0]);
    for (size_t k = 0; k < n && argc > 1; k++) {
        if (strcmp(argv[1], commands[k].name) == 0 && argc == commands[k].args + 2)
            return commands[k].run(argv + 2);
    }
    for (size_t k = 0; k < n; k++)
        fprintf(stderr, "client %s %s\n", commands[k].name, commands[k].help);
    return 64;
}
