#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Traffic with a guest on a real Xen, over a tap in a network namespace of its own."""

import os
import random
import re
import socket
import subprocess
import tempfile
import threading

import xentest

MIB = 1 << 20


class Traffic(xentest.XenTest):
    lab_choices = {"net": "tap"}

    def ping(self, size, count=5):
        done = subprocess.run(["ping", "-q", "-c", str(count), "-i", "0.2", "-W", "10", "-s",
                               str(size), xentest.ADDRESS], stdout=subprocess.PIPE,
                              encoding="utf-8", check=False)
        self.assertIn(f"{count} packets transmitted, {count} received", done.stdout)

    def test_ping(self):
        self.website()
        for size in (0, 64, 1472, 1473, 9000, 65000):
            with self.subTest(size=size):
                self.ping(size)

    def test_100_mib_up_and_down(self):
        """To echo, which sends back every byte: compared one by one."""
        guest = self.create("echo", f"port=7 {xentest.STATIC}", memory=32, vif=True)
        guest.console_until(r":7\b", 30)
        data = random.Random(4).randbytes(100 * MIB)
        with socket.create_connection((xentest.ADDRESS, 7), 60) as one:
            one.settimeout(60)

            def send():
                one.sendall(data)
                one.shutdown(socket.SHUT_WR)

            sender = threading.Thread(target=send)
            sender.start()
            at = 0
            while at < len(data):
                piece = one.recv(MIB)
                self.assertTrue(piece, f"echo closed after {at} bytes")
                self.assertEqual(piece, data[at:at + len(piece)], f"bytes from {at} on differ")
                at += len(piece)
            self.assertEqual(one.recv(1), b"")
            sender.join()
        self.assertEqual(guest.shutdown(), "poweroff")

    def test_100_mib_down(self):
        """A stream at full speed, of which every byte is known."""
        guest = self.create("bulk", f"{xentest.STATIC} bytes=100M buffer=256K", memory=32, vif=True)
        guest.console_until(r":7100\b", 30)
        piece = bytes(i % 251 for i in range(256 << 10))
        with socket.create_connection((xentest.ADDRESS, 7100), 60) as one:
            one.settimeout(60)
            for number in range(400):
                got = bytearray()
                while len(got) < len(piece):
                    more = one.recv(len(piece) - len(got))
                    self.assertTrue(more, "the stream ended early")
                    got += more
                self.assertEqual(got, piece, f"piece {number} differs")
            self.assertEqual(one.recv(1), b"")

    def test_datagrams(self):
        """Of every length around the fragments' edges."""
        guest = self.create("echo", f"port=7 {xentest.STATIC}", memory=32, vif=True)
        guest.console_until(r":7\b", 30)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.settimeout(10)
            for size in (0, 1, 17, 18, 1471, 1472, 1473, 2952, 2953, 8000, 30000, 60000):
                data = random.Random(size).randbytes(size)
                one.sendto(data, (xentest.ADDRESS, 7))
                self.assertEqual(one.recv(65536), data, f"{size} bytes")

    def test_dhcp(self):
        """From a server that is somebody else's: asked, used, given back."""
        with tempfile.TemporaryDirectory() as folder, \
                open(os.path.join(folder, "log"), "w+", encoding="utf-8") as log, \
                subprocess.Popen(["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                                  "--pid-file=", "--user=", "--group=", "--port=0",
                                  f"--interface={self.lab.network.name}", "--bind-interfaces",
                                  "--dhcp-authoritative", "--log-facility=-", "--log-dhcp",
                                  "--dhcp-range=10.0.2.60,10.0.2.69,255.255.255.0,2m",
                                  "--dhcp-option=option:router,10.0.2.2",
                                  f"--dhcp-leasefile={folder}/leases"],
                                 stdout=log, stderr=log) as server:
            try:
                guest = self.create("website", "port=80", memory=32, vif=True)
                found = guest.console_until(r"address (10\.0\.2\.6\d) by DHCP, router 10\.0\.2\.2", 60)
                self.assertEqual(xentest.fetch(f"http://{found[1]}/"),
                                 (0, xentest.content()["index.html"]))
                self.assertEqual(guest.shutdown(), "poweroff")

                def released():
                    log.seek(0)
                    return "DHCPRELEASE" in log.read()
                xentest.until(10, released, "the address given back")
            finally:
                server.terminate()

    def test_ipv6(self):
        guest = self.website("tcp.ipv6=fd88::2/64 tcp.dad=off")
        subprocess.run(["ip", "address", "add", "fd88::1/64", "dev", self.lab.network.name, "nodad"],
                       check=True)
        self.assertEqual(xentest.fetch("http://[fd88::2]/"), (0, xentest.content()["index.html"]))
        self.assertEqual(guest.shutdown(), "poweroff")

    def test_guest_to_guest(self):
        """Two of ours on one bridge, without a wire between them."""
        self.website()
        mac = self.lab.dom0("cat /sys/class/net/br0/address")
        self.assertTrue(re.match(r"([0-9a-f]{2}:){5}", mac))
        other = self.create("website", "port=80 tcp.ipv4=10.0.2.51/24", memory=32, vif=True)
        other.console_until("serving", 30)
        for address in (xentest.ADDRESS, "10.0.2.51"):
            self.assertEqual(xentest.fetch(f"http://{address}/"), (0, xentest.content()["index.html"]))
        self.assertIn("1 packets received", self.lab.dom0(f"ping -c 1 -W 5 {xentest.ADDRESS}"))


if __name__ == "__main__":
    xentest.namespace()
    xentest.main()
