# SPDX-License-Identifier: ISC
"""What every benchmark does around its measurements: builds, places, takes turns."""

import os
import resource
import shlex
import signal
import statistics
import subprocess
import sys

from lib import measure
from lib.servers import NGINX_WAYS

ROOT = os.path.dirname(measure.HERE)
FILES = 65536  # descriptors: for 10,000 connections, with room


def say(text):
    print(text, flush=True)


def raise_files():
    """Lets this process and its children open as many files as it may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (max(hard, FILES), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            return
        except (OSError, ValueError):
            pass  # more than it has takes a right


def make_content(folder, sizes):
    """Files of these lengths, the same on every machine."""
    os.makedirs(folder, exist_ok=True)
    lines = "".join(f"{number:07} This line is part of a file that is there to be fetched.\n"
                    for number in range(2000))
    for size, length in sizes.items():
        with open(os.path.join(folder, f"{size}.txt"), "w", encoding="ascii") as file:
            file.write(lines[:length])


def build(preset, folder, content, targets, options=()):
    """Configures and builds; shows the commands, which can be typed as well. content: of website,
    or None."""
    fixed = [f"-DRUNG_website_FIX=content.path={content}"] if content else []
    for words in (["cmake", "--preset", preset, "-B", folder, "-DRUNG_TESTS=OFF", *fixed, *options],
                  ["cmake", "--build", folder, "--target", *targets]):
        say("+ " + shlex.join(words))
        if subprocess.run(words, cwd=ROOT, check=False).returncode != 0:
            raise SystemExit("bench: the programs cannot be built")


class Cores:
    """One for the server, one for the load. This process keeps off the server's."""

    def __init__(self):
        cpus = sorted(os.sched_getaffinity(0))
        self.server, self.load = cpus[0], cpus[-1]
        os.sched_setaffinity(0, {self.load})
        self.text = (f"Server on CPU {self.server}, load on CPU {self.load}."
                     if len(cpus) > 1 else "Server and load SHARE the only CPU.")


def rotated(names, number):
    """The names in another order each round."""
    names = list(names)
    number %= len(names)
    return names[number:] + names[:number]


def tune_nginx(nginx, size, seconds, connections, cpu):
    """Gives nginx its best way for a size."""
    cost = {}
    for way in NGINX_WAYS:
        rounds = [measure.round_of(nginx, nginx.way_url(way, size), seconds, connections, cpu)
                  for _ in range(3)]
        cost[way] = statistics.median(one["cpu_us_per_request"] for one in rounds)
        say(f"  {size:>4}  {way:<17} {cost[way]:8.2f} µs CPU/request")
    nginx.best[size] = min(cost, key=cost.get)


def program(main):
    """Runs main() such that Ctrl-C and SIGTERM end it in order, too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return main()
    except KeyboardInterrupt:
        say("\nbench: interrupted; nothing is recorded")
        return 130
