# SPDX-License-Identifier: ISC
"""What the benchmarks measure, and how: load, CPU time, system calls, memory, ..."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import time

from lib.servers import pin

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def cpu_ns(pids):
    """CPU time of all threads, from the scheduler's own account, which counts nanoseconds where
    /proc/<pid>/stat counts ticks of 10 ms."""
    total = 0
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0])
    return total


def core_ns(cpu):
    """Time that a core was not idle, in ticks of 10 ms. Work that the kernel does for a server in
    some other's name shows here alone."""
    with open("/proc/stat", encoding="ascii") as file:
        line = re.search(rf"^cpu{cpu} (.*)$", file.read(), re.M)[1].split()
    user, nice, system, _, _, irq, softirq = map(int, line[:7])
    return (user + nice + system + irq + softirq) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


class Load:
    """wrk, pinned and under way."""

    def __init__(self, url, seconds, connections, cpu, wrapper=()):
        self.url = url
        self.process = subprocess.Popen(
            [*wrapper, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s",
             "-s", os.path.join(HERE, "wrk.lua"), url],
            preexec_fn=pin(cpu), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def sent(self):
        """Requests so far: each is one write()."""
        with open(f"/proc/{self.process.pid}/io", encoding="ascii") as file:
            return int(re.search(r"^syscw: (\d+)", file.read(), re.M)[1])

    def end(self):
        """Waits for it, and returns what it counted."""
        out, err = self.process.communicate()
        lines = [line for line in err.splitlines() if line.startswith("{")]
        if self.process.returncode != 0 or not lines:
            raise SystemExit(f"bench: wrk failed on {self.url}:\n{out}{err}")
        result = json.loads(lines[-1])
        if result["errors"] or not result["requests"]:
            raise SystemExit(f"bench: {self.url}: {result['errors']} errors in "
                             f"{result['requests']} requests")
        return result


def load(url, seconds, connections, cpu, wrapper=()):
    """Runs wrk, and returns what it counted."""
    return Load(url, seconds, connections, cpu, wrapper).end()


class Account:
    """What a server and its core spend from now on."""

    def __init__(self, server):
        self.server = server
        self.pids = server.pids()
        self.cpu, self.core, self.time = cpu_ns(self.pids), core_ns(server.cpu), time.monotonic_ns()

    def spent(self):
        """Of the processes, of the core, and the time that passed, in nanoseconds."""
        return (cpu_ns(self.pids) - self.cpu, core_ns(self.server.cpu) - self.core,
                time.monotonic_ns() - self.time)


def round_of(server, url, seconds, connections, cpu, warm=0):
    """One round: requests, time, and the CPU time that the server spent on them. The first `warm`
    seconds, in which connections are opened, do not count but in wrk's latencies."""
    wrk = Load(url, seconds + warm, connections, cpu)
    if warm:
        time.sleep(warm)
        before = wrk.sent()
    account = Account(server)
    if warm:
        time.sleep(seconds - 0.1)
        requests = wrk.sent() - before
        spent, core, passed = account.spent()
        result = wrk.end()
    else:
        result = wrk.end()
        spent, core, _ = account.spent()
        requests, passed = result["requests"], result["duration_us"] * 1000
    if not requests:
        raise SystemExit(f"bench: {url}: nothing was answered for {seconds} s")
    result["rps"] = requests / (passed / 1e9)
    result["cpu_us_per_request"] = spent / 1e3 / requests
    result["core_us_per_request"] = core / 1e3 / requests
    result["cpu_share"] = spent / passed
    return result


def bulk_round(server, way, seconds, connections, cpu):
    """One round of a server that transmits or receives as fast as it can."""
    words = [os.path.join(server.build, "bin", "bench-bulk"),
             "receive" if way == "transmit" else "send", server.place.address,
             str(server.port[way]), str(connections), str(int(seconds * 1000))]
    with subprocess.Popen(words, preexec_fn=pin(cpu), stdout=subprocess.PIPE, text=True) as client:
        client.stdout.readline()  # "begin"
        account = Account(server)
        line = client.stdout.readline()
        spent, core, _ = account.spent()
    if client.returncode != 0 or not line:
        raise SystemExit(f"bench: {' '.join(words)} failed")
    result = json.loads(line)
    if not result["bytes"]:
        raise SystemExit(f"bench: {server.name}: no byte came in {seconds} s")
    result["gbps"] = result["bytes"] * 8 / result["seconds"] / 1e9
    result["cpu_s_per_gb"] = spent / result["bytes"]
    result["core_s_per_gb"] = core / result["bytes"]
    result["cpu_share"] = spent / 1e9 / result["seconds"]
    return result


def blast(program, device, way, kind, seconds, cpus):
    """Frames through a tap without TCP, as the program sees them. cpus: its own, the kernel's."""
    feeder = None
    if way == "read":
        feeder = subprocess.Popen([program, "feed", device, kind], preexec_fn=pin(cpus[1]))
    try:
        words = [program, way, device, kind, str(int(seconds * 1000))]
        done = subprocess.run(words, preexec_fn=pin(cpus[0]), stdout=subprocess.PIPE, text=True,
                              check=False)
    finally:
        if feeder:
            feeder.kill()
            feeder.wait()
    if done.returncode != 0:
        raise SystemExit(f"bench: {program} {way} {device} {kind} failed")
    result = json.loads(done.stdout)
    result["gbps"] = result["bytes"] * 8 / result["seconds"] / 1e9
    result["cpu_s_per_gb"] = result["cpu_seconds"] / (result["bytes"] / 1e9)
    return result


@contextlib.contextmanager
def busy_loop(cpu):
    """Keeps a core busy: a server pinned there gets half of it, and requests wait for the server
    instead of the server for requests. wrk alone is too slow for that."""
    with subprocess.Popen(["sh", "-c", "while :; do :; done"], preexec_fn=pin(cpu)) as loop:
        try:
            yield
        finally:
            loop.kill()


def syscalls(server, url, seconds, connections, cpu, scratch):
    """System calls per request, and how they were counted."""
    pids = ",".join(map(str, server.pids()))
    out = os.path.join(scratch, "syscalls.txt")
    perf = shutil.which("perf")
    if perf:
        words = [perf, "stat", "-x,", "-o", out, "-e", "raw_syscalls:sys_enter", "-p", pids, "--"]
        try:
            result = load(url, seconds, connections, cpu, words)
            with open(out, encoding="utf-8") as file:
                count = re.search(r"^(\d+),", file.read(), re.M)
            if count:
                return int(count[1]) / result["requests"], "perf stat"
        except SystemExit:
            pass  # not permitted here: strace needs no tracepoints
    words = ["strace", "-f", "-c", "-o", out]
    for pid in pids.split(","):
        words += ["-p", pid]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as tracer:
        tracer.stderr.readline()  # "attached"
        result = load(url, seconds, connections, cpu)
        tracer.terminate()
        tracer.wait()
    with open(out, encoding="utf-8") as file:
        total = re.findall(r"^\s*100\.00\s+\S+\s+(?:\S+\s+)?(\d+)\s.*total$", file.read(), re.M)
    return int(total[-1]) / result["requests"], "strace, which slows the server"


def memory_kib(server):
    """Resident and proportional size, in KiB, of all its processes."""
    sums = {"Rss": 0, "Pss": 0}
    for pid in server.pids():
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            for name, kib in re.findall(r"^(Rss|Pss):\s+(\d+)", file.read(), re.M):
                sums[name] += int(kib)
    return sums


def memory_with(server, url, connections):
    """Memory before and while so many connections are open, each of which has asked once."""
    before = memory_kib(server)
    host, path = re.match(r"http://([^/]+)(/.*)", url).groups()
    address = (host.split(":")[0], int(host.split(":")[1]))
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    peers = []
    try:
        for _ in range(connections):
            peer = socket.create_connection(address, 30)
            peers.append(peer)
            peer.sendall(request)
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += peer.recv(65536)
            head, _, body = answer.partition(b"\r\n\r\n")
            left = int(re.search(rb"content-length: *(\d+)", head, re.I)[1]) - len(body)
            while left > 0:
                left -= len(peer.recv(65536))
        after = memory_kib(server)
    finally:
        for peer in peers:
            peer.close()
    return {"rss_kib_before": before["Rss"], "rss_kib": after["Rss"], "pss_kib": after["Pss"],
            "bytes_per_connection": (after["Rss"] - before["Rss"]) * 1024 / connections}


def instructions(start, url_of, seconds, connections, cpu, scratch):
    """User-space instructions per request, by callgrind: those of a run under load, less those of a
    run without."""
    counts = []
    for with_load in (False, True):
        out = os.path.join(scratch, "callgrind.out")
        for name in os.listdir(scratch):
            if name.startswith("callgrind.out"):
                os.unlink(os.path.join(scratch, name))
        server = start(("valgrind", "--tool=callgrind", "-q", f"--callgrind-out-file={out}.%p"))
        requests = 0
        try:
            if with_load:
                requests = load(url_of(server), seconds, connections, cpu)["requests"]
        finally:
            server.stop()
        total = 0
        for name in os.listdir(scratch):
            if name.startswith("callgrind.out"):
                with open(os.path.join(scratch, name), encoding="utf-8") as file:
                    total += int(re.search(r"^(?:summary|totals): (\d+)", file.read(), re.M)[1])
        counts.append(total)
    return (counts[1] - counts[0]) / requests
