#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Measures BLOCK on a file against fio on the same file, in one run and interleaved.

It builds bench/apps/blockload in build/bench-block as the preset unix-sockets makes it, and a file of
1 GiB there. Both sides use io_uring and O_DIRECT; our worker threads are measured beside them. Results
go to bench/results; a quick run prints the same and leaves the recorded results alone.
"""

import argparse
import json
import os
import resource
import subprocess
import sys

from lib import conduct, report
from lib.conduct import ROOT, say

BUILD = os.path.join(ROOT, "build", "bench-block")
SIZE = 1 << 30
# name: what fio calls it, bytes of a request, requests in flight
WORKS = {
    "4 KiB random read, depth 1": ("randread", 4096, 1),
    "4 KiB random read, depth 32": ("randread", 4096, 32),
    "4 KiB random write, depth 1": ("randwrite", 4096, 1),
    "4 KiB random write, depth 32": ("randwrite", 4096, 32),
    "1 MiB sequential read, depth 4": ("read", 1 << 20, 4),
    "1 MiB sequential write, depth 4": ("write", 1 << 20, 4),
}
SIDES = ("rung", "rung, threads", "fio")


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rung_words(path, work, size, depth, seconds, engine):
    return [os.path.join(BUILD, "bin", "blockload"), f"--disk.path={path}", "--disk.direct=on",
            f"--disk.engine={engine}", f"--work={work}", f"--block={size}", f"--depth={depth}",
            f"--time={seconds}s"]


def fio_words(path, work, size, depth, seconds):
    return ["fio", "--name=bench", f"--filename={path}", f"--size={SIZE}", f"--rw={work}", f"--bs={size}",
            f"--iodepth={depth}", "--ioengine=io_uring", "--direct=1", "--time_based",
            f"--runtime={seconds}", "--output-format=json"]


def fio_requests(text):
    job = json.loads(text[text.index("{"):])["jobs"][0]
    side = max((job["read"], job["write"]), key=lambda one: one["total_ios"])
    return side["total_ios"], side["runtime"] / 1e3


def round_of(side, path, work, seconds):
    if side == "fio":
        words = fio_words(path, *work, seconds)
    else:
        words = rung_words(path, *work, seconds, "threads" if side.endswith("threads") else "uring")
    before = cpu_seconds()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    cpu = cpu_seconds() - before
    if done.returncode != 0:
        raise SystemExit(f"bench: {' '.join(words)}\n{done.stdout}{done.stderr}")
    if side == "fio":
        requests, passed = fio_requests(done.stdout)
    else:
        one = json.loads(done.stdout)
        requests, passed = one["requests"], one["ns"] / 1e9
    return {"rate": requests / passed, "cpu_us": cpu * 1e6 / requests}


def run(path, rounds, seconds):
    found = {name: {side: [] for side in SIDES} for name in WORKS}
    for number in range(rounds):
        for name, work in WORKS.items():
            for side in conduct.rotated(SIDES, number):
                one = round_of(side, path, work, seconds)
                found[name][side].append(one)
                say(f"  {number + 1}/{rounds}  {name:<32} {side:<14} {one['rate']:10,.0f}/s "
                    f"{one['cpu_us']:9.2f} µs CPU/request")
    return found


def targets(found):
    def against(name, what, wanted):
        value = report.ratio(found[name]["rung"], found[name]["fio"], "rate")
        return report.target(f"{what}, against fio with io_uring", value, "at least", wanted)
    return [against("4 KiB random read, depth 32", "4 KiB random reads at depth 32", 0.9),
            against("1 MiB sequential read, depth 4", "1 MiB sequential reads", 0.95),
            against("1 MiB sequential write, depth 4", "1 MiB sequential writes", 0.95)]


def table(data):
    lines = ["# BLOCK on a file against fio", "",
             "Made by `./rung bench block`; not to be edited. Raw figures: `block.json`.", "",
             "![Requests each second](block.svg)"]
    lines += report.target_lines(data["targets"])
    lines += ["", "| work | side | requests/s | MB/s | CPU µs/request | against fio |",
              "|---|---|---:|---:|---:|---:|"]
    for name, sides in data["rounds"].items():
        size = WORKS[name][1]
        for side, rounds in sides.items():
            rate = report.median(rounds, "rate")
            lines.append(f"| {name} | {side} | {rate:,.0f} | {rate * size / 1e6:,.1f} | "
                         f"{report.median(rounds, 'cpu_us'):,.2f} | "
                         f"{report.ratio(rounds, sides['fio'], 'rate'):.2f} |")
    settings = data["settings"]
    lines += ["", "## How", "",
              f"- {settings['rounds']} rounds of {settings['seconds']} s for each figure, interleaved, in",
              "  rotated order; medians, and medians of each round's ratio.",
              "- One file of 1 GiB, written before; O_DIRECT on all sides. rung: `bench/apps/blockload` on",
              "  block-file, engine uring or threads (4 at once). fio: one job, io_uring, no options that",
              "  need rights (no fixed buffers, no polling).",
              "- CPU time is the process's own, user and system, start included."]
    return lines + report.place_lines(data["machine"])


def rows(data):
    return [f'"{name}" ' + " ".join(report.spread([one["rate"] for one in sides[side]])
                                    for side in SIDES)
            for name, sides in data["rounds"].items()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a short run that records nothing")
    args = parser.parse_args()
    conduct.build("unix-sockets", BUILD, None, ["blockload"])
    path = os.path.join(BUILD, "disk")
    rounds, seconds = (2, 1) if args.quick else (5, 3)
    facts = report.machine()
    facts["fio"] = report.output("fio", "--version")
    try:
        say("Writing a file of 1 GiB:")
        subprocess.run(["fio", *fio_words(path, "write", 1 << 20, 4, 0)[1:-3], "--end_fsync=1",
                        "--output=/dev/null"], check=True)
        found = run(path, rounds, seconds)
    finally:
        if os.path.exists(path):
            os.unlink(path)
    data = {"machine": facts, "settings": {"rounds": rounds, "seconds": seconds}, "rounds": found}
    data["targets"] = targets(found)
    report.finish("block", data, table(data), rows(data), BUILD, not args.quick)
    return 0


if __name__ == "__main__":
    sys.exit(conduct.program(main))
