/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_dns.c - DNS's table, on lwIP's dns.c: which asks one question, a name's
 * addresses of one family, and remembers one address of the answer. A request of either family
 * is two questions at once. dns.c has no way to call a question off, or to forget: both are done
 * by its own clock. */
#include "lwip_dns.h"

#include "rung/clock.h"

#include "lwip/nd6.h"

#define DNS_PATIENCE_NS (10 * RUNG_NS_PER_S) /* for DHCP, or a router, to name a server */
#define DNS_OTHER_NS RUNG_NS_PER_S /* for the other family, once one is there: to ask once more */
#define DNS_TICK_NS (DNS_TMR_INTERVAL * RUNG_NS_PER_MS)
#define DNS_UNASKED 1 /* no result, which is 0 or negative */

struct lwip_question {
    struct lwip_lookup *lookup;
    ip_addr_t ip;
    int result;
};

/* A request. It is kept until dns.c has answered, even if it was canceled. */
struct lwip_lookup {
    struct lwip_dns *dns;
    struct rung_dns_resolve *how; /* NULL: canceled */
    struct lwip_node all;
    struct lwip_question questions[2]; /* IPv4, IPv6 */
    unsigned open;                     /* questions that dns.c has, and one while asking */
    bool asked;                        /* else it waits for a server */
    uint64_t patient_ns;               /* until then; once one is found, for the other */
    char name[RUNG_DNS_NAME + 1];
};

static struct lwip_core *dns_core(struct rung_dns *dns)
{
    return rung_container_of(dns, struct rung_lwip, dns)->core;
}

/* The end of a lookup. */

/* Where IPv6 leads beyond the link, it is tried first (RFC 6724, by default). */
static bool dns_prefers6(struct lwip_core *core)
{
    for (s8_t i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (ip6_addr_ispreferred(netif_ip6_addr_state(&core->netif, i))
            && !ip6_addr_islinklocal(netif_ip6_addr(&core->netif, i)))
            return true;
    return false;
}

/* Which of the two is to be tried first: one that can be reached, as things are (RFC 6724, rule
 * 1), or else by family. */
static unsigned dns_first(const struct lwip_lookup *lookup)
{
    struct lwip_core *core = lookup->dns->core;
    bool reached[2];
    for (unsigned i = 0; i < 2; i++)
        reached[i] = lookup->questions[i].result == RUNG_OK
                     && rung_lwip_addr_way(core, &lookup->questions[i].ip) == RUNG_OK;
    return (reached[0] == reached[1] ? dns_prefers6(core) : reached[1]) ? 1 : 0;
}

static int dns_result(struct lwip_lookup *lookup)
{
    struct rung_dns_resolve *how = lookup->how;
    unsigned first = dns_first(lookup);
    int result = RUNG_E_NOTFOUND;
    for (unsigned i = 0; i < 2; i++) {
        const struct lwip_question *question = &lookup->questions[i ^ first];
        if (question->result == RUNG_OK && how->count < how->room)
            how->addrs[how->count++] = rung_lwip_to_addr(&question->ip, how->port);
        else if (question->result < 0 && question->result != RUNG_E_NOTFOUND)
            result = question->result; /* says more than that nothing was found */
    }
    return how->count ? RUNG_OK : result;
}

static void dns_free(struct lwip_lookup *lookup)
{
    struct lwip_dns *dns = lookup->dns;
    struct rung_platform *p = dns->core->p;
    lwip_node_remove(&lookup->all);
    rung_free(p, lookup);
    if (--dns->lookup_count == 0) {
        rung_timer_stop(p, &dns->timer);
        dns->idle_ns = rung_loop_now_ns(p);
    }
}

static void dns_finish(struct lwip_lookup *lookup, int result)
{
    if (lookup->how)
        rung_op_finish(lookup->dns->core->p, &lookup->how->op, result);
    lookup->how = NULL;
}

static void dns_close(struct lwip_lookup *lookup)
{
    if (--lookup->open > 0)
        return;
    dns_finish(lookup, lookup->how ? dns_result(lookup) : 0);
    dns_free(lookup);
}

static void dns_answered(struct lwip_question *question)
{
    struct lwip_lookup *lookup = question->lookup;
    question->result = RUNG_OK;
    lookup->patient_ns = rung_loop_now_ns(lookup->dns->core->p) + DNS_OTHER_NS;
}

static void dns_found(const char *name, const ip_addr_t *ip, void *arg)
{
    struct lwip_question *question = arg;
    (void)name;
    question->result = question->lookup->dns->failure;
    if (ip) {
        question->ip = *ip;
        dns_answered(question);
    }
    dns_close(question->lookup);
}

/* Its beginning. */

static void dns_ask(struct lwip_lookup *lookup, unsigned which)
{
    struct lwip_question *question = &lookup->questions[which];
    u8_t type = which ? LWIP_DNS_ADDRTYPE_IPV6 : LWIP_DNS_ADDRTYPE_IPV4;
    question->lookup = lookup;
    switch (dns_gethostbyname_addrtype(lookup->name, &question->ip, dns_found, question, type)) {
    case ERR_OK: /* remembered */
        dns_answered(question);
        break;
    case ERR_INPROGRESS:
        lookup->open++;
        break;
    default: /* its table is full, or its memory */
        question->result = RUNG_E_LIMIT;
    }
}

/* Asks, if there is anybody to ask; may end the lookup. */
static void dns_try(struct lwip_lookup *lookup)
{
    struct lwip_dns *dns = lookup->dns;
    enum rung_family family = lookup->how->family;
    if (rung_lwip_dns_servers(dns) == 0) {
        if (rung_loop_now_ns(dns->core->p) < lookup->patient_ns)
            return;
        rung_lwip_dns_servers_none(dns);
        dns_finish(lookup, RUNG_E_UNREACH);
        dns_free(lookup);
        return;
    }
    lookup->asked = true;
    lookup->open = 1;
    if (family != RUNG_AF_IPV6)
        dns_ask(lookup, 0);
    if (family != RUNG_AF_IPV4)
        dns_ask(lookup, 1);
    dns_close(lookup);
}

/* One family's address is there, and servers that are mute on the other are not waited for longer
 * (RFC 8305 3). */
static bool dns_will_do(const struct lwip_lookup *lookup)
{
    const struct lwip_question *q = lookup->questions;
    return lookup->how && (q[0].result == RUNG_OK || q[1].result == RUNG_OK)
           && rung_loop_now_ns(lookup->dns->core->p) >= lookup->patient_ns;
}

static void dns_tick(struct rung_timer *timer)
{
    struct lwip_dns *dns = rung_container_of(timer, struct lwip_dns, timer);
    struct lwip_core *core = dns->core;
    core->in_turn = true;
    dns->failure = RUNG_E_TIMEDOUT;
    dns_tmr();
    for (struct lwip_node *at = dns->lookups.next, *next; at != &dns->lookups; at = next) {
        struct lwip_lookup *lookup = rung_container_of(at, struct lwip_lookup, all);
        next = at->next;
        if (!lookup->asked)
            dns_try(lookup);
        else if (dns_will_do(lookup))
            dns_finish(lookup, dns_result(lookup));
    }
    if (dns->lookup_count > 0)
        rung_timer_start(core->p, timer, DNS_TICK_NS);
    rung_lwip_turn_end(core);
}

/* No clock ran since the last lookup ended: what dns.c remembers ages now, rather too much. */
static void dns_wake(struct lwip_dns *dns)
{
    uint64_t idle_s = (rung_loop_now_ns(dns->core->p) - dns->idle_ns) / RUNG_NS_PER_S + 1;
    for (uint64_t i = 0; i < idle_s && i < DNS_MAX_TTL; i++)
        dns_tmr();
    rung_timer_start(dns->core->p, &dns->timer, DNS_TICK_NS);
}

static void dns_cancel(struct rung_op *op)
{
    struct lwip_lookup *lookup =
        rung_container_of(op, struct rung_dns_resolve, op)->module[0];
    dns_finish(lookup, RUNG_E_CANCELED);
    if (!lookup->asked)
        dns_free(lookup);
}

/* Without servers dns.c gives up what it asks within its longest wait, and by then has forgotten
 * what it remembers: its tables are empty for the next stack. */
static void dns_end(struct lwip_dns *dns)
{
    struct lwip_core *core = dns->core;
    for (struct lwip_node *at = dns->lookups.next, *next; at != &dns->lookups; at = next) {
        struct lwip_lookup *lookup = rung_container_of(at, struct lwip_lookup, all);
        next = at->next;
        dns_finish(lookup, RUNG_E_CANCELED);
        if (!lookup->asked)
            dns_free(lookup);
    }
    for (unsigned i = 0; i < DNS_MAX_SERVERS; i++)
        dns_setserver((u8_t)i, NULL);
    for (unsigned i = 0; i <= DNS_MAX_TTL; i++)
        dns_tmr();
    assert(lwip_node_alone(&dns->lookups));
    rung_lwip_dns_guard_end(dns);
    rung_timer_stop(core->p, &dns->timer);
    core->dns = NULL;
    rung_free(core->p, dns);
}

static struct lwip_dns *dns_new(struct lwip_core *core)
{
    struct lwip_dns *dns = rung_zalloc(core->p, 1, sizeof(*dns));
    if (!dns)
        return NULL;
    dns->core = core;
    dns->end = dns_end;
    dns->look = rung_lwip_dns_servers_look;
    dns->timer.fn = dns_tick;
    lwip_node_init(&dns->lookups);
    core->dns = dns;
    nd6_restart_netif(&core->netif); /* asks routers to say again what we did not keep */
    return dns;
}

static int dns_begin(struct lwip_core *core, struct rung_dns_resolve *how, const char *name)
{
    struct lwip_dns *dns = core->dns ? core->dns : dns_new(core);
    if (!dns)
        return RUNG_E_NOMEM;
    if (dns->lookup_count >= DNS_TABLE_SIZE)
        return RUNG_E_LIMIT;
    struct lwip_lookup *lookup = rung_zalloc(core->p, 1, sizeof(*lookup));
    if (!lookup)
        return RUNG_E_NOMEM;
    if (dns->lookup_count++ == 0)
        dns_wake(dns);
    lookup->dns = dns;
    lookup->how = how;
    lookup->patient_ns = rung_loop_now_ns(core->p) + DNS_PATIENCE_NS;
    lookup->questions[0].result = lookup->questions[1].result = DNS_UNASKED;
    memcpy(lookup->name, name, strlen(name) + 1);
    lwip_node_append(&dns->lookups, &lookup->all);
    how->module[0] = lookup;
    how->op.cancel = dns_cancel;
    dns_try(lookup);
    return RUNG_OK;
}

/* Names of this host, which no server is to be asked about (RFC 6761 6.3), and which no address of
 * ours can be called by. */
static bool dns_is_localhost(const char *name)
{
    static const char own[] = "localhost";
    size_t len = strlen(name), at = len < sizeof(own) - 1 ? 0 : len - (sizeof(own) - 1);
    return lwip_stricmp(name + at, own) == 0 && (at == 0 || name[at - 1] == '.');
}

static void lwip_resolve(struct rung_dns *dns, struct rung_dns_resolve *how)
{
    struct lwip_core *core = dns_core(dns);
    char name[RUNG_DNS_NAME + 1];
    how->op.cancel = NULL;
    int result = rung_dns_name(how, name);
    if (result == 0 && dns_is_localhost(name))
        result = RUNG_E_NOTFOUND;
    if (result == 0) {
        result = dns_begin(core, how, name);
        if (result == RUNG_OK)
            return;
    }
    rung_op_finish(core->p, &how->op, result > 0 ? RUNG_OK : result);
}

static void lwip_stop(struct rung_dns *base, struct rung_op *op)
{
    struct lwip_core *core = dns_core(base);
    if (core->dns)
        core->dns->end(core->dns);
    rung_lwip_stopped(core, LWIP_DNS_PART, op);
}

const struct rung_dns_ops rung_lwip_dns_ops = RUNG_DNS_TABLE("lwip", lwip);
