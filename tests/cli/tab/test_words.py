"""What may be typed, from the table of commands."""

from __future__ import annotations

from daemon.cli.commands import COMMANDS, EVERYWHERE
from daemon.cli.tab.words import Word, commands


def words_of(name: str) -> dict[str, Word]:
    """By what is typed, or by the name of the value."""
    command = next(one for one in commands("en", ["requests"]) if one.name == name)
    return {word.text or word.name: word for word in (*command.options, *command.places)}


def test_nothing_is_missing() -> None:
    """Each command with each of its options; and at the beginning those of `serve`, which may be left out."""
    for command in commands("en", []):
        own = (*COMMANDS[command.name or "serve"], *EVERYWHERE)
        assert len(command.options) + len(command.places) == len(own)
    assert [command.name for command in commands("en", [])] == ["", *COMMANDS]


def test_what_stands_behind_an_option() -> None:
    """A few words, a path, the name of a call, or nothing: what the table says."""
    assert words_of("curl")["--format"].values == ("curl", "httpie", "python", "har", "elisp")
    assert words_of("calls")["--subtype"].values == ("requests",)
    kinds = {"curl": ("ID", "calls"), "promote": ("ID", "open"), "explain": ("FILE|-|ID", "file or call")}
    assert {name: words_of(name)[value].kind for name, (value, _) in kinds.items()} == {
        name: kind for name, (_, kind) in kinds.items()
    }
    status = words_of("status")
    assert [status[one].kind for one in ("--json", "--config", "--state-dir")] == ["flag", "file", "folder"]
    assert words_of("calls")["--model"].kind == "text"


def test_what_excludes_each_other() -> None:
    """Only names of options: what stands without one cannot be taken back."""
    assert words_of("replay")["--direct"].apart == ("--direct", "--via-daemon")
    assert words_of("explain")["--text"].apart == ("--text", "--jsonl", "--list")
    assert words_of("replay")["--yes"].apart == ()


def test_they_are_told_in_the_readers_language() -> None:
    """Commands and options."""
    korean, english = commands("ko", []), commands("en", [])
    assert all(a.about != b.about for a, b in zip(korean[1:], english[1:], strict=True))
