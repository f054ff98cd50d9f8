# SPDX-License-Identifier: ISC
"""The servers that are measured: how each is started, found, and stopped."""

import ctypes
import itertools
import os
import signal
import socket
import subprocess
import time

NGINX_CONF = """\
daemon off;
{user}
worker_processes 1;
master_process {master};
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections {connections}; }}
http {{
    types {{ text/plain txt; }}
    access_log off;
    open_file_cache max=1000 inactive=1h;
    open_file_cache_valid 1h;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    tcp_nodelay on;
    client_body_temp_path {folder}/t1;
    proxy_temp_path {folder}/t2;
    fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4;
    scgi_temp_path {folder}/t5;
{servers}}}
"""

# Ways to send a file. Which is best depends on its size, so each is tried before the rounds begin
# and the best one counts.
NGINX_WAYS = {
    "sendfile": "sendfile on;",
    "sendfile, nopush": "sendfile on; tcp_nopush on;",
    "read": "sendfile off;",
    "read, one buffer": "sendfile off; output_buffers 1 256k;",
}


PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pin(cpu, space=None):
    """What a child does first: goes to its core and its network namespace, and sees to it that it
    does not outlive the benchmark, however that ends. Ctrl-C is the benchmark's alone: that stops
    its servers in order."""
    def begin():
        os.setsid()
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        os.sched_setaffinity(0, {cpu})
        if space:
            space.enter()
    return begin


class Place:
    """Where a server is: its address, and the namespace that it is in unless it is this one."""

    def __init__(self, address="127.0.0.1", space=None):
        self.address = address
        self.space = space


def wait_for_port(address, port, process):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"bench: a server ended with status {process.returncode}")
        try:
            socket.create_connection((address, port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"bench: no server came up on {address}:{port}")


class Server:
    """A running server on a core of its own."""

    log = None  # where the servers' own words go

    def __init__(self, name, cpu, place=Place()):
        self.name = name
        self.cpu = cpu
        self.place = place
        self.processes = []

    def launch(self, words, port, wrapper=()):
        process = subprocess.Popen([*wrapper, *words], preexec_fn=pin(self.cpu, self.place.space),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=self.log)
        self.processes.append(process)
        wait_for_port(self.place.address, port, process)

    def pids(self):
        """Its processes, with those they started."""
        found = []
        queue = [process.pid for process in self.processes]
        while queue:
            pid = queue.pop()
            found.append(pid)
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                    queue += [int(word) for word in file.read().split()]
        return found

    def stop(self):
        ended = [process.returncode for process in self.processes if process.poll() is not None]
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired as error:
                process.kill()
                raise SystemExit(f"bench: {self.name} does not end when it is told to") from error
        self.processes = []
        if ended:
            raise SystemExit(f"bench: {self.name} had ended by itself, with status {ended[0]}")


class Website(Server):
    """keys: further words of its command line."""

    def __init__(self, build, cpu, wrapper=(), place=Place(), keys=("--address=127.0.0.1",)):
        super().__init__("rung", cpu, place)
        self.port = free_port()
        program = os.path.join(build, "bin", "website")
        self.launch([program, *keys, f"--port={self.port}"], self.port, wrapper)

    def url(self, size):
        """Where a file of that size is."""
        return f"http://{self.place.address}:{self.port}/{size}.txt"


class Raw(Server):
    """One for each size, since one always gives the same answer."""

    def __init__(self, build, cpu, sizes, wrapper=(), name="raw libuv", place=Place()):
        super().__init__(name, cpu, place)
        self.ports = {}
        for size, length in sizes.items():
            self.ports[size] = free_port()
            program = os.path.join(build, "bin", "bench-raw")
            self.launch([program, str(self.ports[size]), str(length), place.address],
                        self.ports[size], wrapper)

    def url(self, size):
        return f"http://{self.place.address}:{self.ports[size]}/{size}.txt"


class Nginx(Server):
    """connections: how many it may have open at once. single: without a process that watches it."""

    def __init__(self, folder, content, cpu, wrapper=(), single=False, name="nginx",
                 place=Place(), connections=8192):
        super().__init__(name, cpu, place)
        os.makedirs(folder, exist_ok=True)
        self.ports = {way: free_port() for way in NGINX_WAYS}
        self.best = {}
        servers = "".join(
            f"    server {{ listen {place.address}:{self.ports[way]} backlog=4096; "
            f"root {content}; {text} }}\n"
            for way, text in NGINX_WAYS.items())
        conf = os.path.join(folder, "nginx.conf")
        with open(conf, "w", encoding="utf-8") as file:
            file.write(NGINX_CONF.format(folder=folder, servers=servers, connections=connections,
                                         user="user root;" if os.geteuid() == 0 else "",
                                         master="off" if single else "on"))
        program = next(p for p in ("/usr/sbin/nginx", "nginx") if p == "nginx" or os.access(p, os.X_OK))
        self.launch([program, "-c", conf, "-p", folder, "-e", f"{folder}/nginx.log"],
                    self.ports["sendfile"], wrapper)

    def url(self, size):
        return self.way_url(self.best.get(size, "sendfile"), size)

    def way_url(self, way, size):
        return f"http://{self.place.address}:{self.ports[way]}/{size}.txt"


class Bulk(Server):
    """The app bulk, or with keys None bench-bulk: sends on one port, takes on the next."""

    pairs = itertools.count(7100, 2)

    def __init__(self, name, build, cpu, place=Place(), keys=None):
        super().__init__(name, cpu, place)
        self.build = build
        first = next(self.pairs)
        self.port = {"transmit": first, "receive": first + 1}
        if keys is None:
            words = ["bench-bulk", "serve", place.address, str(first)]
        else:
            words = ["bulk", f"--port={first}", f"--sink-port={first + 1}", *keys]
        self.launch([os.path.join(build, "bin", words[0]), *words[1:]], first)


class Kvd(Server):
    """keys: further words of its command line."""

    def __init__(self, name, build, cpu, place=Place(), keys=("--address=127.0.0.1",)):
        super().__init__(name, cpu, place)
        self.port = free_port()
        self.launch([os.path.join(build, "bin", "kvd"), *keys, f"--port={self.port}"], self.port)


class Redis(Server):
    """In memory; with a folder, durable: each reply behind an fsync of its log there."""

    def __init__(self, name, cpu, folder=None, place=Place()):
        super().__init__(name, cpu, place)
        self.port = free_port()
        words = ["redis-server", "--port", str(self.port), "--bind", place.address, "--save", "",
                 "--protected-mode", "no"]
        if folder:
            os.makedirs(folder)
            words += ["--appendonly", "yes", "--appendfsync", "always", "--dir", folder,
                      "--auto-aof-rewrite-percentage", "0"] # no child, whose time is gone with it
        self.launch(words, self.port)
