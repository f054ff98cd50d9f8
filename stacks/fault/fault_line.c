/* SPDX-License-Identifier: ISC */
/* stacks/fault/fault_line.c - see fault_line.h. */
#include "fault_line.h"

static void list_put_behind(struct rung_fault_list *list, struct rung_fault_slot *before,
                            struct rung_fault_slot *slot)
{
    slot->prev = before;
    slot->next = before ? before->next : list->first;
    if (before)
        before->next = slot;
    else
        list->first = slot;
    if (slot->next)
        slot->next->prev = slot;
    else
        list->last = slot;
}

static void list_remove(struct rung_fault_list *list, struct rung_fault_slot *slot)
{
    if (slot->prev)
        slot->prev->next = slot->next;
    else
        list->first = slot->next;
    if (slot->next)
        slot->next->prev = slot->prev;
    else
        list->last = slot->prev;
}

static struct rung_fault_slot *line_get_slot(struct rung_fault_line *line,
                                             struct rung_frame *frame)
{
    struct rung_fault_slot *slot = line->free;
    assert(slot);
    line->free = slot->next;
    line->used++;
    *slot = (struct rung_fault_slot){.frame = frame};
    return slot;
}

static struct rung_frame *line_free_slot(struct rung_fault_line *line,
                                         struct rung_fault_list *list)
{
    struct rung_fault_slot *slot = list->first;
    if (!slot)
        return NULL;
    list_remove(list, slot);
    slot->next = line->free;
    line->free = slot;
    line->used--;
    return slot->frame;
}

void rung_fault_line_init(struct rung_fault_line *line, struct rung_fault_slot slots[], unsigned n)
{
    *line = (struct rung_fault_line){0};
    while (n-- > 0) {
        slots[n].next = line->free;
        line->free = &slots[n];
    }
}

/* Looked for from the end: without jitter the place is there, with it not far from there. */
void rung_fault_line_enter(struct rung_fault_line *line, struct rung_frame *frame, uint64_t due_ns,
                           unsigned overtaken)
{
    struct rung_fault_slot *slot = line_get_slot(line, frame);
    struct rung_fault_slot *before = line->travelling.last;
    slot->due_ns = due_ns;
    slot->overtaken = overtaken;
    while (before && before->due_ns > due_ns)
        before = before->prev;
    list_put_behind(&line->travelling, before, slot);
}

static void line_arrive(struct rung_fault_line *line, struct rung_fault_list *from,
                        struct rung_fault_slot *slot)
{
    list_remove(from, slot);
    list_put_behind(&line->arrived, line->arrived.last, slot);
}

/* One has passed by those who stand aside. Those who have been overtaken often enough follow it,
 * and overtake nobody. */
static void line_overtake(struct rung_fault_line *line)
{
    struct rung_fault_slot *next;
    for (struct rung_fault_slot *slot = line->aside.first; slot; slot = next) {
        next = slot->next;
        if (--slot->overtaken == 0)
            line_arrive(line, &line->aside, slot);
    }
}

void rung_fault_line_move(struct rung_fault_line *line, uint64_t now_ns)
{
    struct rung_fault_slot *slot;
    while ((slot = line->travelling.first) != NULL && slot->due_ns <= now_ns) {
        if (slot->overtaken) {
            list_remove(&line->travelling, slot);
            slot->due_ns = now_ns + RUNG_FAULT_ASIDE_NS;
            list_put_behind(&line->aside, line->aside.last, slot);
        } else {
            line_arrive(line, &line->travelling, slot);
            line_overtake(line);
        }
    }
    while ((slot = line->aside.first) != NULL && slot->due_ns <= now_ns)
        line_arrive(line, &line->aside, slot);
}

uint64_t rung_fault_line_due(const struct rung_fault_line *line)
{
    const struct rung_fault_slot *one = line->travelling.first, *other = line->aside.first;
    if (!one || (other && other->due_ns < one->due_ns))
        one = other;
    return one ? one->due_ns : UINT64_MAX;
}

struct rung_frame *rung_fault_line_pick(struct rung_fault_line *line)
{
    return line_free_slot(line, &line->arrived);
}

void rung_fault_line_unpick(struct rung_fault_line *line, struct rung_frame *frame)
{
    list_put_behind(&line->arrived, NULL, line_get_slot(line, frame));
}

struct rung_frame *rung_fault_line_strike(struct rung_fault_line *line)
{
    struct rung_frame *frame = line_free_slot(line, &line->travelling);
    return frame ? frame : line_free_slot(line, &line->aside);
}
