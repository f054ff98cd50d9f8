/* SPDX-License-Identifier: ISC */
/* test/e2e/client.h - a client with bad manners, for the end-to-end tests.
 * curl and nc behave; this one opens thousands of connections, trickles, floods, never reads, or
 * sends rubbish, and checks what comes back. One program, one command for each habit. */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What the server under test speaks: how a question looks and when its answer is complete. */
enum client_kind { CLIENT_HTTP, CLIENT_ECHO };

/* The answers that arrive on one connection, cut at their ends while they come in. */
struct client_answer {
    char head[2048]; /* the one that is arriving, up to its empty line */
    size_t head_len;
    uint64_t body_left;
    unsigned status; /* of the last complete head */
    bool in_body;
    bool bodiless; /* the caller's: the next answer is to a HEAD */
};

/* One connection that asks one question. */
struct client_peer {
    int fd; /* -1: free */
    size_t sent;
    size_t echoed;
    bool answered;
    struct client_answer answer;
};

/* client_net.c */
void client_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
uint64_t client_now_ms(void);
uint32_t client_random(uint64_t *state);
/* Connected to the server, which is at the address in the environment's E2E_HOST, else on the
 * loopback; dies if it cannot. */
int client_socket(uint16_t port, int type);
int client_connect(uint16_t port);         /* blocking; dies if it cannot */
int client_connect_start(uint16_t port);   /* non-blocking, on its way; dies if it cannot */
void client_nonblocking(int fd);
void client_send_all(int fd, const void *data, size_t len); /* blocking; dies if it cannot */
void client_reset(int fd);                 /* closes with RST */
void client_wait_stdin(void);              /* until a line or the end */
unsigned long client_number(const char *text, unsigned long max);

/* client_answer.c */
/* Takes at most len bytes, up to the end of one answer; *done says whether it is complete. Returns
 * how many it took. Dies on what is no HTTP/1.1 answer. */
size_t client_answer_feed(struct client_answer *answer, const char *data, size_t len, bool *done);

/* client_peer.c */
void client_peer_open(struct client_peer *peer, uint16_t port);
/* Moves it on: 1 answered, 0 on its way, -1 the server closed or reset it first. */
int client_peer_step(struct client_peer *peer, enum client_kind kind);
void client_peer_again(struct client_peer *peer); /* asks the question once more */
short client_peer_events(const struct client_peer *peer, enum client_kind kind); /* for poll() */
void client_peer_close(struct client_peer *peer);

/* One for each command; arguments behind the command's name. Exit status: 0, or client_die(). */
int client_many(char **args);
int client_idle(char **args);
int client_crowd(char **args);
int client_slow(char **args);
int client_mute(char **args);
int client_sip(char **args);
int client_flood(char **args);
int client_pipeline(char **args);
int client_fuzz(char **args);
int client_udp(char **args);
int client_syn(char **args);
int client_garbage(char **args);

#endif
