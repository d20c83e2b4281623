"""`daemon install-service`."""

from __future__ import annotations

import plistlib
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from daemon.cli import units
from daemon.cli.units import systemd_word

UNITS = Path(".config") / "systemd" / "user"


@pytest.fixture(autouse=True)
def _no_socket_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for most people: the socket is where it is by itself."""
    monkeypatch.delenv("SLUICE_SOCKET")


def test_systemd(run: Any, home: Path) -> None:
    """Both units are written and shown, nobody but us may connect, the next command is told, and it is repeatable. What
    ends by itself, as with `idle_exit`, is left to the socket."""
    done = run("install-service", "--systemd")
    assert done.code == 0, done.err
    for name in ("sluice.socket", "sluice.service"):
        text = (home / UNITS / name).read_text()
        assert all(line.strip() in done.out for line in text.splitlines())
        assert "@" not in re.sub(r"#.*", "", text)
    sock, service = ((home / UNITS / name).read_text() for name in ("sluice.socket", "sluice.service"))
    assert "SocketMode=0600" in sock
    assert "ListenStream=%t/sluice/sluice.sock" in sock
    for words in (
        "Type=notify",
        "UMask=0077",
        "LimitCORE=0",
        "NoNewPrivileges=yes",
        " serve\n",
        "\nRestart=on-failure\n",
    ):
        assert words in service
    assert "systemctl --user enable --now sluice.socket sluice.service" in done.out
    assert run("install-service", "--systemd").code == 0
    assert sorted(path.name for path in (home / UNITS).iterdir()) == ["sluice.service", "sluice.socket"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze: apt-get install systemd")
def test_systemd_takes_the_units(run: Any, home: Path) -> None:
    """systemd's own check has nothing to say about them, odd characters in paths or not."""
    odd = home / "a b%c$d"
    odd.mkdir()
    (odd / "c.yaml").write_text("drain: 90s\n")
    places = ("--config", str(odd / "c.yaml"), "--state-dir", str(odd / 'st"ate'))
    run("install-service", "--systemd", *places)
    files = [str(home / UNITS / name) for name in ("sluice.socket", "sluice.service")]
    command = ["systemd-analyze", "--user", "verify", *files]
    env = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=env)
    about_us = [line for line in (done.stdout + done.stderr).splitlines() if "sluice" in line]
    assert not about_us
    assert "TimeoutStopSec=181" in (home / UNITS / "sluice.service").read_text()


def test_the_places_go_along(run: Any, home: Path) -> None:
    """The service uses the configuration, the state and the socket that were told; the socket's place is the unit's."""
    places = ("--config", str(home / "config.yaml"), "--state-dir", str(home / "st"), "--socket", str(home / "x" / "s"))
    run("install-service", "--systemd", *places)
    service = (home / UNITS / "sluice.service").read_text()
    started = re.search(r"^ExecStart=(.*)$", service, re.MULTILINE)
    assert started is not None
    assert shlex.split(started[1])[-5:] == ["serve", *places[:4]]
    assert f"ListenStream={home / 'x' / 's'}\n" in (home / UNITS / "sluice.socket").read_text()


@pytest.mark.parametrize(
    ("word", "said"),
    [("plain", "plain"), ("a b", '"a b"'), ("50%", "50%%"), ("$HOME", "$$HOME"), ('"', '"\\""'), ("\\ ", '"\\\\ "'),
     ("", '""')],
)  # fmt: skip
def test_words_of_a_command(word: str, said: str) -> None:
    """As systemd.service(5) reads them: specifiers and variables are no such thing any more."""
    assert systemd_word(word) == said


def test_launchd(run: Any, home: Path) -> None:
    """The property list is valid, starts us by whole path, again only after a failure, and for nobody else to read."""
    done = run("install-service", "--launchd", "--state-dir", str(home / "st & <x>"))
    file = home / "Library" / "LaunchAgents" / "sluice.daemon.plist"
    made = plistlib.loads(file.read_bytes())
    assert made["ProgramArguments"][0].startswith("/")
    assert made["ProgramArguments"][-3:] == ["serve", "--state-dir", str(home / "st & <x>")]
    assert (made["Umask"], made["KeepAlive"], made["RunAtLoad"]) == (0o77, {"SuccessfulExit": False}, True)
    assert f"launchctl bootstrap gui/$(id -u) {file}" in done.out
    assert units.MARK in file.read_text()


def test_only_shown(run: Any, home: Path) -> None:
    """--dry-run writes nothing."""
    before = sorted(home.rglob("*"))
    assert "would write" in run("install-service", "--systemd", "--dry-run").out
    assert sorted(home.rglob("*")) == before


def test_removed(run: Any, home: Path) -> None:
    """The units and the links that enabled them go; a second time there is nothing."""
    run("install-service", "--systemd")
    for link in units.WANTED_BY:
        (home / UNITS / link).parent.mkdir(exist_ok=True)
        (home / UNITS / link).symlink_to(home / UNITS / link.rpartition("/")[2])
    assert "would remove" in run("install-service", "--systemd", "--remove", "--dry-run").out
    assert (home / UNITS / "sluice.socket").exists()
    done = run("install-service", "--systemd", "--remove")
    assert done.out.count("removed") == 4
    assert "systemctl --user stop" in done.out
    assert not [path for path in (home / UNITS).rglob("*") if path.name.startswith("sluice")]
    again = run("install-service", "--systemd", "--remove")
    assert again == (0, "There was nothing to remove.\n", "")  # and nothing to type next


@pytest.mark.parametrize("how", ["file", "link"])
def test_what_somebody_else_wrote(run: Any, home: Path, how: str) -> None:
    """It is neither overwritten nor removed, and nothing else is done."""
    (home / UNITS).mkdir(parents=True)
    (home / "mine").write_text("[Unit]\n")
    if how == "file":
        shutil.copy(home / "mine", home / UNITS / "sluice.service")
    else:
        (home / UNITS / "sluice.service").symlink_to(home / "mine")
    for more in ((), ("--remove",)):
        done = run("install-service", "--systemd", *more)
        assert done.code == 1
        assert "move it away" in done.err
    assert (home / UNITS / "sluice.service").read_text() == "[Unit]\n"
    assert not (home / UNITS / "sluice.socket").exists()


def test_a_folder_that_cannot_be_written(run: Any, home: Path) -> None:
    """One line with the reason; no half file."""
    (home / ".config").write_text("")
    done = run("install-service", "--systemd")
    assert done.code == 1
    assert "cannot be written" in done.err


def test_neither(run: Any, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Without both the other ways of starting are told; on macOS it is launchd by itself."""
    monkeypatch.setenv("PATH", str(home))
    done = run("install-service")
    assert done.code == 1
    assert "let Emacs start it" in done.err
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "sluice.daemon.plist" in run("install-service", "--launchd", "--dry-run").out
