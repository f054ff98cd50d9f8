# SPDX-License-Identifier: ISC
"""The machine, booted once and saved: its memory in a file that runs map, its devices in another.

A snapshot belongs to one QEMU, one command line, one set of packages and scripts; when any of them
changes it is made again, and older ones are removed.
"""

import os
import re
import shutil
import time

from . import dom0, machine, packages
from .common import FOLDER, HERE, LabError, digest, locked, say
from .tree import Tree

BOOT_SECONDS = 60


def model():
    """The processor here, whose clock's rate the saved machine has measured."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return (re.search(r"^model name.*$", file.read(), re.M) or [""])[0]


def sources():
    """What makes a snapshot: these parts of the lab."""
    files = [os.path.join(HERE, "xenlab", name) for name in
             ("cpio.py", "dom0.py", "elf.py", "machine.py", "snapshot.py", "tree.py")]
    return files + sorted(os.path.join(dom0.SCRIPTS, name) for name in os.listdir(dom0.SCRIPTS))


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def make_files(part):
    root = packages.fetch()
    tree = Tree(root)
    write(os.path.join(part, "xen"), tree.xen())
    write(os.path.join(part, "vmlinux"), tree.linux())
    write(os.path.join(part, "dom0.cpio"), dom0.make(root))


def boot(part, cpus, verbose):
    """Boots Xen and dom0 in a folder that has their files, and saves the machine there."""
    start = time.monotonic()
    say(f"booting Xen and its dom0 for the first time{' with 2 processors' * (cpus > 1)} ...")
    one = machine.Machine(part, os.path.join(part, "ram"), BOOT_SECONDS, shared=True, cpus=cpus)
    try:
        if verbose:
            one.serial.listener = lambda data: os.write(2, data)
        try:
            for channel in one.channels:
                channel.until(b"ready\n", BOOT_SECONDS, "sign of life from dom0")
        except LabError as error:
            said = bytes(one.serial.data).decode(errors="replace").splitlines()[-20:]
            raise LabError("\n".join([str(error), *said])) from error
        time.sleep(0.3)  # let it settle
        one.qmp.run("stop")
        one.qmp.run("migrate-set-capabilities",
                    capabilities=[{"capability": "x-ignore-shared", "state": True}])
        one.qmp.run("migrate-set-parameters", **{"max-bandwidth": 10**11})
        one.qmp.run("migrate", uri=f"exec:cat >'{part}/state'")
        while True:
            state = one.qmp.run("query-migrate")
            if state.get("status") == "completed":
                break
            if state.get("status") == "failed":
                raise LabError(f"QEMU cannot save the machine: {state.get('error-desc')}")
            time.sleep(0.02)
    finally:
        one.close()
    say(f"ready after {time.monotonic() - start:.1f} s; from now on it takes one")


def find(cpus=1, verbose=False):
    """The folder of the snapshot, made if need be. Hold the lock "snapshot" while you open it."""
    packages.fetch()
    name = digest(machine.version(), model(), packages.manifest(),
                  *(("file", path) for path in sources()))
    folder = os.path.join(FOLDER, f"snapshot-{name}-{cpus}")
    if os.path.exists(os.path.join(folder, "state")):
        return folder
    with locked("making"):
        if not os.path.exists(os.path.join(folder, "state")):
            part = os.path.join(FOLDER, "snapshot.part")
            shutil.rmtree(part, ignore_errors=True)
            os.makedirs(part)
            try:
                make_files(part)
                boot(part, cpus, verbose)
            except BaseException:
                shutil.rmtree(part, ignore_errors=True)
                raise
            with locked("snapshot"):
                for old in os.listdir(FOLDER):
                    if old.startswith("snapshot-") and name not in old:
                        shutil.rmtree(os.path.join(FOLDER, old), ignore_errors=True)
                os.rename(part, folder)
    return folder


def resume(seconds, cpus=1, **choices):
    """A running machine."""
    while True:
        folder = find(cpus)
        with locked("snapshot", shared=True):
            if not os.path.exists(os.path.join(folder, "state")):
                continue  # another checkout of the same folder has just replaced it
            choices["more"] = ["-incoming", "defer", *choices.get("more", ())]
            one = machine.Machine(folder, os.path.join(folder, "ram"), seconds, cpus=cpus,
                                  **choices)
            try:
                load(one, folder)
            except BaseException:
                one.close()
                raise
            return one


def load(one, folder):
    one.qmp.run("migrate-set-capabilities",
                capabilities=[{"capability": "x-ignore-shared", "state": True}])
    one.qmp.run("migrate-incoming", uri=f"exec:cat '{folder}/state'")
    while one.qmp.run("query-status")["status"] == "inmigrate":
        time.sleep(0.005)
    state = one.qmp.run("query-migrate")
    if state.get("status") == "failed":
        raise LabError(f"QEMU cannot load the machine: {state.get('error-desc')}")
    if one.qmp.run("query-status")["status"] != "running":
        one.qmp.run("cont")
