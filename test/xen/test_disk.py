#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A guest's disk, seen from both sides (test/apps/disk); and disks that go and come back."""

import struct

import xentest
from xenlab import Disk, Lab

MIB = 1 << 20


def pattern(seed, size):
    """What the app fills a disk with: the n-th word is seed * 2^40 + n."""
    return struct.pack(f"<{size // 8}Q", *range(seed << 40, (seed << 40) + size // 8))


class BothSides(xentest.unittest.TestCase):
    def guest(self, lab, words, disk):
        guest = lab.create(xentest.image("disk"), extra=words, memory=16, disks=[disk])
        self.assertEqual(guest.wait(60), "poweroff", guest.console)
        said = guest.console
        guest.destroy()
        return said

    def test_disks_of_this_machine(self):
        """With sectors of 512 and of 4096 bytes, copied through pages that stay lent and lent."""
        disks = [Disk(size=9 * MIB), Disk(size=9 * MIB, sector=4096)]
        with Lab(net=None, disks=disks) as lab:
            for seed, disk in enumerate(disks, 2):
                for words in ("", "disk.persistent=off"):
                    with self.subTest(sector=disk.sector, words=words):
                        disk.write(pattern(seed, 9 * MIB))
                        said = self.guest(lab, f"does=check seed={seed} {words}", disk)
                        self.assertIn(f"checked, bytes {9 * MIB}: ok", said)
                        said = self.guest(lab, f"does=check seed=9 {words}", disk)
                        self.assertRegex(said, r"wrong bytes in 512-byte sector \d+: data")
                        said = self.guest(lab, f"does=fill seed={seed + 10} {words}", disk)
                        self.assertIn(f"filled, bytes {9 * MIB}: ok", said)
                        self.assertEqual(disk.read(9 * MIB), pattern(seed + 10, 9 * MIB))
        for disk in disks:
            disk.close()

    def test_a_file_in_dom0(self):
        with Lab(net=None) as lab:
            lab.put(pattern(3, 2 * MIB), "/run/file")
            said = self.guest(lab, "does=check seed=3", "/run/file,raw,xvda,w")
            self.assertIn(f"checked, bytes {2 * MIB}: ok", said)
            self.guest(lab, "does=fill seed=4", "/run/file,raw,xvda,w")
            self.assertEqual(lab.get("/run/file"), pattern(4, 2 * MIB))

    def test_read_only(self):
        with Lab(net=None) as lab:
            lab.put(pattern(3, MIB), "/run/file")
            said = self.guest(lab, "does=fill seed=4", "/run/file,raw,xvda,r")
            self.assertIn("read-only", said)
            self.assertEqual(lab.get("/run/file"), pattern(3, MIB))


class ComesAndGoes(xentest.XenTest):
    lab_choices = {"net": None}

    def test_unplugged_and_back(self):
        """Writes wait for it, and go on when it is back."""
        self.lab.dom0("truncate -s 1M /run/file")
        disk = "/run/file,raw,xvda,w"
        guest = self.create("disk", "does=beat", disks=[disk])
        for _ in range(3):
            guest.console_until(r"^beat \d+: ok", 30)
            guest.xl("block-detach", "xvda")
            guest.console_until("back end has gone", 30)
            guest.xl("block-attach", f"'{disk}'")
            guest.console_until(r"^beat \d+: ok", 30)
            guest.console_until(r"^beat \d+: ok", 30)
        self.assertEqual(self.errors(guest), [])
        self.assertEqual(guest.shutdown(), "poweroff")

    def test_gone_for_good(self):
        """What waits is told so, and the guest still answers the toolstack."""
        self.lab.dom0("truncate -s 1M /run/file")
        guest = self.create("disk", "does=beat disk.wait=2s", disks=["/run/file,raw,xvda,w"])
        guest.console_until(r"^beat \d+: ok", 30)
        guest.xl("block-detach", "xvda")
        guest.console_until(r"^beat \d+: the device or link is gone", 30)
        self.assertEqual(guest.shutdown(), "poweroff")

    def test_saved_and_restored(self):
        self.lab.dom0("truncate -s 1M /run/file")
        guest = self.create("disk", "does=beat", disks=["/run/file,raw,xvda,w"])
        guest.console_until(r"^beat \d+: ok", 30)
        self.lab.dom0(f"xl save {guest.name} /run/saved && xl restore /run/saved", 60)
        guest.console_until("resumed", 30)
        for _ in range(2):
            self.assertIsNotNone(guest.console_until(r"^beat \d+: (.*)", 30))
        self.assertNotIn("gone\n", guest.console)
        domid = self.lab.dom0(f"xl domid {guest.name}").strip()
        self.lab.dom0(f"xl shutdown {domid}")
        self.assertEqual(self.lab.dom0(f"domain-end {domid}").strip(), "0")


if __name__ == "__main__":
    xentest.main()
