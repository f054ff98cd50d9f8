# SPDX-License-Identifier: ISC
"""How dom0's bridge, which guests are on, is reached from here.

The network is 10.0.2.0/24, and here is 10.0.2.2 in it; dom0 is 10.0.2.9, and guests begin at
10.0.2.50. A forwarded port needs no rights; a tap is faster, carries everything, and needs the right
to make one: be root, or in a network namespace of your own.
"""

import fcntl
import os
import socket
import struct
import subprocess

from .common import LabError

HERE, GUEST, MASK = "10.0.2.2", "10.0.2.50", 24

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x1000, 0x4000


class Nothing:
    """A network card with nobody at the other end of the cable."""

    def words(self):
        return ["-netdev", "hubport,id=net0,hubid=0"]

    def descriptors(self):
        return []

    def close(self):
        pass


class User(Nothing):
    """QEMU's own little network: it answers DHCP, from 10.0.2.50 on, and forwards ports."""

    def words(self):
        return ["-netdev", f"user,id=net0,net=10.0.2.0/24,dhcpstart={GUEST}"]

    def forward(self, qmp, address, port, host_port, kind="tcp"):
        """Makes a port of ours, at 127.0.0.1, lead there; None: any. Returns which one."""
        for _ in range(20):
            ours = host_port or free_port(kind)
            error = qmp.human(f"hostfwd_add net0 {kind}:127.0.0.1:{ours}-{address}:{port}")
            if not error:
                return ours
            if host_port:
                break
        raise LabError(f"no port can be forwarded to {address}:{port}: {error}")


def free_port(kind):
    with socket.socket(socket.AF_INET,
                       socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Tap(Nothing):
    """A tap device in the network namespace of the caller. A new one gets the address HERE, and ends
    with the run; one that exists already (name) is used as it is."""

    def __init__(self, name=None):
        try:
            self.file = os.open("/dev/net/tun", os.O_RDWR)
            made = fcntl.ioctl(self.file, TUNSETIFF, struct.pack(
                "16sH22x", (name or "xenlab%d").encode(), IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
        except OSError as error:
            raise LabError(f"no tap device {name or ''}: {error.strerror}; be root, or run this in "
                           "a network namespace of your own: unshare --net, or -rn") from error
        self.name = made[:16].rstrip(b"\0").decode()
        if name is None:
            for words in (["address", "add", f"{HERE}/{MASK}", "dev", self.name],
                          ["link", "set", "dev", self.name, "up"]):
                subprocess.run(["ip", *words], check=True)

    def words(self):
        return ["-netdev", f"tap,id=net0,fd={self.file},vhost=off"]

    def descriptors(self):
        return [self.file]

    def close(self):
        os.close(self.file)
