/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/layout.h - where things are, for C, for the assembler and for the linker
 * script. Guest-physical memory is mapped at one offset, so that page zero and everything low is
 * unmapped, the small code model holds, and a fault's address tells a kernel address from a stray
 * number. */
#ifndef RUNG_XEN_LAYOUT_H
#define RUNG_XEN_LAYOUT_H

#define XEN_OFFSET 0x40000000 /* virtual = guest-physical + this: an entry of the third level */
#define XEN_LOAD 0x100000     /* guest-physical address of the image */

#define XEN_PAGE_SIZE 4096
#define XEN_STACK_SIZE 65536
#define XEN_FAULT_STACK_SIZE 8192 /* exceptions have their own: the first may be out of room */

#define XEN_CODE_SELECTOR 0x08
#define XEN_DATA_SELECTOR 0x10
#define XEN_TASK_SELECTOR 0x18

#endif
