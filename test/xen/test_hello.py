#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""hello on a real Xen: its text, its keys, and how it ends."""

import xentest


class Hello(xentest.XenTest):
    lab_choices = {"net": None}

    def test_says_hello_and_powers_off(self):
        guest = self.create("hello")
        self.ends(guest, "poweroff")
        self.assertEqual(guest.console, "hello, world\n")

    def test_as_its_own_xl_file_says(self):
        guest = self.create("hello", xl=xentest.xl_of("hello"))
        self.ends(guest, "poweroff")
        self.assertEqual(guest.console, "hello, world\n")

    def test_keys(self):
        for extra, said in (("name=Xen", "hello, Xen\n"), ("--name=Xen", "hello, Xen\n"),
                            ('name="two words"', "hello, two words\n"),
                            ('"name=two words"', "hello, two words\n")):
            with self.subTest(extra=extra):
                guest = self.create("hello", extra)
                self.ends(guest, "poweroff")
                self.assertEqual(guest.console, said)
                guest.destroy()

    def test_help(self):
        guest = self.create("hello", "--help")
        self.ends(guest, "poweroff")
        self.assertRegex(guest.console, r"(?m)^ +(--)?name=")

    def test_in_8_mib(self):
        guest = self.create("hello", memory=8)
        self.ends(guest, "poweroff")
        self.assertEqual(guest.console, "hello, world\n")


if __name__ == "__main__":
    xentest.main()
