#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Measures kvd against Debian's redis-server with redis-benchmark, in one run and interleaved.

In memory and durable on kernel sockets, and in memory on lwIP over a tap against redis over a veth
pair, for which it must be root. It builds what it measures in build/bench-kv*. Results go to
bench/results; a quick run, or one of some parts, prints the same and leaves the recorded results
alone.
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys

from lib import conduct, measure, netns, report, report_kv
from lib.conduct import ROOT, say
from lib.servers import Kvd, Place, Redis, Server, pin

BUILD = os.path.join(ROOT, "build", "bench-kv")
PARTS = ("memory", "durable", "tap")
CONNECTIONS = 50
KEYS = 100_000
VALUE = 64
STORE_MIB = 512
# What is measured in each part: command and pipeline.
WORKS = {"memory": [("get", 1), ("set", 1), ("get", 16), ("set", 16)],
         "durable": [("set", 1), ("set", 16)],
         "tap": [("get", 1), ("set", 1), ("get", 16), ("set", 16)]}


def redis_benchmark(server, command, pipeline, count, cpu):
    """Runs it; requests each second, latency in ms."""
    words = ["redis-benchmark", "-h", server.place.address, "-p", str(server.port), "-t", command,
             "-n", str(count), "-c", str(CONNECTIONS), "-P", str(pipeline), "-r", str(KEYS),
             "-d", str(VALUE), "--csv"]
    done = subprocess.run(words, preexec_fn=pin(cpu), capture_output=True, text=True, check=False)
    rows = list(csv.reader(done.stdout.splitlines()))
    if done.returncode != 0 or not rows or rows[-1][0].lower() != command:
        raise SystemExit(f"bench: {' '.join(words)}:\n{done.stdout}{done.stderr}")
    return {"rps": float(rows[-1][1]), "p50_ms": float(rows[-1][4]), "p99_ms": float(rows[-1][6])}


def round_of(server, command, pipeline, count, cpu):
    """One run, with what it cost the server's process and its core."""
    pids = server.pids()
    before, core = measure.cpu_ns(pids), measure.core_ns(server.cpu)
    one = redis_benchmark(server, command, pipeline, count, cpu)
    one["cpu_us"] = (measure.cpu_ns(pids) - before) / count / 1000
    one["core_us"] = (measure.core_ns(server.cpu) - core) / count / 1000
    return one


class Bench:
    def __init__(self, quick):
        self.scratch = os.path.join(BUILD, "bench-run")
        shutil.rmtree(self.scratch, ignore_errors=True)
        os.makedirs(self.scratch)
        self.rounds = 3 if quick else 7
        self.seconds = 1 if quick else 3
        self.cores = conduct.Cores()
        self.open = []

    def stop_all(self):
        while self.open:
            self.open.pop().stop()

    def memory_servers(self):
        return [Kvd("kvd", BUILD + "-memory", self.cores.server), Redis("redis", self.cores.server)]

    def durable_servers(self):
        store = os.path.join(self.scratch, "store")
        with open(store, "wb") as file: # a disk has its blocks; the log of redis gets them as it grows
            for _ in range(STORE_MIB):
                file.write(bytes(1 << 20))
            os.fsync(file.fileno())
        keys = ("--address=127.0.0.1", f"--store.block.path={store}")
        return [Kvd("kvd", BUILD, self.cores.server, keys=keys),
                Redis("redis", self.cores.server, os.path.join(self.scratch, "redis"))]

    def tap_servers(self):
        near = netns.enter_new()
        far = netns.make_other()
        device, _, address = netns.tap(near, 1)
        veth = Place(netns.veth(near, far, 10)[1], far)
        keys = (f"--net.device={device}", f"--tcp.ipv4={address}/24")
        return [Kvd("kvd", BUILD + "-tap", self.cores.server, Place(address), keys),
                Redis("redis", self.cores.server, place=veth)]

    def measure(self, part, servers):
        """Rounds for each work and server. How many requests make a round is found for each work,
        by the first server's rate; the runs for that fill the stores, too."""
        found = {}
        for command, pipeline in WORKS[part]:
            name = f"{command} P{pipeline}"
            start = 3000 if part == "durable" else 20_000 * pipeline
            rates = []
            for server in servers:
                if part != "durable":
                    redis_benchmark(server, "set", 16, 3 * KEYS, self.cores.load)
                rates.append(redis_benchmark(server, command, pipeline, start,
                                             self.cores.load)["rps"])
            count = int(max(rates) * self.seconds)
            found[name] = {server.name: [] for server in servers}
            for number in range(self.rounds):
                for side in conduct.rotated(range(len(servers)), number):
                    server = servers[side]
                    one = round_of(server, command, pipeline, count, self.cores.load)
                    found[name][server.name].append(one)
                    say(f"  {number + 1}/{self.rounds} {part:<8} {name:<8} {server.name:<6} "
                        f"{one['rps']:11,.0f}/s {one['cpu_us']:7.2f} µs CPU/request "
                        f"p99 {one['p99_ms']:7.2f} ms")
        return found

    def run(self, parts):
        facts = report.machine()
        facts["redis"] = report.first(r"v=(\S+)", report.output("redis-server", "--version"))
        rounds = {}
        for part in parts:
            say(f"{part}: {self.rounds} rounds of about {self.seconds} s. {self.cores.text}")
            self.open = getattr(self, part + "_servers")()
            rounds[part] = self.measure(part, self.open)
            self.stop_all()
        data = {"machine": facts, "rounds": rounds,
                "settings": {"rounds": self.rounds, "seconds": self.seconds, "keys": KEYS,
                             "value": VALUE, "connections": CONNECTIONS,
                             "placement": self.cores.text}}
        data["targets"] = report_kv.checks(data)
        return data


def build(parts):
    memory = ["-DRUNG_kvd_store=memory"]
    if "memory" in parts:
        conduct.build("unix-sockets", BUILD + "-memory", None, ["kvd"], memory)
    if "durable" in parts:
        conduct.build("unix-sockets", BUILD, None, ["kvd"])
    if "tap" in parts:
        conduct.build("unix-tap", BUILD + "-tap", None, ["kvd"], memory)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a short run that records nothing")
    parser.add_argument("--part", action="append", choices=PARTS,
                        help="only this one, and record nothing; can be repeated")
    args = parser.parse_args()
    parts = args.part or list(PARTS)
    if "tap" in parts and os.geteuid() != 0:
        say("bench: the part tap needs root: it is left out")
        parts.remove("tap")
    conduct.raise_files()
    build(parts)
    bench = Bench(args.quick)
    with open(os.path.join(bench.scratch, "servers.log"), "wb") as Server.log:
        try:
            data = bench.run(parts)
        finally:
            bench.stop_all()
    record = not args.quick and len(parts) == len(PARTS)
    report.finish("kv", data, report_kv.table(data), report_kv.rows(data), bench.scratch, record)


if __name__ == "__main__":
    sys.exit(conduct.program(main))
