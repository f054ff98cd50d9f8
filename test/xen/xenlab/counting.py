# SPDX-License-Identifier: ISC
"""Counts the instructions that the emulated machine executes: QEMU with a plugin (count/count.c).

Guest code is known by its addresses, where they are nobody else's, or by the processor that only
guests run on (Lab(cpus=2)), which is how Linux can be counted.
"""

import array
import bisect
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
    guest_cpu: what the guests' one has executed outside of Xen, and guest_cpu_xen: inside.
    where: count by address as well, see places()."""

    def __init__(self, count, cpus, where=False):
        self.low, self.high = count if isinstance(count, tuple) else Elf(read(count)).executable()
        self.cpus = cpus
        self.file = os.memfd_create("counts")
        os.truncate(self.file, 4096)
        self.where = os.memfd_create("where") if where else None
        if where:
            os.truncate(self.where, 8 * (self.high - self.low))

    def words(self):
        guest_cpu = f",cpu={self.cpus - 1}" if self.cpus > 1 else ""
        where = f",where=/proc/self/fd/{self.where}" if self.where else ""
        return ["-plugin", f"{plugin()},low={self.low:#x},high={self.high:#x},"
                f"out=/proc/self/fd/{self.file}{guest_cpu}{where}"]

    def descriptors(self):
        return [self.file] + ([self.where] if self.where else [])

    def now(self):
        """The counts so far, as {name: count}."""
        return dict(zip(NAMES, struct.unpack("<4Q", os.pread(self.file, 32, 0))))

    def places(self):
        """With where: how often the instruction at each address of the range was executed so far."""
        size = 8 * (self.high - self.low)
        return array.array("Q", os.pread(self.where, size, 0))

    def functions(self, before, after, program):
        """The counts between two places(), by function of the program with symbols, as a list of
        (count, name), largest first."""
        done = subprocess.run(["nm", "--defined-only", "-n", program], stdout=subprocess.PIPE,
                              encoding="utf-8", check=True)
        symbols = [(int(line[0], 16), line[2]) for line in map(str.split, done.stdout.splitlines())
                   if line[1] in "tTwW"]
        starts, sums = [address for address, _ in symbols], {}
        for at, (one, other) in enumerate(zip(before, after)):
            if one != other:
                name = symbols[bisect.bisect(starts, self.low + at) - 1][1]
                sums[name] = sums.get(name, 0) + other - one
        return sorted(((count, name) for name, count in sums.items()), reverse=True)
