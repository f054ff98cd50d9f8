/* SPDX-License-Identifier: ISC */
/* backends/xen/libc/thread.c - the one thread, for those of musl's files that ask it for its
 * locale. Compiled as they are, for it fills in a structure of theirs. */
#include "locale_impl.h"

struct __pthread rung_xen_libc_thread = {.locale = C_LOCALE};
