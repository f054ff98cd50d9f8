# SPDX-License-Identifier: ISC
"""What the benchmarks measure, and how: load, CPU time, system calls, memory, instructions."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess

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


def load(url, seconds, connections, cpu, wrapper=()):
    """Runs wrk, pinned, and returns what it counted."""
    words = [*wrapper, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s",
             "-s", os.path.join(HERE, "wrk.lua"), url]
    done = subprocess.run(words, preexec_fn=pin(cpu), capture_output=True, text=True, check=False)
    lines = [line for line in done.stderr.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        raise SystemExit(f"bench: wrk failed on {url}:\n{done.stdout}{done.stderr}")
    result = json.loads(lines[-1])
    if result["errors"] or not result["requests"]:
        raise SystemExit(f"bench: {url}: {result['errors']} errors in {result['requests']} requests")
    return result


def round_of(server, url, seconds, connections, cpu):
    """One round: requests, time, and the CPU time that the server spent on them."""
    pids = server.pids()
    before = cpu_ns(pids)
    result = load(url, seconds, connections, cpu)
    spent = cpu_ns(pids) - before
    result["rps"] = result["requests"] / (result["duration_us"] / 1e6)
    result["cpu_us_per_request"] = spent / 1e3 / result["requests"]
    result["cpu_share"] = spent / 1e3 / result["duration_us"]
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
