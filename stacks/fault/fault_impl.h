/* SPDX-License-Identifier: ISC */
/* stacks/fault/fault_impl.h - what the files of net-fault share; nobody else includes it. */
#ifndef RUNG_FAULT_IMPL_H
#define RUNG_FAULT_IMPL_H

#include "net_fault.h"

enum { RUNG_FAULT_BATCH = 32 }; /* frames that are handed on or fetched at a time */

/* net_fault_flow.c: a frame enters the line of a direction, or is lost. There is room for it. */
void rung_fault_admit(struct rung_net_fault *fault, unsigned way, struct rung_frame *f);
/* Whether another one may enter. */
bool rung_fault_has_room(const struct rung_net_fault *fault, unsigned way);
/* Hands frames to the link. As net.h's send. */
int rung_fault_hand_on(struct rung_net_fault *fault, struct rung_frame *const f[], unsigned n);
/* Hands those that have arrived to the link, as many as it takes. */
void rung_fault_send_on(struct rung_net_fault *fault);
/* Fetches from the link what there is room for. */
void rung_fault_fetch(struct rung_net_fault *fault);
/* Gives up what is under way, and what has arrived as well if all is set. */
void rung_fault_strike(struct rung_net_fault *fault, unsigned way, bool all);
/* Copies the link's statistics, with ours. */
void rung_fault_sync(struct rung_net_fault *fault);
/* ready() with these events, soon. */
void rung_fault_tell(struct rung_net_fault *fault, unsigned events);
/* The device behind is gone. */
void rung_fault_gone(struct rung_net_fault *fault);
/* Sets the timer to the next arrival. */
void rung_fault_arm(struct rung_net_fault *fault);

/* net_fault.c: for the constructor. */
void rung_fault_on_ready(struct rung_net *link, unsigned events, void *arg);
void rung_fault_on_notify(struct rung_task *task);
void rung_fault_on_keep(struct rung_timer *timer);
void rung_fault_on_timer(struct rung_timer *timer);
void rung_fault_on_more(struct rung_task *task);

#endif
