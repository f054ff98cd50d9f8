# SPDX-License-Identifier: ISC
"""Byte streams from the machine, all collected by one thread, so that nobody there ever waits."""

import os
import re
import selectors
import threading
import time

from .common import LabError


class Stream:
    """What has come from one socket so far, and is not taken yet. A listener gets it at once instead,
    under the pump's lock."""

    def __init__(self, pump, sock, name):
        self.pump, self.sock, self.name = pump, sock, name
        self.data, self.open = bytearray(), True
        self.listener = None

    def send(self, data):
        self.sock.sendall(data)

    def until(self, pattern, timeout, what, longest=None):
        """Takes everything up to the first match of a pattern; returns what was before, and it.

        Say how long a match can be where much comes before it.
        """
        pattern, seen = re.compile(pattern), 0
        limit = time.monotonic() + timeout
        with self.pump.news:
            while True:
                match = pattern.search(self.data, seen)
                if match:
                    before, groups = bytes(self.data[:match.start()]), match.groups()
                    end = match.end()
                    del match  # it holds the buffer
                    del self.data[:end]
                    return before, groups
                if longest is not None:
                    seen = max(0, len(self.data) - longest)
                self.wait(limit, timeout, what)

    def wait(self, limit, timeout, what):
        """Waits for news, under the pump's lock."""
        if not self.open:
            raise LabError(f"the machine is gone while waiting for {what}" + self.pump.obituary())
        if time.monotonic() >= limit:
            raise LabError(f"no {what} within {timeout:.0f} s" + self.pump.obituary())
        self.pump.news.wait(max(0.0, limit - time.monotonic()))


class Pump:
    """The thread that reads all streams, and ends the machine when its time is up."""

    def __init__(self, seconds):
        self.news = threading.Condition()
        self.selector = selectors.DefaultSelector()
        self.deadline = time.monotonic() + seconds
        self.seconds, self.over = seconds, False
        self.wake_read, self.wake_write = os.pipe()
        self.selector.register(self.wake_read, selectors.EVENT_READ)
        self.kill = lambda: None
        self.errors = lambda: ""
        self.thread = threading.Thread(target=self.run, daemon=True)

    def obituary(self):
        """What may explain why nothing more comes."""
        text = f" (the {self.seconds:.0f} s that this lab may run are over)" if self.over else ""
        errors = self.errors().strip()
        return text + (f": {errors}" if errors else "")

    def add(self, sock, name):
        stream = Stream(self, sock, name)
        self.selector.register(sock, selectors.EVENT_READ, stream)
        return stream

    def start(self):
        self.thread.start()

    def stop(self):
        os.write(self.wake_write, b"x")
        self.thread.join()
        os.close(self.wake_read)
        os.close(self.wake_write)
        self.selector.close()

    def take(self, stream):
        try:
            data = stream.sock.recv(1 << 18)
        except OSError:
            data = b""
        with self.news:
            if data and stream.listener:
                stream.listener(data)
            elif data:
                stream.data += data
            else:
                stream.open = False
                self.selector.unregister(stream.sock)
            self.news.notify_all()

    def run(self):
        while True:
            if not self.over and time.monotonic() >= self.deadline:
                self.over = True
                self.kill()
            wait = None if self.over else self.deadline - time.monotonic()
            for key, _ in self.selector.select(wait):
                if key.data is None:
                    return
                self.take(key.data)
