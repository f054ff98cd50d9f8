#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""kvd on a disk of Xen: what is kept from boot to boot, and through the death of the domain."""

import contextlib
import os
import random
import re
import signal
import subprocess
import tempfile

import xentest
from kvdload import Client, Writer, command, load
from xenlab import Disk, Lab
from xenlab.common import HERE

MIB = 1 << 20
ROUNDS, WRITERS = 20, 4


def boot(lab, disk, extra="", **choices):
    """kvd on this disk, and the port of ours that leads to it."""
    guest = lab.create(xentest.image("kvd"), extra=f"{xentest.STATIC} {extra}", vif=True,
                       disks=[disk], **{"memory": 32, **choices})
    guest.console_until("kvd: serving", 60)
    return guest, guest.forward(6379)


def cli(port, *words, data=None):
    """What redis-cli prints."""
    return subprocess.run(["redis-cli", "-p", str(port), *words], input=data, check=True, timeout=60,
                          stdout=subprocess.PIPE).stdout


class OneDisk(xentest.unittest.TestCase):
    size = 128 * MIB  # a store takes values of a quarter of it

    def setUp(self):
        self.disk = Disk(size=self.size)
        self.addCleanup(self.disk.close)
        self.lab = self.enterContext(Lab(disks=[self.disk], seconds=600))

    def ends(self, guest, port, reason="poweroff"):
        self.lab.unforward(port)
        if reason == "poweroff":
            self.assertEqual(guest.shutdown(), reason)
        self.assertNotRegex(guest.console, "(?m)^(error|warn):")
        guest.destroy()


class Kept(OneDisk):
    def test_from_boot_to_boot(self):
        big = os.urandom(3 * MIB)
        guest, port = boot(self.lab, self.disk)
        self.assertIn("made an empty store", guest.console)
        self.assertEqual(cli(port, "set", "a", "1"), b"OK\n")
        self.assertEqual(cli(port, "incr", "a"), b"2\n")
        self.assertEqual(cli(port, "-x", "set", "big", data=big), b"OK\n")
        self.assertEqual(cli(port, "set", "b", "two words", "ex", "1000"), b"OK\n")
        self.ends(guest, port)
        guest, port = boot(self.lab, self.disk, "store.create=off")
        self.assertEqual(cli(port, "get", "a"), b"2\n")
        self.assertEqual(cli(port, "get", "b"), b"two words\n")
        self.assertGreater(int(cli(port, "ttl", "b")), 900)
        self.assertEqual(cli(port, "get", "big"), big + b"\n")
        self.assertEqual(cli(port, "dbsize"), b"3\n")
        self.ends(guest, port)

    def test_as_its_own_xl_file_says(self):
        """With a value of the longest kind, in the memory that it asks for."""
        longest = bytes(range(256)) * (16 * MIB // 256)
        guest, port = boot(self.lab, self.disk, xl=xentest.xl_of("kvd"), memory=None)
        self.assertEqual(cli(port, "-x", "set", "longest", data=longest), b"OK\n")
        self.assertEqual(cli(port, "get", "longest"), longest + b"\n")
        self.ends(guest, port)


class Full(OneDisk):
    def fill(self, port):
        """Sets keys until there is not even the memory to answer somebody who has just come."""
        keys, closed = 0, 0
        while closed < 20:
            self.assertLess(keys, 1_000_000)
            batch = b"".join(command("SET", f"k{keys + n:010d}", "value") for n in range(1000))
            keys += 1000
            try:
                with contextlib.closing(Client(port, 5)) as client:
                    client.socket.sendall(batch)
                    while client.data.count(b"\r\n") < 1000:
                        client.more()
                closed = 0
            except ConnectionError:
                closed += 1
            except TimeoutError:  # not even a SYN could be kept
                closed += 10

    def test_powers_off(self):
        """A heap without a byte to spare is no reason not to hear the toolstack."""
        guest, port = boot(self.lab, self.disk, memory=8)
        self.fill(port)
        self.assertIn("no memory for more than", guest.console)
        self.assertEqual(guest.shutdown(10), "poweroff")
        self.assertIn("the host asks for poweroff", guest.console)
        self.assertNotIn("has ended with status", guest.console)
        self.lab.unforward(port)
        guest.destroy()
        guest, port = boot(self.lab, self.disk)
        self.assertEqual(cli(port, "get", "k0000000000"), b"value\n")
        self.ends(guest, port)


class Destroyed(OneDisk):
    size = 32 * MIB  # so that room has to be won back meanwhile

    def check(self, writers, port):
        """All that was acknowledged is there, and nothing that was never sent."""
        with contextlib.closing(Client(port)) as client:
            there = sum(writer.check(client) for writer in writers)
            self.assertEqual(client.ask("DBSIZE"), there)

    def destroy_under_load(self, guest, port, writers, moment):
        """xl destroy, while they write, once so many more writes have been acknowledged. Returns how
        many had no answer in the end."""
        start, destroying = sum(writer.acked for writer in writers), None
        for writer in writers:
            writer.connect(port)

        def destroyed():
            nonlocal destroying
            if not destroying and sum(writer.acked for writer in writers) - start >= moment:
                destroying = self.lab.channels.start(f"xl destroy {guest.domid}")
            return destroying and destroying.ended(0)
        load(writers, destroyed)
        self.assertEqual(destroying.end(30)[1], 0)
        unanswered = sum(len(writer.on_way) for writer in writers)
        for writer in writers:
            writer.cut()
        self.ends(guest, port, "destroyed")
        return unanswered

    def test_under_load_again_and_again(self):
        seed = int(os.environ.get("E2E_SEED") or random.randrange(1 << 32))
        print(f"seed {seed} (E2E_SEED={seed} sends the same writes, and cuts after as many)")
        dice = random.Random(seed)
        writers = [Writer(f"w{n}", seed) for n in range(WRITERS)]
        before = None
        for number in range(ROUNDS):
            guest, port = boot(self.lab, self.disk)
            self.check(writers, port)
            if number == ROUNDS - 1:
                before = self.disk.read(self.disk.size)
            acked = sum(writer.acked for writer in writers)
            moment = dice.choice((1, 100, 1000, 2000)) + dice.randrange(100)
            unanswered = self.destroy_under_load(guest, port, writers, moment)
            print(f"round {number + 1}: {sum(w.acked for w in writers) - acked} acknowledged, "
                  f"{unanswered} on their way", flush=True)
            self.assertGreater(unanswered, 0)
        guest, port = boot(self.lab, self.disk)
        self.check(writers, port)
        self.ends(guest, port)
        # And a disk that has lost what the last round wrote is found out.
        self.disk.write(before)
        guest, port = boot(self.lab, self.disk)
        with self.assertRaisesRegex(AssertionError, "acknowledged"):
            self.check(writers, port)
        self.ends(guest, port)


class Mistakes(xentest.XenTest):
    """One clear line, the domain powers off, and the disk is as it was."""

    lab_choices = {"net": "user", "disks": ()}

    def kvd(self, *disks, extra=""):
        return self.create("kvd", f"{xentest.STATIC} {extra}", memory=32, vif=True, disks=disks)

    def refused_unwritten(self, said, content, size=8 * MIB, extra="", mode="w"):
        self.lab.put(content, "/run/file")
        self.lab.dom0(f"truncate -s {size} /run/file")
        guest = self.kvd(f"/run/file,raw,xvda,{mode}", extra=extra)
        self.refused(guest, said)
        guest.destroy()
        self.assertEqual(self.lab.get("/run/file"), content.ljust(size, b"\0"))

    def test_no_disk(self):
        self.refused(self.kvd(), r"store\.block: .*no disk: add disk = ")

    def test_no_such_disk(self):
        self.lab.dom0("truncate -s 8M /run/file")
        guest = self.kvd("/run/file,raw,xvda,w", extra="store.block.device=xvdb")
        self.refused(guest, r"store\.block: .*no disk xvdb: add")

    def test_disks_that_are_no_store(self):
        rubbish = random.Random(1).randbytes(MIB)
        for said, content, extra in (("no store, and is not empty", rubbish, ""),
                                     ("holds no store", rubbish, "store.create=off"),
                                     ("holds no store", b"", "store.create=off")):
            with self.subTest(said=said, extra=extra):
                self.refused_unwritten(f"store: .*{said}", content, extra=extra)

    def test_too_small(self):
        self.refused_unwritten(r"too small for a store: it has 16384 bytes, and \d+ are the least", b"",
                               size=16384)

    def test_read_only(self):
        self.refused_unwritten("read-only: no store can be made", b"", mode="r")


class CommandLine(xentest.unittest.TestCase):
    def test_run(self):
        """What ./rung run does: a disk in a file here, which a second run finds in use."""
        lab, image = os.path.join(HERE, "lab"), xentest.image("kvd")
        with tempfile.NamedTemporaryFile(suffix=".img") as file:
            file.truncate(32 * MIB)
            words = [lab, "run", "--xl", image + ".xl", "--disk", file.name, image, "--",
                     xentest.STATIC.split()[0]]
            for expected in (b"OK\n", b"2\n"):
                with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      encoding="utf-8") as run:
                    port = self.port(run)
                    question = ["set", "a", "2"] if expected == b"OK\n" else ["get", "a"]
                    self.assertEqual(cli(port, *question), expected)
                    again = subprocess.run(words, stderr=subprocess.PIPE, encoding="utf-8",
                                           stdout=subprocess.DEVNULL, timeout=60, check=False)
                    self.assertEqual(again.returncode, 1)
                    self.assertRegex(again.stderr, rf"^xen-lab: {file.name} is in use")
                    run.send_signal(signal.SIGINT)
                    said, more = run.communicate(timeout=60)
                    self.assertEqual(run.returncode, 0, said + more)

    def port(self, run):
        said = ""
        while "kvd is at" not in said:
            line = run.stderr.readline()
            self.assertTrue(line, said)
            said += line
        return int(re.search(r"is at 127\.0\.0\.1:(\d+)$", said, re.M)[1])


if __name__ == "__main__":
    xentest.main()
