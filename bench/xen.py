#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Measures website on Xen against nginx on Linux in a guest of the same size on the same Xen, which is
real, on a machine that QEMU emulates; both in one run and interleaved.

It builds what it measures in build/bench-xen and build/bench-xen-linux, and runs it in a network
namespace of its own, for which it must be root. Results go to bench/results; a quick run, or one of
some parts, prints the same and leaves the recorded results alone.
"""

import argparse
import collections
import os
import statistics
import subprocess
import sys
import time

from lib import conduct, netns, report, report_xen, xen
from lib.conduct import ROOT, say
from lib.xen import LINUX, RUNG, SIDES

from xenlab import Disk, Lab, LabError, linux, snapshot  # of test/xen, which lib.xen has found

BUILD = os.path.join(ROOT, "build", "bench-xen")
BUILD_LINUX = os.path.join(ROOT, "build", "bench-xen-linux")
CONTENT = os.path.join(BUILD, "bench-content")
PARTS = ("count", "start", "bulk", "block", "memory")
WARM = 20        # requests that fill caches and wake whatever sleeps
CONNECTIONS = 64
DISK = 256 << 20
# name: what blockload calls it, bytes of a request, requests in flight
WORKS = {
    "4 KiB random read, depth 1": ("randread", 4096, 1),
    "4 KiB random read, depth 32": ("randread", 4096, 32),
    "1 MiB sequential read, depth 1": ("read", 1 << 20, 1),
    "1 MiB sequential read, depth 4": ("read", 1 << 20, 4),
}
# MiB, tried from the largest on.
SIZES = {RUNG: (16, 12, 8, 7, 6, 5, 4), LINUX: (160, 144, 128, 112, 96, 80)}


def image(name):
    return os.path.join(BUILD, "bin", name)


class Bench:
    def __init__(self, quick):
        self.quick = quick
        self.rounds = 2 if quick else 5
        self.seconds = 1 if quick else 2
        self.single = 30 if quick else 100
        self.cpu = sorted(os.sched_getaffinity(0))[-1]

    def lab(self, **choices):
        return Lab(net="tap", seconds=400, **choices)

    def create(self, lab, side, **choices):
        return xen.create(lab, side, image("website"), CONTENT, **choices)

    # Instructions

    def count_boot(self, lab, side):
        """From the first instruction to rest, which is a little later than "it listens"."""
        before = xen.quiet(lab.counts)
        xen.ready(self.create(lab, side), side)
        after = xen.quiet(lab.counts)
        found = {name: after[name] - before[name] for name in after}
        say(f"  {side:<6} from entry to listening, and at rest: {found['guest_cpu']:13,} "
            f"instructions, Xen for it {found['guest_cpu_xen']:12,}")
        return found

    def count_single(self, lab, found):
        """One request at a time, counted by itself, from rest to rest. Only ours has an address
        range of its own: what else the guests' processor executes is Linux."""
        clients = {side: xen.Client(side) for side in SIDES}
        for client in clients.values():
            for _ in range(WARM):
                client.ask()
        for number in range(self.single):
            for side in conduct.rotated(SIDES, number):
                before = xen.quiet(lab.counts)
                clients[side].ask()
                after = xen.quiet(lab.counts)
                passed = {name: after[name] - before[name] for name in after}
                found[side]["single"].append(
                    passed["own"] if side == RUNG else passed["guest_cpu"] - passed["own"])
                found[side]["single_xen"].append(passed["guest_cpu_xen"])
        for side in SIDES:
            clients[side].close()
            self.say_single(side, found[side]["single"])

    def say_single(self, side, counts):
        value, times = collections.Counter(counts).most_common(1)[0]
        say(f"  {side:<6} 1 connection: median {statistics.median(counts):9,.0f} instructions/request, "
            f"least {min(counts):9,}, {times} of {len(counts)} times {value:,}")

    def count_load(self, lab, found):
        for number in range(self.rounds):
            for side in conduct.rotated(SIDES, number):
                one = xen.load_counts(lab.counts, side, self.seconds, CONNECTIONS, self.cpu)
                one["guest"] = one["own"] if side == RUNG else one["guest_cpu"] - one["own"]
                found[side]["load"].append(one)
                say(f"  {number + 1}/{self.rounds} {side:<6} {CONNECTIONS} connections: "
                    f"{one['guest']:9,.0f} instructions/request in {one['requests']:,} requests")

    def count(self):
        say("Instructions, by QEMU's plugin; the guests have a processor of their own:")
        found = {side: {"single": [], "single_xen": [], "load": []} for side in SIDES}
        with self.lab(count=image("website"), cpus=2) as lab:
            xen.neighbours(lab.network.name)
            for side in SIDES:
                found[side]["boot"] = self.count_boot(lab, side)
            self.count_single(lab, found)
            self.count_load(lab, found)
        return found

    # Time

    def start_once(self, lab, side):
        first = xen.FirstByte(side)
        try:
            guest = self.create(lab, side)
            passed = first.wait() - guest.started
        finally:
            first.over = True
        guest.destroy()
        return passed

    def start(self):
        say("From `xl create` to the first byte of HTTP:")
        found = {side: [] for side in SIDES}
        with self.lab() as lab:
            xen.neighbours(lab.network.name)
            self.start_once(lab, RUNG)  # the first of all finds dom0 cold
            for number in range(self.rounds):
                for side in conduct.rotated(SIDES, number):
                    passed = self.start_once(lab, side)
                    found[side].append({"seconds": passed})
                    say(f"  {number + 1}/{self.rounds} {side:<6} {passed:7.3f} s")
        return found

    def create_pair(self, lab, name, extra, disk=None):
        """Linux that does all that it is told, and beside it an image of ours, if it has a name."""
        files = xen.programs(os.path.join(BUILD_LINUX, "bin"), ["bench-bulk", "blockload"])
        there = lab.create_linux(content=CONTENT, script=xen.LINUX_JOB, files=files,
                                 memory=xen.MEMORY, vif=xen.MAC[LINUX], disks=disk or (),
                                 address=xen.ADDRESS[LINUX])
        xen.ready(there, LINUX)
        if name:
            ours = lab.create(image(name), extra=xen.words(extra), memory=xen.MEMORY,
                              vif=xen.MAC[RUNG], address=xen.ADDRESS[RUNG])
            ours.console_until(rf":{xen.BULK_PORT}\b", 30)

    def bulk(self):
        say("One stream of bytes:")
        found = {side: {"transmit": [], "receive": []} for side in SIDES}
        client = os.path.join(BUILD_LINUX, "bin", "bench-bulk")
        with self.lab() as lab:
            xen.neighbours(lab.network.name)
            self.create_pair(lab, "bulk", f"port={xen.BULK_PORT} sink-port={xen.BULK_PORT + 1}")
            for number in range(self.rounds):
                for way in ("transmit", "receive"):
                    for side in conduct.rotated(SIDES, number):
                        one = xen.bulk_round(client, side, way, self.seconds)
                        found[side][way].append(one)
                        say(f"  {number + 1}/{self.rounds} {side:<6} {way:<8} {one['gbps']:6.3f} Gb/s")
        return found

    def block(self):
        say("Disks:")
        found = {name: {side: [] for side in SIDES} for name in WORKS}
        disks = [Disk(size=DISK) for _ in SIDES]
        try:
            with self.lab(disks=disks) as lab:
                xen.neighbours(lab.network.name)
                self.create_pair(lab, None, None, disks[1:])
                for number in range(self.rounds):
                    for name, work in WORKS.items():
                        for side in conduct.rotated(SIDES, number):
                            one = xen.block_round(lab, side, image("blockload"), disks[0], work,
                                                  self.seconds)
                            found[name][side].append(one)
                            say(f"  {number + 1}/{self.rounds} {side:<6} {name:<31} "
                                f"{one['rate']:9,.0f}/s")
        finally:
            for disk in disks:
                disk.close()
        return found

    # Size

    def serves(self, lab, side, mib):
        """Whether one of this size answers."""
        guest, first = None, xen.FirstByte(side, 60)
        try:
            guest = self.create(lab, side, memory=mib)
            end = guest.end()
            while first.is_alive() and not end.ended(0.05):
                pass
            time.sleep(0.05)
            if end.ended(0):
                end.end(5)
            else:
                end.kill()
            return first.at is not None
        except LabError:
            return False
        finally:
            first.over = True
            if guest:
                guest.destroy()

    def memory(self):
        say("The least memory in which it serves, and what has to be loaded:")
        found = {}
        with self.lab() as lab:
            xen.neighbours(lab.network.name)
            for side in SIDES:
                least = None
                for mib in SIZES[side][:3] if self.quick else SIZES[side]:
                    if not self.serves(lab, side, mib):
                        break
                    least = mib
                found[side] = {"mib": least}
        kernel, ramdisk = linux.kernel(), linux.ramdisk("nginx", CONTENT)
        found[RUNG]["bytes"] = os.path.getsize(image("website"))
        found[RUNG]["hello"] = os.path.getsize(image("hello"))
        found[RUNG]["content"] = sum(os.path.getsize(os.path.join(CONTENT, name))
                                     for name in os.listdir(CONTENT))
        found[LINUX]["bytes"] = os.path.getsize(kernel) + len(ramdisk)
        for side in SIDES:
            say(f"  {side:<6} {found[side]['mib']} MiB, {found[side]['bytes']:,} bytes")
        return found

    def run(self, parts):
        data = {"machine": facts(), "settings": {
            "rounds": self.rounds, "seconds": self.seconds, "single": self.single,
            "connections": CONNECTIONS, "memory": xen.MEMORY}}
        say(f"bench xen: {self.rounds} rounds; both guests have {xen.MEMORY} MiB")
        for part in PARTS:
            if part in parts:
                data[part] = getattr(self, part)()
        data["targets"] = report_xen.checks(data)
        return data


def facts():
    found = report.machine()
    found["qemu"] = report.first(r"version (\S+)", report.output("qemu-system-x86_64", "--version"))
    with open(os.path.join(snapshot.FOLDER, "packages", "manifest"), encoding="utf-8") as file:
        text = file.read()
    for name, pattern in (("xen", r"^xen-hypervisor-\S+ (\S+)"), ("guest linux",
                          r"^linux-image-\d\S+ (\S+)"), ("guest nginx", r"^nginx\S* (\S+)")):
        found[name] = report.first(pattern, text)
    return found


def prepare():
    """All that needs the network or the whole machine, before this is in a namespace."""
    conduct.make_content(CONTENT, {"1k": 1024})
    conduct.build("xen", BUILD, CONTENT, ["website", "hello", "bulk", "blockload"])
    conduct.build("unix-sockets", BUILD_LINUX, CONTENT, ["bench-bulk", "blockload"])
    for cpus in (1, 2):
        snapshot.find(cpus)
    linux.files()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a short run that records nothing")
    parser.add_argument("--part", action="append", choices=PARTS,
                        help="measure this part alone, and record nothing; may be repeated")
    args = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("bench: this makes a network namespace and taps: run it as root (sudo)")
    try:
        prepare()
        netns.enter_new()
        data = Bench(args.quick).run(args.part or PARTS)
    except (LabError, subprocess.TimeoutExpired) as error:
        raise SystemExit(f"bench: {error}") from error
    if args.part:
        report.tell(data["targets"])
        return
    report.finish("xen", data, report_xen.table(data), report_xen.rows(data), BUILD, not args.quick)


if __name__ == "__main__":
    sys.exit(conduct.program(main))
