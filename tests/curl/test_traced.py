"""What a command does to the machine, by the system's own account: each exec and each open that strace sees.

SLUICE_TRACED says how many hostile requests run in each shell (default 40).
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from curl.hostile import generated
from curl.shells import finish, shell
from daemon.curl import curl_command

COUNT = int(os.environ.get("SLUICE_TRACED", "40"))
LINE = re.compile(r'^(\d+) +(execve|openat|open|creat)\((?:AT_FDCWD, |\d+, )?"((?:[^"\\]|\\.)*)".*= \d')
"""A call that succeeded: process, name, path. -xx would hide no path, but these hold no odd bytes."""


@dataclass
class Traced:
    """What the processes of one script did."""

    programs: list[str] = field(default_factory=list)
    """Started, in order, by the last part of their path."""
    opened: dict[str, set[str]] = field(default_factory=dict)
    """Program to the files that it opened."""


def trace(argv: list[str], text: str, folder: Path, variables: dict[str, str]) -> Traced:
    """Run TEXT as a script under strace."""
    record = folder.parent / f"{folder.name}.strace"
    watch = ["strace", "-f", "-qq", "-s", "4096", "-e", "signal=none", "-e", "trace=execve,openat,open,creat"]
    finish([*watch, "-o", str(record), *argv], text, folder, variables)
    seen, running = Traced(), {}
    for line in record.read_text("utf-8", "replace").splitlines():
        found = LINE.match(line)
        if found is None:
            continue
        process, name, path = found.groups()
        if name == "execve":
            running[process] = path.rpartition("/")[2]
            seen.programs.append(running[process])
        else:
            seen.opened.setdefault(running.get(process, argv[0]), set()).add(path)
    return seen


@pytest.mark.parametrize("name", ["sh", "bash", "zsh", "fish"])
def test_no_further_process_and_no_other_file(name, recorder, make_call, key, tmp_path):
    """A script of hostile commands starts its shell and one curl a command, and opens what a harmless one opens, and
    the files that hold the bodies: nothing in a header, a target or a body becomes a program or a file's name."""
    argv = shell(name)
    if not shutil.which("strace"):
        pytest.skip("strace is missing: apt install strace")
    if subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True, check=False).returncode:
        pytest.skip("strace may not look at processes here: run it where ptrace is allowed")
    harmless, hostile = tmp_path / "harmless", tmp_path / "hostile"
    harmless.mkdir()
    hostile.mkdir()
    lines = [curl_command(make_call(body=body, url=recorder.url), key_variable="K") for body in (b"{}", b"")]
    lines.append(curl_command(make_call("GET", headers=(("x-api-key", key),), url=recorder.url), key_variable="K"))
    plain = trace(argv, "\n".join(lines), harmless, {"K": key})
    _, commands = generated(random.Random(f"traced {name}"), 0, COUNT, recorder.url, make_call, key, hostile)
    seen = trace(argv, "\n".join(commands), hostile, {"THE_KEY": key})
    assert plain.programs == [argv[0], *["curl"] * 3]
    assert seen.programs == [argv[0], *["curl"] * COUNT]
    assert len(recorder.raw) == 3 + COUNT
    assert not {path for path in plain.opened["curl"] if str(harmless) in path}
    for program, opened in seen.opened.items():
        strange = {path for path in opened if path not in plain.opened[program]}
        named = {str(path) for path in hostile.iterdir() if path.name.startswith("body ") or path.name == "script"}
        assert strange <= named, program
        assert strange or program != "curl", "no body was read: nothing was traced"
    print(f"{name}: {COUNT} requests, 0 further processes, 0 files that were not named")
