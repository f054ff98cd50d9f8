#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The contract suites in a guest on a real Xen (test/xen-guest). RUNG_TEST_CASE and RUNG_TEST_SEED
are handed on to them."""

import os
import re
import subprocess

import xentest
from xenlab import Disk, Lab
from xenlab.common import ROOT

MIB = 1 << 20


class Suites(xentest.unittest.TestCase):
    def suite(self, lab, name, disks=(), memory=64, words=(), seconds=300,
              **choices):
        asked = [f"{key}={os.environ[key]}" for key in ("RUNG_TEST_CASE", "RUNG_TEST_SEED")
                 if key in os.environ]
        guest = lab.create(xentest.guest(name), extra=" ".join([*words, *asked]), memory=memory,
                           disks=disks, **choices)
        why = guest.wait(seconds)
        failed = re.findall(r"^\[  (?:FAILED|ERROR) .*", guest.console, re.M)
        text = "\n".join(failed) or guest.console[-3000:]
        self.assertEqual(why, "poweroff", text)
        self.assertIn("guest: all tests have passed", guest.console, text)
        passed = sum(int(n) for n in re.findall(r"PASSED  \] (\d+) test", guest.console))
        skipped = sum(int(n) for n in re.findall(r"SKIPPED \] (\d+) test", guest.console))
        reasons = re.findall(r"^skipped: (.*)\n\[  SKIPPED \] (\w+)$", guest.console, re.M)
        print(f"{name}: {passed} cases have passed, {skipped} were skipped")
        for why, case in sorted(set(reasons)):
            print(f"  {case}: {why}")
        self.assertEqual(len(reasons), skipped, "each says why")
        if not asked:
            self.assertGreater(passed, 10)

    def test_loop(self):
        with Lab(net=None) as lab:
            self.suite(lab, "loop")

    def test_kv_memory(self):
        with Lab(net=None) as lab:
            self.suite(lab, "kv-memory")

    def on_disks(self, name):
        """xvda a file, which xl puts on a loop device; xvdb such a device made by hand; xvdc and xvdd
        disks of this machine, the latter with sectors of 4096 bytes; xvde and xvdf to spare."""
        virtual = [Disk(size=40 * MIB, sector=sector) for sector in (512, 4096, 4096)]
        with Lab(net=None, disks=virtual) as lab:
            lab.dom0("cd /run; for f in a b c; do truncate -s 40M $f; done; losetup /dev/loop7 b")
            self.suite(lab, name, ["/run/a,raw,xvda,w", "phy:/dev/loop7,xvdb,w",
                                   virtual[0].spec("xvdc"), virtual[1].spec("xvdd"),
                                   "/run/c,raw,xvde,w", virtual[2].spec("xvdf")])
        for disk in virtual:
            disk.close()

    def test_block(self):
        self.on_disks("blkfront")

    def test_kvlog(self):
        self.on_disks("kvlog")

    def test_tarkv(self):
        folder = os.path.join(ROOT, "test", "contract", "kv", "crunch-content")
        tar = subprocess.run(["tar", "-C", folder, "-cf", "-", "."], stdout=subprocess.PIPE,
                             check=True).stdout
        with Lab(net=None) as lab:
            lab.put(tar, "/run/content.tar")
            self.suite(lab, "tarkv", ["/run/content.tar,raw,xvda,r"])


if __name__ == "__main__":
    xentest.main()
