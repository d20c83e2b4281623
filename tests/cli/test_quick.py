"""Plain arguments, read without argparse: the same values, and nothing that argparse would refuse."""

from __future__ import annotations

import random

import pytest

from daemon.cli.commands import COMMANDS, EVERYWHERE
from daemon.cli.parser import parser
from daemon.cli.quick import quick

PLAIN = """
status
status --json
status --socket /s --language ko
curl last-failed
curl last --format har --via-daemon
explain last-failed
explain --text words --why
explain --list
calls last --json
calls --failed --since 1h --limit 7
usage --by day
export out.har --format har --no-bodies
replay c1 -n 3
serve --sandbox --log-level debug
report c1
check --provider openai
cache --clear
install-service --dry-run --systemd
demo
stop
""".strip().splitlines()

NOT_PLAIN = (
    "", "-h", "status -h", "--version", "status --json=1", "status --socket", "status --socket --json", "status x",
    "curl", "curl a b", "curl last --format perl", "calls --limit 0", "calls --js", "explain - --list", "replay c1 -n0",
    "replay c1 --direct --via-daemon", "forget c1 c2", "nonsense", "status --", "explain --text -x",
)  # fmt: skip


@pytest.mark.parametrize("line", PLAIN)
def test_what_is_plain_means_the_same(line: str) -> None:
    """Each value is what argparse finds, those that were not given as well."""
    found = quick(line.split())
    assert found is not None
    assert vars(found) == vars(parser().parse_args(line.split()))


@pytest.mark.parametrize("line", NOT_PLAIN)
def test_the_rest_is_left_to_argparse(line: str) -> None:
    """Help, mistakes and rare ways to write things."""
    assert quick(line.split()) is None


@pytest.mark.parametrize("seed", range(8))
def test_any_arguments(seed: int) -> None:
    """Words thrown together: whatever is read, argparse reads as well, and the same."""
    chance = random.Random(seed)
    read = 0
    for _ in range(150):
        command = chance.choice(sorted(COMMANDS))
        words = [option["word"] for option in (*EVERYWHERE, *COMMANDS[command])]
        words = [word for word in words if word.startswith("-")] + [
            "c1",
            "last",
            "7",
            "1h",
            "/s",
            "har",
            "day",
            "-",
            "x=1",
        ]
        line = [command, *chance.choices(words, k=chance.randrange(4))]
        if (found := quick(line)) is not None:
            read += 1
            assert vars(found) == vars(parser(only=command).parse_args(line)), line
    assert read > 10
