/* SPDX-License-Identifier: ISC */
/* backends/xen/main.c - where a program begins and ends in a Xen domain. */
#include <string.h>

#include "rung/program.h"
#include "xen/args.h"
#include "xen/boot/image.h"
#include "xen/boot/machine.h"
#include "xen/boot/paging.h"
#include "xen/boot/trap.h"
#include "xen/bus/abi.h"
#include "xen/ground.h"
#include "xen/hypercall.h"
#include "xen/libc/libc.h"
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/sched.h>
#include <xen/version.h>

#define MAIN_XEN_MAJOR 4 /* the oldest that this is tested on */
#define MAIN_XEN_MINOR 17
#define MAIN_PAGES_LEAST 256u /* what no program can do without; most need more, and say so */

struct rung_xen_ground rung_xen_ground;

static enum rung_err main_refuse(struct rung_xen_ground *g, const char *why)
{
    rung_log(&g->base, RUNG_LOG_ERROR, "xen", "%s", why);
    return RUNG_E_NOTSUP;
}

/* From here on there is memory, a console, and somebody to talk to. */
static enum rung_err main_find_machine(struct rung_xen_ground *g, const struct hvm_start_info *info)
{
    if (!rung_xen_machine_init())
        return main_refuse(g, "there is no Xen here: this image boots as a PVH guest of Xen");
    if (info->magic != XEN_HVM_START_MAGIC_VALUE)
        return main_refuse(g, "no start information: boot this image with type=\"pvh\"");
    enum rung_err err = rung_xen_memory_init(g, info);
    if (err)
        return err;
    rung_xen_console_init(g);
    long version = rung_xen_version(XENVER_version, NULL);
    if (version < (MAIN_XEN_MAJOR << 16 | MAIN_XEN_MINOR)) {
        rung_log(&g->base, RUNG_LOG_ERROR, "xen", "this is Xen %ld.%ld: %d.%d or newer is needed",
                 version >> 16, version & 0xffff, MAIN_XEN_MAJOR, MAIN_XEN_MINOR);
        return RUNG_E_NOTSUP;
    }
    if (g->memory_withheld)
        rung_log(&g->base, RUNG_LOG_INFO, "xen",
                 "%llu KiB of memory free, and %llu KiB in the map but not given",
                 (unsigned long long)g->ram.free * XEN_PAGE_SIZE >> 10,
                 (unsigned long long)g->memory_withheld >> 10);
    if (g->ram.free < MAIN_PAGES_LEAST) {
        rung_log(&g->base, RUNG_LOG_ERROR, "xen",
                 "too little memory: %llu KiB beside the image; give the domain more",
                 (unsigned long long)g->ram.free * XEN_PAGE_SIZE >> 10);
        return RUNG_E_NOMEM;
    }
    return RUNG_OK;
}

static enum rung_err main_join_xen(struct rung_xen_ground *g)
{
    enum rung_err err = rung_xen_shared_map(g);
    if (err)
        return err;
    rung_xen_clock_init(g);
    g->xen.p = &g->base;
    rung_xen_events_init(&g->xen, g->shared);
    err = rung_xen_grants_init(&g->xen, g->ram.words * 64);
    if (!err)
        err = rung_xen_store_connect(g, false);
    if (!err)
        rung_xen_control_init(g);
    return err;
}

static enum rung_err main_read_words(struct rung_xen_ground *g, const struct hvm_start_info *info)
{
    char *line = xen_virtual(info->cmdline_paddr);
    int count = info->cmdline_paddr ? rung_xen_args_count(line) : 0;
    if (count < 0)
        return main_refuse(g, "the command line has a quote that is not closed: look at extra=");
    if (count == 0)
        return RUNG_OK;
    size_t pages = ((size_t)count * sizeof(char *) + XEN_PAGE_SIZE - 1) / XEN_PAGE_SIZE;
    const char **words = rung_xen_pages_get(&g->base, pages);
    if (!words)
        return main_refuse(g, "no memory for the words of the command line");
    rung_xen_args_split(line, words);
    g->base.args = words;
    g->base.arg_count = (size_t)count;
    const char *entropy = rung_xen_args_take(words, &g->base.arg_count, "xen.entropy");
    if (entropy && strcmp(entropy, "jitter") != 0)
        return main_refuse(g, "xen.entropy=... has the one value 'jitter', to do without "
                              "the processor's random numbers");
    g->jitter = entropy != NULL;
    return RUNG_OK;
}

/* How a status ends the domain: as power-off, for a crash would be restarted or kept by most
 * settings, and an operator's typing error should not. */
static _Noreturn void main_end(struct rung_xen_ground *g, int status)
{
    if (rung_xen_libc_flush)
        rung_xen_libc_flush();
    if (status)
        rung_log(&g->base, RUNG_LOG_ERROR, "xen", "the program has ended with status %d", status);
    rung_xen_console_flush();
    rung_xen_machine_end(g->end_reason);
}

void rung_xen_start(uint32_t start_info)
{
    struct rung_xen_ground *g = &rung_xen_ground;
    struct hvm_start_info info = {0}; /* a copy: where it stands becomes free memory */
    if (start_info && start_info < XEN_OFFSET)
        info = *(const struct hvm_start_info *)xen_virtual(start_info);
    g->end_reason = SHUTDOWN_poweroff;
    rung_platform_init(&g->base, rung_xen_log_line);
    rung_xen_trap_init();
    enum rung_err err = main_find_machine(g, &info);
    if (!err)
        err = main_read_words(g, &info);
    if (!err)
        err = main_join_xen(g);
    if (!err)
        err = rung_xen_entropy_start(&g->entropy, &g->base, &rung_xen_cpu_here, g->jitter);
    if (err)
        main_end(g, 0); /* it has been said why */
    rung_xen_paging_seal();
    main_end(g, rung_program(&g->base));
}
