/* SPDX-License-Identifier: ISC */
/* stacks/fault/fault_line.h - frames on their way in one direction.
 * Model    A frame enters with the time at which it is due. When its time has come it leaves, and
 *          those of the same time in the order they entered. One that shall be overtaken stands
 *          aside when its time has come, until so many others have left or RUNG_FAULT_ASIDE_NS have
 *          passed. A frame that has left waits at the end of the line to be picked up.
 * Units    Nanoseconds of the loop's time.
 * Owner    Frames are the line's from enter() to pick(). The slots are the owner's of the line.
 * Context  Any. No release() runs in here.
 * Errors   enter() needs a free slot; who asks for one without, asserts. */
#ifndef RUNG_FAULT_LINE_H
#define RUNG_FAULT_LINE_H

#include "rung/net.h"

#define RUNG_FAULT_ASIDE_NS UINT64_C(10000000) /* 10 ms: then nobody is coming who could overtake */

struct rung_fault_slot {
    struct rung_fault_slot *next, *prev;
    struct rung_frame *frame;
    uint64_t due_ns;
    unsigned overtaken; /* by so many frames it is still to be */
};

struct rung_fault_list {
    struct rung_fault_slot *first, *last;
};

struct rung_fault_line {
    struct rung_fault_list travelling; /* by due time */
    struct rung_fault_list aside;      /* in the order they got there, and so by due time too */
    struct rung_fault_list arrived;
    struct rung_fault_slot *free;
    unsigned used; /* slots that are not free */
};

void rung_fault_line_init(struct rung_fault_line *line, struct rung_fault_slot slots[], unsigned n);

void rung_fault_line_enter(struct rung_fault_line *line, struct rung_frame *frame, uint64_t due_ns,
                           unsigned overtaken);

/* Lets arrive whose time has come. */
void rung_fault_line_move(struct rung_fault_line *line, uint64_t now_ns);

/* When the next one arrives if nothing enters; UINT64_MAX: nobody is under way. */
uint64_t rung_fault_line_due(const struct rung_fault_line *line);

/* The first that has arrived; NULL: none. */
struct rung_frame *rung_fault_line_pick(struct rung_fault_line *line);

/* Puts one that was picked up back in front of the others. */
void rung_fault_line_unpick(struct rung_fault_line *line, struct rung_frame *frame);

/* Any one that is still under way; NULL: none. For emptying the line. */
struct rung_frame *rung_fault_line_strike(struct rung_fault_line *line);

#endif
