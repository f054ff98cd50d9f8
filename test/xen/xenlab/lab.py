# SPDX-License-Identifier: ISC
"""A run of the lab: a Xen host with its dom0, in about a second, for as long as the `with` lasts."""

import os
import re
import shlex
import time

from . import channel, counting, linux, machine, snapshot
from .common import LabError, digest
from .guest import Console, Guest
from .network import GUEST, Nothing, Tap, User

# What is true for all guests, unless Lab.create is told otherwise. A guest that has ended is kept,
# so that the lab can ask why. The time stamp counter is read directly: trapping it costs 20 us here.
CONFIG = {"type": "pvh", "vcpus": 1, "tsc_mode": "native", "on_poweroff": "preserve",
          "on_reboot": "preserve", "on_crash": "preserve"}


def quoted(value):
    """As xl's configuration files write it."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(quoted(one) for one in value) + "]"
    if isinstance(value, int):
        return str(value)
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


class Lab:
    """One emulated Xen host. What it may take of time is bounded: `seconds` for the whole run.

    net      "user" (ports forwarded from 127.0.0.1, no rights needed), "tap" (a new one), a Tap, None
    disks    up to four Disk, which dom0 has as block devices
    count    counts instructions: an image or (low, high); see `counts`
    where    counts them by address, too
    cpus     2: one for dom0, one for guests; `counts` tells their instructions apart then
    gdb      a TCP port where QEMU waits for gdb
    """

    def __init__(self, net="user", disks=(), count=None, cpus=1, seconds=300, gdb=None,
                 where=False):
        if len(disks) > machine.DISKS:
            raise LabError(f"a run has {machine.DISKS} disks at most")
        self.net, self.disks, self.count, self.cpus = net, list(disks), count, cpus
        self.where = where
        self.seconds, self.gdb = seconds, gdb
        self.machine = self.channels = self.counts = self.network = None
        self.guests, self.made, self.files = set(), 0, set()

    def __enter__(self):
        self.network = {"user": User, "tap": Tap, None: Nothing}.get(self.net, lambda: self.net)()
        more = []
        try:
            if self.count is not None:
                self.counts = counting.Counts(self.count, self.cpus, self.where)
                more += self.counts.words()
            if self.gdb:
                more += ["-gdb", f"tcp:127.0.0.1:{self.gdb}"]
            held = [self.counts] if self.counts else []
            self.machine = snapshot.resume(self.seconds, self.cpus, network=self.network,
                                           disks=self.disks, more=more, held=held)
            self.channels = channel.Channels(self.machine.channels)
            self.prepare()
        except BaseException:
            self.close()
            raise
        return self

    def prepare(self):
        """What differs from run to run."""
        lines = [f"date -s @{time.time():.0f} >/dev/null"]
        if self.net:
            lines += ["insmod /modules/virtio_net.ko",
                      "while [ ! -e /sys/class/net/eth0 ]; do sleep 0.02; done",
                      "ip link set dev eth0 master br0", "ip link set dev eth0 up",
                      "while [ \"$(cat /sys/class/net/eth0/brport/state)\" != 3 ]; do",
                      "sleep 0.02; done"]
        if self.disks:
            lines += ["insmod /modules/virtio_blk.ko",
                      f"while [ ! -e /dev/vd{'abcd'[len(self.disks) - 1]} ]; do sleep 0.02; done"]
            for one, letter in zip(self.disks, "abcd"):
                one.device = f"/dev/vd{letter}"
        self.dom0("set -e\n" + "\n".join(lines))

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.machine:
            self.machine.close()
            self.machine = None
        if self.network:
            self.network.close()
            self.network = None

    def dom0(self, command, timeout=30, check=True):
        """Runs a command of the shell in dom0; returns its output. With check it must succeed."""
        output, status = self.channels.run(command, timeout)
        text = output.decode("utf-8", "replace")
        if check and status != 0:
            raise LabError(f"`{command}` in dom0 ended with {status}: {text.strip()}")
        return text

    def put(self, source, path=None):
        """Makes a file in dom0 of bytes or of a file here; returns its path there."""
        data = source
        if not isinstance(source, bytes):
            with open(source, "rb") as file:
                data = file.read()
        path = path or "/run/lab/file-" + digest(data)
        if path.startswith("/run/lab/file-") and path in self.files:
            return path
        channel.put(self.channels, data, path)
        self.files.add(path)
        return path

    def get(self, path):
        """The bytes of a file in dom0."""
        output, status = self.channels.run(f"cat {shlex.quote(path)}", 120)
        if status != 0:
            raise LabError(f"dom0 has no {path}")
        return output

    def xen_log(self):
        """What Xen and dom0's kernel have written to the machine's serial port in this run."""
        return bytes(self.machine.serial.data).decode("utf-8", "replace").replace("\r\n", "\n")

    def forward(self, address, port, host_port=None, kind="tcp"):
        if self.net != "user":
            raise LabError("ports are forwarded with net=\"user\" only; a tap reaches all of them")
        return self.network.forward(self.machine.qmp, address, port, host_port, kind)

    def unforward(self, host_port, kind="tcp"):
        """Ends a forwarded port."""
        self.machine.qmp.human(f"hostfwd_remove net0 {kind}:127.0.0.1:{host_port}")

    def configuration(self, name, image, extra, memory, vif, disks, config, xl):
        """The text for `xl create`: what an .xl file says, and then what holds instead."""
        words = dict(CONFIG, name=name, kernel=self.put(image))
        if memory or not xl:
            words["memory"] = memory or 16
        if extra or not xl:
            words["extra"] = extra
        if vif:
            mac = vif if isinstance(vif, str) else f"00:16:3e:00:00:{self.made:02x}"
            words["vif"] = [f"mac={mac},bridge=br0"]
        elif xl:
            words["vif"] = []
        if disks or xl:
            words["disk"] = [one if isinstance(one, str) else one.spec("xvd" + "abcdefgh"[n])
                             for n, one in enumerate(disks)]
        words.update(config or {})
        if self.cpus > 1:
            words.setdefault("cpus", "1")
        lines = [f"{key}={quoted(value)}" for key, value in words.items() if value is not None]
        return (xl or "") + "\n" + "\n".join(lines) + "\n"

    def create(self, image, extra="", memory=None, vif=False, disks=(), name=None, config=None,
               xl=None, address=GUEST, paused=False):
        """Creates a guest from a PVH image (a file here, or bytes), and returns it.

        extra is its command line; memory is in MiB (16, or what xl says); vif True or a hardware address; disks holds Disk of this lab, or
        what xl takes; config more of xl's words; xl the text of an .xl file to begin with. address is
        where it can be reached, as far as we know: give it to the guest too.
        """
        self.made += 1
        name = channel.safe(name or (os.path.basename(image) if isinstance(image, str) else "guest"))
        if any(other.name == name for other in self.guests):
            name += f"-{self.made}"
        text = self.configuration(name, image, extra, memory, vif, disks, config, xl)
        channel.put(self.channels, text.encode(), f"/run/lab/{name}.xl")
        console = Console(self, name)
        try:
            started = time.monotonic()
            # One that is not kept may have come to its end already.
            said = self.dom0(f"xl create {'-p' if paused else ''} -q /run/lab/{name}.xl && "
                             f"{{ xl domid {name} || true; }}", 60)
            domid = (re.findall(r"^\d+$", said, re.M) or [None])[-1]
        except BaseException:
            if self.machine.process.poll() is None:
                console.close()
            raise
        guest = Guest(self, name, domid, console, address)
        guest.started = started
        self.guests.add(guest)
        return guest

    def create_linux(self, memory=160, server="nginx", content=None, script=None, address="10.0.2.51",
                     vif=True, files=None, **choices):
        """The same with Debian's kernel: an HTTP server ("nginx" or "httpd") over a folder, or a
        script of the shell. It says "linux: ready" when it serves; see linux.py."""
        ramdisk = self.put(linux.ramdisk(server, content, script, files))
        config = dict(choices.pop("config", None) or {}, ramdisk=ramdisk)
        extra = f"console=hvc0 quiet panic=1 address={address}/24 " + choices.pop("extra", "")
        return self.create(linux.kernel(), extra=extra, memory=memory, vif=vif, address=address,
                           config=config, name=choices.pop("name", "linux"), **choices)
