/* SPDX-License-Identifier: ISC */
/* test/xen/count/count.c - a plugin for QEMU's emulator that counts instructions.
 * low=, high=   the range of addresses that is counted apart, instruction by instruction
 * out=          a file that the counts are kept in, to be read at any time: four numbers of 64
 * bits,
 *               in the order of enum count; the harness is xenlab/counting.py
 * cpu=          the processor that is counted apart; with it, the total is left out
 * where=        a file with a number of 64 bits for each address of the range: how often the
 *               instruction there was executed
 *
 * Blocks of code, which is what QEMU runs, are counted as a whole: one that an exception leaves
 * early counts too much. The range is exact.
 *
 * QEMU's header for plugins is GPL and comes with its source only. What we use of the interface
 * (version 1, QEMU 4.2 to 8.2) is declared here. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info_t;

typedef void (*translate_cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*execute_cb)(unsigned cpu, void *arg);

enum { ADD_U64 = 0, NO_REGISTERS = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translate_cb cb);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t n);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int op, void *ptr,
                                                uint64_t value);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op, void *ptr,
                                              uint64_t value);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, execute_cb cb, int registers,
                                          void *arg);

#define EXPORTED __attribute__((visibility("default")))
EXPORTED int qemu_plugin_version = 1;
EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc,
                                 char **argv);

/* Where Xen is in the address space of each processor. */
#define XEN_LOW 0xffff800000000000u
#define XEN_HIGH 0xffff880000000000u

enum count { OWN, TOTAL, GUEST_CPU, GUEST_CPU_XEN, COUNTS };

/* QEMU hands a plugin's callbacks no argument at translation. */
static struct {
    uint64_t low, high;
    uint64_t *count;
    uint64_t *where; /* NULL: not asked for */
    long cpu;        /* -1: none */
} state = {.cpu = -1};

/* arg is the number of instructions, and in its lowest bit whether they are Xen's. */
static void executed(unsigned cpu, void *arg)
{
    uintptr_t what = (uintptr_t)arg;
    if ((long)cpu == state.cpu)
        state.count[what & 1 ? GUEST_CPU_XEN : GUEST_CPU] += what >> 1;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    size_t n = qemu_plugin_tb_n_insns(tb);
    uint64_t start = qemu_plugin_tb_vaddr(tb);
    for (size_t k = 0; k < n; k++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, k);
        uint64_t at = qemu_plugin_insn_vaddr(insn);
        if (at < state.low || at >= state.high)
            continue;
        qemu_plugin_register_vcpu_insn_exec_inline(insn, ADD_U64, &state.count[OWN], 1);
        if (state.where)
            qemu_plugin_register_vcpu_insn_exec_inline(insn, ADD_U64,
                                                       &state.where[at - state.low], 1);
    }
    if (state.cpu < 0) {
        qemu_plugin_register_vcpu_tb_exec_inline(tb, ADD_U64, &state.count[TOTAL], n);
    } else {
        uintptr_t what = n << 1 | (start >= XEN_LOW && start < XEN_HIGH);
        qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, NO_REGISTERS, (void *)what);
    }
}

/* The value of an argument, if it is this one. */
static const char *value_of(const char *arg, const char *name)
{
    size_t n = strlen(name);
    return strncmp(arg, name, n) == 0 && arg[n] == '=' ? arg + n + 1 : NULL;
}

static uint64_t *map(const char *path, size_t count)
{
    int fd = open(path, O_RDWR);
    if (fd < 0)
        return NULL;
    void *at = mmap(NULL, count * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return at == MAP_FAILED ? NULL : at;
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    const char *where = NULL;
    for (int k = 0; k < argc; k++) {
        const char *value;
        if ((value = value_of(argv[k], "low")))
            state.low = strtoull(value, NULL, 0);
        else if ((value = value_of(argv[k], "high")))
            state.high = strtoull(value, NULL, 0);
        else if ((value = value_of(argv[k], "cpu")))
            state.cpu = strtol(value, NULL, 0);
        else if ((value = value_of(argv[k], "out")))
            state.count = map(value, COUNTS);
        else if ((value = value_of(argv[k], "where")))
            where = value;
    }
    if (where)
        state.where = map(where, (size_t)(state.high - state.low));
    if (!state.count || (where && !state.where))
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
