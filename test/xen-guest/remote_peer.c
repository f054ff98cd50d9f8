/* SPDX-License-Identifier: ISC */
/* test/xen-guest/remote_peer.c - kernel_peer.h in a guest: the sockets of the machine that it is
 * tested from. */
#include "kernel_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "remote.h"

struct tcp_peer {
    uint32_t handle;
};

struct udp_peer {
    uint32_t handle;
};

static struct tcp_peer *remote_tcp_new(long handle)
{
    struct tcp_peer *peer = calloc(1, sizeof(*peer));
    assert_non_null(peer);
    assert_true(handle >= 0);
    peer->handle = (uint32_t)handle;
    return peer;
}

struct tcp_peer *kernel_tcp_connect(const struct rung_addr *to, bool narrow)
{
    struct remote_call call = {.what = REMOTE_CONNECT, .flags = narrow ? REMOTE_NARROW : 0,
                               .addr = *to};
    return remote_tcp_new(remote_call(&call));
}

static struct tcp_peer *remote_tcp_listen(struct rung_addr *addr, unsigned flags)
{
    struct remote_call call = {.what = REMOTE_LISTEN, .flags = flags, .addr = *addr};
    long handle = remote_call(&call);
    *addr = call.addr;
    return remote_tcp_new(handle);
}

struct tcp_peer *kernel_tcp_listen(struct rung_addr *addr, bool narrow)
{
    return remote_tcp_listen(addr, narrow ? REMOTE_NARROW : 0);
}

static long remote_of(const struct tcp_peer *peer, enum remote_what what)
{
    struct remote_call call = {.what = what, .handle = peer->handle};
    return remote_call(&call);
}

struct tcp_peer *kernel_tcp_accept(struct tcp_peer *listener)
{
    long handle = remote_of(listener, REMOTE_ACCEPT);
    return handle == RUNG_E_AGAIN ? NULL : remote_tcp_new(handle);
}

long kernel_tcp_write(struct tcp_peer *peer, const void *data, size_t len)
{
    struct remote_call call = {.what = REMOTE_WRITE, .handle = peer->handle, .data = data,
                               .len = len < REMOTE_MOST ? len : REMOTE_MOST};
    return remote_call(&call);
}

long kernel_tcp_read(struct tcp_peer *peer, void *data, size_t len)
{
    struct remote_call call = {.what = REMOTE_READ, .handle = peer->handle, .into = data,
                               .room = len < REMOTE_MOST ? len : REMOTE_MOST};
    return remote_call(&call);
}

void kernel_tcp_shutdown(struct tcp_peer *peer)
{
    remote_of(peer, REMOTE_SHUTDOWN);
}

void kernel_tcp_close(struct tcp_peer *peer)
{
    remote_of(peer, REMOTE_CLOSE);
    free(peer);
}

void kernel_tcp_reset(struct tcp_peer *peer)
{
    remote_of(peer, REMOTE_RESET);
    free(peer);
}

void kernel_tcp_address(struct tcp_peer *peer, struct rung_addr *addr)
{
    struct remote_call call = {.what = REMOTE_ADDRESS, .handle = peer->handle};
    remote_call(&call);
    *addr = call.addr;
}

bool kernel_silence_begin(struct kernel_silence *silence, struct rung_addr *addr)
{
    silence->peers[0] = remote_tcp_listen(addr, REMOTE_SILENT);
    for (unsigned i = 1; i <= KERNEL_SILENCE_FILL; i++)
        silence->peers[i] = kernel_tcp_connect(addr, false);
    return true;
}

void kernel_silence_end(struct kernel_silence *silence)
{
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(silence->peers); i++)
        if (silence->peers[i])
            kernel_tcp_close(silence->peers[i]);
}

struct udp_peer *kernel_udp_open(struct rung_addr *addr, unsigned link)
{
    struct remote_call call = {.what = REMOTE_UDP_OPEN, .addr = *addr};
    struct udp_peer *peer = calloc(1, sizeof(*peer));
    (void)link; /* there is one */
    assert_non_null(peer);
    peer->handle = (uint32_t)remote_call(&call);
    *addr = call.addr;
    return peer;
}

void kernel_udp_send(struct udp_peer *peer, const struct rung_addr *to, const void *data,
                     size_t len)
{
    struct remote_call call = {.what = REMOTE_UDP_SEND, .handle = peer->handle, .addr = *to,
                               .data = data, .len = len};
    assert_int_equal(remote_call(&call), len);
}

long kernel_udp_recv(struct udp_peer *peer, void *data, size_t len, struct rung_addr *from)
{
    struct remote_call call = {.what = REMOTE_UDP_RECV, .handle = peer->handle, .into = data,
                               .room = len};
    long got = remote_call(&call);
    *from = call.addr;
    return got;
}

void kernel_udp_close(struct udp_peer *peer)
{
    struct remote_call call = {.what = REMOTE_CLOSE, .handle = peer->handle};
    remote_call(&call);
    free(peer);
}
