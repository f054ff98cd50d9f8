# SPDX-License-Identifier: ISC
"""The emulated machine: QEMU's command line, its process, and its control by QMP."""

import json
import os
import shutil
import socket
import subprocess

from .common import LabError
from .network import Nothing
from .stream import Pump

MEMORY_MB, DOM0_MB = 1024, 384
CHANNELS = 16
DISKS = 4

# No SMAP, with which this dom0 does not run. RDRAND, without which each `xl create` waits for
# entropy. PVH guests need SVM and nested paging.
CPU = "qemu64,+svm,+npt,+rdrand"
XEN = ("console=com1 com1=115200,8n1 noreboot loglvl=warning guest_loglvl=all "
       f"dom0_mem={DOM0_MB}M,max:{DOM0_MB}M bootscrub=0 spec-ctrl=no xpti=no watchdog=0 iommu=no "
       "cpuidle=0 cpufreq=none")
# Not a comma in here: QEMU splits the list of modules there.
LINUX = ("console=hvc0 mitigations=off rodata=off apparmor=0 audit=0 cryptomgr.notests=1 quiet "
         "random.trust_cpu=on 8250.nr_uarts=0")
# The second processor is for guests, so that what they do can be counted apart.
SECOND = " dom0_max_vcpus=1 dom0_vcpus_pin"


def program():
    path = shutil.which("qemu-system-x86_64")
    if not path:
        raise LabError("qemu-system-x86_64 is not installed; install the package qemu-system-x86")
    return path


def version():
    done = subprocess.run([program(), "--version"], stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


def fixed(files, ram, shared, cpus):
    """The words that are the same when the machine is saved and when it goes on."""
    words = [program(), "-accel", "tcg", "-cpu", CPU, "-smp", str(cpus), "-m", f"{MEMORY_MB}M",
             "-machine", "q35,memory-backend=ram", "-object",
             f"memory-backend-file,id=ram,size={MEMORY_MB}M,mem-path={ram},"
             f"share={'on' if shared else 'off'}",
             "-nodefaults", "-no-user-config", "-display", "none", "-vga", "none", "-no-reboot",
             "-kernel", os.path.join(files, "xen"), "-append", XEN + (SECOND if cpus > 1 else ""),
             "-initrd", f"{files}/vmlinux {LINUX},{files}/dom0.cpio",
             "-device", f"virtio-serial-pci,id=serial,addr=3,max_ports={CHANNELS + 2}",
             "-device", "virtconsole,bus=serial.0,nr=0,chardev=terminal"]
    for n in range(CHANNELS):
        words += ["-device", f"virtserialport,bus=serial.0,nr={n + 1},chardev=channel{n}"]
    return words


class Machine:
    """One QEMU. It ends with this process, with close(), or when its time is up."""

    def __init__(self, files, ram, seconds, shared=False, cpus=1, network=None, disks=(),
                 more=(), held=()):
        self.pump, self.qmp = Pump(seconds), None
        self.theirs, self.ours = [], []
        network = network or Nothing()
        words = fixed(files, ram, shared, cpus)
        self.serial = self.chardev(words, "serial")
        words += ["-serial", "chardev:serial"]
        self.terminal = self.chardev(words, "terminal")
        self.channels = [self.chardev(words, f"channel{n}") for n in range(CHANNELS)]
        words += network.words()
        words += ["-device", "virtio-net-pci,netdev=net0,addr=4,romfile=,mac=52:54:00:00:00:09"]
        for n in range(DISKS):
            words += disks[n].words(n) if n < len(disks) else \
                ["-blockdev", f"driver=null-co,node-name=disk{n},size=1048576,read-zeroes=on"]
            words += ["-device", f"virtio-blk-pci,drive=disk{n},addr={n + 5},num-queues=1"
                      + (disks[n].properties() if n < len(disks) else "")]
        qmp = self.chardev(words, "qmp", pumped=False)
        words += ["-mon", "chardev=qmp,mode=control", *more]
        self.start(words, [number for one in (network, *disks, *held)
                           for number in one.descriptors()])
        try:
            self.qmp = Qmp(qmp, self)
        except BaseException:
            self.close()
            raise

    def chardev(self, words, name, pumped=True):
        """A socket to a character device; QEMU's end of it goes by its number."""
        ours, theirs = socket.socketpair()
        self.ours.append(ours)
        self.theirs.append(theirs)
        words += ["-chardev", f"socket,id={name},fd={theirs.fileno()},server=off"]
        return self.pump.add(ours, name) if pumped else ours

    def start(self, words, descriptors):
        ours, theirs = socket.socketpair()
        self.ours.append(ours)
        errors = self.pump.add(ours, "errors")
        self.pump.errors = lambda: bytes(errors.data).decode(errors="replace")
        keep = [end.fileno() for end in self.theirs] + list(descriptors)
        # It dies with the thread that has started it, also if that is killed.
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *words], stdin=subprocess.DEVNULL,
            stdout=theirs, stderr=theirs, pass_fds=keep, start_new_session=True)
        for end in [*self.theirs, theirs]:
            end.close()
        self.pump.kill = self.process.kill
        self.pump.start()

    def close(self):
        """Ends QEMU at once; what guests hold on their disks has been written or is lost."""
        self.process.kill()
        self.process.wait()
        self.pump.stop()
        if self.qmp:
            self.qmp.file.close()
        for end in self.ours:
            end.close()


class Qmp:
    """QEMU's control: one command at a time."""

    def __init__(self, sock, machine):
        self.machine = machine
        self.sock, self.file = sock, sock.makefile("r", encoding="utf-8")
        self.answer("greeting", "QMP")
        self.run("qmp_capabilities")

    def answer(self, what, key):
        while True:
            try:
                line = self.file.readline()
            except OSError:
                line = ""
            if not line:
                status = self.machine.process.wait()
                raise LabError(f"QEMU ended with {status} ({what})" + self.machine.pump.obituary())
            found = json.loads(line)
            if key in found:
                return found[key]
            if "error" in found:
                raise LabError(f"QEMU refused {what}: {found['error'].get('desc')}")

    def run(self, command, **arguments):
        words = {"execute": command, "arguments": arguments}
        try:
            self.sock.sendall(json.dumps(words).encode() + b"\n")
        except OSError:
            pass  # the answer tells why
        return self.answer(command, "return")

    def human(self, line):
        """A command of QEMU's other monitor; what it says, which is nothing if all went well."""
        return self.run("human-monitor-command", **{"command-line": line}).strip()
