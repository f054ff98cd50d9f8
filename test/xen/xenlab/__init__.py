# SPDX-License-Identifier: ISC
"""A real Xen under QEMU, for tests and for people.

    from xenlab import Lab
    with Lab() as lab:
        guest = lab.create("build/xen/bin/website", extra="port=80", vif=True)
        guest.console_until("listening")
        port = guest.forward(80)
        print(lab.dom0("xl list"))

Standard library only. What it fetches and makes is in build/xen-lab (common.FOLDER).
"""

from .common import LabError
from .disk import Disk
from .guest import Guest
from .lab import Lab

__all__ = ["Disk", "Guest", "Lab", "LabError"]
