# SPDX-License-Identifier: ISC
"""What the tests on a real Xen share. ctest says in RUNG_XEN_BIN where the images are."""

import os
import shutil
import subprocess
import sys
import time
import unittest

from xenlab import Lab, LabError
from xenlab.common import ROOT

BIN = os.environ.get("RUNG_XEN_BIN") or os.path.join(ROOT, "build", "xen", "bin")
GUESTS = os.environ.get("RUNG_XEN_GUESTS") or os.path.join(BIN, "..", "test", "guest")
CONTENT = os.path.join(ROOT, "apps", "website", "content")
ADDRESS = "10.0.2.50"
STATIC = f"tcp.ipv4={ADDRESS}/24 tcp.gateway=10.0.2.2"
SKIPPED = 77


def image(name):
    path = os.path.join(BIN, name)
    if not os.path.exists(path):
        raise AssertionError(f"there is no {path}: cmake --build --preset xen")
    return path


def guest(name):
    """An image of test/xen-guest."""
    return image(os.path.join(GUESTS, name))


def xl_of(name):
    """The text of the .xl file beside an image."""
    with open(image(name) + ".xl", encoding="utf-8") as file:
        return file.read()


def namespace():
    """Goes on in a network namespace of its own, where taps may be made; it vanishes with us."""
    if os.environ.get("XENTEST_INSIDE") == "yes":
        subprocess.run(["ip", "link", "set", "dev", "lo", "up"], check=True)
        return
    os.environ["XENTEST_INSIDE"] = "yes"
    for how in ("--net", "-rn"):
        if os.access("/dev/net/tun", os.W_OK) and \
                subprocess.run(["unshare", how, "true"], stderr=subprocess.DEVNULL,
                               check=False).returncode == 0:
            os.execvp("unshare", ["unshare", how, sys.executable, *sys.argv])
    print("skipped: no right to make a network namespace and a tap device in it")
    sys.exit(SKIPPED)


def until(seconds, condition, what):
    """Tries again and again; returns what the condition returns once it is true."""
    limit = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() >= limit:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def fetch(url, *words, seconds=60):
    """curl's exit status, and the body that it got."""
    done = subprocess.run(["curl", "-s", "--max-time", str(seconds), *words, url],
                          stdout=subprocess.PIPE, check=False)
    return done.returncode, done.stdout


def content():
    """The website's files: {path below it: bytes}."""
    found = {}
    for base, _, files in os.walk(CONTENT):
        for name in files:
            path = os.path.join(base, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, CONTENT)] = file.read()
    return found


class XenTest(unittest.TestCase):
    """A test case that has one lab, as self.lab, for each of its tests."""

    lab_choices = {}

    def setUp(self):
        self.lab = Lab(**self.lab_choices)
        self.enterContext(self.lab)

    def create(self, name, extra="", **choices):
        return self.lab.create(image(name), extra=extra, **choices)

    def website(self, extra="", memory=32, **choices):
        """A website that serves, at ADDRESS and port 80."""
        guest = self.create("website", f"port=80 {STATIC} {extra}", memory=memory, vif=True,
                            **choices)
        guest.console_until("serving", 30)
        return guest

    def ends(self, guest, reason, seconds=30):
        self.assertEqual(guest.wait(seconds), reason, f"the end of {guest.name}:\n{guest.console}")

    def errors(self, guest):
        return [line for line in guest.console.splitlines() if line.startswith("error:")]

    def refused(self, guest, pattern, seconds=60):
        """It says what is wrong, in one line, and powers off."""
        self.ends(guest, "poweroff", seconds)
        errors = [line for line in self.errors(guest) if "has ended with status" not in line]
        self.assertEqual(len(errors), 1, guest.console)
        self.assertRegex(errors[0], pattern)


def main():
    """Runs the tests of the calling file; with nothing to test is a failure."""
    for program in ("curl", "ping", "ip"):
        if not shutil.which(program):
            raise SystemExit(f"{program} is not installed: run './rung deps test'")
    unittest.main(verbosity=2)
