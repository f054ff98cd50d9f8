#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Measures website against nginx and a minimal libuv program, in one run and interleaved.

It builds what it measures in build/bench: website as the preset unix-sockets makes it, with two
files of known length for content. Results go to bench/results; a quick run prints the same and
leaves the recorded results alone.
"""

import argparse
import os
import shutil
import sys

from lib import conduct, measure, report, report_http
from lib.conduct import ROOT, say
from lib.servers import NGINX_WAYS, Nginx, Raw, Server, Website

SIZES = {"1k": 1024, "100k": 102400}
CONNECTIONS = 64
MEMORY_CONNECTIONS = 1000

BUILD = os.path.join(ROOT, "build", "bench")
CONTENT = os.path.join(BUILD, "bench-content")


class Bench:
    def __init__(self, quick):
        self.scratch = os.path.join(BUILD, "bench-http")
        shutil.rmtree(self.scratch, ignore_errors=True)
        os.makedirs(self.scratch)
        self.rounds = 3 if quick else 7
        self.seconds = 1 if quick else 4
        self.quick = quick
        cores = conduct.Cores()
        self.server_cpu, self.load_cpu, self.placement = cores.server, cores.load, cores.text
        self.open = []

    def starters(self):
        """Functions that start each server, under a wrapper such as valgrind."""
        return {
            "rung": lambda wrapper=(): Website(BUILD, self.server_cpu, wrapper),
            "nginx": lambda wrapper=(): Nginx(os.path.join(self.scratch, "nginx"), CONTENT,
                                              self.server_cpu, wrapper, bool(wrapper)),
            "raw libuv": lambda wrapper=(): Raw(BUILD, self.server_cpu, SIZES, wrapper),
        }

    def start_all(self):
        self.open = []
        for start in self.starters().values():
            self.open.append(start())
        return {server.name: server for server in self.open}

    def stop_all(self):
        for server in self.open:
            server.stop()
        self.open = []

    def memory(self):
        servers = self.start_all()
        found = {name: measure.memory_with(server, server.url("1k"), MEMORY_CONNECTIONS)
                 for name, server in servers.items()}
        self.stop_all()
        return found

    def run_rounds(self, servers):
        rounds = {name: {size: [] for size in SIZES} for name in servers}
        for number in range(self.rounds):
            for size in SIZES:
                for name in conduct.rotated(servers, number):
                    server = servers[name]
                    one = measure.round_of(server, server.url(size), self.seconds, CONNECTIONS,
                                           self.load_cpu)
                    rounds[name][size].append(one)
                    say(f"  {number + 1}/{self.rounds} {size:>4}  {name:<10} {one['rps']:9,.0f}/s "
                        f"{one['cpu_us_per_request']:8.2f} µs CPU/request")
        return rounds

    def count_syscalls(self, servers):
        counts, methods = {name: {} for name in servers}, set()
        for name, server in servers.items():
            for size in SIZES:
                counts[name][size], method = measure.syscalls(
                    server, server.url(size), self.seconds, CONNECTIONS, self.load_cpu, self.scratch)
                methods.add(method)
                say(f"  {size:>4}  {name:<10} {counts[name][size]:6.2f}")
        return counts, " and ".join(sorted(methods))

    def count_instructions(self, best):
        counts = {}
        for name, start in self.starters().items():
            def url_of(server):
                if name == "nginx":  # pylint: disable=cell-var-from-loop
                    server.best = best
                return server.url("1k")
            counts[name] = measure.instructions(start, url_of, 5, CONNECTIONS, self.load_cpu,
                                                self.scratch)
            say(f"        {name:<10} {counts[name]:8,.0f}")
        return counts

    def run(self):
        facts = report.machine()
        say(f"bench http: {self.rounds} rounds of {self.seconds} s. {self.placement}")
        say(f"Memory with {MEMORY_CONNECTIONS} connections:")
        memory = self.memory()
        for name, one in memory.items():
            say(f"        {name:<10} {one['rss_kib']:8,} KiB")
        servers = self.start_all()
        say("nginx's ways to send a file:")
        for size in SIZES:
            conduct.tune_nginx(servers["nginx"], size, max(1, self.seconds // 2), CONNECTIONS,
                               self.load_cpu)
        say("Rounds:")
        rounds = self.run_rounds(servers)
        say("System calls per request:")
        counts, method = self.count_syscalls(servers)
        say("The same with the server's core busy, so that requests wait for the server:")
        with measure.busy_loop(self.server_cpu):
            full, _ = self.count_syscalls(servers)
        best = dict(servers["nginx"].best)
        self.stop_all()
        instructions = {}
        if not self.quick and shutil.which("valgrind"):
            say("User-space instructions per request, 1k (callgrind):")
            instructions = self.count_instructions(best)
        data = {
            "machine": facts,
            "settings": {"rounds": self.rounds, "seconds": self.seconds, "sizes": SIZES,
                         "connections": CONNECTIONS, "memory_connections": MEMORY_CONNECTIONS,
                         "placement": self.placement, "nginx_tried": len(NGINX_WAYS)},
            "nginx_ways": best, "rounds": rounds, "syscalls": counts, "syscalls_full": full,
            "syscalls_by": method,
            "memory": memory, "instructions": instructions,
        }
        data["targets"] = report_http.checks(data)
        return data


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a short run that records nothing")
    args = parser.parse_args()
    conduct.raise_files()
    conduct.make_content(CONTENT, SIZES)
    conduct.build("unix-sockets", BUILD, CONTENT, ["website", "bench-raw"])
    bench = Bench(args.quick)
    with open(os.path.join(bench.scratch, "servers.log"), "wb") as Server.log:
        try:
            data = bench.run()
        finally:
            bench.stop_all()
    report.finish("http", data, report_http.table(data), report_http.rows(data), bench.scratch,
                  not args.quick)


if __name__ == "__main__":
    sys.exit(conduct.program(main))
