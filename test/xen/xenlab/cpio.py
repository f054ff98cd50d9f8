# SPDX-License-Identifier: ISC
"""Writes archives in cpio's "newc" format, of which the kernel makes its first file system."""

import os
import stat


class Cpio:
    """Folders come by themselves. Equal files give equal bytes: no times, no owners."""

    def __init__(self):
        self.parts, self.known, self.count = [], {"", "/"}, 0

    def entry(self, path, mode, data):
        self.count += 1
        name = path.lstrip("/").encode() + b"\0"
        fields = (self.count, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
        self.parts += [head, b"\0" * (-len(head) % 4), data, b"\0" * (-len(data) % 4)]

    def folder(self, path):
        path = path.rstrip("/")
        if path not in self.known:
            self.folder(os.path.dirname(path))
            self.known.add(path)
            self.entry(path, stat.S_IFDIR | 0o755, b"")

    def file(self, path, data, mode=0o644):
        self.folder(os.path.dirname(path))
        self.entry(path, stat.S_IFREG | mode, data.encode() if isinstance(data, str) else data)

    def copy(self, path, source, mode=0o644):
        with open(source, "rb") as file:
            self.file(path, file.read(), mode)

    def link(self, path, target):
        self.folder(os.path.dirname(path))
        self.entry(path, stat.S_IFLNK | 0o777, target.encode())

    def tree(self, path, source):
        """A folder of ours with all that is in it, as it will be called there."""
        for base, folders, files in os.walk(source):
            folders.sort()
            there = os.path.normpath(os.path.join(path, os.path.relpath(base, source)))
            self.folder(there)
            for name in sorted(files):
                self.copy(os.path.join(there, name), os.path.join(base, name))

    def bytes(self):
        end = Cpio()
        end.entry("TRAILER!!!", 0, b"")
        data = b"".join(self.parts + end.parts)
        return data + b"\0" * (-len(data) % 512)
