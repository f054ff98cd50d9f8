# SPDX-License-Identifier: ISC
"""Finds things in the unpacked packages: programs with their libraries, kernel modules."""

import glob
import gzip
import lzma
import os
import re

from .common import LabError
from .elf import Elf, trimmed, vmlinux_of

LOADER = "/lib64/ld-linux-x86-64.so.2"


def read(path):
    with open(path, "rb") as file:
        return file.read()


class Tree:
    def __init__(self, root):
        self.root = root

    def find(self, *patterns):
        """The last, which is the newest, of the files that match the first pattern that has any."""
        for pattern in patterns:
            found = sorted(glob.glob(os.path.join(self.root, pattern)))
            if found:
                return found[-1]
        raise LabError(f"the packages have no {patterns[0]}: `test/xen/lab fetch` fetches new ones")

    def busybox(self):
        return self.find("bin/busybox", "usr/bin/busybox")

    def xen(self):
        return gzip.decompress(read(self.find("boot/xen-*.gz")))

    def linux(self):
        """The kernel: unpacked and trimmed if possible, which starts in half the time."""
        image = read(self.find("boot/vmlinuz-*"))
        plain = vmlinux_of(image)
        return trimmed(plain) if plain else image

    def modules(self, *wanted):
        """These kernel modules and what they depend on, in loading order, as {name: bytes}.

        One that is part of the kernel itself is passed over.
        """
        loaded = {}

        def load(name):
            name = name.replace("-", "_")
            if name in loaded or name in built_in:
                return
            if name not in files:
                raise LabError(f"the packages have no kernel module {name}")
            data = read(files[name])
            if files[name].endswith(".xz"):
                data = lzma.decompress(data)
            depends = re.search(rb"\0depends=([^\0]*)\0", data)
            for other in (depends[1].decode().split(",") if depends else []):
                if other:
                    load(other)
            loaded[name] = data

        def name_of(path):
            return os.path.basename(path).split(".ko")[0].replace("-", "_")

        folder = os.path.dirname(self.find("lib/modules/*/kernel", "usr/lib/modules/*/kernel"))
        files = {name_of(path): path
                 for path in glob.glob(folder + "/kernel/**/*.ko*", recursive=True)}
        built_in = {name_of(path)
                    for path in read(folder + "/modules.builtin").decode().split()}
        for name in wanted:
            load(name)
        return loaded

    def add_program(self, cpio, path, source):
        """A program for an archive, with the libraries it needs and their loader."""
        data = read(source)
        cpio.file(path, data, 0o755)
        self.add_libraries(cpio, data)

    def add_libraries(self, cpio, data):
        for name in Elf(data).needed():
            if name.startswith("ld-linux"):
                continue
            path = "/lib/x86_64-linux-gnu/" + name
            if path not in cpio.known:
                cpio.known.add(path)
                source = self.find("lib/x86_64-linux-gnu/" + name,
                                   "usr/lib/x86_64-linux-gnu/" + name,
                                   "usr/lib/xen-*/lib/x86_64-linux-gnu/" + name)
                library = read(source)
                cpio.file(path, library, 0o755)
                self.add_libraries(cpio, library)
        if LOADER not in cpio.known:
            cpio.known.add(LOADER)
            cpio.copy(LOADER, self.find("lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
                                        "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"), 0o755)

    def add_busybox(self, cpio):
        """busybox, under each of its names."""
        data = read(self.busybox())
        cpio.file("/bin/busybox", data, 0o755)
        for name in applets(data):
            cpio.link("/bin/" + name, "busybox")


def applets(data):
    """The commands that a busybox has: its list of names, which begins with [ and [[."""
    found = re.search(rb"\0(\[\0\[\[\0(?:[a-z][a-z0-9_.+-]*\0)+)", data)
    if not found:
        raise LabError("this busybox names no commands")
    return [name.decode() for name in found[1].split(b"\0") if name and name != b"busybox"]
