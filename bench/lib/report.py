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


def target(what, value, bound, wanted, note=""):
    """One that an issue sets; bound: "at most" or "at least"."""
    met = value <= wanted if bound == "at most" else value >= wanted
    return {"what": what, "bound": bound, "target": wanted, "value": value, "met": met,
            "note": note}


def target_lines(targets):
    lines = ["", "| target | wanted | reached | |", "|---|---:|---:|---|"]
    return lines + [f"| {one['what']} | {one['bound']} {one['target']:,.2f} | {one['value']:,.2f} "
                    f"| {'met' if one['met'] else 'MISSED'}{one['note']} |" for one in targets]


def target_text(one):
    return (f"{'met   ' if one['met'] else 'MISSED'} {one['what']}: {one['value']:,.2f} "
            f"({one['bound']} {one['target']:,.2f}){one['note']}")


def place_lines(facts):
    return ["", "## Where", "", *(f"- {name}: {value}" for name, value in facts.items())]


def spread(values):
    """Median, least and most, for a plot."""
    return " ".join(f"{f(values):.3f}" for f in (statistics.median, min, max))


def write(name, data, lines, rows, folder, scratch):
    """Writes name.json, name.md from its lines, and name.svg, which name.gp draws from rows."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, f"{name}.json"), "w", encoding="utf-8") as file:
        json.dump(data, file, indent=1)
        file.write("\n")
    with open(os.path.join(folder, f"{name}.md"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    path = os.path.join(scratch, f"{name}.dat")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(rows) + "\n")
    subprocess.run(["gnuplot", "-e", f"data='{path}'; svg='{folder}/{name}.svg'",
                    os.path.join(HERE, f"{name}.gp")], check=True)


def tell(targets):
    """Says on standard output which targets were met."""
    print("\n".join(["", *map(target_text, targets)]), flush=True)


def finish(name, data, lines, rows, scratch, record):
    """What every benchmark ends with: its files, among the recorded results or in its scratch folder, and
    what became of its targets."""
    folder = os.path.join(HERE, "results") if record else scratch
    write(name, data, lines, rows, folder, scratch)
    tell(data["targets"])
    print(f"Results: {os.path.relpath(folder)}/{name}.md, {name}.json, {name}.svg", flush=True)
