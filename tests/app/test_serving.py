"""How a daemon begins: what it refuses, and that its files and its memory are private."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stage.privacy import exposed, is_private
from stage.visitors import Rpc, exchange

PIPES: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}


@pytest.mark.e2e
def test_without_any_configuration(sluice: Any) -> None:
    """It starts, says where it is, both languages answer on the one socket, and its files are for us alone."""
    daemon = sluice()
    endpoint = json.loads((daemon.state_dir / "endpoint.json").read_text())
    assert (endpoint["socket"], endpoint["pid"]) == (str(daemon.socket), daemon.pid)
    http = exchange(daemon.socket, b"GET /_sluice/hello HTTP/1.1\r\nHost: localhost\r\n\r\n").partition(b"\r\n\r\n")[2]
    with socket.socket(socket.AF_UNIX) as rpc:
        rpc.connect(str(daemon.socket))
        rpc.sendall(b'{"id":1,"method":"hello","params":null}\n')
        spoken = json.loads(rpc.makefile("rb").readline())["result"]
    assert spoken["features"] == json.loads(http)["features"]
    assert daemon.socket.stat().st_mode & 0o777 == 0o600
    for file in (daemon.state_dir, *daemon.state_dir.rglob("*")):
        assert not file.stat().st_mode & 0o077, file
    assert daemon.stop() == 0
    assert not daemon.socket.exists()


@pytest.mark.e2e
def test_an_unsafe_place_is_refused(sluice: Any) -> None:
    """An open state folder: one line with the mend, exit code 1, nothing begun."""
    daemon = sluice(begin=False)
    daemon.state_dir.mkdir()
    daemon.state_dir.chmod(0o755)
    done = daemon.run("serve", "--socket", str(daemon.socket))
    assert done.returncode == 1
    assert f"chmod 700 {daemon.state_dir}" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(daemon.state_dir.iterdir())
    assert not daemon.socket.exists()


@pytest.mark.e2e
def test_a_place_of_another_program_is_refused(sluice: Any) -> None:
    """Row 36: a program that is no daemon of ours listens there. One line with what to do, exit code 1, and it keeps
    its socket; whether we were asked to replace a daemon or not."""
    daemon = sluice(begin=False)
    with socket.socket(socket.AF_UNIX) as theirs:
        theirs.bind(str(daemon.socket))
        theirs.listen()
        for more in ([], ["--replace"]):
            done = daemon.run("serve", *more)
            assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
            assert f"{daemon.socket}: another program listens there" in done.stderr
        with socket.socket(socket.AF_UNIX) as visitor:
            visitor.connect(str(daemon.socket))


@pytest.mark.e2e
def test_a_socket_with_the_longest_path(sluice: Any) -> None:
    """What the configuration takes, 103 bytes, can be served."""
    daemon = sluice(begin=False)
    above = daemon.socket.parent / ("x" * (103 - len(os.fsencode(daemon.socket.parent)) - len("/s") - 1))
    daemon.socket = above / "s"
    assert len(os.fsencode(daemon.socket)) == 103
    daemon.command[daemon.command.index("--socket") + 1] = str(daemon.socket)
    daemon.begin()
    with Rpc(daemon.socket) as rpc:
        assert rpc.call("hello")["pid"] == daemon.pid


@pytest.mark.e2e
@pytest.mark.parametrize("named", ["ca_file", "SSL_CERT_FILE"])
@pytest.mark.parametrize("content", [None, "no certificate\n"], ids=["missing", "no certificate"])
def test_a_useless_list_of_authorities_is_refused(sluice: Any, tmp_path: Path, named: str, content: str | None) -> None:
    """Before anything is begun, in one line: who names the file, what is wrong with it, and the mend."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    in_config = named == "ca_file"
    daemon = sluice(f"ca_file: {file}\n" if in_config else "language: en\n", begin=False)
    if not in_config:
        daemon.env["SSL_CERT_FILE"] = str(file)
    done = daemon.run("serve")
    assert done.returncode == 1
    assert f"{named}: {file} cannot be used" in done.stderr
    assert ("no certificate is in it" if content else "No such file") in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not daemon.state_dir.exists()


@pytest.mark.e2e
def test_a_wrong_configuration_is_refused(sluice: Any) -> None:
    """File and line, exit code 1."""
    daemon = sluice("upstreams: []\nlangauge: en\n", begin=False)
    done = daemon.run("serve")
    assert done.returncode == 1
    assert f"{daemon.config}:2" in done.stderr
    assert "language" in done.stderr


@pytest.mark.e2e
def test_the_unsafe_parser_is_refused(sluice: Any) -> None:
    """Where aiohttp has no C extension the sandbox, which it serves, does not start, and says what to do; calls do not
    need it."""
    daemon = sluice(begin=False, env={"AIOHTTP_NO_EXTENSIONS": "1"})
    done = daemon.run("serve", "--sandbox")
    assert done.returncode == 1
    assert "--force-reinstall aiohttp" in done.stderr
    assert not daemon.socket.exists()
    daemon.begin()
    with Rpc(daemon.socket) as rpc:
        assert rpc.call("hello")["pid"] == daemon.pid


def test_a_signal_that_comes_too_early() -> None:
    """A reload and a question that come while it starts, as from a terminal that closes, do not kill it."""
    code = (
        "import os, signal, sys; from daemon.app import serving\n"
        "def early(*given, **more):\n"
        "    for number in (signal.SIGHUP, signal.SIGUSR1): os.kill(os.getpid(), number)\n"
        "    sys.exit(7)\n"
        "serving.load = early\n"
        "from daemon.config import default_paths\n"
        "serving.serve(default_paths({'HOME': '/'}), sandbox=False, environ={}, ready=print)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, "", "")


@pytest.mark.e2e
@pytest.mark.skipif(os.uname().sysname != "Linux", reason="reads /proc, which only Linux has")
def test_memory_is_private(sluice: Any) -> None:
    """No core file is written, and other processes of the same user cannot read the daemon's memory, though they could
    that of another program which is started in the same way."""
    with subprocess.Popen(exposed([sys.executable, "-c", "input('begun\\n')"]), **PIPES) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"begun\n"
        assert not is_private(other.pid)
        other.communicate(b"\n")
    daemon = sluice(begin=False)
    daemon.command = exposed(daemon.command)
    daemon.begin()
    if os.geteuid() == 0:
        core = re.search(r"Max core file size\s+(\d+)\s+(\d+)", Path(f"/proc/{daemon.pid}/limits").read_text())
        assert core is not None
        assert core.groups() == ("0", "0")
    assert is_private(daemon.pid)
