# SPDX-License-Identifier: ISC
"""A Linux guest: Debian's kernel with busybox and nginx in its first file system, to compare with."""

import os
import shutil

from . import packages
from .common import FOLDER, HERE, digest, locked
from .cpio import Cpio
from .tree import Tree, read

INIT = os.path.join(HERE, "linux", "init")
NGINX_CONF = os.path.join(HERE, "linux", "nginx.conf")
MODULES = ["xen-netfront", "xen-blkfront"]


def base(tree):
    """Everything but the content, as an archive."""
    cpio = Cpio()
    for folder in ("/proc", "/sys", "/dev", "/tmp", "/run", "/www", "/var/log/nginx",
                   "/var/lib/nginx", "/mnt"):
        cpio.folder(folder)
    tree.add_busybox(cpio)
    tree.add_program(cpio, "/bin/nginx", tree.find("usr/sbin/nginx"))
    cpio.copy("/etc/nginx/nginx.conf", NGINX_CONF)
    cpio.file("/etc/passwd", "root::0:0:root:/:/bin/sh\n")
    cpio.file("/etc/group", "root:x:0:\n")
    names = tree.modules(*MODULES)
    for name, data in names.items():
        cpio.file(f"/modules/{name}.ko", data)
    cpio.file("/modules/first", "".join(name + "\n" for name in names))
    cpio.copy("/init", INIT, 0o755)
    # What the kernel calls when Xen asks for it.
    for name in ("poweroff", "reboot"):
        cpio.file("/sbin/" + name, f"#!/bin/sh\n/bin/{name} -f\n", 0o755)
    return cpio.bytes()


def files():
    """The folder with the kernel and the archive, made if need be."""
    root = packages.fetch()
    sources = [INIT, NGINX_CONF, __file__, *(os.path.join(HERE, "xenlab", name)
                                             for name in ("cpio.py", "elf.py", "tree.py"))]
    name = digest(packages.manifest(), *(("file", path) for path in sources))
    folder = os.path.join(FOLDER, "linux-" + name)
    with locked("linux"):
        if not os.path.exists(folder):
            part, tree = os.path.join(FOLDER, "linux.part"), Tree(root)
            shutil.rmtree(part, ignore_errors=True)
            os.makedirs(part)
            for what, data in (("vmlinux", tree.linux()), ("base.cpio", base(tree))):
                with open(os.path.join(part, what), "wb") as file:
                    file.write(data)
            for old in os.listdir(FOLDER):
                if old.startswith("linux-"):
                    shutil.rmtree(os.path.join(FOLDER, old), ignore_errors=True)
            os.rename(part, folder)
    return folder


def kernel():
    """Not packed, as it starts sooner then."""
    return os.path.join(files(), "vmlinux")


def ramdisk(server, content=None, script=None, more=None):
    """The first file system, with this content under /www, or with a script to run instead of a
    server, and more files {path: bytes}."""
    cpio = Cpio()
    if content:
        cpio.tree("/www", content)
    if script is not None:
        cpio.file("/job", script, 0o755)
    cpio.file("/server", server + "\n")
    for path, data in (more or {}).items():
        cpio.file(path, data)
    return read(os.path.join(files(), "base.cpio")) + cpio.bytes()
