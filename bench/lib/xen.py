# SPDX-License-Identifier: ISC
"""The guests of `bench xen`, ours and Linux, and what is asked of them: on one emulated Xen, over one
tap, in a network namespace of the benchmark's own."""

import json
import os
import re
import selectors
import socket
import subprocess
import sys
import threading
import time

from lib import measure
from lib.conduct import ROOT

sys.path.insert(0, os.path.join(ROOT, "test", "xen"))

from xenlab import LabError  # noqa: E402, pylint: disable=wrong-import-position

MEMORY = 160  # MiB, of both: what this Linux needs with room for its caches
RUNG, LINUX = "rung", "Linux"
SIDES = (RUNG, LINUX)
ADDRESS = {RUNG: "10.0.2.50", LINUX: "10.0.2.51"}
MAC = {RUNG: "00:16:3e:00:00:50", LINUX: "00:16:3e:00:00:51"}
BULK_PORT, SHELL_PORT = 7100, 99
PATH = "/1k.txt"
# A client can run in dom0's way: Linux gets what it needs of this machine, whatever that is.
LOADER = "/bench/ld.so --library-path /bench "
LINUX_JOB = f"""
chmod 755 /bench/*
nginx
{LOADER}/bench/bench-bulk serve {ADDRESS[LINUX]} {BULK_PORT} &
nc -ll -p {SHELL_PORT} -e /bin/sh &
echo "linux: ready"
while :; do sleep 3600; done
"""


def words(more=""):
    """The command line of ours."""
    return f"tcp.ipv4={ADDRESS[RUNG]}/24 tcp.gateway=10.0.2.2 {more}"


def programs(folder, names):
    """Programs of this machine with their libraries and loader, as files for a Linux guest."""
    found = {}
    for name in names:
        path = os.path.join(folder, name)
        found["/bench/" + name] = path
        said = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
        for library in re.findall(r"(/\S+)", said):
            is_loader = os.path.basename(library).startswith("ld-linux")
            found["/bench/" + ("ld.so" if is_loader else os.path.basename(library))] = library
    return {there: read(here) for there, here in found.items()}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def create(lab, side, image, content, memory=MEMORY, **choices):
    """A guest that serves: website, or nginx on Linux."""
    if side == RUNG:
        return lab.create(image, extra=words("port=80"), memory=memory, vif=MAC[RUNG],
                          address=ADDRESS[RUNG], **choices)
    return lab.create_linux(content=content, memory=memory, vif=MAC[LINUX], address=ADDRESS[LINUX],
                            **choices)


def ready(guest, side, timeout=90):
    """Waits until it says that it serves."""
    guest.console_until("serving" if side == RUNG else "linux: ready", timeout)


def neighbours(device):
    """No guest has to be asked for its address, so that a first packet is not late by a second."""
    for side in SIDES:
        subprocess.run(["ip", "neigh", "replace", ADDRESS[side], "lladdr", MAC[side], "dev", device,
                        "nud", "permanent"], check=True)


class Shell:
    """Commands in the Linux guest, with LINUX_JOB."""

    def run(self, command, timeout=60):
        with socket.create_connection((ADDRESS[LINUX], SHELL_PORT), 10) as peer:
            peer.settimeout(timeout)
            peer.sendall(f"{command}; echo \"status $?\"; exit\n".encode())
            said = b""
            while True:
                piece = peer.recv(65536)
                if not piece:
                    break
                said += piece
        text, _, status = said.decode(errors="replace").rpartition("status ")
        if status.strip() != "0":
            raise SystemExit(f"bench: `{command}` in the Linux guest: {text}{status}")
        return text


class Client:
    """One connection that asks again and again."""

    def __init__(self, side):
        self.request = f"GET {PATH} HTTP/1.1\r\nHost: {ADDRESS[side]}\r\n\r\n".encode()
        self.peer = socket.create_connection((ADDRESS[side], 80), 30)
        self.peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self):
        self.peer.sendall(self.request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.take()
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(re.search(rb"content-length: *(\d+)", head, re.I)[1])
        if not head.startswith(b"HTTP/1.1 200 "):
            raise SystemExit(f"bench: {head.decode(errors='replace')}")
        while len(body) < length:
            body += self.take()

    def take(self):
        piece = self.peer.recv(65536)
        if not piece:
            raise SystemExit("bench: a guest closed a connection that was to be kept")
        return piece

    def close(self):
        self.peer.close()


class FirstByte(threading.Thread):
    """Asks all the time until somebody answers; a new connection each 10 ms, since a SYN that is lost
    is sent again after a second only."""

    def __init__(self, side, seconds=90):
        super().__init__(daemon=True)
        self.side, self.limit = side, time.monotonic() + seconds
        self.at, self.over = None, False
        self.start()

    def run(self):
        with selectors.DefaultSelector() as peers:
            while self.at is None and not self.over and time.monotonic() < self.limit:
                self.begin(peers)
                for key, _ in peers.select(0.01):
                    self.on(peers, key.fileobj, key.events)
                for key in list(peers.get_map().values()):
                    if self.at is not None or time.monotonic() - key.data > 2:
                        self.drop(peers, key.fileobj)

    def begin(self, peers):
        peer = socket.socket()
        peer.setblocking(False)
        if peer.connect_ex((ADDRESS[self.side], 80)) in (0, 115):  # EINPROGRESS
            peers.register(peer, selectors.EVENT_WRITE, time.monotonic())
        else:
            peer.close()

    def drop(self, peers, peer):
        peers.unregister(peer)
        peer.close()

    def on(self, peers, peer, events):
        try:
            if events & selectors.EVENT_WRITE:
                peer.send(f"GET {PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                peers.modify(peer, selectors.EVENT_READ, time.monotonic())
            elif peer.recv(1):
                self.at = self.at or time.monotonic()
        except OSError:  # refused: nobody listens yet
            self.drop(peers, peer)
            time.sleep(0.005)

    def wait(self):
        self.join()
        if self.at is None:
            raise LabError(f"no byte from {self.side}")
        return self.at


def bulk_round(program, side, way, seconds):
    """Gb/s of one stream: transmit is from the guest."""
    port = BULK_PORT if way == "transmit" else BULK_PORT + 1
    command = [program, "receive" if way == "transmit" else "send", ADDRESS[side], str(port), "1",
               str(int(seconds * 1000))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise SystemExit(f"bench: {' '.join(command)}: {done.stderr}")
    one = json.loads(done.stdout.splitlines()[-1])
    return {"gbps": one["bytes"] * 8 / one["seconds"] / 1e9}


def block_round(lab, side, image, device, work, seconds):
    """Requests each second, by bench/apps/blockload, ours or on Linux' io_uring with O_DIRECT."""
    kind, size, depth = work
    load = f"work={kind} block={size} depth={depth} time={seconds}s"
    if side == RUNG:
        guest = lab.create(image, extra=load, memory=MEMORY, disks=[device], name="blockload")
        if guest.wait(60) != "poweroff" or "{" not in guest.console:
            raise SystemExit(f"bench: blockload ended badly:\n{guest.console}")
        said = guest.console
        guest.destroy()
    else:
        keys = " ".join("--" + key for key in load.split())
        said = Shell().run(f"{LOADER}/bench/blockload --disk.path=/dev/xvda --disk.direct=on {keys}")
    one = json.loads(said[said.index("{"):].splitlines()[0])
    return {"rate": one["requests"] / (one["ns"] / 1e9)}


def load_counts(counts, side, seconds, connections, cpu):
    """Instructions for each request of wrk's: connections are open before it counts."""
    wrk = measure.Load(f"http://{ADDRESS[side]}{PATH}", seconds + 1, connections, cpu)
    time.sleep(0.7)
    sent, before = wrk.sent(), counts.now()
    time.sleep(seconds)
    requests, after = wrk.sent() - sent, counts.now()
    wrk.end()
    if not requests:
        raise SystemExit(f"bench: {side} answered nothing for {seconds} s")
    return {name: (after[name] - before[name]) / requests for name in after} | {
        "requests": requests}


def quiet(counts, seconds=20):
    """Waits until no guest executes anything for some milliseconds; returns the counts."""
    limit, before = time.monotonic() + seconds, counts.now()
    while time.monotonic() < limit:
        time.sleep(0.004)
        now = counts.now()
        if now["guest_cpu"] == before["guest_cpu"]:
            return now
        before = now
    raise SystemExit("bench: the guests do not come to rest")
