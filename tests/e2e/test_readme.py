"""README.md is true: its commands run, its settings load, its elisp and Python talk to a model, its tables are data.

A block that cannot run here has a comment right before it: `<!-- not run: reason -->`. A text block is what the shell
block before it prints; `…` stands for anything.
"""

from __future__ import annotations

import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from stage.world import HOSTS, KEYS, config

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TIMEOUT_S = 60

_FENCE = re.compile(r"^(<!-- not run: [^\n]+ -->\n)?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_DAEMON = re.compile(r"`(daemon [a-z][^`]*)`")

NOT_RUN_IN_TABLES = ("serve", "demo", "stop", "replay", "--follow", "install-service", "cancel", "promote")
"""They stay, take long, end it, ask first, or need systemd or a call that waits; `stop` is run on its own, the
others elsewhere."""


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    language: str
    text: str
    runs: bool
    line: int

    def __str__(self) -> str:
        return f"{self.language}-line-{self.line}"


BLOCKS = [
    Block(found[2], found[3], found[1] is None, README.count("\n", 0, found.start(2)) + 1)
    for found in _FENCE.finditer(README)
]


def blocks(language: str) -> list[Block]:
    """The blocks in LANGUAGE that can run."""
    found = [block for block in BLOCKS if block.language == language and block.runs]
    assert found, f"README.md has no {language} block any more"
    return found


@dataclass(frozen=True)
class World:
    """A user's machine: the daemon where README.md says that it is, this folder as ~/sluice, keys in ~/.authinfo."""

    daemon: Any
    provider: Any
    env: dict[str, str]

    def run(self, *command: str, expect: int = 0) -> str:
        """Run a command as that user and return what it printed on standard output."""
        return run(self.env, *command, expect=expect)


def run(env: dict[str, str], *command: str, expect: int = 0) -> str:
    """Run a command at home, and return what it printed on standard output."""
    done = subprocess.run(
        command, env=env, cwd=env["HOME"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert done.returncode == expect, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def world(sluice: Any, sandbox: Any, canary: Any) -> World:
    """The machine, with the sandbox behind the three hosts that README.md calls."""
    provider = sandbox(minute_s=2.0)
    daemon = sluice(config(provider.url, minute_s=2.0))
    (daemon.home / "sluice").symlink_to(ROOT)
    (daemon.home / ".authinfo").write_text(
        "".join(f"machine {HOSTS[name]} login apikey password {KEYS[name]}\n" for name in HOSTS), encoding="utf-8"
    )
    runtime = daemon.socket.parent
    (runtime / "sluice").mkdir(mode=0o700)
    (runtime / "sluice" / "sluice.sock").symlink_to(daemon.socket)
    commands = daemon.home / "bin"
    commands.mkdir()
    for name in ("daemon", "sluice"):
        (commands / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m daemon "$@"\n')
        (commands / name).chmod(0o700)
    env = {
        **daemon.env, "PATH": f"{commands}{os.pathsep}{daemon.env['PATH']}", "SLUICE_SOCKET": str(daemon.socket),
        "SLUICE_STATE_DIR": str(daemon.state_dir), "SLUICE_CONFIG": str(daemon.config),
        "OPENAI_API_KEY": KEYS["openai"], "ANTHROPIC_API_KEY": KEYS["anthropic"],
    }  # fmt: skip
    return World(daemon, provider, env)


def need(program: str) -> None:
    """Skip, with the line that helps, when PROGRAM is missing."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is missing; install it: .ci/install-emacs.sh, or apt install {program}")


# --- what runs


def like(expected: str) -> re.Pattern[str]:
    """What a text block stands for: its words, and anything for each `…`."""
    return re.compile(".*".join(map(re.escape, expected.strip("\n").split("…"))), re.DOTALL)


@pytest.mark.e2e
def test_the_shell_blocks_run(world: World, canary: Any) -> None:
    """Each shell block ends without an error, and prints what the text block behind it shows; no key among it.

    What they leave in the state folder is named in the chapter on places, and is the owner's alone.
    """
    need("curl")
    said, variables = "", ""
    assert len(blocks("sh")) >= 5
    for block in BLOCKS:
        if block.language == "sh" and block.runs:
            said = world.run("bash", "-euc", variables + block.text)
            canary.see(str(block), said)
            assert ('"error"' in said) == ("insufficient-quota" in block.text), said
            variables += "".join(f"{line}\n" for line in block.text.splitlines() if re.match(r"[A-Z]+=", line))
        elif block.language == "text":
            assert like(block.text).search(said), f"{block} shows something else than:\n{said}"
    files_are_named(world.daemon.state_dir)


def files_are_named(state_dir: Path) -> None:
    """Check that README.md names each file below STATE_DIR."""
    named = README.partition("## Where things are stored")[2].partition("\n## ")[0]
    places = [file.relative_to(state_dir).as_posix() for file in sorted(state_dir.rglob("*"))]
    assert "journal.db" in places
    for place in places:
        word = place.split("/")[0] + "/" if (state_dir / place.split("/")[0]).is_dir() else place
        assert re.sub(r"-(wal|shm)$", "", word) in named, f"{place} is stored, and README.md does not name it"
        assert (state_dir / place).stat().st_mode & 0o077 == 0, place


@pytest.mark.e2e
def test_the_python_blocks_get_an_answer(world: World) -> None:
    """Each SDK's example prints the model's answer, by way of the daemon."""
    for number, block in enumerate(blocks("python"), 1):
        assert world.run(sys.executable, "-c", block.text) == "You said: Hello\n", block
        assert len(world.provider.seen) == number
        assert len(world.run("daemon", "calls", "--json").splitlines()) == number


ASK = """\
(let* ((backend (or (cdr (car gptel--known-backends))
                    (gptel-make-openai "ChatGPT" :key #'gptel-api-key-from-auth-source
                                       :models '(gpt-4o-mini))))
       (gptel-backend backend) (gptel-model (car (gptel-backend-models backend)))
       (gptel-log-level nil) (answer nil) (ends (+ (float-time) 30)))
  (gptel-request "Hello" :stream nil
                 :callback (lambda (response info)
                             (setq answer (or response (plist-get info :error)
                                              (plist-get info :status)))))
  (while (and (not answer) (< (float-time) ends)) (accept-process-output nil 0.05))
  (princ (format "%s" answer)))
"""
"""Asks the backend that a block has made, else a stock one."""


def emacs(env: dict[str, str], *forms: str) -> str:
    """Evaluate FORMS in a batch Emacs that has gptel installed; what it printed."""
    need("emacs")
    search = os.environ.get("SLUICE_GPTEL_PATH", "")
    if not search:
        pytest.skip("gptel is missing; install it: .ci/install-emacs.sh")
    file = Path(env["HOME"], "block.el")
    autoloads = '(load "gptel-autoloads" nil t)\n'  # as package.el does at the start of Emacs
    file.write_text(autoloads + "\n".join(forms), encoding="utf-8")
    path = [part for folder in search.split(os.pathsep) for part in ("-L", folder)]
    return run(env, "emacs", "-Q", "--batch", *path, "-l", str(file))


@pytest.mark.e2e
@pytest.mark.parametrize("block", [b for b in blocks("elisp") if "gptel" in b.text], ids=str)
def test_the_elisp_blocks_reach_the_provider(world: World, block: Block) -> None:
    """With a block evaluated and nothing else changed, gptel's call goes by the daemon, with the key of auth-source."""
    assert emacs(world.env, block.text, "(require 'gptel)", ASK) == "You said: Hello"
    (seen,) = world.provider.seen
    assert any(key in str(seen.headers) for key in KEYS.values())
    assert world.run("daemon", "calls").count("\n") == 2


def test_the_keys_are_bound_as_the_table_says(tmp_path: Path) -> None:
    """Each row `C-c g X | command` is what the elisp binds, none is left out; the program is looked for where it is."""
    (tmp_path / "sluice").symlink_to(ROOT)
    rows = dict(re.findall(r"^\| `C-c g (\S)` \| `([\w-]+)` \|", README, re.MULTILINE))
    show = '(map-keymap (lambda (key command) (princ (format "%c %s\\n" key command))) sluice-command-map)'
    set_up, other = blocks("elisp")[0], next(b for b in blocks("elisp") if "gptel" not in b.text)
    printed = emacs(
        {**os.environ, "HOME": str(tmp_path)}, set_up.text, other.text, show, "(princ sluice-daemon-command)"
    )
    *bound, program = printed.splitlines()
    assert rows == dict(line.split() for line in bound)
    assert program == f"({tmp_path}/sluice/.venv/bin/sluice serve)"


@pytest.mark.e2e
def test_the_commands_of_the_table_run(world: World) -> None:
    """Each command in the first column of a table runs; what stays or takes long is understood at least."""
    from daemon.cli.parser import parser

    failing = '{"model": "insufficient-quota", "messages": []}'
    world.run("curl", "-sS", "--unix-socket", str(world.daemon.socket), "-d", failing,
              "http://api.openai.com/v1/chat/completions")  # fmt: skip
    commands = [shlex.split(found) for found in re.findall(r"^\| `(daemon [^`]+)`", README, re.MULTILINE)]
    assert {command[1] for command in commands} == set(parser()._subparsers._group_actions[0].choices)  # type: ignore
    for command in commands:
        parser().parse_args(command[1:])
        if not set(command) & set(NOT_RUN_IN_TABLES):
            # `check` finds the key without credit, and says so by its exit code.
            assert world.run(*command, expect=1 if command[1:] == ["check"] else 0)
    world.run("daemon", "stop")
    assert world.daemon.wait() == 0


def test_every_command_in_the_text_is_understood() -> None:
    """Each `daemon ...` between backticks is a command that the command line takes."""
    from daemon.cli.parser import parser

    found = [words for words in _DAEMON.findall(README) if "..." not in words]
    assert len(found) > 8
    for words in found:
        parser().parse_args(shlex.split(words)[1:])


# --- configuration


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_the_yaml_blocks_are_valid(block: Block, tmp_path: Path) -> None:
    """The real loader takes each example, and each of its hosts leads somewhere."""
    from daemon.config import load, origins
    from daemon.providers import load_providers

    file = tmp_path / "config.yaml"
    file.write_text(block.text, encoding="utf-8")
    file.chmod(0o600)
    loaded = load(file, environ={}, must_exist=True)
    find = origins(loaded, load_providers())
    assert loaded != load(None, environ={})
    assert all(find(upstream.host) for upstream in loaded.upstreams)


def _leaves(value: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """`log.level` to `info`, as the file writes it."""
    out: dict[str, str] = {}
    for key, below in value.items():
        written = str(below).lower() if isinstance(below, bool) else str(below)
        out |= _leaves(below, f"{prefix}{key}.") if isinstance(below, dict) else {f"{prefix}{key}": written}
    return out


def test_the_table_of_settings_has_their_defaults() -> None:
    """Each setting of defaults.yaml has a row with its default, and no row has another name."""
    defaults = _leaves(yaml.safe_load((ROOT / "daemon/data/defaults.yaml").read_text(encoding="utf-8")))
    table = README.partition("| setting | default |")[2].partition("\n\n")[0]
    assert dict(re.findall(r"^\| `([\w.]+)` \| `([^`]+)` \|", table, re.MULTILINE)) == defaults


def test_the_table_of_an_upstream_is_complete() -> None:
    """Each setting of an upstream has a row, and no row has another name."""
    from daemon.config.upstreams import _READERS

    table = README.partition("| of an upstream |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(_READERS)


# --- tables, places, pictures


def test_the_tables_are_the_data_s() -> None:
    """Kinds of failure and providers are as the catalogue and providers.yaml have them."""
    tables = runpy.run_path(str(ROOT / "doc/tables.py"))
    assert tables["filled"](README) == README, "make them anew: .venv/bin/python doc/tables.py"


def test_the_places_are_those_of_the_daemon() -> None:
    """The chapter on places and the one on uninstalling name what a home without any settings gets."""
    from daemon.config import default_paths

    paths = default_paths({"HOME": "/home/me"})
    places = README.partition("## Where things are stored")[2]
    for path in (paths.config_file, paths.rules_dir, paths.log_file, paths.state_dir / "journal.db"):
        assert f"`~/{path.relative_to('/home/me')}" in places, path
    removed = places.partition("## Uninstall")[2]
    for folder in (paths.config_file.parent, paths.state_dir, paths.sockets[-1].parents[1]):
        assert re.search(rf"rm -rf .*~/{re.escape(str(folder.relative_to('/home/me')))}\b", removed), folder


def test_links_and_pictures_are_there() -> None:
    """Each file that README.md points to exists; the pictures are whole, and show what the catalogue says today."""
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert {"doc/pictures/demo.svg", "doc/pictures/emacs.svg"} <= set(targets)
    assert [target for target in targets if not (ROOT / target).is_file()] == []
    for name in ("demo", "emacs"):
        picture = ElementTree.parse(ROOT / f"doc/pictures/{name}.svg")
        words = " ".join("".join(text.itertext()) for text in picture.iter("{http://www.w3.org/2000/svg}text"))
        assert "Waiting will not help. Sluice does not send it again" in words, "make it anew: doc/pictures/make.py"
        assert "What you can do" in words
