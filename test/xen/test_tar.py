#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""website with its content on a disk, which is what `tar cf` has written: tarkv over blkfront."""

import os
import subprocess
import tempfile

import xentest
from xenlab import Disk, Lab

TARRED = os.environ.get("RUNG_XEN_TARRED") or \
    os.path.join(xentest.BIN, "..", "test", "xen", "tarred", "bin", "website")
MIB = 1 << 20
LONG = os.path.join("long", "n" * 120, "page.html")  # a name that wants a header of its own


def archive(files):
    """What tar makes of {path: bytes}."""
    with tempfile.TemporaryDirectory() as folder:
        for path, data in files.items():
            whole = os.path.join(folder, path)
            os.makedirs(os.path.dirname(whole), exist_ok=True)
            with open(whole, "wb") as file:
                file.write(data)
        return subprocess.run(["tar", "-C", folder, "-cf", "-", "."], stdout=subprocess.PIPE,
                              check=True).stdout


class Tar(xentest.XenTest):
    def setUp(self):
        self.tar = Disk(size=8 * MIB, sector=4096)
        self.addCleanup(self.tar.close)
        self.lab_choices = {"disks": [self.tar]}
        super().setUp()

    def site(self, disk):
        return self.lab.create(xentest.image(TARRED), extra=f"port=80 {xentest.STATIC}", vif=True,
                               xl=xentest.xl_of(TARRED), disks=[disk])

    def serves(self, disk, files):
        guest = self.site(disk)
        guest.console_until("serving", 30)
        port = guest.forward(80)
        for path, data in files.items():
            with self.subTest(path=path):
                self.assertEqual(xentest.fetch(f"http://127.0.0.1:{port}/{path}"), (0, data))
        self.assertEqual(self.errors(guest), [])
        self.assertEqual(guest.shutdown(), "poweroff")
        self.lab.unforward(port)
        guest.destroy()

    def test_all_its_content(self):
        """From a disk of this machine, and from a file in dom0 that may not be written."""
        files = xentest.content()
        self.assertIn("index.html", files)
        self.lab.put(archive(files), "/run/site.tar")
        self.serves("/run/site.tar,raw,xvda,r", files)
        files.update({"big.bin": os.urandom(5 * MIB + 1), "empty.txt": b"", LONG: b"far down\n"})
        self.tar.write(archive(files))
        self.serves(self.tar.spec("xvda"), files)

    def test_what_is_no_archive(self):
        """A changed byte in the second header; then nothing but rubbish."""
        data = bytearray(archive(xentest.content()))
        data[513] ^= 1
        self.tar.write(data)
        self.refused(self.site(self.tar.spec("xvda")), r"the entry at byte 512 of the archive")
        self.tar.write(os.urandom(len(data)))
        self.refused(self.site(self.tar.spec("xvda")), r"the disk holds no tar archive")


if __name__ == "__main__":
    xentest.main()
