#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Measures a durable store (kvlog): how long it takes to open a big one, what memory that takes, and what
it writes for what it is asked to write.

It builds tools/rung-kv and bench/raw/store.c in build/bench-store as the preset unix-sockets makes them. The
big store is a file of 1 GiB there, with 1,000,000 keys; opened as it was closed, and as a killed program left
it. What is written is counted on a disk in memory, with virtual time: those figures are exact. Results go to
bench/results; a quick run prints the same of a smaller store and leaves the recorded results alone.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

from lib import conduct, measure, report
from lib.conduct import ROOT, say

BUILD = os.path.join(ROOT, "build", "bench-store")
KV = os.path.join(BUILD, "bin", "rung-kv")
KEY_BYTES, VALUE_BYTES = 16, 700
BIG, BIG_BYTES = "big", 200_000
# values of so many bytes, so many written at once
SHAPES = {"1,000 bytes, 64 at once": (1000, 64), "100 bytes, 64 at once": (100, 64),
          "16,000 bytes, 64 at once": (16000, 64), "1,000 bytes, one at a time": (1000, 1)}
PERCENTS = (25, 50, 70)


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"bench: {' '.join(words)}\n{done.stdout}{done.stderr}")
    return done.stdout


def create(path, size):
    if os.path.exists(path):
        os.unlink(path)
    run(KV, "create", path, size)
    subprocess.run([KV, "set", path, BIG], input=b"v" * BIG_BYTES, check=True)


def feed(pipe, keys):
    """A dump of so many keys, in no order, that never says that it is over."""
    value = b"v" * VALUE_BYTES
    step = 7919  # a prime: every number once
    for first in range(0, keys, 1000):
        pipe.write(b"".join(b"+%d,%d:%s->%s\n" % (KEY_BYTES, VALUE_BYTES,
                                                 b"key-%012d" % (n * step % keys), value)
                            for n in range(first, min(first + 1000, keys))))
    pipe.flush()


def fill(path, size, keys):
    """The store as it was closed, and as it would be found had the program been killed instead."""
    killed = path + ".killed"
    create(path, size)
    with subprocess.Popen([KV, "load", path], stdin=subprocess.PIPE) as load:
        feed(load.stdin, keys)
        time.sleep(1)
        shutil.copyfile(path, killed)
        load.stdin.write(b"\n")
    if load.returncode != 0:
        raise SystemExit("bench: the store cannot be filled")
    return {"closed": path, "killed": killed}


def opening(path):
    """Opens, and gets a value that does not fit into a pipe: seconds until its first byte is there, CPU
    seconds and the most memory so far."""
    began = time.monotonic()
    with subprocess.Popen([KV, "get", path, BIG], stdout=subprocess.PIPE) as process:
        process.stdout.read(1)
        seconds = time.monotonic() - began
        with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
            rss = int(re.search(r"^VmHWM:\s*(\d+)", file.read(), re.M)[1]) * 1024
        cpu = measure.cpu_ns([process.pid]) / 1e9
        left = len(process.stdout.read())
    if process.returncode != 0 or left != BIG_BYTES - 1:
        raise SystemExit(f"bench: {path} does not open")
    return {"seconds": seconds, "cpu_seconds": cpu, "rss": rss}


def openings(rounds, size, keys):
    path = os.path.join(BUILD, "store")
    empty = os.path.join(BUILD, "empty")
    create(empty, size)
    say(f"Filling a store of {size} with {keys:,} keys:")
    states = fill(path, size, keys)
    found = {}
    try:
        base = statistics.median(opening(empty)["rss"] for _ in range(rounds))
        for state, where in states.items():
            found[state] = [opening(where) for _ in range(rounds)]
            for one in found[state]:
                one["memory_per_key"] = (one["rss"] - base) / keys - KEY_BYTES
            say(f"  {state}: {report.median(found[state], 'seconds'):.3f} s, "
                f"{report.median(found[state], 'memory_per_key'):.1f} bytes a key beyond the key")
    finally:
        for where in (*states.values(), empty):
            os.unlink(where)
    return found


def amplification(ring):
    found = {}
    for name, (value, together) in SHAPES.items():
        found[name] = {}
        for percent in PERCENTS:
            one = json.loads(run(os.path.join(BUILD, "bin", "bench-store"), str(ring), str(value),
                                 str(together), str(percent)))
            if one.get("full"):
                say(f"  {name}, {percent} % full: more than it takes")
                continue
            found[name][percent] = one
            say(f"  {name}, {percent} % full: {one['amplification']:.2f} bytes written for one, "
                f"{one['writes_per_sync']:.1f} writes a flush")
    return found


def targets(opened):
    lines = []
    for state, rounds in opened.items():
        lines.append(report.target(f"seconds to open 1 GiB with 1,000,000 keys, {state}",
                                   report.median(rounds, "seconds"), "at most", 2))
        lines.append(report.target(f"bytes of memory a key beyond the key, {state}",
                                   report.median(rounds, "memory_per_key"), "at most", 100))
    return lines


def table(data):
    lines = ["# A durable store: opening, memory, write amplification", "",
             "Made by `./rung bench store`; not to be edited. Raw figures: `store.json`.", "",
             "![Bytes written for one](store.svg)"]
    lines += report.target_lines(data["targets"])
    lines += ["", "| opened as it was | seconds | CPU seconds | memory, MB | bytes a key, beyond it |",
              "|---|---:|---:|---:|---:|"]
    for state, rounds in data["opened"].items():
        lines.append(f"| {state} | {report.median(rounds, 'seconds'):.3f} | "
                     f"{report.median(rounds, 'cpu_seconds'):.3f} | "
                     f"{report.median(rounds, 'rss') / 1e6:.1f} | "
                     f"{report.median(rounds, 'memory_per_key'):.1f} |")
    lines += ["", "| values | full | bytes written for one | writes a flush | read at an opening |",
              "|---|---:|---:|---:|---:|"]
    for name, shares in data["amplification"].items():
        for percent, one in shares.items():
            lines.append(f"| {name} | {percent} % | {one['amplification']:.2f} | "
                         f"{one['writes_per_sync']:.1f} | "
                         f"{one['read_at_open'] / one['ring'] * 100:.0f} % of the ring |")
    settings = data["settings"]
    lines += ["", "## How", "",
              f"- Opening: `rung-kv get` of a value, {settings['rounds']} times, from the start of the process to",
              f"  the first byte of the value; {settings['keys']:,} keys of {KEY_BYTES} bytes with values of {VALUE_BYTES} in a file",
              f"  of {settings['size']} that the host has in its page cache. Memory is the most that was resident,",
              "  less that of an empty store. `killed` is a copy of the file before it was closed.",
              f"- Writing: `bench/raw/store.c`, a ring of {settings['ring']} MiB on a disk in memory with sectors of",
              "  512 bytes, keys of 12 bytes chosen by chance, until four times the ring was asked for. A byte",
              "  asked for is one of a key or value; written are groups, moved records, checkpoints and",
              "  superblocks. Exact: time is virtual, chance is seeded."]
    return lines + report.place_lines(data["machine"])


def rows(data):
    return [f"\"{percent} % full\" " + " ".join(f"{shares[percent]['amplification']:.3f}" if percent in shares else "-"
                                               for shares in data["amplification"].values())
            for percent in PERCENTS]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smaller store; records nothing")
    args = parser.parse_args()
    conduct.build("unix-sockets", BUILD, None, ["rung-kv", "bench-store"])
    size, keys, rounds, ring = ("128M", 125_000, 3, 16) if args.quick else ("1G", 1_000_000, 9, 128)
    facts = report.machine()
    data = {"machine": facts, "settings": {"rounds": rounds, "size": size, "keys": keys, "ring": ring},
            "opened": openings(rounds, size, keys), "amplification": amplification(ring)}
    data["targets"] = [] if args.quick else targets(data["opened"])
    report.finish("store", data, table(data), rows(data), BUILD, not args.quick)
    return 0


if __name__ == "__main__":
    sys.exit(conduct.program(main))
