"""What argparse says, in the reader's language, and only when somebody reads it."""

from __future__ import annotations

import argparse
import re
from typing import Any

import pytest

from daemon.arguments import Parser, WrongValue, complaint
from daemon.columns import width
from daemon.phrases import phrase


def never() -> str:
    """A reader who must not be asked for."""
    raise AssertionError("nobody reads anything here")


def even(word: str) -> int:
    """A reader of values with words of its own."""
    if int(word) % 2:
        raise WrongValue(phrase("arguments.whole", value=word, least=2, most=4))
    return int(word)


def parser(language: str = "") -> Parser:
    """A parser with one option of each sort, and a command of its own."""
    told: dict[str, Any] = {"spoken": (lambda: language) if language else never}
    top = Parser(prog="p", description="help.top", values={"program": "p"}, **told)
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    one = commands.add_parser("one", help="command.calls", description="command.calls", values={"known": "en"}, **told)
    one.add_argument("call", metavar="ID", help="help.call")
    way = one.add_mutually_exclusive_group()
    way.add_argument("--json", action="store_true", help="help.json")
    way.add_argument("--language", metavar="L", help="help.language")
    one.add_argument("--even", type=even, help="help.times")
    one.add_argument("--int", type=int, help=phrase("sandbox.default", value=7))
    one.add_argument("--way", choices=("a", "b"), help="help.direct")
    return top


def test_a_command_needs_no_words() -> None:
    """Making a parser and reading right arguments asks nobody for a language: a start is not slower for it."""
    options = parser().parse_args(["one", "x", "--even", "4", "--language", "ko"])
    assert vars(options) == {
        "command": "one", "call": "x", "json": False, "language": "ko", "even": 4, "int": None, "way": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "korean", "chinese"),
    [
        ("", "꼭 있어야 하는 인자가 빠졌어요: COMMAND", "缺少必需的参数：COMMAND"),
        (
            "two",
            "인자 COMMAND: 'two': 고를 수 없는 값이에요. 고를",
            "'two' 不在可选的值里，可以选 'one'",
        ),
        ("one", "꼭 있어야 하는 인자가 빠졌어요: ID", "缺少必需的参数：ID"),
        ("one x y", "모르는 인자예요: y", "不认识的参数：y"),
        ("one x --way", "인자 --way: 값이 하나 있어야 해요", "参数 --way：后面要跟一个值"),
        ("one x --way c", "인자 --way: 'c': 고를 수 없는 값이에요", "'c' 不在可选的值里"),
        ("one x --json=1", "인자 --json: '1': 이 옵션에는 값을 붙일 수 없어요", "这个选项不带值，却写了 '1'"),
        ("one x --json --language ko", "인자 --language: --json: 이 인자와 함께", "不能和参数 --json 一起用"),
        ("one x --even 3", "인자 --even: '3': 2부터 4까지의 정수여야 해요", "参数 --even：'3' 不是 2 到 4 之间的整数"),
        ("one x --int a", "인자 --int: 'a': 쓸 수 없는 값이에요", "参数 --int：'a' 不是可用的值"),
    ],
)
def test_each_complaint_is_told(arguments: str, korean: str, chinese: str, capsys: Any) -> None:
    """Whatever can be wrong is said in the reader's language, with the usage, and ends with 2."""
    for language, words in (("ko", korean), ("zh", chinese)):
        with pytest.raises(SystemExit) as end:
            parser(language).parse_args(arguments.split())
        said = capsys.readouterr().err
        assert end.value.code == 2
        assert words in said
        assert not re.search(r"\b(argument|required|invalid|expected|error|usage)\b", said), said


@pytest.mark.parametrize("arguments", ["", "two", "one", "one x y", "one x --way", "one x --json=1", "one x --int a"])
def test_english_is_argparses_own(arguments: str, capsys: Any) -> None:
    """Who knows other programs knows these words: in English they are those of argparse."""
    plain = argparse.ArgumentParser(prog="p", allow_abbrev=False)
    commands = plain.add_subparsers(dest="command", metavar="COMMAND", required=True)
    one = commands.add_parser("one", allow_abbrev=False)
    one.add_argument("call", metavar="ID")
    one.add_argument("--json", action="store_true")
    one.add_argument("--int", type=int)
    one.add_argument("--way", choices=("a", "b"))
    said = []
    for each in (plain, parser("en")):
        with pytest.raises(SystemExit):
            each.parse_args(arguments.split())
        said.append(capsys.readouterr().err.splitlines()[-1].replace("invalid int value", "invalid value"))
    assert said[0] == said[1].replace("p one: error: unrecognized", "p: error: unrecognized")  # with its own usage


@pytest.mark.parametrize("language", ["en", "ko", "zh"])
def test_help_keeps_within_the_terminal(language: str, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wide letters count two; headings, texts and the usage are of one language."""
    monkeypatch.setenv("COLUMNS", "60")
    for arguments in (["-h"], ["one", "-h"]):
        with pytest.raises(SystemExit) as end:
            parser(language).parse_args(arguments)
        said = capsys.readouterr().out
        assert end.value.code == 0
        assert phrase("arguments.options").told(language) in said
        assert [line for line in said.splitlines() if width(line) > 60] == []
        assert language == "en" or not re.search(r"\b(usage|options|positional|show|the)\b", said)
    first = phrase("command.calls").told(language)
    assert f"\n{first[:1].upper()}{first[1:]}{'。' if language == 'zh' else '.'}\n" in said


def test_an_unknown_complaint_stays() -> None:
    """What a newer Python words otherwise is shown as it is, and a phrase is one already."""
    assert complaint("something new") == "something new"
    assert complaint(phrase("waits.turn")).told("ko") == "차례"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("'statu'", "there is no 'statu'; did you mean status?"),
        ("'x'", "invalid choice: 'x' (choose from 'status', 'stop')"),
    ],
)
def test_a_slip_gets_the_word_that_was_meant(value: str, said: str) -> None:
    """One word instead of all; where none is near, all."""
    assert complaint(f"invalid choice: {value} (choose from 'status', 'stop')") == said
