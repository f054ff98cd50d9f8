# SPDX-License-Identifier: ISC
"""Counts the instructions that the emulated machine executes: QEMU with a plugin (count/count.c).

Guest code is known by its addresses, where they are nobody else's, or by the processor that only
guests run on (Lab(cpus=2)), which is how Linux can be counted.
"""

import os
import struct
import subprocess

from .common import FOLDER, HERE, LabError, digest, locked
from .elf import Elf
from .tree import read

SOURCE = os.path.join(HERE, "count", "count.c")
NAMES = ("own", "total", "guest_cpu", "guest_cpu_xen")


def plugin():
    """The plugin, compiled if need be."""
    path = os.path.join(FOLDER, f"count-{digest(('file', SOURCE))}.so")
    with locked("count"):
        if not os.path.exists(path):
            words = [os.environ.get("CC", "cc"), "-O2", "-Wall", "-Wextra", "-shared", "-fPIC",
                     "-o", path + ".part", SOURCE]
            done = subprocess.run(words, stderr=subprocess.PIPE, encoding="utf-8", check=False)
            if done.returncode != 0:
                raise LabError(f"the counting plugin cannot be compiled: {done.stderr}")
            os.rename(path + ".part", path)
    return path


class Counts:
    """own: instructions in the range; total: all of the machine's. With two processors also
    guest_cpu: what the guests' one has executed outside of Xen, and guest_cpu_xen: inside."""

    def __init__(self, count, cpus):
        self.low, self.high = count if isinstance(count, tuple) else Elf(read(count)).executable()
        self.cpus = cpus
        self.file = os.memfd_create("counts")
        os.truncate(self.file, 4096)

    def words(self):
        guest_cpu = f",cpu={self.cpus - 1}" if self.cpus > 1 else ""
        return ["-plugin", f"{plugin()},low={self.low:#x},high={self.high:#x},"
                f"out=/proc/self/fd/{self.file}{guest_cpu}"]

    def descriptors(self):
        return [self.file]

    def now(self):
        """The counts so far, as {name: count}."""
        return dict(zip(NAMES, struct.unpack("<4Q", os.pread(self.file, 32, 0))))
