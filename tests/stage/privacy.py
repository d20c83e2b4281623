"""Whether other processes of the same user can read a process's memory; told for root's processes, too.

The system gives root the files in /proc of a process that nobody may read. With a process of root's own that alone
would tell nothing: so it is started in another group, to which these files belong while it can be read.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

_EXPOSED = """
import os, resource, sys
if os.geteuid() == 0:
    os.setgroups([])
    os.setregid(65534, 65534)
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))
os.execv(sys.argv[1], sys.argv[1:])
"""


def exposed(command: Sequence[str]) -> list[str]:
    """COMMAND, so started that `is_private` can tell; root's can also write a core file as far as the system lets them,
    unless they see to it."""
    return [sys.executable, "-c", _EXPOSED, *command]


def is_private(pid: int) -> bool:
    """True if no other process of its user can read the memory and the environment of PID."""
    files = [Path(f"/proc/{pid}/{name}").stat() for name in ("maps", "environ")]
    return all((file.st_uid, file.st_gid) == (0, 0) for file in files)
