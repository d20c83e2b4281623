"""Who besides the user may touch a file of theirs."""

from __future__ import annotations

import grp
import os
import pwd


def own_group(gid: int) -> bool:
    """True for the user's private group, which Debian and Ubuntu give everybody: it has the user's name. With their
    umask of 002 a home's folders are writable by that group, and so by nobody else."""
    try:
        return gid == os.getegid() and grp.getgrgid(gid).gr_name == pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return False
