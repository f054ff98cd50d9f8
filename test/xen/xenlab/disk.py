# SPDX-License-Identifier: ISC
"""Disks of a run: files here that are block devices in dom0."""

import fcntl
import os
import struct

from .common import LabError


class Disk:
    """A file, or memory of so many bytes that goes with the run. `device` is its name in dom0."""

    def __init__(self, path=None, size=None, sector=512, readonly=False):
        if (path is None) == (size is None):
            raise LabError("a disk has either a path or a size")
        self.sector, self.readonly, self.device = sector, readonly, None
        if path is None:
            self.file = os.memfd_create("disk")
            os.truncate(self.file, size)
        else:
            self.file = os.open(path, os.O_RDONLY if readonly else os.O_RDWR)
            self.lock(path)
        self.size = os.fstat(self.file).st_size

    def lock(self, path):
        """The lock that programs on Unix take, too; it holds while this run's QEMU has the file."""
        whole = struct.pack("hhqqi4x", fcntl.F_RDLCK if self.readonly else fcntl.F_WRLCK,
                            os.SEEK_SET, 0, 0, 0)
        try:
            fcntl.fcntl(self.file, fcntl.F_OFD_SETLK, whole)
        except BlockingIOError:
            os.close(self.file)
            raise LabError(f"{path} is in use by another program") from None

    def words(self, n):
        """QEMU's words for its n-th disk."""
        readonly = "on" if self.readonly else "off"
        return ["-add-fd", f"fd={self.file},set={n + 1}",
                "-blockdev", f"driver=file,node-name=file{n},filename=/dev/fdset/{n + 1},"
                f"locking=off,discard=unmap,read-only={readonly}",
                "-blockdev", f"driver=raw,node-name=disk{n},file=file{n},discard=unmap,"
                f"read-only={readonly}"]

    def properties(self):
        return f",logical_block_size={self.sector},physical_block_size={max(self.sector, 512)}"

    def descriptors(self):
        return [self.file]

    def spec(self, name):
        """As xl wants it, under this name in the guest."""
        return f"phy:{self.device},{name},{'r' if self.readonly else 'w'}"

    def read(self, count, offset=0):
        """What is on it now, as seen from here."""
        return os.pread(self.file, count, offset)

    def write(self, data, offset=0):
        done = 0
        while done < len(data):
            done += os.pwrite(self.file, data[done:], offset + done)

    def close(self):
        os.close(self.file)
