#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What people do wrong with an image: one clear line on the console, and the domain powers off."""

import os
import subprocess

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
        """Xen itself loads nothing into 1 MiB; but of a domain that may have more later, it does."""
        for name in ("hello", "website"):
            with self.subTest(name=name):
                guest = self.create(name, memory=1, vif=name == "website", config={"maxmem": 8})
                self.refused(guest, r"too little memory: \d+ KiB beside the image")
                guest.destroy()

    def test_old_xen(self):
        """An image that is told of an older Xen than the one it is on (test/xen-guest/old_xen.c)."""
        guest = self.lab.create(xentest.guest("old-xen"))
        self.refused(guest, r"this is Xen 4\.16: 4\.17 or newer is needed")
        self.assertNotIn("has started", guest.console)

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
        """QEMU by itself can boot a PVH image: it says that there is no Xen, and powers off."""
        words = [machine.program(), "-M", "q35", "-cpu", "max", "-m", "64", "-display", "none",
                 "-nodefaults", "-no-reboot", "-debugcon", "stdio", "-kernel",
                 xentest.image("hello")]
        done = subprocess.run(words, stdout=subprocess.PIPE, timeout=60, check=True)
        errors = [line for line in done.stdout.splitlines() if line.startswith(b"error:")]
        self.assertEqual(len(errors), 1, done.stdout)
        self.assertIn(b"there is no Xen here", errors[0])

    def test_status_of_the_front_end(self):
        lab = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lab")
        for words, status in (([], 0), (["nmae=x"], 64)):
            done = subprocess.run([lab, "run", xentest.image("hello"), "--", *words],
                                  stdout=subprocess.PIPE, timeout=120, check=False)
            self.assertEqual(done.returncode, status, done.stdout)


if __name__ == "__main__":
    xentest.main()
