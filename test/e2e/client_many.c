/* SPDX-License-Identifier: ISC */
/* test/e2e/client_many.c - many connections: one after the other, idle, or more than fit. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

#define PATIENCE_MS 60000 /* no answer at all for so long: the server has lost something */
#define IDLE_STEP 50
#define STALL_MS 1000     /* no answer for so long: the server is full */

struct crowd {
    enum client_kind kind;
    uint16_t port;
    unsigned n;
    struct client_peer *peers;
    struct pollfd *polls;
};

static enum client_kind kind_of(const char *word)
{
    if (strcmp(word, "http") != 0 && strcmp(word, "echo") != 0)
        client_die("'%s' is neither http nor echo", word);
    return word[0] == 'h' ? CLIENT_HTTP : CLIENT_ECHO;
}

static void crowd_open(struct crowd *crowd, char **args, unsigned n)
{
    *crowd = (struct crowd){.kind = kind_of(args[0]), .n = n};
    crowd->port = (uint16_t)client_number(args[1], 65535);
    crowd->peers = calloc(n, sizeof(*crowd->peers));
    crowd->polls = calloc(n, sizeof(*crowd->polls));
    if (!crowd->peers || !crowd->polls)
        client_die("no memory");
    for (unsigned k = 0; k < n; k++)
        crowd->peers[k].fd = -1;
}

static void crowd_free(struct crowd *crowd)
{
    for (unsigned k = 0; k < crowd->n; k++) {
        if (crowd->peers[k].fd >= 0)
            client_peer_close(&crowd->peers[k]);
    }
    free(crowd->peers);
    free(crowd->polls);
}

/* Waits for at most timeout_ms, and moves on those that still wait for an answer. Returns how many
 * got one: those for which answered turned true. */
static unsigned crowd_turn(struct crowd *crowd, int timeout_ms)
{
    unsigned answers = 0;
    for (unsigned k = 0; k < crowd->n; k++) {
        const struct client_peer *peer = &crowd->peers[k];
        crowd->polls[k].fd = peer->answered ? -1 : peer->fd;
        crowd->polls[k].events = client_peer_events(peer, crowd->kind);
    }
    if (poll(crowd->polls, crowd->n, timeout_ms) < 0)
        client_die("poll: %s", strerror(errno));
    for (unsigned k = 0; k < crowd->n; k++) {
        if (crowd->polls[k].fd < 0 || !crowd->polls[k].revents)
            continue;
        int got = client_peer_step(&crowd->peers[k], crowd->kind);
        if (got < 0)
            client_die("the server dropped a connection instead of answering");
        answers += (unsigned)got;
    }
    return answers;
}

/* Until all that are open have their answers. */
static void crowd_finish(struct crowd *crowd, unsigned missing)
{
    uint64_t last = client_now_ms();
    while (missing > 0) {
        unsigned got = crowd_turn(crowd, 1000);
        missing -= got;
        if (got > 0)
            last = client_now_ms();
        else if (client_now_ms() - last > PATIENCE_MS)
            client_die("%u connections were never answered", missing);
    }
}

/* One of the peers is through: it goes in one of three ways, with FIN, with RST, or, the next one,
 * without a question. */
static void many_leave(struct client_peer *peer, uint16_t port, unsigned turn)
{
    if (turn % 3 == 0)
        client_reset(peer->fd);
    else
        close(peer->fd);
    if (turn % 3 == 1)
        close(client_connect(port));
    peer->fd = -1;
}

int client_many(char **args)
{
    unsigned count = (unsigned)client_number(args[2], 1000000);
    struct crowd crowd;
    crowd_open(&crowd, args, (unsigned)client_number(args[3], 10000));
    unsigned opened = 0, answered = 0;
    uint64_t last = client_now_ms();
    while (answered < count) {
        for (unsigned k = 0; k < crowd.n; k++) {
            struct client_peer *peer = &crowd.peers[k];
            if (peer->fd >= 0 && peer->answered)
                many_leave(peer, crowd.port, k);
            if (peer->fd < 0 && opened < count) {
                client_peer_open(peer, crowd.port);
                opened++;
            }
        }
        unsigned got = crowd_turn(&crowd, 1000);
        answered += got;
        if (got > 0)
            last = client_now_ms();
        else if (client_now_ms() - last > PATIENCE_MS)
            client_die("no answer for a minute after %u of %u", answered, count);
    }
    crowd_free(&crowd);
    printf("answered %u\n", answered);
    return 0;
}

int client_idle(char **args)
{
    unsigned count = (unsigned)client_number(args[2], 100000);
    struct crowd crowd;
    crowd_open(&crowd, args, count);
    for (unsigned k = 0; k < count;) { /* some at a time: what answers cost is not to be measured */
        unsigned first = k;
        for (; k < count && k < first + IDLE_STEP; k++)
            client_peer_open(&crowd.peers[k], crowd.port);
        crowd_finish(&crowd, k - first);
    }
    printf("held %u\n", count);
    fflush(stdout);
    client_wait_stdin();
    for (unsigned k = 0; k < count; k++)
        client_peer_again(&crowd.peers[k]);
    crowd_finish(&crowd, count);
    crowd_free(&crowd);
    printf("answered %u\n", count);
    return 0;
}

int client_crowd(char **args)
{
    unsigned count = (unsigned)client_number(args[2], 10000), answered = 0;
    struct crowd crowd;
    crowd_open(&crowd, args, count);
    for (unsigned k = 0; k < count; k++)
        client_peer_open(&crowd.peers[k], crowd.port);
    for (uint64_t last = client_now_ms(); client_now_ms() - last < STALL_MS;) {
        unsigned got = crowd_turn(&crowd, STALL_MS / 4);
        answered += got;
        if (got > 0)
            last = client_now_ms();
    }
    printf("stalled %u\n", answered);
    fflush(stdout);
    if (answered >= count)
        client_die("the server had room for all %u", count);
    client_wait_stdin();
    /* Each that has its answer makes room for one that waits. */
    for (uint64_t last = client_now_ms(); answered < count;) {
        for (unsigned k = 0; k < count; k++) {
            if (crowd.peers[k].fd >= 0 && crowd.peers[k].answered)
                client_peer_close(&crowd.peers[k]);
        }
        unsigned got = crowd_turn(&crowd, 1000);
        answered += got;
        if (got > 0)
            last = client_now_ms();
        else if (client_now_ms() - last > PATIENCE_MS)
            client_die("%u of %u were never answered", count - answered, count);
    }
    crowd_free(&crowd);
    printf("answered %u\n", answered);
    return 0;
}
