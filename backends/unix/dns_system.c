/* SPDX-License-Identifier: ISC */
/* backends/unix/dns_system.c - DNS by the host's own resolver, see dns_system.h. */
#include "dns_system.h"

#include <netdb.h>
#include <netinet/in.h>
#include <uv.h>

#include "rung/heap.h"
#include "unix/unix.h"

struct dns_system_request {
    uv_getaddrinfo_t uv;
    struct rung_dns_system *self;
    struct rung_dns_resolve *how; /* NULL: it has ended without waiting for this */
    struct dns_system_request *next, **link;
};

static struct rung_dns_system *system_self(struct rung_dns *dns)
{
    return rung_container_of(dns, struct rung_dns_system, dns);
}

static int system_error(int err)
{
    switch (err) {
    case UV_EAI_NONAME: case UV_EAI_NODATA: case UV_EAI_ADDRFAMILY: return RUNG_E_NOTFOUND;
    case UV_EAI_AGAIN: return RUNG_E_TIMEDOUT;
    case UV_EAI_FAIL: return RUNG_E_IO;
    case UV_EAI_MEMORY: return RUNG_E_NOMEM;
    default: return rung_err_from_uv(err);
    }
}

static bool system_addr(struct rung_addr *addr, const struct sockaddr *from)
{
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)from;
        addr->family = RUNG_AF_IPV4;
        memcpy(addr->ip, &in->sin_addr, 4);
        return true;
    }
    if (from->sa_family != AF_INET6)
        return false;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)from;
    addr->family = RUNG_AF_IPV6;
    addr->scope = in6->sin6_scope_id;
    memcpy(addr->ip, &in6->sin6_addr, 16);
    return true;
}

/* The host's list may name an address twice: for a name that its hosts file has twice. */
static bool system_has(const struct rung_dns_resolve *how, const struct rung_addr *addr)
{
    for (unsigned i = 0; i < how->count; i++)
        if (rung_addr_equal(&how->addrs[i], addr))
            return true;
    return false;
}

static int system_take(struct rung_dns_resolve *how, const struct addrinfo *list)
{
    for (; list && how->count < how->room; list = list->ai_next) {
        struct rung_addr addr = {.port = how->port};
        if (system_addr(&addr, list->ai_addr) && !system_has(how, &addr))
            how->addrs[how->count++] = addr;
    }
    return how->count ? RUNG_OK : RUNG_E_NOTFOUND;
}

static void system_end(struct rung_dns_system *self)
{
    struct rung_op *op = self->stopping;
    if (!op || self->count > 0)
        return;
    self->stopping = NULL;
    rung_op_finish(self->p, op, RUNG_OK);
}

static void system_done(uv_getaddrinfo_t *uv, int status, struct addrinfo *list)
{
    struct dns_system_request *request = rung_container_of(uv, struct dns_system_request, uv);
    struct rung_dns_system *self = request->self;
    struct rung_dns_resolve *how = request->how;
    if (how)
        rung_op_finish(self->p, &how->op, status ? system_error(status) : system_take(how, list));
    uv_freeaddrinfo(list);
    *request->link = request->next;
    if (request->next)
        request->next->link = request->link;
    rung_free(self->p, request);
    self->count--;
    system_end(self);
}

/* The request ends; libuv may have a thread at it still. */
static void system_call_off(struct dns_system_request *request)
{
    struct rung_dns_resolve *how = request->how;
    request->how = NULL;
    uv_cancel((uv_req_t *)&request->uv); /* one that waits for a thread ends soon */
    rung_op_finish(request->self->p, &how->op, RUNG_E_CANCELED);
}

static void system_cancel(struct rung_op *op)
{
    system_call_off(rung_container_of(op, struct rung_dns_resolve, op)->module[0]);
}

static int system_start(struct rung_dns_system *self, struct rung_dns_resolve *how)
{
    static const int families[] = {
        [RUNG_AF_NONE] = AF_UNSPEC, [RUNG_AF_IPV4] = AF_INET, [RUNG_AF_IPV6] = AF_INET6};
    struct addrinfo hints = {.ai_family = families[how->family], .ai_socktype = SOCK_STREAM};
    if (self->count >= RUNG_DNS_SYSTEM_FLIGHT)
        return RUNG_E_LIMIT;
    struct dns_system_request *request = rung_zalloc(self->p, 1, sizeof(*request));
    if (!request)
        return RUNG_E_NOMEM;
    int err = uv_getaddrinfo(rung_unix_loop(self->p), &request->uv, system_done, how->name, NULL,
                             &hints);
    if (err) {
        rung_free(self->p, request);
        return system_error(err);
    }
    request->self = self;
    request->how = how;
    request->next = self->requests;
    request->link = &self->requests;
    if (request->next)
        request->next->link = &request->next;
    self->requests = request;
    self->count++;
    how->module[0] = request;
    how->op.cancel = system_cancel;
    return RUNG_OK;
}

static void system_resolve(struct rung_dns *dns, struct rung_dns_resolve *how)
{
    struct rung_dns_system *self = system_self(dns);
    char name[RUNG_DNS_NAME + 1]; /* the host is given the name as it is: a dot at its end says that
                                     no search list applies */
    how->op.cancel = NULL;
    int result = rung_dns_name(how, name);
    if (result == 0) {
        result = system_start(self, how);
        if (result == RUNG_OK)
            return;
    }
    rung_op_finish(self->p, &how->op, result > 0 ? RUNG_OK : result);
}

static void system_stop(struct rung_dns *dns, struct rung_op *op)
{
    struct rung_dns_system *self = system_self(dns);
    assert(!self->stopping);
    op->cancel = NULL;
    self->stopping = op;
    for (struct dns_system_request *request = self->requests; request; request = request->next)
        if (request->how)
            system_call_off(request);
    system_end(self);
}

enum rung_err rung_dns_system_open(struct rung_dns_system *self, struct rung_platform *p,
                                   const struct rung_dns_system_keys *keys,
                                   const struct rung_dns_system_needs *needs)
{
    (void)needs;
    enum rung_err err = rung_unix_workers(p, keys->slot);
    if (err)
        return err;
    *self = (struct rung_dns_system){.p = p};
    rung_dns_init(&self->dns, &rung_dns_system_dns_ops);
    return RUNG_OK;
}

const struct rung_dns_ops rung_dns_system_dns_ops = RUNG_DNS_TABLE("dns-system", system);
