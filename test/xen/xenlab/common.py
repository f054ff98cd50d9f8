# SPDX-License-Identifier: ISC
"""What all parts of the lab share: where things are, how it talks, how it fails."""

import contextlib
import fcntl
import hashlib
import os
import sys

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # test/xen
ROOT = os.path.dirname(os.path.dirname(HERE))

# Shared by all build folders of one checkout; a build folder elsewhere names one of its own.
FOLDER = os.environ.get("RUNG_XEN_LAB") or os.path.join(ROOT, "build", "xen-lab")


class LabError(Exception):
    """Something in the lab does not work; the text says what, and how to mend it if we know."""


def say(text):
    """Progress, for people: on standard error."""
    print(f"xen-lab: {text}", file=sys.stderr, flush=True)


def digest(*parts):
    """A short name for exactly these bytes, texts and files (as ("file", path))."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, tuple):
            with open(part[1], "rb") as file:
                part = file.read()
        if isinstance(part, str):
            part = part.encode()
        total.update(b"%d\n" % len(part))
        total.update(part)
    return total.hexdigest()[:16]


@contextlib.contextmanager
def locked(name, shared=False):
    """Holds a lock of this name in FOLDER; whoever makes something there holds it alone."""
    os.makedirs(FOLDER, exist_ok=True)
    with open(os.path.join(FOLDER, name + ".lock"), "ab") as file:
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
