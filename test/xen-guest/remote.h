/* SPDX-License-Identifier: ISC */
/* test/xen-guest/remote.h - questions to the machine that a guest is tested from, where
 * test/xen/netpeer.py answers them: the sockets of its kernel, in another's hand.
 * Model    A question and its answer are cut into Ethernet frames of a type for experiments, on a
 *          vif that nothing else uses. A call waits for its answer without running the loop, so
 *          that to a suite it is what a system call is in a Unix process. What is lost on the way
 *          is asked again; netpeer.py answers the same question from memory.
 * Units    Bytes. On the wire all is little-endian, as the structures lie in memory.
 * Owner    What a call points to is the caller's.
 * Context  The program's main flow. What goes wrong fails the running cmocka test. */
#ifndef REMOTE_H
#define REMOTE_H

#include "rung/addr.h"

enum remote_what { /* the same numbers as in netpeer.py */
    REMOTE_BEGIN,      /* closes whatever was open */
    REMOTE_GREET,      /* "nobody at this port" has come back from addr; AGAIN: not yet */
    REMOTE_CONNECT,    /* to addr; a handle */
    REMOTE_LISTEN,     /* at addr; a handle, and addr */
    REMOTE_ACCEPT,     /* a handle */
    REMOTE_WRITE,      /* how many bytes went */
    REMOTE_READ,       /* how many bytes came */
    REMOTE_SHUTDOWN,
    REMOTE_CLOSE,
    REMOTE_RESET,
    REMOTE_ADDRESS,    /* the handle's own, in addr */
    REMOTE_UDP_OPEN,   /* at addr; a handle, and addr */
    REMOTE_UDP_SEND,   /* to addr */
    REMOTE_UDP_RECV,   /* from addr; the length */
};

enum remote_flag {
    REMOTE_NARROW = 1u << 0, /* the smallest window that it can have */
    REMOTE_SILENT = 1u << 1, /* a backlog of nobody */
};

#define REMOTE_MOST 65536u /* bytes that a question, or an answer, has room for */

struct remote_call {
    enum remote_what what;
    unsigned flags; /* enum remote_flag */
    uint32_t handle;
    struct rung_addr addr; /* the answer's, afterwards */
    const void *data;      /* to be sent */
    size_t len;
    void *into; /* for what comes; room bytes */
    size_t room;
};

/* Connects the guest's second vif, once, before any test: it stays through all of them, as what the
 * kernel itself has connected does. */
void remote_open(void);

/* Closes whatever is open at the other side. */
void remote_begin(void);

/* The answer: 0 and more, or AGAIN, EOF, REFUSED, RESET. */
long remote_call(struct remote_call *call);

#endif
