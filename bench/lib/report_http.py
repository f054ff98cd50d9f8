# SPDX-License-Identifier: ISC
"""The page of the HTTP benchmark."""

import statistics

from lib.report import median, place_lines, ratio, spread, target, target_lines


def checks(data):
    """The targets, with what was reached."""
    rounds, found = data["rounds"], []
    wanted = [("1k", "nginx", 0.85), ("1k", "raw libuv", 1.10), ("100k", "nginx", 1.00)]
    for size, other, most in wanted:
        value = ratio(rounds["rung"][size], rounds[other][size], "cpu_us_per_request")
        found.append(target(f"CPU time per request, {size}, against {other}", value, "at most",
                            most))
    found.append(target("system calls per request, 1k, requests waiting for the server",
                        data["syscalls_full"]["rung"]["1k"], "at most", 2.1))
    return found


def table(data):
    """The Markdown page, in lines."""
    s = data["settings"]
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
    lines += target_lines(data["targets"])
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
        "files, no limits."]
    return lines + place_lines(data["machine"])


def rows(data):
    """For http.gp."""
    return [" ".join([f'"{name}"'] + [spread([one["cpu_us_per_request"] for one in sizes[size]])
                                      for size in data["settings"]["sizes"]])
            for name, sizes in data["rounds"].items()]
