# SPDX-License-Identifier: ISC
"""Network namespaces without names: this process moves into one, keeps others open by descriptor,
and all of them vanish with it, however it ends. The machine's own network is not touched."""

import ctypes
import os
import subprocess

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def call(function, *args):
    if function(*args) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


class Namespace:
    """One that somebody is in, or was when the descriptor was opened."""

    def __init__(self):
        self.fd = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def enter(self):
        call(LIBC.setns, self.fd, CLONE_NEWNET)

    def ip(self, *words):
        """Runs ip(8) inside."""
        words = ["ip", *map(str, words)]
        done = subprocess.run(words, preexec_fn=self.enter, capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise SystemExit(f"bench: {' '.join(words)}: {done.stderr.strip()}")

    def path(self):
        """A name for it that ip(8) understands."""
        return f"/proc/{os.getpid()}/fd/{self.fd}"

    def sysctl(self, name, value):
        """Sets one that a namespace has of its own: net.ipv4.*."""
        here = Namespace()
        self.enter()
        try:
            with open("/proc/sys/" + name.replace(".", "/"), "w", encoding="ascii") as file:
                file.write(str(value))
        finally:
            here.enter()
            os.close(here.fd)


def enter_new():
    """Moves this process into a namespace of its own, with a loopback, and returns it."""
    try:
        call(LIBC.unshare, CLONE_NEWNET)
    except OSError as error:
        raise SystemExit(f"bench: no network namespace can be made here ({error.strerror}); "
                         "run this as root") from error
    here = Namespace()
    here.ip("link", "set", "lo", "up")
    return here


def make_other():
    """Makes one for a server, and stays where it is."""
    here = Namespace()
    try:
        other = enter_new()
    finally:
        here.enter()
        os.close(here.fd)
    return other


def veth(near, far, number, *options):
    """A pair of devices between two namespaces; returns the addresses at its ends. The networks are
    those that RFC 2544 gives to benchmarks."""
    name = f"veth{number}"
    near.ip("link", "add", name, "type", "veth", "peer", "name", name, "netns", far.path())
    ends = f"198.18.{number}.1", f"198.18.{number}.2"
    for space, address in zip((near, far), ends):
        space.ip("link", "set", name, *options, "up")
        space.ip("address", "add", f"{address}/24", "dev", name)
    return ends


def tap(near, number):
    """A tap that lasts without a program that holds it; returns its name and the addresses of the
    kernel's end and of the program's."""
    name = f"tap{number}"
    near.ip("tuntap", "add", "dev", name, "mode", "tap", "vnet_hdr")
    near.ip("address", "add", f"198.18.{number}.1/24", "dev", name)
    near.ip("link", "set", name, "up")
    return name, f"198.18.{number}.1", f"198.18.{number}.2"
