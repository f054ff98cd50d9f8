# SPDX-License-Identifier: ISC
"""The lab at the keyboard: a guest in the foreground, and a shell in dom0."""

import os
import re
import select
import shutil
import signal
import sys
import termios
import time
import tty

from .common import LabError, say
from .guest import reason

PROGRAM_ENDED = re.compile(r"the program has ended with status (\d+)")

# Where a program says that it listens, as all of Rung's do: the last ADDRESS:PORT of a whole line
# that is no complaint. An IPv6 address with a port is in brackets; without, it ends in no port.
LISTENS = re.compile(r"^(?!(?:error|warn|debug): ).*"
                     r"(?:\[[0-9a-f:.]+(?:%\w+)?\]|(?<![0-9.])[0-9]+(?:\.[0-9]+){3}|\*)"
                     r":([1-9][0-9]*)(?![0-9]).*\n", re.M)

# What a program that takes its address from DHCP says before it listens, and once it has it.
ASKS = re.compile(r": asking for an address by DHCP$", re.M)
ADDRESS = re.compile(r": address [0-9.]+ by DHCP", re.M)
PATIENCE = 10  # seconds that the address is waited for

LEAVE = b"\x1d"  # Ctrl-]
ENDED = b"dom0: the shell has ended"


class Stopped(Exception):
    """Somebody asks this run to end."""


def on_signals():
    def stop(*_):
        raise Stopped
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def ignore_signals():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def show(stream):
    """A listener that writes to a file of ours."""
    def write(text):
        try:
            stream.write(text)
            stream.flush()
        except OSError:
            pass  # whoever read it has gone; that is told by a signal
    return write


def forward(guest, port, text):
    """Makes the guest's port one of ours, its own or the next free one; says which."""
    first = port if port >= 1024 else 8080
    for ours in range(first, first + 100):
        try:
            guest.forward(port, ours)
            break
        except LabError:
            continue
    else:
        raise LabError(f"the ports {first} to {first + 99} are all in use")
    try:
        guest.forward(port, ours, "udp")
    except LabError:
        pass  # taken by somebody else; most programs listen to TCP only
    print(f"rung: {guest.name} is at {'http://' * ('http://' in text)}127.0.0.1:{ours}"
          f"{'/' * ('http://' in text)}", file=sys.stderr, flush=True)


def has_address(text):
    """Whether it can be reached: it asks nobody for its address, or has been answered."""
    return not ASKS.search(text) or bool(ADDRESS.search(text))


def attend(guest, forwarding=True):
    """Waits for a guest's end, and until then makes the port that it listens on one of ours, once
    it has the address that it asks for. Stopped is for the caller to handle. The reason."""
    running, limit = guest.end(), None
    while not running.ended(0.1):
        listens = forwarding and LISTENS.search(guest.console)
        if not listens:
            continue
        limit = limit or time.monotonic() + PATIENCE
        if has_address(guest.console) or time.monotonic() >= limit:
            forward(guest, int(listens[1]), listens[0])
            forwarding = False
    text, _ = running.end(5)
    return reason(text.decode())


def stop(guest, patience):
    """Asks a guest to end, as Ctrl-C asks a program; ends it if it does not listen. The reason."""
    ignore_signals()
    say(f"asking {guest.name} to power off (xl shutdown)")
    asked = guest.lab.channels.start(f"xl shutdown {guest.domid}")
    try:
        why = guest.wait(patience)
    except LabError:
        say(f"it has not done so within {patience} s: it is destroyed")
        return "stuck"
    asked.ended(2)
    return why


def foreground(guest, forwarding=True, patience=20):
    """A guest as a program in the foreground; returns the exit status."""
    try:
        why = attend(guest, forwarding)
    except Stopped:
        why = stop(guest, patience)
    if why not in ("poweroff", "reboot"):
        print(f"rung: {guest.name} ended with: {why}", file=sys.stderr)
    ended = PROGRAM_ENDED.findall(guest.console)
    if ended:
        return int(ended[-1])
    return 0 if why == "poweroff" else 1


def wait_for_gdb(guest, port):
    """Holds a guest back until gdb has come, which stops the machine, and lets it go on again."""
    print(f"rung: the guest waits for gdb:  target remote :{port}  hbreak FUNCTION  continue",
          file=sys.stderr, flush=True)
    for event in ("STOP", "RESUME"):
        while guest.lab.machine.qmp.answer("wait for gdb", "event") != event:
            pass
    guest.xl("unpause")


def shell(lab):
    """A shell in dom0, at the terminal of this process."""
    stream, end = lab.machine.terminal, []
    size = shutil.get_terminal_size()
    lab.dom0(f"stty -F /dev/hvc1 rows {size.lines} cols {size.columns}")

    def write(data):
        end.append(data[-200:])
        os.write(1, data)
        if ENDED in b"".join(end[-8:]):
            os.write(woken, b"x")

    wake, woken = os.pipe()
    old = termios.tcgetattr(0) if os.isatty(0) else None
    with stream.pump.news:
        stream.data.clear()
        stream.listener = write
    try:
        if old:
            tty.setraw(0)
        stream.send(b"\n")
        pass_on(stream, wake)
    finally:
        with stream.pump.news:
            stream.listener = None
        if old:
            termios.tcsetattr(0, termios.TCSADRAIN, old)
        print(flush=True)


def pass_on(stream, wake):
    """Gives the shell what is typed, until it ends, or the machine, or somebody types Ctrl-]."""
    inputs = [0, wake]
    while stream.open:
        ready, _, _ = select.select(inputs, [], [], 1)
        if wake in ready:
            return
        if 0 in ready:
            data = os.read(0, 4096)
            if not data:
                inputs.remove(0)  # of a file or pipe: the shell shall come to its end
                data = b"exit\n"
            if LEAVE in data and os.isatty(0):
                return
            stream.send(data)
