#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What an image costs: its size, the instructions until it serves, and an idle guest's none."""

import os
import time

import xentest
from xenlab import Lab

KIB = 1024


class Costs(xentest.unittest.TestCase):
    def expect_small(self, name, content, limit):
        size = os.path.getsize(xentest.image(name))
        print(f"{name}: {size} bytes, {(size - content) / KIB:.1f} KiB beyond {content} bytes of "
              f"content; at most {limit}")
        self.assertGreater(size, content)
        self.assertLessEqual(size - content, limit * KIB)

    def test_hello_is_small(self):
        self.expect_small("hello", 0, 48)

    def test_website_is_small(self):
        """Its content are the files and their gzip variants, as crunch has put them together."""
        build = os.path.dirname(xentest.BIN)
        content = os.path.join(build, "generated", "website", "content", "crunch_website_content.bin")
        self.assertGreaterEqual(os.path.getsize(content),
                                sum(map(len, xentest.content().values())))
        self.expect_small("website", os.path.getsize(content), 200)

    def test_entry_to_listening(self):
        image = xentest.image("website")
        with Lab(net=None, count=image) as lab:
            guest = lab.create(image, extra=f"port=80 {xentest.STATIC}", vif=True, memory=32)
            guest.console_until("serving", 30)
            spent = lab.counts.now()["own"]
        print(f"website: {spent} instructions from entry to listening")
        self.assertGreater(spent, 10_000)
        self.assertLess(spent, 5_000_000)

    def test_nothing_between_ticks(self):
        """Not one instruction, and Xen's own account of its time stands still."""
        image = xentest.image("tick")
        with Lab(net=None, count=image) as lab:
            guest = lab.create(image, extra="period=8s", memory=8)
            guest.console_until("tick 1:", 60)
            time.sleep(1)  # the line's own end
            before, seconds = lab.counts.now()["own"], guest.cpu_seconds()
            time.sleep(4)
            self.assertEqual(guest.console.count("tick"), 1, "too slow a machine")
            self.assertEqual(lab.counts.now()["own"], before)
            self.assertEqual(guest.cpu_seconds(), seconds)
            guest.console_until("tick 2:", 60)
            self.assertGreater(lab.counts.now()["own"], before)


if __name__ == "__main__":
    xentest.main()
