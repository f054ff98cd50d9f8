/* SPDX-License-Identifier: ISC */
/* stacks/fault/fault_copy.c - see fault_copy.h. */
#include "fault_copy.h"

#include <string.h>

#include "rung/heap.h"

struct fault_copy {
    struct rung_frame frame;
    struct rung_platform *p;
    uint8_t bytes[];
};

static void copy_release(struct rung_frame *f)
{
    struct fault_copy *copy = rung_container_of(f, struct fault_copy, frame);
    rung_free(copy->p, copy);
}

uint32_t rung_fault_len(const struct rung_frame *f)
{
    uint32_t len = 0;
    for (; f; f = f->next)
        len += f->len;
    return len;
}

struct rung_frame *rung_fault_new(struct rung_platform *p, uint32_t len, uint32_t headroom)
{
    struct fault_copy *copy = rung_alloc(p, sizeof(*copy) + headroom + 3 + len);
    if (!copy)
        return NULL;
    while (((uintptr_t)copy->bytes + headroom) % 4 != 2) /* then the IP header is at one of 4 */
        headroom++;
    copy->frame = (struct rung_frame){.data = copy->bytes + headroom, .len = len,
                                      .release = copy_release};
    copy->p = p;
    return &copy->frame;
}

struct rung_frame *rung_fault_copy(struct rung_platform *p, const struct rung_frame *f,
                                   uint32_t headroom)
{
    uint32_t len = rung_fault_len(f);
    struct rung_frame *copy = rung_fault_new(p, len, headroom);
    if (!copy)
        return NULL;
    rung_fault_read(f, 0, copy->data, len);
    copy->flags = f->flags;
    copy->gso_size = f->gso_size;
    copy->gso_type = f->gso_type;
    copy->hdr_len = f->hdr_len;
    copy->csum_start = f->csum_start;
    copy->csum_offset = f->csum_offset;
    return copy;
}

void rung_fault_read(const struct rung_frame *f, uint32_t at, void *to, uint32_t len)
{
    uint8_t *out = to;
    for (; len > 0; f = f->next) {
        if (at >= f->len) {
            at -= f->len;
            continue;
        }
        uint32_t part = f->len - at < len ? f->len - at : len;
        memcpy(out, f->data + at, part);
        out += part;
        len -= part;
        at = 0;
    }
}

uint32_t rung_fault_sum(const struct rung_frame *f, uint32_t at, uint32_t sum)
{
    uint64_t wide = sum;
    bool odd = false;
    for (; f; f = f->next) {
        for (; at < f->len; at++, odd = !odd)
            wide += odd ? f->data[at] : (uint32_t)f->data[at] << 8;
        at -= f->len;
    }
    while (wide >> 16)
        wide = (wide & 0xffff) + (wide >> 16);
    return (uint32_t)wide;
}

static uint8_t *copy_byte(struct rung_frame *f, uint32_t at)
{
    for (; at >= f->len; f = f->next)
        at -= f->len;
    return f->data + at;
}

/* 0 is sent as 0xffff, which is the same sum: to UDP a 0 says that there is none. */
bool rung_fault_finish_sum(struct rung_frame *f)
{
    uint32_t len = rung_fault_len(f), place = (uint32_t)f->csum_start + f->csum_offset;
    if (!(f->flags & RUNG_FRAME_CSUM))
        return true;
    if (f->csum_start >= len || place + 2 > len)
        return false;
    uint32_t sum = ~rung_fault_sum(f, f->csum_start, 0) & 0xffff;
    if (!sum)
        sum = 0xffff;
    *copy_byte(f, place) = (uint8_t)(sum >> 8);
    *copy_byte(f, place + 1) = (uint8_t)sum;
    f->flags &= (uint16_t)~RUNG_FRAME_CSUM;
    f->csum_start = f->csum_offset = 0;
    return true;
}

void rung_fault_flip(struct rung_frame *f, uint64_t place)
{
    uint64_t bit = place % (8 * (uint64_t)rung_fault_len(f));
    *copy_byte(f, (uint32_t)(bit / 8)) ^= (uint8_t)(1u << bit % 8);
}
