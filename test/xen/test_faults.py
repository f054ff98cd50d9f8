#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What goes wrong in a guest ends it as a crash, with one line that says what and where, the
registers, and a backtrace with names (test/apps/fault)."""

import re

import xentest

# The key how=...: what the line says, and which function the backtrace must get to.
FAULTS = {
    "null": (r"null pointer: read of 0x8 in 0x[0-9a-f]+ fault_null\+", "rung_xen_start"),
    "stack": (r"stack overflow: .* fault_stack\+", "fault_stack"),
    "code": (r"write to code: write to 0x[0-9a-f]+ in ", "rung_xen_start"),
    "constant": (r"write to a constant: write to 0x[0-9a-f]+ in ", "rung_xen_start"),
    "data": (r"jump into data: execution of 0x[0-9a-f]+", "rung_xen_start"),
    "wild": (r"(wild pointer|protection fault).* in ", "rung_xen_start"),
    "assert": (r"fault\.c.*answer == 42", "rung_xen_start"),
    "abort": (r"abort", "rung_xen_start"),
    "smash": (r"stack smashed", "fault_smash"),  # which has destroyed the way back
    "divide": (r"division by zero.* in ", "rung_xen_start"),
}


class Faults(xentest.XenTest):
    lab_choices = {"net": None}

    def test_each(self):
        for how, (said, name) in FAULTS.items():
            with self.subTest(how=how):
                guest = self.create("fault", f"how={how}")
                self.ends(guest, "crash")
                self.assertEqual(len(self.errors(guest)), 1, guest.console)
                self.assertRegex(self.errors(guest)[0], said)
                _, _, backtrace = guest.console.partition("called from")
                self.assertIn(name, backtrace)
                self.assertEqual("damaged" in backtrace, how == "smash", backtrace)
                guest.destroy()

    def test_backtrace_is_whole(self):
        """From one function to the next up to the first instruction, with nothing between."""
        guest = self.create("fault", "how=assert")
        self.ends(guest, "crash")
        _, _, backtrace = guest.console.partition("called from")
        names = re.findall(r"0x[0-9a-f]+ (\w+)\+0x", backtrace)
        self.assertEqual(names[:2], ["__assert_fail", "fault_assert"], backtrace)
        self.assertEqual(names[-2:], ["rung_xen_start", "rung_xen_entry"], backtrace)
        between = names[2:-2]  # what the compiler has not merged with rung_xen_start
        self.assertEqual(between, [name for name in ("fault_main", "rung_program")
                                   if name in between], backtrace)

    def test_xl_sees_a_crash(self):
        """With an operator's usual settings the domain is gone afterwards."""
        guest = self.create("fault", "how=null", config={"on_crash": "destroy"})
        self.assertIn(guest.wait(), ("crash", "gone"))
        xentest.until(20, lambda: not self.lab.dom0(f"xl domid {guest.name} 2>/dev/null",
                                                    check=False), "the domain's end")
        self.assertIn("null pointer", guest.console)


if __name__ == "__main__":
    xentest.main()
