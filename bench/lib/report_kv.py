# SPDX-License-Identifier: ISC
"""The page of the KV benchmark."""

from lib.report import median, place_lines, ratio, spread, target, target_lines

# What an issue sets for requests each second against redis.
WANTED = {"memory": 1.0, "tap": 1.3}
WANTED_DURABLE = {"set P1": 2.0}


def checks(data):
    """The targets, with what was reached."""
    found = []
    for part, works in data["rounds"].items():
        for name, sides in works.items():
            wanted = WANTED_DURABLE.get(name) if part == "durable" else WANTED[part]
            if wanted is None:
                continue
            cpu = ratio(sides["redis"], sides["kvd"], "cpu_us")
            found.append(target(f"{part}: {name}, requests/s against redis",
                                ratio(sides["kvd"], sides["redis"], "rps"), "at least", wanted,
                                f" (by CPU time: {cpu:.2f})"))
    return found


def table(data):
    """The Markdown page, in lines."""
    s = data["settings"]
    lines = ["# KV: kvd against redis-server", "",
             "Made by `./rung bench kv`; not to be edited. Raw figures: `kv.json`.", "",
             "![Requests each second](kv.svg)", "",
             "| part | work | server | requests/s | against redis | CPU µs/request | core µs/request "
             "| latency p50 / p99 ms |", "|---|---|---|---:|---:|---:|---:|---:|"]
    for part, works in data["rounds"].items():
        for name, sides in works.items():
            for side, rounds in sides.items():
                lines.append(
                    f"| {part} | {name} | {side} | {median(rounds, 'rps'):,.0f} "
                    f"| {ratio(rounds, sides['redis'], 'rps'):.2f} "
                    f"| {median(rounds, 'cpu_us'):.2f} | {median(rounds, 'core_us'):.2f} "
                    f"| {median(rounds, 'p50_ms'):.2f} / {median(rounds, 'p99_ms'):.2f} |")
    lines += target_lines(data["targets"])
    lines += [
        "", "## How", "",
        f"- redis-benchmark, {s['connections']} connections, values of {s['value']} bytes, "
        f"{s['keys']:,} keys of chance; P16: pipelines of 16.",
        f"- {s['rounds']} rounds of about {s['seconds']} s for each server and work, interleaved, in "
        "rotated order; medians, and medians of each round's ratio.",
        f"- {s['placement']} Where redis-benchmark, on its one core, is the slower side, both "
        "servers show its rate, and CPU time per request tells them apart.",
        "- CPU time is the server process's; the core's is all that its core did meanwhile.",
        "- memory: kvd on kv-memory, redis without a log. durable: kvd on kvlog over a file, redis "
        "with appendfsync always, on the same disk, and does not rewrite its log meanwhile; kvd's file was written in full before. tap: kvd on lwIP over a tap, redis on kernel TCP "
        "over a veth pair, both in memory."]
    return lines + place_lines(data["machine"])


def rows(data):
    """For kv.gp."""
    return [f'"{part} {name}" ' + " ".join(spread([one["rps"] for one in sides[side]])
                                           for side in ("kvd", "redis"))
            for part, works in data["rounds"].items() for name, sides in works.items()]
