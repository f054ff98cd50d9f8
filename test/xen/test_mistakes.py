#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What people do wrong with an image: one clear line on the console, and the domain powers off."""

import subprocess
import time

import xentest
from xenlab import machine


class Mistakes(xentest.XenTest):
    lab_choices = {"net": None}

    def test_keys(self):
        for name, extra, said in (
                ("hello", "nmae=x", r"unknown key 'nmae'.*name"),
                ("hello", 'name="x', r"quote"),
                ("hello", "log=loud", r"log"),
                ("website", "port=http", r"port"),
                ("website", "tcp.ipv4=10.0.2.300/24", r"tcp\.ipv4"),
                ("hello", "xen.entropy=none", r"xen\.entropy")):
            with self.subTest(extra=extra):
                guest = self.create(name, extra, memory=32, vif=name == "website")
                self.refused(guest, said)
                guest.destroy()

    def test_too_little_memory(self):
        for name, memory in (("hello", 1), ("website", 1)):
            with self.subTest(name=name, memory=memory):
                try:
                    guest = self.create(name, memory=memory, vif=name == "website")
                except xentest.LabError as error:
                    # So little that Xen does not even load it.
                    self.assertIn("xl create", str(error))
                    continue
                self.refused(guest, r"(?i)memory")
                guest.destroy()

    def test_no_vif(self):
        guest = self.create("website", memory=32)
        self.refused(guest, r"vif|network")

    def test_no_disk(self):
        guest = self.create("disk")
        self.refused(guest, r"no disk: add disk = ")

    def test_no_random_numbers(self):
        """A processor without RDRAND: no service, unless it is told to do without."""
        config = {"cpuid": "host,rdrand=0,rdseed=0"}
        guest = self.create("hello", config=config)
        self.refused(guest, r"RDRAND|random|entropy")
        guest.destroy()
        guest = self.create("hello", "xen.entropy=jitter", config=config)
        self.ends(guest, "poweroff")
        self.assertIn("hello, world", guest.console)


class NoXen(xentest.unittest.TestCase):
    def test_boots_without_xen(self):
        """QEMU by itself can boot a PVH image: it says that there is no Xen, and does not hang."""
        words = [machine.program(), "-M", "q35", "-cpu", "max", "-m", "64", "-display", "none",
                 "-nodefaults", "-no-reboot", "-debugcon", "stdio", "-kernel",
                 xentest.image("hello")]
        start = time.monotonic()
        try:
            said = subprocess.run(words, stdout=subprocess.PIPE, timeout=10, check=False).stdout
        except subprocess.TimeoutExpired as late:
            said = late.output or b""  # halted: there is nobody to tell that it has ended
        self.assertIn(b"there is no Xen here", said)
        self.assertLess(time.monotonic() - start, 60)


if __name__ == "__main__":
    xentest.main()
