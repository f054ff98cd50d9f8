/* SPDX-License-Identifier: ISC */
/* apps/echo/echo_udp.c - the UDP half: a datagram that recv() lends is sent back as it is. */
#include "echo.h"

/* Two echo services would throw a forged datagram to and fro for ever: nothing comes in good faith
 * from this very port. */
static bool echo_welcome(const struct rung_udp_sock *socket, const struct rung_dgram *dgram)
{
    return dgram->peer.port != socket->local.port && dgram->peer.port != 0;
}

/* Sends what is held. False: TX follows. */
static bool echo_send(struct echo_udp *self)
{
    if (self->count == 0)
        return true;
    int k = rung_udp_send(self->socket, self->held + self->first, self->count);
    self->first += (unsigned)k;
    self->count -= (unsigned)k;
    return self->count == 0;
}

static void echo_ready(struct rung_udp_sock *socket, unsigned events)
{
    struct echo_udp *self = socket->arg;
    struct rung_dgram *got[ECHO_BATCH];
    if (self->count > 0 && (events & RUNG_UDP_TX) == 0)
        return;
    while (echo_send(self)) {
        int k = rung_udp_recv(socket, got, ECHO_BATCH);
        if (k <= 0)
            return;
        self->first = self->count = 0;
        for (int i = 0; i < k; i++) {
            if (echo_welcome(socket, got[i]))
                self->held[self->count++] = got[i]; /* from whom it came is where it goes */
            else
                got[i]->release(got[i]);
        }
    }
}

int echo_udp_open(struct echo_udp *self, struct rung_udp *udp, const struct rung_addr *local)
{
    int err = rung_udp_open(udp, local, &self->socket);
    if (err < 0)
        return err;
    self->socket->arg = self;
    self->socket->ready = echo_ready;
    return RUNG_OK;
}

void echo_udp_close(struct echo_udp *self)
{
    rung_udp_close(self->socket);
    while (self->count > 0) {
        self->count--;
        struct rung_dgram *dgram = self->held[self->first++];
        dgram->release(dgram);
    }
}
