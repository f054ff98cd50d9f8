/* SPDX-License-Identifier: ISC */
/* backends/xen/pvclock.h - the arithmetic of Xen's time records.
 * Model    A record says what time it was at one reading of the processor's clock (tsc), and how
 *          fast that clock runs.
 * Units    Nanoseconds; ticks of the processor.
 * Context  Any.
 * Errors   None. */
#ifndef RUNG_XEN_PVCLOCK_H
#define RUNG_XEN_PVCLOCK_H

#include "xen/bus/abi.h"

/* The time at a reading. One from before the record (another processor's, or one taken while the
 * record was made) is the record's own time. */
static inline uint64_t rung_xen_pvclock_ns(const struct vcpu_time_info *record, uint64_t tsc)
{
    uint64_t ticks = tsc - record->tsc_timestamp;
    int shift = record->tsc_shift;
    if ((int64_t)ticks < 0 || shift > 63 || shift < -63)
        return record->system_time;
    ticks = shift >= 0 ? ticks << shift : ticks >> -shift;
    return record->system_time
           + (uint64_t)((unsigned __int128)ticks * record->tsc_to_system_mul >> 32);
}

#endif
