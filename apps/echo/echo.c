/* SPDX-License-Identifier: ISC */
/* apps/echo/echo.c - sends back what it gets, over TCP and UDP on one port (RFC 862, on a port for
 * which nobody needs a right). */
#include "rung/log.h"

#include "echo.h"
#include "echo_app.h"

#define ECHO_PICKS 16 /* attempts at a port that is free for both */

/* One line that says what is wrong and how to mend it. */
static void echo_no_port(struct rung_platform *p, const char *what, unsigned port, int err)
{
    switch (err) {
    case RUNG_E_ADDRINUSE:
        rung_log(p, RUNG_LOG_ERROR, "echo", "%s port %u is in use; stop the other program or "
                 "choose another port with --port=N", what, port);
        break;
    case RUNG_E_ACCESS:
        rung_log(p, RUNG_LOG_ERROR, "echo", "no permission for %s port %u; choose one above 1023 "
                 "with --port=N", what, port);
        break;
    case RUNG_E_ADDRNOTAVAIL:
        rung_log(p, RUNG_LOG_ERROR, "echo", "this host does not have that address; give one that "
                 "it has with --address=A, or leave it out");
        break;
    default:
        rung_log(p, RUNG_LOG_ERROR, "echo", "cannot listen on %s port %u: %s", what, port,
                 rung_err_text(err));
    }
}

/* Opens both on one port. A port that TCP picked may be taken for UDP: then it picks another. */
static int echo_open(struct rung_platform *p, const struct echo_slots *slots, struct echo_tcp *tcp,
                     struct echo_udp *udp, struct rung_addr *local)
{
    uint16_t port = echo_key_port(&slots->keys);
    const char *what = "TCP";
    int err = RUNG_E_ADDRINUSE;
    for (unsigned i = 0; i < ECHO_PICKS && err == RUNG_E_ADDRINUSE; i++) {
        what = "TCP";
        *local = echo_key_address(&slots->keys);
        local->port = port;
        err = echo_tcp_open(tcp, p, slots->tcp, local);
        if (err == RUNG_OK) {
            what = "UDP";
            err = echo_udp_open(udp, slots->udp, local);
            if (err < 0)
                echo_tcp_close(tcp);
        }
        if (port != 0)
            break;
    }
    if (err < 0)
        echo_no_port(p, what, local->port, err);
    return err;
}

int echo_check(struct rung_platform *p, const struct echo_slots *slots)
{
    if (echo_key_address(&slots->keys).port == 0)
        return 0;
    rung_log(p, RUNG_LOG_ERROR, "echo", "--address has a port; give that with --port=N");
    return 64;
}

int echo_main(struct rung_platform *p, const struct echo_slots *slots)
{
    char text[RUNG_ADDR_TEXT];
    struct rung_addr local;
    struct echo_udp udp = {0};
    struct echo_tcp tcp = {
        .max = echo_key_max_connections(&slots->keys),
        .idle_ns = echo_key_idle_timeout(&slots->keys),
    };
    if (echo_open(p, slots, &tcp, &udp, &local) < 0)
        return 1;
    uint16_t port = local.port;
    if (local.family == RUNG_AF_NONE)
        local = rung_addr_any(RUNG_AF_IPV6, port);
    rung_log(p, RUNG_LOG_INFO, "echo", "echoing TCP and UDP on %s", rung_addr_format(&local, text));
    int status = rung_loop_run(p);
    echo_tcp_close(&tcp);
    echo_udp_close(&udp);
    return status;
}
