/* SPDX-License-Identifier: ISC */
/* test/support/dns_zone.h - a name server as a function: a question in, an answer out.
 * Model    The domain "test" and nothing else:
 *          four   192.0.2.4                      six       2001:db8::6
 *          both   192.0.2.2, 2001:db8::2         alias     CNAME of both
 *          n<I>   192.0.2.<I>, 2001:db8::<I>     twice     192.0.2.7, 192.0.2.8
 *          fails  the server's failure (SERVFAIL)
 *          cut    an answer that did not fit (TC), with nothing in it
 *          silent no answer at all
 *          Letters are compared as they are. All answers may be remembered for ZONE_TTL seconds.
 * Units    Bytes of DNS messages (RFC 1035 4).
 * Owner    Nothing is kept.
 * Context  Any. */
#ifndef DNS_ZONE_H
#define DNS_ZONE_H

#include <stddef.h>
#include <stdint.h>

#define ZONE_TTL 60u
#define ZONE_MAX 512u

/* The length of the answer; 0: there is none. */
size_t dns_zone_answer(const uint8_t *query, size_t len, uint8_t answer[ZONE_MAX]);

/* The name that a query asks for, as text; the type of the question, or 0 if it is none. */
unsigned dns_zone_question(const uint8_t *query, size_t len, char name[256]);

#endif
