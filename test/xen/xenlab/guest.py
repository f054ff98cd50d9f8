# SPDX-License-Identifier: ISC
"""A guest that has been created: its console, its end, what may be done to it."""

import re
import time

from .common import LabError
from .network import GUEST

REASONS = {"0": "poweroff", "1": "reboot", "2": "suspend", "3": "crash", "4": "watchdog"}


def reason(text):
    """Why a guest has ended, from what domain-end says."""
    return REASONS.get(text.strip(), text.strip())


class Console:
    """All that a guest has written, from its first byte on, collected as it comes.

    xenconsoled's log of this name is a pipe in dom0, which a channel empties.
    """

    def __init__(self, lab, name):
        self.lab, self.pipe = lab, f"/var/log/xen/console/guest-{name}.log"
        self.text, self.position, self.listener = "", 0, None
        self.running = lab.channels.start(
            f"rm -f '{self.pipe}'; mkfifo '{self.pipe}'; echo ready; exec cat <>'{self.pipe}'")
        self.running.stream.until(b"ready\n", 20, "console of a guest")
        self.running.stream.listener = self.take

    def take(self, data):
        text = data.decode("utf-8", "replace").replace("\r\n", "\n")
        self.text += text
        if self.listener:
            self.listener(text)

    def until(self, pattern, timeout, ended):
        stream, limit = self.running.stream, time.monotonic() + timeout
        pattern = re.compile(pattern, re.M)
        with stream.pump.news:
            while True:
                match = pattern.search(self.text, self.position)
                if match:
                    self.position = match.end()
                    return match
                if ended():
                    raise LabError(f"the guest has ended without saying {pattern.pattern!r}")
                stream.wait(limit, timeout, f"{pattern.pattern!r} on the console")

    def close(self):
        if self.running:
            self.take(self.running.kill())
            self.running = None
            self.lab.dom0(f"rm -f '{self.pipe}'")


class Guest:
    """Made by Lab.create. It stays, as Xen keeps it, after its end: destroy() it, or end the lab."""

    def __init__(self, lab, name, domid, console, address=GUEST):
        self.lab, self.name, self.domid, self.address = lab, name, domid, address
        self.reader, self.ending = console, None
        self.started = None  # when `xl create` was called, by time.monotonic()

    @property
    def console(self):
        """What it has written so far."""
        return self.reader.text

    def watch(self, listener):
        """Calls listener(text) for all that it has written and writes, later in a thread of the
        lab's."""
        with self.lab.machine.pump.news:
            if self.console:
                listener(self.console)
            self.reader.listener = listener

    def console_until(self, pattern, timeout=30):
        """Waits until it writes what matches, after what was waited for before; returns the match."""
        try:
            return self.reader.until(pattern, timeout, lambda: False)
        except LabError as error:
            raise LabError(f"{error}. The console of {self.name}:\n{self.console[-4000:]}") from None

    def wait(self, timeout=30):
        """Waits for its end: "poweroff", "reboot", "suspend", "crash", or "gone"."""
        try:
            return reason(self.lab.dom0(f"domain-end {self.domid}", timeout))
        except LabError as error:
            raise LabError(f"{error}. The console of {self.name}:\n{self.console[-4000:]}") from None

    def end(self):
        """Begins to wait for its end, beside other things: a channel.Running (see reason())."""
        return self.lab.channels.start(f"domain-end {self.domid}")

    def running(self):
        """Whether it has not ended."""
        line = self.lab.dom0(f"xl list {self.domid} 2>/dev/null | tail -n +2", check=False).split()
        return len(line) > 4 and not set(line[4]) & set("scd")

    def xl(self, command, *words, timeout=30):
        """xl COMMAND NAME WORD..."""
        return self.lab.dom0(" ".join(["xl", command, str(self.domid), *words]), timeout)

    def shutdown(self, timeout=30):
        """Asks it to power off, and waits for its end."""
        self.xl("shutdown")
        return self.wait(timeout)

    def reboot(self, timeout=30):
        """Asks it to reboot, and waits for its end."""
        self.xl("reboot")
        return self.wait(timeout)

    def forward(self, port, host_port=None, kind="tcp"):
        """A port of 127.0.0.1 that leads to this one of the guest (with the network "user")."""
        return self.lab.forward(self.address, port, host_port, kind)

    def cpu_seconds(self):
        """Processor time that it has used."""
        return float(self.lab.dom0(f"xl list {self.domid} | tail -n 1").split()[5])

    def destroy(self):
        """Removes it at once, and everything that dom0 has for it."""
        self.lab.dom0(f"xl destroy {self.domid}", check=False)
        self.reader.close()
        self.lab.guests.discard(self)
