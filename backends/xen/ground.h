/* SPDX-License-Identifier: ISC */
/* backends/xen/ground.h - the xen platform from within; only for the files that make it up.
 * Drivers include bus/xen.h.
 * Model    One guest, one struct rung_xen_ground, made by main.c. What the processor or the C
 *          library calls without a platform in its hand (exceptions, assert) finds it there.
 * Units    Nanoseconds; frames of 4 KiB.
 * Owner    The kernel.
 * Context  The loop, or boot, unless a call says otherwise.
 * Errors   Below, at each call. */
#ifndef RUNG_XEN_GROUND_H
#define RUNG_XEN_GROUND_H

#include "common/platform.h"
#include "xen/boot/ram.h"
#include "xen/boot/ranges.h"
#include "xen/bus/xen.h"
#include "xen/entropy.h"

struct xencons_interface; /* xen/io/console.h */
struct hvm_start_info;    /* xen/arch-x86/hvm/start_info.h */

struct rung_xen_console {
    struct xencons_interface *ring; /* NULL: none (yet), words go to Xen's log */
    uint32_t port;
    uint32_t prod;    /* what ring->out_prod is, whatever the other side makes of that */
    uint64_t lost;    /* bytes that nobody made room for; said when there is room again */
    bool stuck;       /* nobody reads: the next write does not wait */
};

struct rung_xen_clock {
    const struct shared_info *shared; /* NULL: there is no time yet */
    uint64_t offset_ns; /* monotonic minus system time, modulo 2^64: a resume may change hosts */
    uint64_t last_ns;   /* given out last; time never steps back */
};

struct rung_xen_control {
    struct rung_xen_watch watch;
    struct rung_xen_store_req req; /* reads, then acknowledges */
    struct rung_timer quiet;
    unsigned quiet_tries;
    struct rung_timer retry; /* there was no memory to look */
    unsigned request;   /* enum control_request, control.c's own */
    bool busy, again;   /* req is under way; look once more when it is done */
    bool ending;        /* the program has been asked to end */
};

struct rung_xen_ground {
    struct rung_platform base;
    struct rung_xen xen;
    struct rung_xen_ram ram;
    struct rung_xen_console console;
    struct rung_xen_clock clock;
    struct rung_xen_control control;
    struct rung_xen_entropy entropy;
    struct shared_info *shared; /* our page, mapped over with Xen's */
    uint64_t memory_withheld;   /* bytes that are in the map, but are not ours to use */
    bool jitter;                /* may be the only source of random numbers: xen.entropy=jitter */
    unsigned end_reason;        /* how the domain ends when the program is done: SHUTDOWN_* */
};

extern struct rung_xen_ground rung_xen_ground;

static inline struct rung_xen_ground *ground_of(struct rung_platform *p)
{
    return rung_container_of(p, struct rung_xen_ground, base);
}

/* main.c: entered from boot/entry.S with the guest-physical address of the start information. */
_Noreturn void rung_xen_start(uint32_t start_info);

/* boot/machine.c: the instruction itself; hypercall.c gives it its names. */
long rung_xen_hypercall(unsigned number, uintptr_t a, uintptr_t b, uintptr_t c);

/* boot/memory.c: finds the memory, makes the page allocator and the final mapping. Logged. */
enum rung_err rung_xen_memory_init(struct rung_xen_ground *g, const struct hvm_start_info *info);

/* shared.c: the page that Xen shares with us, and what the toolstack has set for us. Again after a
 * resume. Logged. */
enum rung_err rung_xen_shared_map(struct rung_xen_ground *g);
bool rung_xen_param(unsigned index, uint64_t *value); /* false: there is none */

/* console.c. init: again after a resume. Emergency and flush work in any state. */
void rung_xen_console_init(struct rung_xen_ground *g);
void rung_xen_console_emergency(const char *text, size_t len);
void rung_xen_console_flush(void); /* waits, not for ever, until all has been read */
void rung_xen_log_line(struct rung_platform *p, enum rung_log_level level, const char *text,
                       size_t len);

/* clock.c. resume: the system time is another one now. */
void rung_xen_clock_init(struct rung_xen_ground *g);
void rung_xen_clock_resume(struct rung_xen_ground *g);
/* The system time, which Xen's time-outs are in, at a time of our clock. */
uint64_t rung_xen_clock_system_ns(const struct rung_xen_clock *clock, uint64_t monotonic_ns);

/* loop.c: one turn, between rung_run_begin() and rung_run_end(); without wait it does not sleep.
 * For tests, too. */
void rung_xen_loop_turn(struct rung_platform *p, bool wait);

/* control.c: does what the toolstack asks for in control/shutdown. */
void rung_xen_control_init(struct rung_xen_ground *g);

/* suspend.c: the store as the toolstack names it, at boot or anew. */
enum rung_err rung_xen_store_connect(struct rung_xen_ground *g, bool resumed);

/* suspend.c: saves the guest; comes back when it goes on, here or elsewhere. */
void rung_xen_suspend(struct rung_xen_ground *g);

#endif
