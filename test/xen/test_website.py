#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""website on a real Xen, reached as a user of ./rung run reaches it: by a forwarded port."""

import os
import re
import signal
import socket
import subprocess
import time

import xentest
from xenlab import Lab
from xenlab.common import HERE


class Website(xentest.XenTest):
    def test_all_its_content(self):
        guest = self.website()
        base = f"http://127.0.0.1:{guest.forward(80)}"
        files = xentest.content()
        self.assertIn("index.html", files)
        for path, data in files.items():
            for words in ([], ["--compressed"]):
                with self.subTest(path=path, words=words):
                    self.assertEqual(xentest.fetch(f"{base}/{path}", *words), (0, data))
        self.assertEqual(xentest.fetch(f"{base}/"), (0, files["index.html"]))
        self.assertEqual(guest.shutdown(), "poweroff")
        self.assertEqual(self.errors(guest), [])

    def test_as_its_own_xl_file_says(self):
        """Which asks for an address by DHCP."""
        guest = self.create("website", xl=xentest.xl_of("website"), vif=True)
        guest.console_until(rf"address {re.escape(xentest.ADDRESS)} by DHCP", 60)
        base = f"http://127.0.0.1:{guest.forward(8080)}"
        xentest.until(30, lambda: xentest.fetch(f"{base}/")[1] == xentest.content()["index.html"],
                      "a page")

    def test_in_8_mib(self):
        """With 100 connections."""
        guest = self.website(memory=8)
        self.serves(guest, 100)

    def test_in_16_mib(self):
        """With 1,000 connections."""
        guest = self.website(memory=16)
        self.serves(guest, 1000)

    def serves(self, guest, count):
        port = guest.forward(80)
        open_ones = []
        try:
            for _ in range(count):
                one = socket.create_connection(("127.0.0.1", port), 60)
                open_ones.append(one)
                self.ask(one)
            for one in open_ones:  # all of them are still served
                self.ask(one)
        finally:
            for one in open_ones:
                one.close()
        self.assertEqual(self.errors(guest), [])
        self.assertTrue(guest.running())

    def ask(self, one):
        one.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        data = b""
        while b"\r\n\r\n" not in data:
            more = one.recv(65536)
            self.assertTrue(more, "the connection was closed")
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        self.assertIn(b" 200 ", head.splitlines()[0])
        left = int(re.search(rb"(?i)content-length: (\d+)", head)[1]) - len(body)
        while left > 0:
            more = one.recv(65536)
            self.assertTrue(more, "the connection was closed")
            left -= len(more)


class Idle(xentest.unittest.TestCase):
    def test_uses_no_processor_time(self):
        image = xentest.image("website")
        with Lab(count=image) as lab:
            guest = lab.create(image, extra=f"port=80 {xentest.STATIC}", vif=True, memory=32)
            guest.console_until("serving", 30)
            port = guest.forward(80)
            self.assertEqual(xentest.fetch(f"http://127.0.0.1:{port}/")[0], 0)
            time.sleep(5)  # the connection's last words
            before, seconds = lab.counts.now()["own"], guest.cpu_seconds()
            time.sleep(10)
            spent = lab.counts.now()["own"] - before
            print(f"idle: {spent} instructions in 10 s")
            # A spinning guest executes some hundred millions. What is left are timers of TCP/IP.
            self.assertLess(spent, 500_000)
            self.assertLessEqual(guest.cpu_seconds() - seconds, 0.2)


class CommandLine(xentest.unittest.TestCase):
    def test_run(self):
        """What ./rung run does: it prints the address, and Ctrl-C is a good end."""
        lab, image = os.path.join(HERE, "lab"), xentest.image("website")
        with subprocess.Popen([lab, "run", "--xl", image + ".xl", image, "--", xentest.STATIC.split()[0]],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as run:
            said = ""
            while "is at http" not in said:
                line = run.stderr.readline()
                self.assertTrue(line, said)
                said += line
            url = re.search(r"is at (http://127\.0\.0\.1:\d+/)", said)[1]
            self.assertEqual(xentest.fetch(url), (0, xentest.content()["index.html"]))
            run.send_signal(signal.SIGINT)
            console, more = run.communicate(timeout=60)
            self.assertEqual(run.returncode, 0, said + more)
            self.assertIn("serving", console)


if __name__ == "__main__":
    xentest.main()
