# SPDX-License-Identifier: ISC
"""What the lab must know of ELF files and of the kernel's own format around one."""

import lzma
import struct

PT_LOAD, PT_DYNAMIC, PT_NOTE = 1, 2, 4
DT_NEEDED, DT_STRTAB = 1, 5


class Elf:
    """The program headers of a 64-bit little-endian file."""

    FORMAT = "<IIQQQQQQ"  # type flags offset vaddr paddr filesz memsz align

    def __init__(self, data):
        self.data = data
        if data[:6] != b"\x7fELF\x02\x01":
            raise ValueError("not a 64-bit ELF file")
        at, = struct.unpack_from("<Q", data, 32)
        size, count = struct.unpack_from("<HH", data, 54)
        self.headers = [list(struct.unpack_from(self.FORMAT, data, at + size * n))
                        for n in range(count)]

    def offset(self, address):
        for kind, _, offset, start, _, filesz, _, _ in self.headers:
            if kind == PT_LOAD and start <= address < start + filesz:
                return address - start + offset
        raise ValueError(f"{address:#x} is not in the file")

    def executable(self):
        """The lowest and highest address of the code, as (low, high)."""
        code = [(h[3], h[3] + h[6]) for h in self.headers if h[0] == PT_LOAD and h[1] & 1]
        return min(low for low, _ in code), max(high for _, high in code)

    def needed(self):
        """The libraries that a program or library is linked with."""
        names, strings = [], None
        for kind, _, offset, _, _, filesz, _, _ in self.headers:
            if kind == PT_DYNAMIC:
                for tag, value in struct.iter_unpack("<qQ", self.data[offset:offset + filesz]):
                    if tag == DT_NEEDED:
                        names.append(value)
                    elif tag == DT_STRTAB:
                        strings = self.offset(value)
        if strings is None:
            return []
        ends = [self.data.index(b"\0", strings + name) for name in names]
        return [self.data[strings + name:end].decode() for name, end in zip(names, ends)]


def vmlinux_of(image):
    """The ELF file inside a vmlinuz, or None if it is packed in a way unknown here."""
    at = image.find(b"\xfd7zXZ\0")
    while at >= 0:
        try:
            data = lzma.LZMADecompressor().decompress(image[at:])
            if data[:4] == b"\x7fELF":
                return data
        except lzma.LZMAError:
            pass
        at = image.find(b"\xfd7zXZ\0", at + 1)
    return None


def trimmed(data):
    """A vmlinux without what is not loaded, and without zeros at the ends of its segments.

    Copying the kernel to its place is most of the time that an emulated boot takes.
    """
    elf = Elf(data)
    out = bytearray(64 + 56 * len(elf.headers))
    moved = []
    for header in elf.headers:
        if header[0] == PT_LOAD:
            segment = data[header[2]:header[2] + header[5]].rstrip(b"\0")
            segment += b"\0" * min(-len(segment) % 16, header[5] - len(segment))
            out += b"\0" * (-len(out) % 4096)
            moved.append((header[2], header[5], len(out)))
            header[2], header[5] = len(out), len(segment)
            out += segment
    for header in elf.headers:
        if header[0] == PT_NOTE:
            for start, size, new in moved:
                if start <= header[2] < start + size:
                    header[2] += new - start
                    break
    out[:64] = data[:64]
    struct.pack_into("<QQ", out, 32, 64, 0)
    struct.pack_into("<HHH", out, 58, 0, 0, 0)
    for n, header in enumerate(elf.headers):
        struct.pack_into(Elf.FORMAT, out, 64 + 56 * n, *header)
    return bytes(out)
