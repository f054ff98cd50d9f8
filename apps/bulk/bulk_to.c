/* SPDX-License-Identifier: ISC */
/* apps/bulk/bulk_to.c - calls another host by its name: looks for its addresses, and tries one
 * after the other. The stream that follows is moved as on a port that listens. */
#include "rung/clock.h"
#include "rung/log.h"

#include "bulk.h"

#define TO_ADDRS 8u
#define TO_TRIES 10u /* a second each, while this host has no way to anywhere: it may be starting */

struct bulk_call {
    struct bulk_port *port;
    const struct bulk_to *to;
    struct rung_op *op;      /* under way; NULL: none */
    struct bulk_conn *conn;  /* once it is there, until it has ended */
    struct rung_dns_resolve ask;
    struct rung_addr addrs[TO_ADDRS];
    unsigned next; /* address to try */
    struct rung_tcp_connect connect;
    struct rung_timer again;
    unsigned tries;
    bool over; /* the program ends: nothing new is begun */
};

static void to_end(struct bulk_call *call, int status)
{
    call->over = true;
    rung_loop_stop(call->port->p, status);
}

/* One line that says what is wrong and how to mend it. */
static void to_no_name(struct bulk_call *call, int err)
{
    struct rung_platform *p = call->port->p;
    const char *name = call->to->name;
    switch (err) {
    case RUNG_E_RANGE:
        rung_log(p, RUNG_LOG_ERROR, "bulk", "'%s' is no name that a host can have, and no address; "
                 "give --to=NAME without a port", name);
        break;
    case RUNG_E_NOTFOUND:
        rung_log(p, RUNG_LOG_ERROR, "bulk", "name not found: no host is called %s, or it has no "
                 "address that can be called from here", name);
        break;
    case RUNG_E_TIMEDOUT:
        rung_log(p, RUNG_LOG_ERROR, "bulk", "no answer from the name servers about %s; give an "
                 "address with --to, or a server that answers", name);
        break;
    case RUNG_E_IO:
        rung_log(p, RUNG_LOG_ERROR, "bulk", "the name servers refuse %s, or failed; give an "
                 "address with --to, or a server that answers", name);
        break;
    case RUNG_E_UNREACH:
        rung_log(p, RUNG_LOG_ERROR, "bulk", "cannot find %s: no name server is known here, or none "
                 "can be reached; give an address with --to, or a server", name);
        break;
    default:
        rung_log(p, RUNG_LOG_ERROR, "bulk", "cannot find %s: %s", name, rung_err_text(err));
    }
}

static void to_no_call(struct bulk_call *call, int err)
{
    struct rung_platform *p = call->port->p;
    char text[RUNG_ADDR_TEXT];
    const char *peer = rung_addr_format(&call->connect.peer, text);
    if (call->next < call->ask.count)
        rung_log(p, RUNG_LOG_WARN, "bulk", "%s: %s; trying the next address of %s", peer,
                 err == RUNG_E_INVAL ? "no other host's address" : rung_err_text(err),
                 call->to->name);
    else if (err == RUNG_E_INVAL)
        rung_log(p, RUNG_LOG_ERROR, "bulk", "%s is no other host's address: nobody can be called "
                 "there; give another with --to", peer);
    else if (err == RUNG_E_REFUSED)
        rung_log(p, RUNG_LOG_ERROR, "bulk", "%s: connection refused; start a bulk there, or give "
                 "its port with --%s=N", peer, call->to->key);
    else if (err == RUNG_E_TIMEDOUT)
        rung_log(p, RUNG_LOG_ERROR, "bulk", "no answer from %s: is the host up, and lets it "
                 "through who calls?", peer);
    else
        rung_log(p, RUNG_LOG_ERROR, "bulk", "cannot call %s: %s", peer, rung_err_text(err));
}

static void to_connect(struct bulk_call *call);

/* The first address on a host that is starting: DHCP may take a while. */
static bool to_waits(struct bulk_call *call, int err)
{
    if (err != RUNG_E_UNREACH || call->next < call->ask.count || ++call->tries >= TO_TRIES)
        return false;
    if (call->tries == 1)
        rung_log(call->port->p, RUNG_LOG_INFO, "bulk", "no route to %s yet; trying for %u s",
                 call->to->name, TO_TRIES);
    call->next = 0;
    rung_timer_start(call->port->p, &call->again, RUNG_NS_PER_S);
    return true;
}

static void to_again(struct rung_timer *timer)
{
    to_connect(rung_container_of(timer, struct bulk_call, again));
}

static void to_on_connected(struct rung_op *op, int result)
{
    struct bulk_call *call = rung_container_of(op, struct bulk_call, connect.op);
    call->op = NULL;
    if (call->over) {
        if (result == RUNG_OK)
            rung_tcp_abort(call->connect.conn);
        rung_loop_stop(call->port->p, 0);
        return;
    }
    if (result == RUNG_OK) {
        bulk_port_begin(call->port, call->connect.conn);
        call->conn = call->port->conns;
        if (call->conn == NULL) /* no memory, and it has said so */
            to_end(call, 1);
        else
            call->conn->call = call;
        return;
    }
    if (to_waits(call, result))
        return;
    to_no_call(call, result);
    if (call->next < call->ask.count)
        to_connect(call);
    else
        to_end(call, 1);
}

static void to_connect(struct bulk_call *call)
{
    call->connect = (struct rung_tcp_connect){.op.done = to_on_connected,
                                              .peer = call->addrs[call->next++],
                                              .local = call->to->local};
    call->op = &call->connect.op;
    rung_tcp_connect(call->to->tcp, &call->connect);
}

static void to_on_resolved(struct rung_op *op, int result)
{
    struct bulk_call *call = rung_container_of(op, struct bulk_call, ask.op);
    call->op = NULL;
    if (call->over) {
        rung_loop_stop(call->port->p, 0);
    } else if (result < 0) {
        to_no_name(call, result);
        to_end(call, 1);
    } else {
        to_connect(call);
    }
}

void bulk_call_ended(struct bulk_call *call, bool well)
{
    call->conn = NULL;
    if (!well)
        rung_log(call->port->p, RUNG_LOG_ERROR, "bulk", "the connection to %s broke before its end",
                 call->to->name);
    to_end(call, well ? 0 : 1);
}

int bulk_to(struct bulk_port *port, const struct bulk_to *to)
{
    struct bulk_call call = {.port = port, .to = to, .again.fn = to_again};
    call.ask = (struct rung_dns_resolve){
        .op.done = to_on_resolved, .name = to->name, .port = to->number, .addrs = call.addrs,
        .family = (enum rung_family)to->local.family, .room = TO_ADDRS};
    call.op = &call.ask.op;
    rung_dns_resolve(to->dns, &call.ask);
    int status = rung_loop_run(port->p);
    call.over = true;
    rung_timer_stop(port->p, &call.again);
    if (call.conn != NULL)
        call.conn->call = NULL; /* it may outlive this call */
    bulk_port_close(port);
    if (call.op != NULL) { /* asked to stop meanwhile: what is under way ends first */
        (void)rung_op_cancel(call.op);
        rung_loop_run(port->p);
    }
    return status;
}
