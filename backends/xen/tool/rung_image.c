/* SPDX-License-Identifier: ISC */
/* backends/xen/tool/rung_image.c - from the ELF file that the linker makes to the one that Xen
 * boots: `rung-image IN OUT`. OUT holds the segments and nothing else, close together and without
 * the zeros at their ends; and behind them, as one more segment, the names and frames of all
 * functions for backtraces, in the form that ../boot/names.h describes. Runs on the build
 * machine. */
#include <elf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xen/tool/frames.h"
#include "xen/tool/pack.h"

#define ALIGN 16u        /* of contents in the file; what it is in memory, the addresses say */
#define SEGMENTS_MAX 16u

struct image {
    const char *path;
    uint8_t *bytes;
    size_t len;
    const Elf64_Ehdr *head;
    const Elf64_Phdr *segments;
    struct rung_xen_name *names; /* of functions */
    size_t name_count;
    uint8_t *table; /* the same as they go into the image */
    size_t table_len;
};

static _Noreturn void fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "rung-image: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    exit(1);
}

static void *must(void *memory)
{
    if (!memory)
        fail("out of memory");
    return memory;
}

static void read_all(struct image *image)
{
    FILE *file = fopen(image->path, "rb");
    long len;
    if (!file || fseek(file, 0, SEEK_END) || (len = ftell(file)) < 0 || fseek(file, 0, SEEK_SET))
        fail("%s cannot be read", image->path);
    image->len = (size_t)len;
    image->bytes = must(malloc(image->len + 1));
    if (fread(image->bytes, 1, image->len, file) != image->len)
        fail("%s cannot be read to its end", image->path);
    fclose(file);
}

/* count things of size at offset, all inside the file. */
static void *part(const struct image *image, uint64_t offset, uint64_t count, uint64_t size)
{
    if (offset > image->len || (count && size > (image->len - offset) / count))
        fail("%s is damaged: a part of it lies beyond its end", image->path);
    return image->bytes + offset;
}

static void check(struct image *image)
{
    const Elf64_Ehdr *head = part(image, 0, 1, sizeof(*head));
    if (memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 || head->e_ident[EI_CLASS] != ELFCLASS64
        || head->e_machine != EM_X86_64 || head->e_type != ET_EXEC)
        fail("%s is no statically linked program for x86-64", image->path);
    if (head->e_phnum == 0 || head->e_phnum >= SEGMENTS_MAX)
        fail("%s has %u segments", image->path, (unsigned)head->e_phnum);
    image->head = head;
    image->segments = part(image, head->e_phoff, head->e_phnum, sizeof(Elf64_Phdr));
}

static const Elf64_Shdr *section(const struct image *image, uint32_t type)
{
    const Elf64_Shdr *all = part(image, image->head->e_shoff, image->head->e_shnum, sizeof(*all));
    for (unsigned i = 0; i < image->head->e_shnum; i++)
        if (all[i].sh_type == type)
            return &all[i];
    fail("%s has no symbols: give the file before it is stripped", image->path);
}

static bool is_code(const struct image *image, const Elf64_Sym *symbol)
{
    for (unsigned i = 0; i < image->head->e_phnum; i++) {
        const Elf64_Phdr *segment = &image->segments[i];
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X)
            && symbol->st_value - segment->p_vaddr < segment->p_memsz)
            return ELF64_ST_TYPE(symbol->st_info) == STT_FUNC;
    }
    return false;
}

static int by_place(const void *a, const void *b)
{
    const struct rung_xen_name *x = a, *y = b;
    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    return strcmp(x->text, y->text);
}

/* The functions, by address; of several names for one the first by the alphabet. What the compiler
 * has put behind a name (".part.0") says nothing to a reader. */
static void collect(struct image *image, uint64_t code)
{
    const Elf64_Shdr *symtab = section(image, SHT_SYMTAB);
    const Elf64_Shdr *sections = part(image, image->head->e_shoff, image->head->e_shnum,
                                      sizeof(*sections));
    if (symtab->sh_link >= image->head->e_shnum)
        fail("%s is damaged: its symbols have no names", image->path);
    const Elf64_Shdr *strtab = &sections[symtab->sh_link];
    const Elf64_Sym *symbols = part(image, symtab->sh_offset, 1, symtab->sh_size);
    const char *names = part(image, strtab->sh_offset, 1, strtab->sh_size);
    size_t count = symtab->sh_size / sizeof(*symbols), kept = 0;
    image->names = must(calloc(count + 1, sizeof(*image->names)));
    for (size_t i = 0; i < count; i++) {
        if (!is_code(image, &symbols[i]) || symbols[i].st_name >= strtab->sh_size)
            continue;
        const char *name = names + symbols[i].st_name;
        size_t len = strnlen(name, strtab->sh_size - symbols[i].st_name);
        const char *dot = memchr(name, '.', len);
        if (dot)
            len = (size_t)(dot - name);
        if (len >= RUNG_XEN_NAME)
            len = RUNG_XEN_NAME - 1;
        memcpy(image->names[kept].text, name, len);
        image->names[kept++].place = symbols[i].st_value - code;
    }
    qsort(image->names, kept, sizeof(*image->names), by_place);
    for (size_t i = 0; i < kept; i++)
        if (i == 0 || image->names[i].place != image->names[i - 1].place)
            image->names[image->name_count++] = image->names[i];
}

/* Adds to the names what is known of their frames. */
static void add_frames(struct image *image, uint64_t address)
{
    const Elf64_Ehdr *head = image->head;
    const Elf64_Shdr *sections = part(image, head->e_shoff, head->e_shnum, sizeof(*sections));
    struct frames_code code = {.address = address};
    if (head->e_shstrndx >= head->e_shnum)
        fail("%s is damaged: its sections have no names", image->path);
    const Elf64_Shdr *names = &sections[head->e_shstrndx];
    const char *text = part(image, names->sh_offset, 1, names->sh_size);
    for (unsigned i = 0; i < head->e_shnum; i++) {
        if (sections[i].sh_name < names->sh_size
            && strncmp(text + sections[i].sh_name, ".debug_frame",
                       names->sh_size - sections[i].sh_name) == 0) {
            code.frames = part(image, sections[i].sh_offset, 1, sections[i].sh_size);
            code.frames_len = sections[i].sh_size;
        } else if (sections[i].sh_type == SHT_PROGBITS && sections[i].sh_addr == address) {
            code.code = part(image, sections[i].sh_offset, 1, sections[i].sh_size);
            code.code_len = sections[i].sh_size;
        }
    }
    struct rung_xen_name *with = must(frames_find(&code, image->names, &image->name_count));
    free(image->names);
    image->names = with;
}

static const Elf64_Sym *find(const struct image *image, const char *name)
{
    const Elf64_Shdr *symtab = section(image, SHT_SYMTAB);
    const Elf64_Shdr *sections = part(image, image->head->e_shoff, image->head->e_shnum,
                                      sizeof(*sections));
    const Elf64_Shdr *strtab = &sections[symtab->sh_link];
    const Elf64_Sym *symbols = part(image, symtab->sh_offset, 1, symtab->sh_size);
    const char *names = part(image, strtab->sh_offset, 1, strtab->sh_size);
    for (size_t i = 0; i < symtab->sh_size / sizeof(*symbols); i++)
        if (symbols[i].st_name < strtab->sh_size
            && strncmp(names + symbols[i].st_name, name, strtab->sh_size - symbols[i].st_name) == 0)
            return &symbols[i];
    fail("%s has no symbol '%s': it is no image of this kernel", image->path, name);
}

/* Tells the image how long the table behind it is. */
static void set_size(struct image *image)
{
    uint64_t address = find(image, "rung_xen_symbols_size")->st_value;
    for (unsigned i = 0; i < image->head->e_phnum; i++) {
        const Elf64_Phdr *segment = &image->segments[i];
        if (segment->p_type != PT_LOAD || address - segment->p_vaddr >= segment->p_filesz)
            continue;
        uint32_t size = (uint32_t)image->table_len;
        uint64_t offset = segment->p_offset + (address - segment->p_vaddr);
        memcpy(part(image, offset, 1, sizeof(size)), &size, sizeof(size));
        return;
    }
    fail("%s: 'rung_xen_symbols_size' is not in the file", image->path);
}

static void put(FILE *file, uint64_t offset, const void *bytes, size_t len)
{
    if (fseek(file, (long)offset, SEEK_SET) || fwrite(bytes, 1, len, file) != len)
        fail("the image cannot be written: is the disk full?");
}

static void write_image(struct image *image, FILE *file, uint64_t table_address)
{
    Elf64_Ehdr head = *image->head;
    Elf64_Phdr out[SEGMENTS_MAX] = {{0}};
    unsigned count = 0;
    uint64_t offset = sizeof(head) + (image->head->e_phnum + 1u) * sizeof(out[0]);
    for (unsigned i = 0; i < image->head->e_phnum; i++) {
        Elf64_Phdr segment = image->segments[i];
        const uint8_t *bytes = part(image, segment.p_offset, 1, segment.p_filesz);
        if (segment.p_type != PT_LOAD && segment.p_type != PT_NOTE)
            continue;
        while (segment.p_type == PT_LOAD && segment.p_filesz && !bytes[segment.p_filesz - 1])
            segment.p_filesz--;
        offset = (offset + ALIGN - 1) / ALIGN * ALIGN;
        put(file, offset, bytes, segment.p_filesz);
        segment.p_offset = offset;
        segment.p_align = segment.p_type == PT_NOTE ? 4 : ALIGN;
        offset += segment.p_filesz;
        out[count++] = segment;
    }
    offset = (offset + ALIGN - 1) / ALIGN * ALIGN;
    put(file, offset, image->table, image->table_len);
    out[count++] = (Elf64_Phdr){
        .p_type = PT_LOAD, .p_flags = PF_R, .p_offset = offset, .p_vaddr = table_address,
        .p_paddr = table_address - (image->segments[0].p_vaddr - image->segments[0].p_paddr),
        .p_filesz = image->table_len, .p_memsz = image->table_len, .p_align = ALIGN};
    head.e_phoff = sizeof(head);
    head.e_phnum = (Elf64_Half)count;
    head.e_shoff = 0;
    head.e_shnum = head.e_shstrndx = head.e_shentsize = 0;
    put(file, 0, &head, sizeof(head));
    put(file, sizeof(head), out, count * sizeof(out[0]));
}

int main(int argc, char **argv)
{
    if (argc != 3)
        fail("usage: rung-image LINKED IMAGE");
    struct image image = {.path = argv[1]};
    read_all(&image);
    check(&image);
    uint64_t code = find(&image, "rung_xen_code")->st_value;
    collect(&image, code);
    add_frames(&image, code);
    image.table = must(pack_names(image.names, image.name_count, &image.table_len));
    set_size(&image);
    FILE *file = fopen(argv[2], "wb");
    if (!file)
        fail("%s cannot be written", argv[2]);
    write_image(&image, file, find(&image, "rung_xen_image_end")->st_value);
    if (fclose(file))
        fail("%s cannot be written: is the disk full?", argv[2]);
    free(image.table);
    free(image.names);
    free(image.bytes);
    return 0;
}
