/* SPDX-License-Identifier: ISC */
/* backends/xen/tool/frames.c - reads as much of DWARF's call frame information as it takes to say
 * where a function's return address is while it calls another (DWARF 5, 6.4). Compilers for x86-64
 * begin with the address at the stack pointer, and count in units that this takes for granted. */
#include "xen/tool/frames.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define RSP 7u
#define AT_ENTRY 8u /* bytes from the stack pointer to behind the return address */
#define REMEMBERED_MAX 16u
#define CALLS_MAX 4096u /* of one function */

struct cfa { /* "canonical frame address": behind the return address */
    uint64_t reg, offset;
};

struct rows { /* one function's way through its frame information */
    const uint8_t *at, *end;
    uint64_t pc, stop;
    struct cfa cfa, remembered[REMEMBERED_MAX];
    unsigned depth;
};

static uint64_t rows_bytes(struct rows *rows, unsigned n)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < n && rows->at < rows->end; i++)
        value |= (uint64_t)*rows->at++ << (8 * i);
    return value;
}

static uint64_t rows_number(struct rows *rows)
{
    uint64_t value = 0;
    for (unsigned shift = 0; rows->at < rows->end && shift < 64; shift += 7) {
        uint8_t byte = *rows->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            break;
    }
    return value;
}

/* One instruction that has an operation of its own byte. What is not known ends the walk with no
 * frame. */
static void rows_extended(struct rows *rows, uint8_t operation)
{
    switch (operation) {
    case 0x02: /* advance_loc1, 2 and 4 */
    case 0x03:
    case 0x04: rows->pc += rows_bytes(rows, 1u << (operation - 2)); break;
    case 0x05: /* offset_extended */
        rows_number(rows);
        rows_number(rows);
        break;
    case 0x06: /* restore_extended, undefined, same_value */
    case 0x07:
    case 0x08: rows_number(rows); break;
    case 0x0a: /* remember_state */
        if (rows->depth < REMEMBERED_MAX)
            rows->remembered[rows->depth++] = rows->cfa;
        break;
    case 0x0b: /* restore_state */
        if (rows->depth > 0)
            rows->cfa = rows->remembered[--rows->depth];
        break;
    case 0x0c: /* def_cfa, and its two halves */
        rows->cfa.reg = rows_number(rows);
        rows->cfa.offset = rows_number(rows);
        break;
    case 0x0d: rows->cfa.reg = rows_number(rows); break;
    case 0x0e: rows->cfa.offset = rows_number(rows); break;
    case 0x00: break; /* nop */
    default:
        rows->cfa.reg = UINT64_MAX;
        rows->at = rows->end;
    }
}

/* What holds at pc; to be asked for rising addresses. */
static struct cfa rows_at(struct rows *rows, uint64_t pc)
{
    while (rows->at < rows->end && rows->pc <= pc) {
        uint8_t byte = *rows->at++;
        if (byte >> 6 == 1) /* advance_loc */
            rows->pc += byte & 0x3f;
        else if (byte >> 6 == 2) /* offset */
            rows_number(rows);
        else if (byte >> 6 == 0)
            rows_extended(rows, byte);
    }
    return rows->cfa;
}

/* The description of the function that begins at an address: its length, the common part's place
 * (both of 4 bytes; what is no common part itself), the function's address and length, and rows. */
static bool rows_find(struct rows *rows, const struct frames_code *code, uint64_t address)
{
    const uint8_t *at = code->frames, *end = code->frames ? at + code->frames_len : NULL;
    while (end - at >= 24) {
        uint32_t len, common;
        uint64_t start, bytes;
        memcpy(&len, at, sizeof(len));
        memcpy(&common, at + 4, sizeof(common));
        memcpy(&start, at + 8, sizeof(start));
        memcpy(&bytes, at + 16, sizeof(bytes));
        if (len > (size_t)(end - at) - 4)
            return false; /* of 64 bits, or damaged */
        if (common != UINT32_MAX && len >= 20 && start == address) {
            *rows = (struct rows){.at = at + 24, .end = at + 4 + len, .pc = start,
                                  .stop = start + bytes, .cfa = {RSP, AT_ENTRY}};
            return true;
        }
        at += 4 + len;
    }
    return false;
}

static bool is_start(const struct rung_xen_name *names, size_t count, uint64_t place)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (names[middle].place < place)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && names[low].place == place;
}

/* Whether a call stands at a place, to a function, or through a register or memory. What only looks
 * like one does no harm. */
static bool is_call(const struct frames_code *code, const struct rung_xen_name *names, size_t count,
                    uint64_t place)
{
    const uint8_t *p = code->code + place;
    int32_t distance;
    if (place + 7 > code->code_len)
        return false;
    memcpy(&distance, p + 1, sizeof(distance));
    if (p[0] == 0xe8)
        return is_start(names, count, place + 5 + (uint64_t)(int64_t)distance);
    return p[0] == 0xff && (p[1] & 0x38) == 0x10;
}

struct calls {
    struct {
        uint64_t place, frame;
    } at[CALLS_MAX];
    unsigned count;
    uint64_t usual, most; /* the frame of most of them; the largest of all places */
};

static void calls_find(struct calls *calls, const struct frames_code *code,
                       const struct rung_xen_name *names, size_t count, struct rows *rows)
{
    unsigned times = 0;
    calls->count = 0;
    calls->usual = calls->most = 0;
    for (uint64_t pc = rows->pc; pc < rows->stop; pc++) {
        struct cfa cfa = rows_at(rows, pc);
        uint64_t frame = cfa.reg == RSP ? cfa.offset : 0;
        if (frame > calls->most)
            calls->most = frame;
        if (calls->count == CALLS_MAX || !is_call(code, names, count, pc - code->address))
            continue;
        calls->at[calls->count].place = pc - code->address;
        calls->at[calls->count++].frame = frame;
    }
    for (unsigned i = 0; i < calls->count; i++) {
        unsigned same = 0;
        for (unsigned k = 0; k < calls->count; k++)
            same += calls->at[k].frame == calls->at[i].frame;
        if (same > times) {
            times = same;
            calls->usual = calls->at[i].frame;
        }
    }
    if (calls->count == 0)
        calls->usual = calls->most;
}

/* Appends the function, and an entry for each call with another frame than the one before. */
static size_t calls_write(const struct calls *calls, struct rung_xen_name *out, size_t n,
                          size_t room)
{
    uint64_t frame = calls->usual;
    out[n++].frame = frame;
    for (unsigned i = 0; i < calls->count && n < room; i++)
        if (calls->at[i].frame != frame) {
            frame = calls->at[i].frame;
            out[n++] = (struct rung_xen_name){.place = calls->at[i].place, .frame = frame};
        }
    return n;
}

struct rung_xen_name *frames_find(const struct frames_code *code, const struct rung_xen_name *names,
                                  size_t *count)
{
    size_t n = 0, room = 8 * *count + CALLS_MAX;
    struct rung_xen_name *out = calloc(room, sizeof(*out));
    struct calls *calls = malloc(sizeof(*calls));
    for (size_t i = 0; out && calls && i < *count && n < room; i++) {
        struct rows rows;
        out[n] = names[i];
        if (!rows_find(&rows, code, code->address + names[i].place)) {
            out[n++].frame = 0;
            continue;
        }
        calls_find(calls, code, names, *count, &rows);
        n = calls_write(calls, out, n, room);
    }
    if (!calls) {
        free(out);
        out = NULL;
    }
    free(calls);
    *count = n;
    return out;
}
