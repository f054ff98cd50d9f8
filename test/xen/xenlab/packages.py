# SPDX-License-Identifier: ISC
"""Fetches Xen, dom0's kernel and their tools: packages of the distribution, only unpacked.

apt looks them up and fetches them with a state of its own in FOLDER, so the system's package lists
stay as they are and nobody needs to be root. Nothing is installed. What has been fetched once is
used for ever after, without a network: `lab fetch` asks for newer packages.
"""

import os
import re
import shutil
import subprocess
import tarfile

from .common import FOLDER, LabError, digest, locked, say

# Where to begin; from here on dependencies are followed, but only to libraries and to these names.
WANTED = ["xen-system-amd64", "xenstore-utils", "linux-image-amd64", "busybox-static",
          "libgcc-s1", "nginx-light"]
FOLLOWED = re.compile(r"xen-hypervisor-[\d.]+-amd64|xen-utils-[\d.]+|linux-image-\d.*-amd64|nginx")
NOT_FOLLOWED = re.compile(r"lib(perl|python)")

# What is taken out of them. The kernel's package alone is 400 MB otherwise.
TAKEN = re.compile(
    r"\./(boot/(vmlinuz-|xen-.*\.gz$)"
    r"|lib/x86_64-linux-gnu/|usr/lib/x86_64-linux-gnu/[^/]*\.so"
    r"|(usr/)?bin/(busybox|xenstore)$|usr/lib/xen-[\d.]+/(bin|lib/[^/]*\.so)"
    r"|usr/sbin/nginx$"
    r"|(usr/)?lib/modules/[^/]*/(modules\.builtin$|kernel/"
    r"(drivers/(block|virtio|xen|char|net/(xen-|virtio|net_failover))|net/(bridge|802|llc|core))))")

HOME = os.path.join(FOLDER, "packages")
APT = os.path.join(FOLDER, "apt")


def apt_settings():
    """Read after the system's settings, so that a proxy in them holds."""
    for folder in ("lists/partial", "cache/archives/partial", "debs"):
        os.makedirs(os.path.join(APT, folder), exist_ok=True)
    path = os.path.join(APT, "apt.conf")
    with open(path, "w", encoding="utf-8") as file:
        # The hooks by which desktops follow the system's own lists are none of our business.
        file.write(f'Dir::State::lists "{APT}/lists";\n'
                   f'Dir::Cache "{APT}/cache";\n'
                   + (f'APT::Sandbox::User "root";\n' if os.geteuid() == 0 else "")
                   + "#clear APT::Update::Pre-Invoke;\n#clear APT::Update::Post-Invoke;\n"
                   "#clear APT::Update::Post-Invoke-Success;\n")
    return path


def apt(*words, check=True):
    env = dict(os.environ, LC_ALL="C")
    try:
        done = subprocess.run([words[0], "-qq", "-c", apt_settings(), *words[1:]], env=env,
                              cwd=os.path.join(APT, "debs"), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, encoding="utf-8", check=False)
    except FileNotFoundError as error:
        raise LabError(f"this system has no {words[0]} to fetch packages with") from error
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(words[:2])} failed: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout


def records(names):
    """apt's newest record of each of these packages, as {name: {field: value}}."""
    found = {}
    for text in apt("apt-cache", "show", "--no-all-versions", *names, check=False).split("\n\n"):
        fields = dict(re.findall(r"^([\w-]+): (.*)$", text, re.M))
        if "Package" in fields:
            found.setdefault(fields["Package"], fields)
    return found


def resolve():
    """The packages to fetch, as {name: record}: WANTED and what they need, as far as we follow."""
    chosen, news = {}, list(WANTED)
    while news:
        known = records(news)
        follow = set()
        for name in news:
            if name not in known:
                if name in WANTED:
                    raise LabError(f"apt knows no package {name}: the lab needs Debian 12 or later")
                continue
            fields = known[name]
            if name not in WANTED and fields.get("Section") != "libs" \
                    and not FOLLOWED.fullmatch(name):
                continue
            chosen[name] = fields
            needs = ",".join(fields.get(key, "") for key in ("Pre-Depends", "Depends"))
            follow.update(re.match(r"\s*([^\s:(|]*)", need)[1] for need in needs.split(","))
        news = sorted(name for name in follow - set(chosen)
                      if name and not NOT_FOLLOWED.match(name))
    return chosen


def unpack(deb, folder):
    """Takes what TAKEN says out of a package."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as run:
        with tarfile.open(fileobj=run.stdout, mode="r|") as tar:
            for member in tar:
                if TAKEN.match(member.name) and (member.isfile() or member.issym()):
                    tar.extract(member, folder, set_attrs=False)
        # dpkg-deb must be able to end.
        while run.stdout.read(1 << 20):
            pass
    if run.returncode != 0:
        raise LabError(f"{deb} cannot be unpacked")


def fetch_into(part):
    say("looking up Xen and a kernel for it (apt, with lists of its own) ...")
    # One source of many that does not answer is no reason to stop: what counts is what is known.
    apt("apt-get", "update", check=False)
    chosen = resolve()
    size = sum(int(fields.get("Size", 0)) for fields in chosen.values())
    say(f"fetching {len(chosen)} packages, {size / 1e6:.0f} MB ...")
    apt("apt-get", "download",
        *(f"{name}={fields['Version']}" for name, fields in sorted(chosen.items())))
    debs = os.path.join(APT, "debs")
    say("unpacking them ...")
    for deb in sorted(os.listdir(debs)):
        if deb.endswith(".deb"):
            unpack(os.path.join(debs, deb), os.path.join(part, "root"))
    with open(os.path.join(part, "manifest"), "w", encoding="utf-8") as file:
        for name, fields in sorted(chosen.items()):
            file.write(f"{name} {fields['Version']} {fields.get('SHA256', '')}\n")


def recipe():
    """What decides which files there are: when it changes they are fetched again."""
    return digest(*WANTED, FOLLOWED.pattern, NOT_FOLLOWED.pattern, TAKEN.pattern)


def fetch(again=False):
    """Sees to it that the packages are there; returns the folder that they are unpacked in."""
    mark = os.path.join(HOME, "recipe")
    with locked("packages"):
        if not again and os.path.exists(mark):
            with open(mark, encoding="utf-8") as file:
                if file.read() == recipe():
                    return os.path.join(HOME, "root")
        part = HOME + ".part"
        for path in (part, os.path.join(APT, "debs")):
            shutil.rmtree(path, ignore_errors=True)
        os.makedirs(part)
        fetch_into(part)
        with open(os.path.join(part, "recipe"), "w", encoding="utf-8") as file:
            file.write(recipe())
        shutil.rmtree(HOME, ignore_errors=True)
        os.rename(part, HOME)
        shutil.rmtree(APT)
    return os.path.join(HOME, "root")


def manifest():
    with open(os.path.join(HOME, "manifest"), encoding="utf-8") as file:
        return file.read()
