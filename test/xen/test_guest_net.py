#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The contract suites of TCP and UDP in a guest on a real Xen (test/xen-guest), for lwip on netfront.
Its first vif is under test; over the second one it commands the other host, which is here."""

import test_guest
import xentest
from netpeer import NetPeer
from xenlab import Lab

VIFS = [f"mac=00:16:3e:00:01:0{n},bridge=br0" for n in range(2)]


class Suites(xentest.unittest.TestCase):
    suite = test_guest.Suites.suite

    def of(self, name):
        with Lab(net="tap", seconds=900) as lab, NetPeer(lab.network.name) as peer:
            self.suite(lab, name, memory=192, config={"vif": VIFS}, words=["RUNG_TEST_SLOW=1"],
                       seconds=800)
            print(f"{name}: {peer.asked} questions, {peer.again} asked again")

    def test_tcp(self):
        self.of("tcp")

    def test_udp(self):
        self.of("udp")


if __name__ == "__main__":
    xentest.namespace()
    xentest.main()
