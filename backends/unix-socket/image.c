/* SPDX-License-Identifier: ISC */
/* backends/unix-socket/image.c - finds the read-only segments of the program's file. */
#include "image.h"

#include <fcntl.h>
#include <link.h>
#include <unistd.h>

/* The first object that the loader names is the program itself. */
static int image_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct rung_image *image = arg;
    (void)size;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type != PT_LOAD || (ph->p_flags & PF_W) != 0
            || image->count == RUNG_ARRAY_LEN(image->range))
            continue;
        struct rung_image_range *range = &image->range[image->count++];
        range->start = (uintptr_t)(info->dlpi_addr + ph->p_vaddr);
        range->end = range->start + ph->p_filesz;
        range->offset = (off_t)ph->p_offset;
    }
    return 1;
}

void rung_image_open(struct rung_image *image)
{
    *image = (struct rung_image){.fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
    if (image->fd >= 0)
        dl_iterate_phdr(image_object, image);
}

void rung_image_close(struct rung_image *image)
{
    if (image->fd >= 0)
        close(image->fd);
    *image = (struct rung_image){.fd = -1};
}

bool rung_image_find(const struct rung_image *image, const void *data, size_t len, off_t *offset)
{
    uintptr_t at = (uintptr_t)data;
    for (unsigned i = 0; i < image->count; i++) {
        const struct rung_image_range *range = &image->range[i];
        if (at >= range->start && at < range->end && len <= range->end - at) {
            *offset = range->offset + (off_t)(at - range->start);
            return true;
        }
    }
    return false;
}
