/* SPDX-License-Identifier: ISC */
/* stacks/fault/fault_dice.h - what befalls a frame, by chance that can be played again.
 * Model    The fate of the n-th frame of a direction follows from the seed, the direction, n and
 *          the shares, and from nothing else: neither from time nor from the other direction, nor
 *          from how frames come in batches. Each frame takes the same count of numbers, so that
 *          changing one share does not change whom the others befall.
 * Units    Millionths; nanoseconds.
 * Owner    The state is the caller's.
 * Errors   None. */
#ifndef RUNG_FAULT_DICE_H
#define RUNG_FAULT_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct rung_fault_shares {
    uint32_t loss, duplicate, reorder, corrupt; /* millionths */
    uint64_t delay_ns, jitter_ns;
};

struct rung_fault_fate {
    bool lost, duplicated, corrupted;
    unsigned overtaken; /* by so many frames; 0: by none */
    uint64_t delay_ns;
    uint64_t place; /* chance for which bit is changed */
};

struct rung_fault_dice {
    uint64_t state;
};

enum { RUNG_FAULT_OVERTAKEN_MAX = 5 };

/* way: which of the sequences that belong to the seed. */
void rung_fault_dice_init(struct rung_fault_dice *dice, uint64_t seed, unsigned way);
struct rung_fault_fate rung_fault_roll(struct rung_fault_dice *dice,
                                       const struct rung_fault_shares *shares);

#endif
