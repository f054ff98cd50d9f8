# SPDX-License-Identifier: ISC
"""The three servers of the HTTP benchmark: how each is started, found, and stopped."""

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
events {{ worker_connections 8192; }}
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


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pin(cpu):
    return lambda: os.sched_setaffinity(0, {cpu})


def wait_for_port(port, process):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"bench: a server ended with status {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"bench: no server came up on port {port}")


class Server:
    """A running server. url(size) is where a file of that size is."""

    log = None  # where the servers' own words go

    def __init__(self, name):
        self.name = name
        self.processes = []

    def launch(self, words, port, cpu, wrapper=()):
        process = subprocess.Popen([*wrapper, *words], preexec_fn=pin(cpu),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=self.log)
        self.processes.append(process)
        wait_for_port(port, process)

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
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait(60)
        self.processes = []


class Website(Server):
    def __init__(self, build, cpu, wrapper=()):
        super().__init__("rung")
        self.port = free_port()
        program = os.path.join(build, "bin", "website")
        self.launch([program, "--address=127.0.0.1", f"--port={self.port}"], self.port, cpu, wrapper)

    def url(self, size):
        return f"http://127.0.0.1:{self.port}/{size}.txt"


class Raw(Server):
    """Two of them, since one always gives the same answer."""

    def __init__(self, build, cpu, sizes, wrapper=()):
        super().__init__("raw libuv")
        self.ports = {}
        for size, length in sizes.items():
            self.ports[size] = free_port()
            program = os.path.join(build, "bin", "bench-raw")
            self.launch([program, str(self.ports[size]), str(length)], self.ports[size], cpu,
                        wrapper)

    def url(self, size):
        return f"http://127.0.0.1:{self.ports[size]}/{size}.txt"


class Nginx(Server):
    def __init__(self, folder, content, cpu, wrapper=(), single=False):
        super().__init__("nginx")
        os.makedirs(folder, exist_ok=True)
        self.ports = {way: free_port() for way in NGINX_WAYS}
        self.best = {}
        servers = "".join(
            f"    server {{ listen 127.0.0.1:{self.ports[way]}; root {content}; {text} }}\n"
            for way, text in NGINX_WAYS.items())
        conf = os.path.join(folder, "nginx.conf")
        with open(conf, "w", encoding="utf-8") as file:
            file.write(NGINX_CONF.format(folder=folder, servers=servers,
                                         user="user root;" if os.geteuid() == 0 else "",
                                         master="off" if single else "on"))
        program = next(p for p in ("/usr/sbin/nginx", "nginx") if p == "nginx" or os.access(p, os.X_OK))
        self.launch([program, "-c", conf, "-p", folder, "-e", f"{folder}/nginx.log"],
                    self.ports["sendfile"], cpu, wrapper)

    def url(self, size):
        return self.way_url(self.best.get(size, "sendfile"), size)

    def way_url(self, way, size):
        return f"http://127.0.0.1:{self.ports[way]}/{size}.txt"
