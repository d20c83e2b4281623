"""Who besides the user may touch a file of theirs."""

from __future__ import annotations

import grp
import os
import pwd
import stat


def own_group(gid: int) -> bool:
    """True for the user's private group, which Debian and Ubuntu give everybody: it has the user's name. With their
    umask of 002 a home's folders are writable by that group, and so by nobody else."""
    try:
        return gid == os.getegid() and grp.getgrgid(gid).gr_name == pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return False


def mode_for_others(about: os.stat_result) -> str:
    """The mode of a file or folder that others may use in any way, as people write it; empty if only its owner may."""
    mode = stat.S_IMODE(about.st_mode)
    return f"{mode:04o}" if mode & 0o077 else ""
