# SPDX-License-Identifier: ISC
"""Makes dom0: its first file system holds all there is of it."""

import os

from .common import HERE
from .cpio import Cpio
from .tree import Tree

SCRIPTS = os.path.join(HERE, "dom0")

# Loaded before the machine is saved, and after: a device whose driver comes later may be different
# in each run.
FIRST = ["xen-privcmd", "xenfs", "xen-evtchn", "xen-gntdev", "xen-gntalloc", "virtio_pci",
         "virtio_console", "net_failover", "bridge", "xen-netback", "xen-blkback", "loop"]
LATER = ["virtio_net", "virtio_blk"]

PROGRAMS = ["xl", "xenstored", "xenconsoled", "xen-init-dom0", "libxl-save-helper", "xenconsole",
            "xenctx", "xen-hvmctx", "lsevtchn"]
XENSTORE = ["chmod", "exists", "list", "ls", "read", "rm", "watch", "write"]

XL_CONF = """autoballoon=0
lockfile="/run/lock/xl"
vif.default.script="vif"
"""


def make(root):
    """dom0's file system as an archive for the kernel."""
    tree, cpio = Tree(root), Cpio()
    for folder in ("/proc", "/sys", "/dev", "/tmp", "/run", "/var/lib", "/var/log", "/root"):
        cpio.folder(folder)
    cpio.link("/var/run", "../run")
    cpio.link("/var/lock", "../run/lock")
    tree.add_busybox(cpio)
    for name in PROGRAMS:
        source = tree.find(f"usr/lib/xen-*/bin/{name}")
        path = "/" + os.path.relpath(source, root)
        tree.add_program(cpio, path, source)
        cpio.link("/sbin/" + name, path)
    tree.add_program(cpio, "/sbin/xenstore", tree.find("usr/bin/xenstore", "bin/xenstore"))
    for name in XENSTORE:
        cpio.link("/sbin/xenstore-" + name, "xenstore")
    # The C library loads it by name when a thread ends.
    tree.add_program(cpio, "/lib/x86_64-linux-gnu/libgcc_s.so.1",
                     tree.find("lib/x86_64-linux-gnu/libgcc_s.so.1",
                               "usr/lib/x86_64-linux-gnu/libgcc_s.so.1"))
    first = tree.modules(*FIRST)
    for name, data in {**first, **tree.modules(*LATER)}.items():
        cpio.file(f"/modules/{name}.ko", data)
    cpio.file("/modules/first", "".join(name + "\n" for name in first))
    cpio.file("/etc/xen/xl.conf", XL_CONF)
    cpio.file("/etc/passwd", "root::0:0:root:/root:/bin/sh\n")
    cpio.file("/etc/profile", "export PATH=/bin:/sbin HOME=/root PS1='dom0:\\w# '\ncd\n")
    cpio.copy("/init", os.path.join(SCRIPTS, "init"), 0o755)
    for name in ("serve", "domain-end"):
        cpio.copy("/sbin/" + name, os.path.join(SCRIPTS, name), 0o755)
    for name in ("vif", "block"):
        cpio.copy("/etc/xen/scripts/" + name, os.path.join(SCRIPTS, name), 0o755)
    return cpio.bytes()
