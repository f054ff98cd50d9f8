# SPDX-License-Identifier: ISC
"""Commands in dom0: each of several channels runs one at a time (dom0/serve)."""

import base64
import re
import secrets
import threading

from .common import LabError

LONGEST = 64


class Running:
    """A command under way in dom0."""

    def __init__(self, channels, stream, command, take_input):
        self.channels, self.stream, self.command = channels, stream, command
        self.token = secrets.token_hex(8).encode()
        text = "echo $$\n" + ("" if take_input else "exec </dev/null\n") + command
        stream.send(self.token + b" " + base64.b64encode(text.encode()) + b"\n")
        _, (pid,) = stream.until(rb"^(\d+)\n", 20, f"start of `{command}` in dom0")
        self.pid = int(pid)

    def end(self, timeout):
        """Waits for the end: its output and exit status."""
        try:
            text, (status,) = self.stream.until(b"\n" + self.token + rb" (\d+)\n", timeout,
                                                f"end of `{self.command}` in dom0", LONGEST)
        except LabError:
            if self.stream.open:
                self.kill()
            raise
        self.channels.free(self.stream)
        return text, int(status)

    def ended(self, seconds):
        """Waits so long at most; whether it has ended."""
        def over():
            return self.token in self.stream.data or not self.stream.open
        with self.stream.pump.news:
            return self.stream.pump.news.wait_for(over, seconds)

    def kill(self):
        """Ends it with all that it has started; returns what it has written."""
        with self.stream.pump.news:
            self.stream.listener = None
        self.channels.kill(self.pid)
        text, _ = self.stream.until(b"\n" + self.token + rb" (\d+)\n", 20,
                                    "end of a command that was killed", LONGEST)
        self.channels.free(self.stream)
        return text


class Channels:
    def __init__(self, streams):
        self.killer, self.idle = streams[0], list(streams[1:])
        self.lock = threading.Lock()

    def free(self, stream):
        with self.lock:
            self.idle.append(stream)

    def kill(self, pid):
        token = secrets.token_hex(8).encode()
        with self.lock:
            self.killer.send(token + b" " + base64.b64encode(b"kill -KILL -%d" % pid) + b"\n")
            self.killer.until(b"\n" + token + rb" (\d+)\n", 20, "end of `kill` in dom0")

    def start(self, command, take_input=False):
        with self.lock:
            if not self.idle:
                raise LabError("all channels to dom0 are in use: destroy a guest")
            stream = self.idle.pop()
        return Running(self, stream, command, take_input)

    def run(self, command, timeout, data=None):
        """Runs a command of the shell there; its output (bytes) and exit status."""
        running = self.start(command, data is not None)
        if data is not None:
            running.stream.send(data)
        return running.end(timeout)


def put(channels, data, path, timeout=60):
    """Makes a file in dom0."""
    # A page at a time is what the driver there takes; dd waits for all of it.
    _, status = channels.run(f"dd of='{path}' bs=64k iflag=fullblock,count_bytes "
                             f"count={len(data)} 2>/dev/null", timeout, data)
    if status != 0:
        raise LabError(f"{path} cannot be written in dom0")


def safe(name):
    """A name for a file there."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name)
