#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Tests the lab itself, with a guest of a few instructions (guests/tiny.S) and with Linux."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from unittest import mock

import xentest
from xenlab import Disk, Lab, LabError, interactive
from xenlab.common import FOLDER, HERE

LOOPS = 30_000_000  # what tiny executes in its loop; it has a few instructions more


def build(folder):
    source, target = os.path.join(HERE, "guests", "tiny.S"), os.path.join(folder, "tiny")
    cc = os.environ.get("CC", "cc")
    subprocess.run([cc, "-m64", "-c", "-o", target + ".o", source], check=True)
    subprocess.run([cc, "-nostdlib", "-static", "-no-pie", "-Wl,-Ttext-segment=0x100000,-e,entry,"
                    "--build-id=none,-z,noexecstack", "-o", target, target + ".o"], check=True)
    return target


class Lines(xentest.unittest.TestCase):
    """What the lab makes of what a program says; without a machine."""

    def port(self, text):
        found = interactive.LISTENS.search(text)
        return found and int(found[1])

    def test_where_a_program_listens(self):
        boot = ("info: net: vif 0, mtu 1500, address 00:16:3e:00:00:01\n"
                "info: tcp: asking for an address by DHCP\n"
                "info: tcp: address fe80::216:3eff:fe00:1%1\n"
                "info: tcp: address fec0::216:3eff:fe00:1\n"
                "info: tcp: address 10.0.2.50 by DHCP, router 10.0.2.2\n"
                "info: store: made an empty store of 268435456 bytes\n"
                "warn: kvd: 10.0.2.2:4000 has sent rubbish\n")
        self.assertIsNone(self.port(boot))
        for line, port in (
                ("info: kvd: serving on [::]:6379; what is set is durable when it is answered", 6379),
                ("info: kvd: serving on 10.0.2.50:6379; the store is read-only", 6379),
                ("info: website: serving http://*:80/ on every address it has", 80),
                ("info: website: serving http://10.0.2.50:8080/", 8080),
                ("info: website: serving http://[fec0::216:3eff:fe00:1]:80/", 80),
                ("info: website: serving http://[fe80::216:3eff:fe00:1%1]:80/", 80),
                ("info: echo: echoing TCP and UDP on [::]:7", 7),
                ("info: bulk: sink on [::]:5001", 5001),
                ("listening on [::ffff:10.0.2.50]:9.", 9)):
            with self.subTest(line=line):
                self.assertEqual(self.port(f"{boot}{line}\n{boot}"), port)
                self.assertIsNone(self.port(f"{boot}{line}"), "of a line that is not whole yet")


    def forwarded_after(self, *parts):
        """How many of these parts of a console have been seen when the port is said; 0: it is not."""
        guest, seen = mock.Mock(console="", lab=None), []

        def ended(_):
            if len(seen) == len(parts):
                return True
            seen.append(parts[len(seen)])
            guest.console += seen[-1]
            return False
        guest.end.return_value.ended = ended
        guest.end.return_value.end.return_value = (b"0", 0)
        said = []
        with mock.patch.object(interactive, "forward",
                               lambda _, port, text: said.append((len(seen), port))):
            self.assertEqual(interactive.attend(guest), "poweroff")
        self.assertLessEqual(len(said), 1)
        self.assertTrue(all(port == 6379 for _, port in said))
        return said[0][0] if said else 0

    def test_an_address_is_waited_for(self):
        asks, has = ("info: tcp: asking for an address by DHCP\n",
                     "info: tcp: address 10.0.2.50 by DHCP, router 10.0.2.2\n")
        static, local = ("info: tcp: address 10.0.2.50\n",
                         "info: tcp: address fe80::216:3eff:fe00:1%1\n")
        serves = "info: kvd: serving on [::]:6379; what is set is durable when it is answered\n"
        self.assertEqual(self.forwarded_after(asks, serves, local, has, "more"), 4)
        self.assertEqual(self.forwarded_after(asks, local, has, serves, "more"), 4)
        self.assertEqual(self.forwarded_after(static, local, serves, "more"), 3)
        self.assertEqual(self.forwarded_after(serves, "more"), 1)
        self.assertEqual(self.forwarded_after(asks, serves, local), 0)
        with mock.patch.object(interactive, "PATIENCE", 0):
            self.assertEqual(self.forwarded_after(asks, serves, local), 2)


class Tiny(xentest.XenTest):
    lab_choices = {"net": None}

    @classmethod
    def setUpClass(cls):
        cls.tiny = build(cls.enterClassContext(tempfile.TemporaryDirectory()))

    def test_ends(self):
        for letter, why in (("0", "poweroff"), ("1", "reboot"), ("3", "crash")):
            guest = self.lab.create(self.tiny, extra=letter)
            self.assertEqual(guest.wait(), why)
            self.assertFalse(guest.running())
            guest.destroy()
        self.assertEqual(self.lab.xen_log().count("tiny: hello\n"), 3)

    def test_several_guests(self):
        guests = [self.lab.create(self.tiny, extra="sleep") for _ in range(3)]
        self.assertEqual(len({guest.name for guest in guests}), 3)
        for guest in guests:
            self.assertTrue(guest.running())
        with self.assertRaisesRegex(LabError, "no end"):
            guests[0].wait(1)
        for guest in guests:
            guest.destroy()
        self.assertEqual(self.lab.dom0("xl list | wc -l"), "2\n")
        self.assertEqual(guests[0].wait(), "gone")

    def test_no_image(self):
        with self.assertRaisesRegex(LabError, "xl create"):
            self.lab.create(b"rubbish")
        self.assertEqual(self.lab.create(self.tiny, extra="0").wait(), "poweroff")

    def test_commands_in_dom0(self):
        self.assertEqual(self.lab.dom0("echo one; echo two >&2"), "one\ntwo\n")
        with self.assertRaisesRegex(LabError, "ended with 3: why"):
            self.lab.dom0("echo why; exit 3")
        self.assertEqual(self.lab.dom0("false", check=False), "")
        data = random.Random(1).randbytes(3_000_000)
        self.assertEqual(self.lab.get(self.lab.put(data)), data)
        now = int(self.lab.dom0("date +%s"))
        self.assertLess(abs(now - time.time()), 30)

    def test_a_command_that_hangs(self):
        start = time.monotonic()
        with self.assertRaisesRegex(LabError, "no end of `sleep 1234 | cat`"):
            self.lab.dom0("sleep 1234 | cat", timeout=1)
        self.assertLess(time.monotonic() - start, 20)
        self.assertNotIn("sleep 1234", self.lab.dom0("ps | grep -v grep"))


class Machines(xentest.unittest.TestCase):
    """Labs, as many as a test makes."""

    @classmethod
    def setUpClass(cls):
        cls.tiny = build(cls.enterClassContext(tempfile.TemporaryDirectory()))

    def test_two_at_once_leave_nothing(self):
        def there():
            # What others may be making meanwhile is not ours.
            return ({name for name in os.listdir(FOLDER) if not name.startswith(("linux", "count"))},
                    {name for name in os.listdir(tempfile.gettempdir()) if "xen" in name})
        before = there()
        files = len(os.listdir("/proc/self/fd"))
        with Lab(net=None) as one, Lab(net=None) as other:
            self.assertEqual(one.dom0("echo 1 >/run/mark; cat /run/mark"), "1\n")
            self.assertEqual(other.dom0("test -e /run/mark || echo none"), "none\n")
        self.assertEqual(before, there())
        self.assertEqual(files, len(os.listdir("/proc/self/fd")))

    def test_its_time_is_bounded(self):
        start = time.monotonic()
        with self.assertRaisesRegex(LabError, "are over"):
            with Lab(net=None, seconds=4) as lab:
                lab.dom0("sleep 1234", timeout=60)
        self.assertLess(time.monotonic() - start, 30)

    def test_it_ends_with_its_caller(self):
        code = ("import time\nfrom xenlab import Lab\n"
                "with Lab(net=None) as lab:\n"
                "    print(lab.machine.process.pid, flush=True)\n    time.sleep(1000)\n")
        with subprocess.Popen([sys.executable, "-c", code], cwd=HERE, stdout=subprocess.PIPE,
                              encoding="utf-8") as caller:
            pid = int(caller.stdout.readline())
            self.assertTrue(os.path.exists(f"/proc/{pid}"))
            caller.send_signal(signal.SIGKILL)
        xentest.until(10, lambda: not os.path.exists(f"/proc/{pid}"), "QEMU's end")

    def test_counts(self):
        for cpus in (1, 2):
            with self.subTest(cpus=cpus), Lab(net=None, count=self.tiny, cpus=cpus) as lab:
                found = []
                for _ in range(2):
                    before = lab.counts.now()
                    self.assertEqual(lab.create(self.tiny, extra="0").wait(), "poweroff")
                    after = lab.counts.now()
                    found.append({name: after[name] - before[name] for name in before})
                self.assertEqual(found[0]["own"], found[1]["own"])
                for one in found:
                    self.assertLess(abs(one["own"] - LOOPS), 1000)
                    self.assertGreater(one["total" if cpus == 1 else "guest_cpu"], LOOPS)
                    if cpus == 2:
                        self.assertLess(abs(one["guest_cpu"] - one["own"]), 1000)

    def test_command_line(self):
        lab = os.path.join(HERE, "lab")
        for letter, status in (("0", 0), ("3", 1)):
            done = subprocess.run([lab, "run", self.tiny, "--", letter], check=False)
            self.assertEqual(done.returncode, status)
        done = subprocess.run([lab, "shell"], input=b"echo $((6 * 7)) is it\n",
                              stdout=subprocess.PIPE, check=True)
        self.assertIn(b"42 is it", done.stdout)
        done = subprocess.run([lab, "dom0", "echo hello; exit 7"], stdout=subprocess.PIPE, check=False)
        self.assertEqual((done.stdout, done.returncode), (b"hello\n", 7))


class Linux(xentest.unittest.TestCase):
    def test_serves(self):
        with tempfile.TemporaryDirectory() as folder:
            page = random.Random(2).randbytes(1_000_000)
            with open(os.path.join(folder, "index.html"), "wb") as file:
                file.write(page)
            for server in ("nginx", "httpd"):
                with self.subTest(server=server), Lab() as lab:
                    guest = lab.create_linux(server=server, content=folder)
                    guest.console_until("linux: ready", 60)
                    status, body = xentest.fetch(f"http://127.0.0.1:{guest.forward(80)}/")
                    self.assertEqual((status, body), (0, page))
                    self.assertEqual(guest.shutdown(60), "poweroff")

    def test_disks(self):
        """A file here as a disk with small and with large sectors, and a file in dom0."""
        disks = [Disk(size=8 << 20), Disk(size=8 << 20, sector=4096)]
        data = random.Random(3).randbytes(8 << 20)
        disks[0].write(data)
        script = ("for d in a b c; do echo xvd$d $(cat /sys/block/xvd$d/size "
                  "/sys/block/xvd$d/queue/logical_block_size); done\n"
                  "dd if=/dev/xvda of=/dev/xvdb bs=1M conv=fsync 2>/dev/null\n"
                  "dd if=/dev/xvda of=/dev/xvdc bs=1M conv=fsync 2>/dev/null\n")
        with Lab(net=None, disks=disks) as lab:
            lab.dom0("dd if=/dev/zero of=/run/file bs=1M count=8 2>/dev/null")
            guest = lab.create_linux(script=script, vif=False,
                                     disks=[*disks, "/run/file,raw,xvdc,w"])
            self.assertEqual(guest.wait(60), "poweroff")
            for line in ("xvda 16384 512", "xvdb 16384 4096", "xvdc 16384 512"):
                self.assertIn(line, guest.console)
            self.assertEqual(disks[1].read(8 << 20), data)
            self.assertEqual(lab.dom0("md5sum </run/file").split()[0], hashlib.md5(data).hexdigest())
        for disk in disks:
            disk.close()


if __name__ == "__main__":
    xentest.main()
