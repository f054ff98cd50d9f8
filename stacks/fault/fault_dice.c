/* SPDX-License-Identifier: ISC */
/* stacks/fault/fault_dice.c - see fault_dice.h. */
#include "fault_dice.h"

/* splitmix64 (Steele, Lea, Flood 2014): any seed will do, and neighbouring ones have nothing in
 * common. */
static uint64_t dice_next(struct rung_fault_dice *dice)
{
    uint64_t word = dice->state += UINT64_C(0x9e3779b97f4a7c15);
    word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
    return word ^ (word >> 31);
}

/* 0 <= result < below, without a favourite that could be measured; below < 2^32. */
static uint32_t dice_below(uint64_t word, uint64_t below)
{
    return (uint32_t)((word >> 32) * below >> 32);
}

static bool dice_hit(struct rung_fault_dice *dice, uint32_t share)
{
    return dice_below(dice_next(dice), 1000000) < share;
}

void rung_fault_dice_init(struct rung_fault_dice *dice, uint64_t seed, unsigned way)
{
    dice->state = seed;
    while (way-- > 0)
        dice->state = dice_next(dice);
}

struct rung_fault_fate rung_fault_roll(struct rung_fault_dice *dice,
                                       const struct rung_fault_shares *shares)
{
    struct rung_fault_fate fate = {.delay_ns = shares->delay_ns};
    fate.lost = dice_hit(dice, shares->loss);
    fate.duplicated = dice_hit(dice, shares->duplicate);
    bool reordered = dice_hit(dice, shares->reorder);
    fate.corrupted = dice_hit(dice, shares->corrupt);
    unsigned overtaken = 1 + dice_below(dice_next(dice), RUNG_FAULT_OVERTAKEN_MAX);
    if (reordered)
        fate.overtaken = overtaken;
    uint64_t spread = dice_next(dice);
    fate.place = dice_next(dice);
    if (shares->jitter_ns) { /* delay - jitter to delay + jitter, and never before now */
        uint64_t more = spread % (2 * shares->jitter_ns + 1) + shares->delay_ns;
        fate.delay_ns = more > shares->jitter_ns ? more - shares->jitter_ns : 0;
    }
    return fate;
}
