# SPDX-License-Identifier: ISC
"""The page of the benchmark of lwIP over a tap."""

import statistics

from lib.report import median, place_lines, ratio, target, target_lines

WAYS = ("transmit", "receive")

HOW = """
## How

- {rounds} rounds of {seconds} s for each figure, interleaved, in rotated order; the figures are
  medians over the rounds, ratios are medians of each round's ratio. {placement}
- All in network namespaces of the benchmark's own. The load is in one, with the kernel's end of the
  taps and the loopback that is measured; a veth leads to the other, where the kernel's servers are.
  MTU 1,500, but 65,536 on the loopback, as it is by itself. For bulk the same with 1,500, too: bbr
  sends two segments at least each time its clock lets it, which on the usual loopback are 128 KiB.
- rung: `website` and `bulk` as the preset `unix-tap` makes them, on lwIP over a tap. nginx: one
  worker, access log off, open_file_cache on, and of four ways to send the file the one with the
  least CPU time: {nginx_way}. raw: libuv and nothing else, `bench/raw/raw.c` and
  `bench/raw/bulk.c`.
- Requests: a file of 1 KiB to wrk, one thread, keep-alive. Connections are opened before the clock
  starts. All of them are in use, so that the cost of many open ones shows.
- CPU time is that of all the server's threads, from the scheduler's account
  (`/proc/<pid>/task/*/schedstat`). On a tap, a veth and the loopback the kernel receives in the
  sender's name: each server pays for what its client's TCP does with what the server sends, and the
  kernel's servers have what they are sent received at their client's expense, where lwIP does it
  itself. Its core's time is all that the core was busy with, other programs' work too, from
  `/proc/stat`, in ticks of 10 ms.
- Bulk: the other end is `bench/raw/bulk.c` on kernel TCP, for every server. Transmit is from the
  server. The kernel's congestion control is this machine's own, and, in rounds of their own, reno,
  which is lwIP's and does not pace.
- Plain frames: rung with `--net.offload=off`, and a veth with gso_max_segs 1 at both ends, on which
  the kernel cannot send super-frames either.
- Ceiling: `bench/raw/blast.c` writes the same frame to a tap again and again, which the kernel
  drops in IP; and reads what a packet socket sends to it. The same 64 KiB stay in the cache, as those of
  no real transfer do.
- Memory: a fresh process, before and while the connections are open, each of which has asked once
  and been answered."""


def by_core(value, bound, wanted, ours, other, field):
    """What to say if the whole core's time and the process's differ about a target."""
    core = ratio(ours, other, field)
    if (core <= wanted) == (value <= wanted):
        return f"; {core:.2f} by the whole core's time"
    verdict = "met" if (core <= wanted) == (bound == "at most") else "MISSED"
    return f", but {verdict} with {core:.2f} by the whole core's time"


def cpu_target(what, ours, other, wanted):
    value = ratio(ours, other, "cpu_us_per_request")
    return target(what, value, "at most", wanted,
                  by_core(value, "at most", wanted, ours, other, "core_us_per_request"))


def http_checks(rounds, many):
    rung = rounds["rung"]
    return [
        cpu_target("CPU time per request, 64 connections, against nginx on kernel TCP over veth",
                   rung[64], rounds["nginx veth"][64], 0.60),
        target("requests/s, 64 connections, against raw libuv on loopback",
               ratio(rung[64], rounds["raw loopback"][64], "rps"), "at least", 1.4),
        cpu_target(f"CPU time per request, {many:,} connections, against 64", rung[many], rung[64],
                   1.3),
    ]


def bulk_checks(bulk):
    found = []
    for congestion, servers in bulk.items():
        for way, wanted in zip(WAYS, (1.0, 0.9)):
            found.append(target(
                f"bulk {way}, one connection, against raw libuv on loopback ({congestion})",
                ratio(servers["rung"][way][1], servers["raw loopback"][way][1], "gbps"), "at least",
                wanted, "; {:.2f} of it with an MTU of 1,500 there".format(
                    ratio(servers["rung"][way][1],
                          servers["raw loopback, MTU 1,500"][way][1], "gbps"))))
    congestion, servers = list(bulk.items())[-1]
    for way in WAYS:
        found.append(target(
            f"bulk {way} without offload, one connection, against raw libuv over veth with plain "
            f"frames ({congestion})",
            ratio(servers["rung, plain frames"][way][1], servers["raw veth, plain frames"][way][1],
                  "gbps"), "at least", 1.0))
    return found


def checks(data):
    """The targets, with what was reached, of the parts that were measured."""
    found = []
    many = data["settings"]["many"]
    if "http" in data:
        found += http_checks(data["http"]["rounds"], many)
    if "bulk" in data:
        found += bulk_checks(data["bulk"])
    if "memory" in data:
        found.append(target(f"bytes for each of {many:,} idle connections",
                            data["memory"]["rung"]["bytes_per_connection"], "at most", 4096))
    return found


def http_lines(data):
    lines = ["", "| connections | server | requests/s | CPU µs/request | (least - most) "
             "| its core's µs/request | share of core | latency p50 / p99 µs |",
             "|---:|---|---:|---:|---:|---:|---:|---:|"]
    for count in data["settings"]["connections"]:
        for name, rounds in data["http"]["rounds"].items():
            some = rounds[count]
            cpu = [one["cpu_us_per_request"] for one in some]
            p50, p99 = (statistics.median(one["latency_us"][p] for one in some)
                        for p in ("p50", "p99"))
            lines.append(
                f"| {count:,} | {name} | {median(some, 'rps'):,.0f} | {statistics.median(cpu):.2f} "
                f"| {min(cpu):.2f} - {max(cpu):.2f} | {median(some, 'core_us_per_request'):.2f} "
                f"| {median(some, 'cpu_share'):.0%} | {p50:,.0f} / {p99:,.0f} |")
    return lines


def bulk_lines(data):
    lines = ["", "| bulk: connections, congestion control | server | transmit Gb/s | CPU s/GB "
             "| its core's s/GB | receive Gb/s | CPU s/GB | its core's s/GB |",
             "|---|---|---:|---:|---:|---:|---:|---:|"]
    for congestion, servers in data["bulk"].items():
        for count in servers["rung"]["transmit"]:
            for name, ways in servers.items():
                cells = [f"{median(ways[way][count], 'gbps'):.2f} "
                         f"| {median(ways[way][count], 'cpu_s_per_gb'):.3f} "
                         f"| {median(ways[way][count], 'core_s_per_gb'):.3f}" for way in WAYS]
                lines.append(f"| {count}, {congestion} | {name} | {' | '.join(cells)} |")
    return lines


def ceiling_lines(data):
    """What a tap carries without TCP, and how much of that is reached with it."""
    congestion, servers = list(data["bulk"].items())[-1]
    lines = ["", "| ceiling: frames through a tap without TCP | transmit Gb/s | CPU s/GB | receive "
             f"Gb/s | CPU s/GB | bulk reaches of it ({congestion}), transmit / receive |",
             "|---|---:|---:|---:|---:|---:|"]
    for kind, server in (("super", "rung"), ("plain", "rung, plain frames")):
        ways = data["ceiling"][kind]
        cells = [f"{median(ways[way], 'gbps'):.2f} | {median(ways[way], 'cpu_s_per_gb'):.3f}"
                 for way in WAYS]
        shares = [f"{median(servers[server][way][1], 'gbps') / median(ways[way], 'gbps'):.0%}"
                  for way in WAYS]
        name = "super-frames of 64 KiB" if kind == "super" else "plain frames, MTU 1,500"
        lines.append(f"| {name} | {' | '.join(cells)} | {' / '.join(shares)} |")
    return lines


def memory_lines(data):
    lines = ["", f"| memory with {data['settings']['many']:,} idle connections | RSS KiB before "
             "| RSS KiB | bytes/connection |", "|---|---:|---:|---:|"]
    return lines + [f"| {name} | {one['rss_kib_before']:,} | {one['rss_kib']:,} "
                    f"| {one['bytes_per_connection']:,.0f} |"
                    for name, one in data["memory"].items()]


def how_lines(data):
    return HOW.format(**data["settings"], nginx_way=data["http"]["nginx_way"]).splitlines()


def table(data):
    """The Markdown page, in lines."""
    return ["# lwIP over a tap against kernel TCP", "",
            "Made by `./rung bench tap`; not to be edited. Raw figures: `tap.json`.", "",
            "![CPU time per request, and bulk](tap.svg)",
            *target_lines(data["targets"]), *http_lines(data), *bulk_lines(data),
            *ceiling_lines(data), *memory_lines(data), *how_lines(data),
            *place_lines(data["machine"])]


def rows(data):
    """For tap.gp: CPU time per request, with a line for each number of connections and a column for
    each server; then Gb/s of one connection, with a line for each server."""
    rounds = data["http"]["rounds"]
    lines = [" ".join(["connections", *(f'"{name}"' for name in rounds)])]
    for count in data["settings"]["connections"]:
        lines.append(" ".join([str(count), *(f"{median(one[count], 'cpu_us_per_request'):.3f}"
                                             for one in rounds.values())]))
    lines += ["", ""]
    for congestion, servers in data["bulk"].items():
        lines += [f'"{name} ({congestion})" ' + " ".join(f"{median(ways[way][1], 'gbps'):.3f}"
                                                         for way in WAYS)
                  for name, ways in servers.items() if "plain" not in name]
    return lines
