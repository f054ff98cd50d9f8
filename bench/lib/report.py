# SPDX-License-Identifier: ISC
"""From measured figures to files: JSON, a table in Markdown, a plot."""

import json
import os
import platform
import re
import statistics
import subprocess

from lib.measure import HERE


def output(*words):
    """What a command says, or "" if it cannot be run."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return (done.stdout + done.stderr).strip()


def first(pattern, text):
    found = re.search(pattern, text, re.M)
    return found[1].strip() if found else "unknown"


def machine():
    """What the figures depend on besides the programs' text."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        cpu = first(r"^model name\s*:\s*(.*)$", file.read())
    with open("/proc/sys/net/ipv4/tcp_congestion_control", encoding="ascii") as file:
        congestion = file.read().strip()
    tree = output("git", "-C", HERE, "rev-parse", "--short=12", "HEAD")
    if not re.fullmatch("[0-9a-f]{12}", tree):
        tree = "no commit"
    elif output("git", "-C", HERE, "status", "--porcelain", "--", ":/", ":!/bench/results"):
        tree += " and changes"
    return {
        "cpu": cpu,
        "cpus": os.cpu_count(),
        "virtual": first(r"^Hypervisor vendor:\s*(.*)$", output("lscpu")),
        "kernel": platform.release(),
        "tcp_congestion": congestion,
        "load_before": os.getloadavg()[0],
        "tree": tree,
        "gcc": output("gcc", "-dumpfullversion"),
        "libuv": output("pkg-config", "--modversion", "libuv"),
        "nginx": first(r"nginx/(\S+)", output("/usr/sbin/nginx", "-v")),
        "wrk": first(r"wrk\s+(?:debian/)?(\S+)", output("wrk", "-v")),
    }


def median(rounds, field):
    return statistics.median(one[field] for one in rounds)


def ratio(ours, other, field):
    """Median of the ratios within each round: what drifts between rounds falls out."""
    return statistics.median(a[field] / b[field] for a, b in zip(ours, other))


def checks(data):
    """The targets, with what was reached."""
    rounds, found = data["rounds"], []
    wanted = [("1k", "nginx", 0.85), ("1k", "raw libuv", 1.10), ("100k", "nginx", 1.00)]
    for size, other, target in wanted:
        value = ratio(rounds["rung"][size], rounds[other][size], "cpu_us_per_request")
        found.append({"what": f"CPU time per request, {size}, against {other}", "target": target,
                      "value": value})
    found.append({"what": "system calls per request, 1k, requests waiting for the server",
                  "target": 2.1, "value": data["syscalls_full"]["rung"]["1k"]})
    for one in found:
        one["met"] = one["value"] <= one["target"]
    return found


def table(data):
    """The Markdown page."""
    m, s = data["machine"], data["settings"]
    lines = [
        "# HTTP: website against nginx and a raw libuv responder", "",
        "Made by `./rung bench http`; not to be edited. Raw figures: `http.json`.", "",
        "![CPU time per request](http.svg)", "",
        "| file | server | requests/s | CPU µs/request | (least - most) | share of core "
        "| system calls/request, waiting / full | latency p50 / p99 µs |",
        "|---|---|---:|---:|---:|---:|---:|---:|"]
    for size in s["sizes"]:
        for name, sizes in data["rounds"].items():
            all_cpu = [one["cpu_us_per_request"] for one in sizes[size]]
            p50 = statistics.median(one["latency_us"]["p50"] for one in sizes[size])
            p99 = statistics.median(one["latency_us"]["p99"] for one in sizes[size])
            lines.append(
                f"| {size} | {name} | {median(sizes[size], 'rps'):,.0f} | {statistics.median(all_cpu):.2f} "
                f"| {min(all_cpu):.2f} - {max(all_cpu):.2f} | {median(sizes[size], 'cpu_share'):.0%} "
                f"| {data['syscalls'][name][size]:.2f} / {data['syscalls_full'][name][size]:.2f} "
                f"| {p50:,.0f} / {p99:,.0f} |")
    lines += ["", "| target | wanted | reached | |", "|---|---:|---:|---|"]
    lines += [f"| {one['what']} | at most {one['target']:.2f} | {one['value']:.2f} "
              f"| {'met' if one['met'] else 'MISSED'} |" for one in data["targets"]]
    lines += ["", f"| memory with {s['memory_connections']:,} connections | RSS KiB | PSS KiB "
              "| bytes/connection |", "|---|---:|---:|---:|"]
    lines += [f"| {name} | {one['rss_kib']:,} | {one['pss_kib']:,} "
              f"| {one['bytes_per_connection']:,.0f} |" for name, one in data["memory"].items()]
    if data["instructions"]:
        lines += ["", "| user-space instructions per request, 1k, under callgrind | |", "|---|---:|"]
        lines += [f"| {name} | {count:,.0f} |" for name, count in data["instructions"].items()]
    ways = ", ".join(f"{way} for {size}" for size, way in data["nginx_ways"].items())
    lines += [
        "", "## How", "",
        f"- {s['rounds']} rounds of {s['seconds']} s for each server and size, interleaved, in rotated "
        "order; the figures are medians over the rounds, ratios are medians of each round's ratio.",
        f"- {s['connections']} keep-alive connections from wrk, one thread. {s['placement']}",
        "- CPU time is user and system time of all the server's threads, from the scheduler's "
        "account (`/proc/<pid>/task/*/schedstat`), so it includes what the kernel does for the "
        "server on the loopback.",
        "- System calls are counted in runs of their own, by " + data["syscalls_by"] + ": once "
        "as in the rounds, where a fast server waits for wrk and polls for a few requests at a time "
        "(waiting), and once with a busy loop on the server's core, so that requests wait for the "
        "server (full). The target is for the second.",
        f"- nginx: one worker, access log off, open_file_cache on; of {s['nginx_tried']} ways to send "
        f"a file the one with the least CPU time counts: {ways}.",
        "- raw libuv: `bench/raw/raw.c`, a fixed answer to every empty line; no parsing, no "
        "files, no limits.",
        "", "## Where", ""]
    lines += [f"- {name}: {value}" for name, value in m.items()]
    return "\n".join(lines) + "\n"


def plot(data, folder, scratch):
    path = os.path.join(scratch, "http.dat")
    with open(path, "w", encoding="utf-8") as file:
        for name in data["rounds"]:
            row = [f'"{name}"']
            for size in data["settings"]["sizes"]:
                cpu = [one["cpu_us_per_request"] for one in data["rounds"][name][size]]
                row += [f"{f(cpu):.3f}" for f in (statistics.median, min, max)]
            file.write(" ".join(row) + "\n")
    subprocess.run(["gnuplot", "-e", f"data='{path}'; svg='{folder}/http.svg'",
                    os.path.join(HERE, "http.gp")], check=True)


def write(data, folder, scratch):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "http.json"), "w", encoding="utf-8") as file:
        json.dump(data, file, indent=1)
        file.write("\n")
    with open(os.path.join(folder, "http.md"), "w", encoding="utf-8") as file:
        file.write(table(data))
    plot(data, folder, scratch)
