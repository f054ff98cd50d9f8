# SPDX-License-Identifier: ISC
"""The page of the benchmark of a unikernel on Xen."""

import collections
import statistics

from lib.report import median, place_lines, ratio, spread, target, target_lines

RUNG, LINUX = "rung", "Linux"
SIDES = (RUNG, LINUX)
WAYS = ("transmit", "receive")

HOW = """
## How

- Both sides are PVH guests with one virtual CPU, {memory} MiB and one vif, of the same real Xen with the
  same dom0 (xen-netback, xen-blkback), on a PC that QEMU emulates (`test/xen/lab`). rung: `website`,
  `bulk` and `blockload` as the preset `xen` makes them. Linux: Debian's kernel and nginx out of their
  packages, in an initramfs without anything else (`test/xen/linux`): one worker, sendfile, no log,
  files kept open. The client is this machine, over a tap and dom0's bridge.
- {rounds} rounds of {seconds} s, interleaved, in rotated order; medians, ratios are medians of each
  round's ratio. Times and rates are those of an emulated machine: only ratios mean something.
- Instructions are counted by a plugin of QEMU (`test/xen/count`). Dom0 has one processor, the guests
  the other; what that executes outside of Xen is the guests', and what is in our image's range of
  addresses is ours. One connection: each of {single} requests is counted by itself, from rest to rest;
  the median, and how many had exactly the most frequent count (timers, and a separate ACK when the
  host is slow, are what differs). {connections} connections: `wrk`, everything counted, timers too.
- From entry: from the first instruction until the guest sleeps after it has said that it serves.
- Time to the first byte: from the call of `xl create` to the first byte of an answer, for a client
  that begins a new connection each 10 ms.
- Bulk: one connection, `bench/raw/bulk.c` at the other end; on Linux it is that program too.
- Disks: `bench/apps/blockload`, on blkfront and on Linux' io_uring with O_DIRECT; files in memory on
  this machine, virtio disks in dom0, blkback.
- Least memory: guests of less and less, until one does not answer."""


def guest_boot(one, side):
    """Instructions; ours are those in its range of addresses and the few before there is one."""
    return one[side]["boot"]["guest_cpu"]


def count_checks(count):
    single = statistics.median(count[RUNG]["single"]) / statistics.median(count[LINUX]["single"])
    return [
        target("guest instructions per 1 KiB keep-alive request, one connection, against Linux with "
               "nginx", single, "at most", 0.25),
        target("the same with 64 connections",
               ratio(count[RUNG]["load"], count[LINUX]["load"], "guest"), "at most", 0.25),
        target("millions of guest instructions from entry to listening", guest_boot(count, RUNG) / 1e6,
               "at most", 5.0),
    ]


def checks(data):
    """The targets, with what was reached, of the parts that were measured."""
    found = []
    if "count" in data:
        found += count_checks(data["count"])
    if "start" in data:
        found.append(target("time from `xl create` to the first byte, against Linux",
                            ratio(data["start"][RUNG], data["start"][LINUX], "seconds"), "at most",
                            0.1))
    if "bulk" in data:
        for way in WAYS:
            found.append(target(f"bulk {way}, one connection, against Linux",
                                ratio(data["bulk"][RUNG][way], data["bulk"][LINUX][way], "gbps"),
                                "at least", 1.0))
    if "memory" in data:
        one = data["memory"][RUNG]
        found += [target("KiB of image beyond the content", (one["bytes"] - one["content"]) / 1024,
                         "at most", 200), target("KiB of hello", one["hello"] / 1024, "at most", 48)]
    return found


def count_lines(count):
    lines = ["", "| instructions | rung | Linux | rung / Linux |", "|---|---:|---:|---:|"]

    def line(what, ours, theirs):
        lines.append(f"| {what} | {ours:,.0f} | {theirs:,.0f} | {ours / theirs:.4f} |")

    line("from entry to listening", *(guest_boot(count, side) for side in SIDES))
    line("of Xen meanwhile", *(count[side]["boot"]["guest_cpu_xen"] for side in SIDES))
    line("per request, one connection", *(statistics.median(count[side]["single"]) for side in SIDES))
    line("of Xen meanwhile", *(statistics.median(count[side]["single_xen"]) for side in SIDES))
    line("per request, 64 connections", *(median(count[side]["load"], "guest") for side in SIDES))
    for side in SIDES:
        counts = count[side]["single"]
        value, times = collections.Counter(counts).most_common(1)[0]
        lines += ["", f"One connection, {side}: {times} of {len(counts)} requests took exactly "
                  f"{value:,} instructions; least {min(counts):,}, mean {statistics.mean(counts):,.0f}."]
    ours = count[RUNG]["boot"]
    lines += ["", f"Of rung's way to listening, {ours['own']:,} instructions were in its own range of "
              f"addresses, and {ours['guest_cpu']:,} were executed on the guests' processor outside "
              "of Xen: the difference is before it has mapped its addresses."]
    return lines


def start_lines(start):
    lines = ["", "| from `xl create` to the first byte | seconds (least - most) |", "|---|---:|"]
    for side in SIDES:
        all_of = [one["seconds"] for one in start[side]]
        lines.append(f"| {side} | {statistics.median(all_of):.3f} ({min(all_of):.3f} - "
                     f"{max(all_of):.3f}) |")
    return lines


def rate_lines(head, rows, field, digits):
    lines = ["", f"| {head} | rung | Linux | rung / Linux |", "|---|---:|---:|---:|"]
    for name, sides in rows.items():
        cells = " | ".join(f"{median(sides[side], field):,.{digits}f}" for side in SIDES)
        lines.append(f"| {name} | {cells} | {ratio(sides[RUNG], sides[LINUX], field):.2f} |")
    return lines


def memory_lines(memory):
    lines = ["", "| size | rung | Linux |", "|---|---:|---:|"]
    lines.append("| least memory in which it serves, MiB | "
                 + " | ".join(str(memory[side]["mib"]) for side in SIDES) + " |")
    lines.append("| bytes to load | "
                 + " | ".join(f"{memory[side]['bytes']:,}" for side in SIDES) + " |")
    return lines


def bulk_rows(data):
    return {f"{way}, one connection": {side: data["bulk"][side][way] for side in SIDES} for way in WAYS}


def table(data):
    """The Markdown page, in lines."""
    return ["# A unikernel on Xen against Linux with nginx", "",
            "Made by `./rung bench xen`; not to be edited. Raw figures: `xen.json`.", "",
            "![Linux's cost in multiples of rung's](xen.svg)",
            *target_lines(data["targets"]), *count_lines(data["count"]), *start_lines(data["start"]),
            *rate_lines("Gb/s", bulk_rows(data), "gbps", 3),
            *rate_lines("requests/s of a disk", data["block"], "rate", 0),
            *memory_lines(data["memory"]), *HOW.format(**data["settings"]).splitlines(),
            *place_lines(data["machine"])]


def rows(data):
    """For xen.gp: what Linux needs, in multiples of what rung needs; then how fast rung is, in
    multiples of Linux, as median, least and most over the rounds."""
    count, memory, start = data["count"], data["memory"], data["start"]
    needs = {
        "instructions per\\nrequest": statistics.median(count[LINUX]["single"])
        / statistics.median(count[RUNG]["single"]),
        "instructions\\nto listening": guest_boot(count, LINUX) / guest_boot(count, RUNG),
        "time to\\nfirst byte": ratio(start[LINUX], start[RUNG], "seconds"),
        "least\\nmemory": memory[LINUX]["mib"] / memory[RUNG]["mib"],
        "bytes\\nto load": memory[LINUX]["bytes"] / memory[RUNG]["bytes"],
    }
    lines = [f'"{name}" {value:.2f}' for name, value in needs.items()] + ["", ""]
    for name, sides in bulk_rows(data).items():
        lines.append(f'"{name.split(",")[0]}" ' + spread([a["gbps"] / b["gbps"]
                                            for a, b in zip(sides[RUNG], sides[LINUX])]))
    for name, sides in data["block"].items():
        short = name.replace("random ", "").replace("sequential ", "")
        lines.append(f'"{short}" ' + spread([a["rate"] / b["rate"]
                                            for a, b in zip(sides[RUNG], sides[LINUX])]))
    return lines
