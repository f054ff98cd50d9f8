#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Measures website and bulk on lwIP over a tap against kernel TCP, in one run and interleaved.

It builds what it measures in build/bench-tap, as the preset unix-tap makes it, and runs it in
network namespaces of its own, for which it must be root. Results go to bench/results; a quick run,
or one of some parts, prints the same and leaves the recorded results alone.
"""

import argparse
import os
import shutil
import statistics
import sys

from lib import conduct, measure, netns, report, report_tap
from lib.conduct import ROOT, say
from lib.servers import Bulk, Nginx, Place, Raw, Server, Website

BUILD = os.path.join(ROOT, "build", "bench-tap")
CONTENT = os.path.join(BUILD, "bench-content")
SIZES = {"1k": 1024}
CONNECTIONS = (1, 16, 64, 256, 1000, 10000)
MANY = 10000
PARTS = ("http", "bulk", "ceiling", "memory")
SHORT = "loopback, MTU 1,500"
WARM_S = 1
WARM_MANY_S = 3  # a connection whose first SYN was lost tries again after one second
# Keys that the servers need for so many connections at once.
ROOM = ("--http.max-connections=20000",)


class Networks:
    """The load's namespace, which is this process's from now on, and the server's."""

    def __init__(self):
        self.near = netns.enter_new()
        self.far = netns.make_other()
        for space in (self.near, self.far):
            space.sysctl("net.ipv4.ip_local_port_range", "10000 65535")
        self.veth = Place(netns.veth(self.near, self.far, 10)[1], self.far)
        self.veth_plain = Place(netns.veth(self.near, self.far, 11, "gso_max_segs", 1)[1], self.far)
        self.local = Place()
        self.taps = 0

    def tap(self):
        """A new tap: a place for a program that opens it, and the words that make it do so."""
        self.taps += 1
        device, _, address = netns.tap(self.near, self.taps)
        return Place(address), (f"--net.device={device}", f"--tcp.ipv4={address}/24")

    def loopback(self, mtu):
        """For connections made from now on."""
        self.near.ip("link", "set", "lo", "mtu", mtu)

    def congestion(self, name):
        """For sockets made from now on."""
        for space in (self.near, self.far):
            space.sysctl("net.ipv4.tcp_congestion_control", name)


class Bench:
    def __init__(self, quick):
        self.scratch = os.path.join(BUILD, "bench-run")
        shutil.rmtree(self.scratch, ignore_errors=True)
        os.makedirs(self.scratch)
        self.rounds = 2 if quick else 5
        self.seconds = 1 if quick else 2
        self.connections = (1, 64, MANY) if quick else CONNECTIONS
        self.bulk_connections = (1,) if quick else (1, 16)
        self.cores = conduct.Cores()
        self.nets = Networks()
        self.tap = {name: self.nets.tap() for name in ("website", "bulk", "plain", "blast")}
        self.open = []

    def start(self, servers):
        """Starts them, given as functions, and returns them by name."""
        self.open = []
        for start in servers:
            self.open.append(start())
        return {server.name: server for server in self.open}

    def stop_all(self):
        while self.open:
            self.open.pop().stop()

    def website(self):
        place, keys = self.tap["website"]
        return Website(BUILD, self.cores.server, place=place, keys=keys + ROOM)

    def nginx(self):
        return Nginx(os.path.join(self.scratch, "nginx"), CONTENT, self.cores.server,
                     name="nginx veth", place=self.nets.veth, connections=2 * MANY)

    def raw(self, name, place):
        return Raw(BUILD, self.cores.server, SIZES, name=f"raw {name}", place=place)

    def web_servers(self):
        return (self.website, self.nginx, lambda: self.raw("veth", self.nets.veth),
                lambda: self.raw("loopback", self.nets.local))

    def http(self):
        servers = self.start(self.web_servers())
        say("nginx's ways to send a file:")
        conduct.tune_nginx(servers["nginx veth"], "1k", 1, 64, self.cores.load)
        say("Requests:")
        found = {name: {count: [] for count in self.connections} for name in servers}
        for number in range(self.rounds):
            for count in self.connections:
                for name in conduct.rotated(servers, number):
                    one = measure.round_of(servers[name], servers[name].url("1k"), self.seconds,
                                           count, self.cores.load,
                                           WARM_MANY_S if count == MANY else WARM_S)
                    found[name][count].append(one)
                    say(f"  {number + 1}/{self.rounds} {count:>6,}  {name:<12} "
                        f"{one['rps']:9,.0f}/s {one['cpu_us_per_request']:8.2f} µs CPU/request, "
                        f"its core {one['core_us_per_request']:8.2f}")
        best = servers["nginx veth"].best["1k"]
        self.stop_all()
        return {"rounds": found, "nginx_way": best}

    def bulk_servers(self):
        def app(name, *more):
            place, keys = self.tap[name]
            return Bulk("rung" if name == "bulk" else "rung, plain frames", BUILD,
                        self.cores.server, place, keys + more)

        def raw(name, place):
            return Bulk(f"raw {name}", BUILD, self.cores.server, place)
        return (lambda: app("bulk"), lambda: raw("loopback", self.nets.local),
                lambda: raw(SHORT, self.nets.local), lambda: raw("veth", self.nets.veth),
                lambda: app("plain", "--net.offload=off"),
                lambda: raw("veth, plain frames", self.nets.veth_plain))

    def bulk_with(self, congestion, connections):
        self.nets.congestion(congestion)
        servers = self.start(self.bulk_servers())
        ways = ("transmit", "receive")
        found = {name: {way: {count: [] for count in connections} for way in ways}
                 for name in servers}
        for number in range(self.rounds):
            for count in connections:
                for way in ways:
                    for name in conduct.rotated(servers, number):
                        self.nets.loopback(1500 if SHORT in name else 65536)
                        one = measure.bulk_round(servers[name], way, self.seconds, count,
                                                 self.cores.load)
                        found[name][way][count].append(one)
                        say(f"  {number + 1}/{self.rounds} {count:>3} {way:<8} {name:<23} "
                            f"{one['gbps']:6.2f} Gb/s {one['cpu_s_per_gb']:6.3f} s CPU/GB, "
                            f"its core {one['core_s_per_gb']:6.3f}")
        self.stop_all()
        return found

    def bulk(self):
        """With the congestion control that this machine has chosen, and with the one that every
        kernel and lwIP have."""
        with open("/proc/sys/net/ipv4/tcp_congestion_control", encoding="ascii") as file:
            usual = file.read().strip()
        found = {}
        for congestion in dict.fromkeys((usual, "reno")):
            say(f"Bulk, the kernel's congestion control being {congestion}:")
            found[congestion] = self.bulk_with(
                congestion, self.bulk_connections if congestion == usual else (1,))
        self.nets.congestion(usual)
        return found

    def ceiling(self):
        say("Frames through a tap without TCP:")
        device = self.tap["blast"][1][0].split("=")[1]
        program = os.path.join(BUILD, "bin", "bench-blast")
        found = {}
        for kind in ("super", "plain"):
            for way, name in (("write", "transmit"), ("read", "receive")):
                rounds = [measure.blast(program, device, way, kind, self.seconds,
                                        (self.cores.server, self.cores.load))
                          for _ in range(self.rounds)]
                found.setdefault(kind, {})[name] = rounds
                say(f"  {kind} {name:<8} {statistics.median(r['gbps'] for r in rounds):7.2f} Gb/s "
                    f"{statistics.median(r['cpu_s_per_gb'] for r in rounds):6.3f} s CPU/GB")
        return found

    def memory(self):
        say(f"Memory with {MANY:,} idle connections:")
        found = {}
        for start in (self.website, self.nginx, lambda: self.raw("veth", self.nets.veth)):
            server = next(iter(self.start([start]).values()))
            one = found[server.name] = measure.memory_with(server, server.url("1k"), MANY)
            self.stop_all()
            say(f"  {server.name:<12} {one['rss_kib']:8,} KiB, {one['bytes_per_connection']:6,.0f} "
                "bytes/connection")
        return found

    def run(self, parts):
        say(f"bench tap: {self.rounds} rounds of {self.seconds} s. {self.cores.text}")
        data = {"machine": report.machine(),
                "settings": {"rounds": self.rounds, "seconds": self.seconds, "many": MANY,
                             "connections": self.connections, "placement": self.cores.text}}
        for part in PARTS:
            if part in parts:
                data[part] = getattr(self, part)()
        data["targets"] = report_tap.checks(data)
        return data


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a short run that records nothing")
    parser.add_argument("--part", action="append", choices=PARTS,
                        help="measure this part alone, and record nothing; may be repeated")
    args = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("bench: this makes network namespaces and taps: run it as root (sudo)")
    conduct.raise_files()
    conduct.make_content(CONTENT, SIZES)
    conduct.build("unix-tap", BUILD, CONTENT,
                  ["website", "bulk", "bench-raw", "bench-bulk", "bench-blast"])
    bench = Bench(args.quick)
    with open(os.path.join(bench.scratch, "servers.log"), "wb") as Server.log:
        try:
            data = bench.run(args.part or PARTS)
        finally:
            bench.stop_all()
    if args.part:
        report.tell(data["targets"])
        return
    report.finish("tap", data, report_tap.table(data), report_tap.rows(data), bench.scratch, not args.quick)


if __name__ == "__main__":
    sys.exit(conduct.program(main))
