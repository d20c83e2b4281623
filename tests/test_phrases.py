"""What Sluice itself says: whole in every language, in its own script, and nothing is said past the files."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

from daemon.phrases import Phrase, languages, phrase, short, texts, told

DAEMON = Path(__file__).resolve().parents[1] / "daemon"
OTHERS = sorted(languages() - {"en"})
SCRIPTS = {"ko": "[\uac00-\ud7a3]", "zh": "[\u4e00-\u9fff]"}

SYMBOLS = frozenset({"period.other", "what.other", "note.lines", "check.versions", "status.limit"})
"""Entries that are no words in any language, or only values."""

NO_WORDS_OF_OURS = frozenset({"ConfigError"})
"""Refusals that quote a file with its line; English everywhere."""

WORDED_INSIDE = frozenset({"Blocked", "CallFailed"})
"""Children of Refusal that are given a finding or an explanation; their own `__init__` is looked at."""

CODE = frozenset({
    ("demo.py", "Bearer demo-"),
    ("demo.py", "Hello number "),
    ("ready.py", "sluice ready: unix:"),
    ("ready.py", "((HTTP/1.1 429 Too Many Requests) insufficient_quota) You exceeded your current quota"),
    ("ready.py", "(progn (require (quote sluice-gptel)) (setq sluice-socket "),
})  # fmt: skip
"""Texts of the command line that programs read, or that are examples of what providers say."""

PASSED_ON = frozenset({
    ("daemon/operations/sending.py", "explanation.line"),
    ("daemon/cli/client.py", "str(error.get('message'))"),
    ("daemon/cli/offline.py", "refusal.message"),
})  # fmt: skip
"""Messages that somebody else has put into words, in the language asked for."""


def fields(template: str) -> set[str]:
    """The names of the values in TEMPLATE."""
    return {name for _, name, _, _ in Formatter().parse(template) if name}


@cache
def nodes() -> tuple[tuple[str, ast.AST], ...]:
    """All that the code of daemon/ consists of, with its file."""
    return tuple(
        (path.relative_to(DAEMON.parent).as_posix(), node)
        for path in sorted(DAEMON.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Each call in daemon/ with its file."""
    yield from ((file, node) for file, node in nodes() if isinstance(node, ast.Call))


def named(node: ast.expr) -> str:
    """The last part of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


@cache
def refusals() -> frozenset[str]:
    """The names of Refusal and all its children, wherever in daemon/ they are."""
    bases: dict[str, set[str]] = {}
    for _, node in nodes():
        if isinstance(node, ast.ClassDef):
            bases.setdefault(node.name, set()).update(named(base) for base in node.bases)
    found = {"Refusal"}
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return frozenset(found - NO_WORDS_OF_OURS)


def is_phrase(node: ast.expr) -> bool:
    """True for `phrase(...)`, and for a choice between two."""
    if isinstance(node, ast.IfExp):
        return is_phrase(node.body) and is_phrase(node.orelse)
    return isinstance(node, ast.Call) and named(node.func) == "phrase"


@pytest.mark.parametrize("language", OTHERS)
def test_the_same_sentences_and_values(language: str) -> None:
    """No sentence is missing, none is left over, and each states the same facts."""
    english, other = texts("en"), texts(language)
    assert sorted(other) == sorted(english)
    assert [name for name, text in english.items() if fields(text) != fields(other[name])] == []


@pytest.mark.parametrize("language", OTHERS)
def test_each_sentence_is_in_its_own_script(language: str) -> None:
    """Nothing was left in English: each sentence has letters of its language, and English words only as names."""
    script = re.compile(SCRIPTS[language])
    assert [name for name, text in texts(language).items() if not script.search(text) and name not in SYMBOLS] == []
    assert [name for name, text in texts(language).items() if re.search(r"\b(the|is|it|and|of|to|for)\b", text)] == []


def test_there_are_three() -> None:
    """English, Korean and Simplified Chinese; in Chinese no letter of the traditional script."""
    assert languages() >= {"en", "ko", "zh"}
    assert not [name for name, text in texts("zh").items() if re.search("[請這個們為時發過還沒錯誤記錄]", text)]


def test_every_phrase_in_the_code_exists_with_its_values() -> None:
    """A name that is no entry, or a value too many or too few, would break at the moment when something went wrong."""
    wrong = []
    for file, call in calls():
        if named(call.func) not in ("phrase", "tell"):
            continue
        choices = [call.args[0].body, call.args[0].orelse] if isinstance(call.args[0], ast.IfExp) else [call.args[0]]
        given = {word.arg for word in call.keywords}
        for name in choices:
            if isinstance(name, ast.Constant) and fields(texts("en").get(name.value, "{no such entry}")) != given:
                wrong.append(f"{file}:{call.lineno} {name.value}")
    assert wrong == []


def test_every_entry_is_said_somewhere() -> None:
    """Words that nobody says any more are taken out of all files."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in DAEMON.rglob("*.py"))
    made = re.findall(r'(?:phrase|tell)\(\s*f"(\w+)\.\{', code)
    said = set(re.findall(r"""["'](\w+\.\w+)["']""", code))
    assert [name for name in texts("en") if name not in said and name.split(".")[0] not in made] == []


def test_every_refusal_is_a_phrase() -> None:
    """Whatever Sluice refuses, it can say in each language: no message is written into the code."""
    kinds = refusals()
    wrong = []
    for file, call in calls():
        name = named(call.func)
        inner = (
            name == "__init__" and isinstance(call.func, ast.Attribute) and file.endswith(("block.py", "sending.py"))
        )
        if (name in kinds - WORDED_INSIDE or inner) and call.args:
            said = call.args[0]
            if not is_phrase(said) and (file, ast.unparse(said)) not in PASSED_ON:
                wrong.append(f"{file}:{call.lineno} {ast.unparse(said)}")
    assert wrong == []


def test_the_check_of_refusals_sees_them() -> None:
    """The test above is not green because it looks at nothing."""
    assert {"QueueFull", "Blocked", "CallFailed", "NotRunning", "Taken"} <= refusals()
    assert sum(named(call.func) in refusals() for _, call in calls()) > 60


def test_a_phrase_is_its_english() -> None:
    """Logs and programs take it for a text; a copy still has its values."""
    said = phrase("span.minutes_seconds", m=7, s=12)
    assert (said, f"in {said}") == ("7 min 12 s", "in 7 min 12 s")
    assert copy.deepcopy(said).told("ko") == said.told("ko") == "7분 12초"
    assert isinstance(copy.copy(said), Phrase)


def test_values_are_told_too() -> None:
    """A phrase within a phrase is in the same language; a value with braces is not taken for a place of its own."""
    said = phrase("pool.looks", why=phrase("waits.turn"), wait=phrase("span.seconds", n="{m}"))
    assert said == "waits for its turn, next look in {m} s"
    assert said.told("zh") == "在等轮到它，{m} 秒后再看一次"


def test_values_are_told_in_whatever_holds_them() -> None:
    """Rows and lists for a person: phrases are told, all else stays."""
    rows = [{"waits_for": phrase("waits.turn"), "place": 1, "id": "c1"}]
    assert told(rows, "ko") == [{"waits_for": "차례", "place": 1, "id": "c1"}]
    assert told("plain", "ko") == "plain"


@pytest.mark.parametrize(
    ("asked", "got"), [("ko_KR.UTF-8", "ko"), ("zh-CN", "zh"), ("KO", "ko"), ("fr", "en"), ("", "en"), ("../x", "en")]
)
def test_a_locale_is_a_language(asked: str, got: str) -> None:
    """A locale's name will do; a language without words is English."""
    assert short(asked) == got


def docstrings(tree: ast.AST) -> set[int]:
    """The ids of the nodes that are docstrings, or texts that stand alone below a name."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def test_the_command_line_has_no_words_of_its_own() -> None:
    """No text of two English words or more is in the files that print results: all of them are entries.

    The words of `--help` (options.py) are English.
    """
    wrong = []
    for path in sorted((DAEMON / "cli").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        silent = docstrings(tree)
        for node in ast.walk(tree):
            if path.name == "options.py" or id(node) in silent or not isinstance(node, ast.Constant):
                continue
            if isinstance(node.value, str) and re.search(r"[A-Za-z]{2,} [a-z]{2,}", node.value):
                wrong.append((path.name, node.value))
    assert set(wrong) == CODE
