#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The life of a domain: requests of the toolstack, devices that go and come back, save and restore,
and what is left in dom0 after many of them."""

import socket

import xentest

PAGE = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Requests(xentest.XenTest):
    lab_choices = {"net": "tap"}

    def test_poweroff(self):
        guest = self.website()
        self.assertEqual(guest.shutdown(), "poweroff")
        self.assertEqual(self.errors(guest), [])

    def test_reboot(self):
        guest = self.website()
        self.assertEqual(guest.reboot(), "reboot")

    def test_reboot_as_operators_have_it(self):
        """With on_reboot="restart" the same image serves again."""
        guest = self.website(config={"on_reboot": "restart"})
        guest.xl("reboot")
        guest.console_until("serving", 60)
        xentest.until(30, self.serves, "a page")

    def serves(self):
        return xentest.fetch(f"http://{xentest.ADDRESS}/", seconds=5) == \
            (0, xentest.content()["index.html"])

    def test_pause(self):
        guest = self.website()
        guest.xl("pause")
        self.assertNotEqual(xentest.fetch(f"http://{xentest.ADDRESS}/", seconds=2)[0], 0)
        guest.xl("unpause")
        xentest.until(30, self.serves, "a page")

    def test_save_and_restore(self):
        """A connection that was open goes on after it."""
        guest = self.website()
        with socket.create_connection((xentest.ADDRESS, 80), 30) as one:
            one.settimeout(60)
            self.asks(one)
            self.lab.dom0(f"xl save {guest.name} /run/saved", 60)
            self.lab.dom0("xl restore /run/saved; rm /run/saved", 60)
            guest.console_until("resumed", 30)
            self.asks(one)
        xentest.until(30, self.serves, "a page")
        domid = self.lab.dom0(f"xl domid {guest.name}").strip()
        self.lab.dom0(f"xl shutdown {domid}")
        self.assertEqual(self.lab.dom0(f"domain-end {domid}").strip(), "0")

    def test_save_that_goes_on(self):
        """xl save -c: a copy is made, and the guest was never away."""
        guest = self.website()
        self.lab.dom0(f"xl save -c {guest.name} /run/saved", 60)
        xentest.until(30, self.serves, "a page")
        self.assertEqual(guest.shutdown(), "poweroff")

    def test_saved_five_times(self):
        guest = self.website()
        for _ in range(5):
            self.lab.dom0(f"xl save {guest.name} /run/saved", 60)
            self.lab.dom0("xl restore /run/saved", 60)
            guest.console_until("resumed", 30)
            xentest.until(30, self.serves, "a page")

    def asks(self, one):
        one.sendall(PAGE)
        data, wanted = b"", xentest.content()["index.html"]
        while not data.endswith(wanted):
            more = one.recv(65536)
            self.assertTrue(more, "the connection was closed")
            data += more

    def test_vif_goes_and_comes(self):
        guest = self.website()
        self.assertTrue(self.serves())
        mac = "00:16:3e:00:00:01"
        for _ in range(3):
            guest.xl("network-detach", "0")
            self.assertNotEqual(xentest.fetch(f"http://{xentest.ADDRESS}/", seconds=2)[0], 0)
            guest.xl("network-attach", f"mac={mac}", "bridge=br0")
            xentest.until(30, self.serves, "a page")
        self.assertEqual(self.errors(guest), [])
        self.assertEqual(guest.shutdown(), "poweroff")

    def test_another_vif_in_its_place(self):
        """Not taken; and the right one is, when it comes."""
        guest = self.website()
        guest.xl("network-detach", "0")
        guest.xl("network-attach", "mac=00:16:3e:00:00:09", "bridge=br0")
        guest.console_until("has come back with another address", 30)
        guest.xl("network-detach", "0")
        guest.xl("network-attach", "mac=00:16:3e:00:00:01", "bridge=br0")
        xentest.until(30, self.serves, "a page")
        self.assertEqual(guest.shutdown(), "poweroff")

    def test_vif_goes_for_good(self):
        """Without its network the guest still answers the toolstack."""
        guest = self.website()
        guest.xl("network-detach", "0")
        self.assertEqual(guest.shutdown(), "poweroff")


class Rounds(xentest.XenTest):
    lab_choices = {"net": "user", "seconds": 600}
    ROUNDS = 50

    def left(self):
        """What dom0 and Xen hold. A guest's end is cleaned up a moment later."""
        return {"domains": self.lab.dom0("xl list | wc -l"),
                "memory": self.lab.dom0("xl info | grep free_memory"),
                "keys": self.lab.dom0("xenstore-ls / | grep -vc '^ *[0-9]* = '"),
                "interfaces": self.lab.dom0("ls /sys/class/net | wc -l"),
                "devices": self.lab.dom0("ls /sys/bus/xen-backend/devices | wc -l"),
                "channels": self.lab.dom0("lsevtchn 0 | wc -l"),
                "processes": self.lab.dom0("ps | grep -c '[x]l create' || true")}

    def test_nothing_is_left(self):
        """Of 50 guests, some of which served, some were destroyed at work, some crashed."""
        self.round(0)
        self.round(1)
        before = self.left()
        for number in range(self.ROUNDS):
            self.round(number)
        xentest.until(20, lambda: self.left() == before,
                      f"the same as before: {before}, {self.left()}")

    def round(self, number):
        guest = self.website(memory=16)
        port = guest.forward(80)
        self.assertEqual(xentest.fetch(f"http://127.0.0.1:{port}/")[0], 0)
        self.lab.unforward(port)
        if number % 2:
            self.assertEqual(guest.shutdown(), "poweroff")
        guest.destroy()


if __name__ == "__main__":
    xentest.namespace()
    xentest.main()
