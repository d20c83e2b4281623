"""What Sluice itself says: whole in every language, in its own script, and nothing is said past the files."""

from __future__ import annotations

import ast
import copy
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
import yaml

from daemon.cli.commands import COMMANDS, EVERYWHERE
from daemon.columns import width
from daemon.datafile import DATA
from daemon.phrases import Phrase, language_by, languages, phrase, recognized, short, texts, told

DAEMON = Path(__file__).resolve().parents[1] / "daemon"
WORDS = Path(DATA) / "words"
OTHERS = sorted(languages() - {"en"})
SCRIPTS = {"ko": "[\uac00-\ud7a3]", "zh": "[\u4e00-\u9fff]"}

PARTICLES = "을|를|은|는|이|가|과|와|로|라고|라는|예요|이에요"
NEVER = {
    "ko": rf"[\u3040-\u30ff\u4e00-\u9fff]|습니다|십시오|\}}({PARTICLES})(?=[\s.,)]|$)",
    "zh": r"[\u3040-\u30ff\uac00-\ud7a3]|您|[\u4e00-\u9fff][,;:!?]|[\u4e00-\u9fff] ?\(|\) ?[\u4e00-\u9fff]",
}
"""What no sentence holds: another script, another register, a particle that fits some words only, half-width marks."""

FITS = frozenset({
    ("ko", "status.one_waits"), ("ko", "status.many_wait"), ("ko", "ready.report"),
})  # fmt: skip
"""Where the value before a Korean particle is always the same word."""

SYMBOLS = frozenset({
    "period.other", "what.other", "lines.two", "config.at", "config.at_file", "config.of", "arguments.sentence",
    "check.versions", "status.limit", "step.joined_why", "log.reason",
    "client.kill",
})  # fmt: skip
"""Entries that are no words in any language, or only values."""

WORDED_INSIDE = frozenset({"Blocked", "CallFailed"})
"""Children of Refusal that are given a finding or an explanation; their own `__init__` is looked at."""

ELSEWHERE = (
    "sandbox/",  # it speaks as providers do
    "operations/table.py",  # its summaries are for who reads the code; nobody is shown them
    "explain/text.py", "explain/view.py",  # what providers write, to find it
    "curl/elisp.py", "curl/python.py",  # code in other languages; what it says is held by tests/curl/test_forms.py
    "cli/tab/",  # code in the languages of shells; what it says is made of phrases
    "model/evidence.py",  # marks, which daemon/explain/evidence.py tells
    "pacing/refusals.py",  # why a limit is held, for who debugs it
)  # fmt: skip
"""Where English texts are not words to this machine's person. What the sandbox says of itself is held by
`test_whatever_is_shown_is_a_phrase`."""

LOGGED = ("debug", "info", "warning", "error", "exception", "critical")

SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|PRAGMA|SAVEPOINT|RELEASE|ROLLBACK|ORDER BY|AND)\b|= \?")

CODE = frozenset({
    # the command line: what programs read, and examples of what clients and providers say
    ("cli/demo.py", "Bearer demo-"),
    ("cli/demo.py", "Hello number "),
    ("cli/ready.py", "sluice ready: unix:"),
    ("cli/ready.py", "((HTTP/1.1 429 Too Many Requests) insufficient_quota) You exceeded your current quota"[:60]),
    ("cli/ready.py", "(progn (require (quote sluice-gptel)) (setq sluice-socket "),
    # what argparse says, to know it again
    ("arguments.py", "positional arguments"),
    ("arguments.py", "the following arguments are required: (?P<names>.+)"),
    ("arguments.py", "expected one argument"),
    ("arguments.py", "ignored explicit argument (?P<value>.+)"),
    ("arguments.py", "invalid choice: (?P<value>.+) \\(choose from (?P<known>.+)\\)"),
    ("arguments.py", "not allowed with argument (?P<other>.+)"),
    # HTTP's reason phrases are ASCII
    ("doors/http.py", "Bad request to Sluice"),
    ("doors/http.py", "Body too large"),
    ("doors/http.py", "Host unknown to Sluice"),
    ("doors/http.py", "No such operation"),
    ("doors/http.py", "Not found"),
    ("doors/http.py", "Not let in"),
    ("doors/http.py", "Queue full"),
    ("doors/http.py", "Refused by Sluice"),
    ("doors/http.py", "Request too large"),
    ("doors/http.py", "Sluice is stopping"),
    ("doors/http.py", "Would wait too long"),
    ("doors/http.py", "Your own budget is used up"),
    # a script of macOS
    ("desktop.py", "on run argv\ndisplay notification (item 1 of argv) with title"),
    # a command to type; exceptions that are caught inside, one of them as SQLite would say it
    ("gateway/answers.py", "daemon curl "),
    ("doors/writing.py", "a body that is longer than its length"),
    ("doors/writing.py", "a body that is shorter than its length"),
    ("doors/writing.py", "a field with the end of a line in it"),
    ("journal/database.py", "the journal is damaged: "),
})  # fmt: skip
"""Texts of two words that are no words of ours to a person."""

PASSED_ON = frozenset({
    ("daemon/operations/sending.py", "explanation.line"),
    ("daemon/operations/keys.py", "none.words"),
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
    return frozenset(found)


def is_phrase(node: ast.expr) -> bool:
    """True for `phrase(...)`, for a choice between two, and for several of them below each other."""
    if isinstance(node, ast.IfExp):
        return is_phrase(node.body) and is_phrase(node.orelse)
    return isinstance(node, ast.Call) and named(node.func) in ("phrase", "lines")


@pytest.mark.parametrize("language", OTHERS)
def test_the_same_sentences_and_values(language: str) -> None:
    """No sentence is missing, none is left over, and each states the same facts."""
    english, other = texts("en"), texts(language)
    assert sorted(other) == sorted(english)
    assert [name for name, text in english.items() if fields(text) != fields(other[name])] == []


@pytest.mark.parametrize("language", sorted(languages()))
def test_no_entry_is_written_twice(language: str) -> None:
    """YAML takes the later one and says nothing: whoever mends the earlier one wonders."""
    lines = (WORDS / "phrases" / f"{language}.yaml").read_text(encoding="utf-8").splitlines()
    assert sum(bool(re.match("  ['\\w-]+:", line)) for line in lines) == len(texts(language))


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


def test_every_help_text_is_an_entry() -> None:
    """What argparse shows is a name of an entry, or a phrase; never a text."""
    wrong, seen = [], 0
    for file, call in calls():
        for word in call.keywords:
            if word.arg not in ("help", "description", "epilog") or named(call.func) == "Operation":
                continue
            seen += 1
            given = word.value
            if isinstance(given, ast.JoinedStr):
                fine = isinstance(given.values[0], ast.Constant) and str(given.values[0].value).endswith(".")
            elif isinstance(given, ast.Constant):
                fine = given.value in texts("en")
            else:
                fine = is_phrase(given) or isinstance(given, ast.Name)
            wrong += [] if fine else [f"{file}:{call.lineno} {ast.unparse(given)}"]
    for option in (*EVERYWHERE, *(option for options in COMMANDS.values() for option in options)):
        seen += 1
        wrong += [] if option["help"] in texts("en") else [option["help"]]
    assert wrong == []
    assert seen > 40


def test_every_entry_is_said_somewhere() -> None:
    """Words that nobody says any more are taken out of all files."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in DAEMON.rglob("*.py"))
    made = re.findall(r'f"(\w+)\.\{', code)
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


def test_no_words_stand_in_the_code() -> None:
    """No text of two English words or more is in the code: all that a person reads is an entry.

    Left out are the rooms whose English is not for this machine's person (ELSEWHERE), messages of exceptions that mean
    a mistake in the code, and SQL.
    """
    wrong = set()
    for path in sorted(DAEMON.rglob("*.py")):
        name = path.relative_to(DAEMON).as_posix()
        if name.startswith(ELSEWHERE):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        silent = docstrings(tree) | unheard(tree)
        for node in ast.walk(tree):
            if id(node) in silent or not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                continue
            if re.search(r"[A-Za-z]{2,} [a-z]{2,}", node.value) and not SQL.search(node.value):
                wrong.add((name, node.value[:60]))
    assert wrong == CODE


def test_nobody_is_shown_a_summary_of_an_operation() -> None:
    """Those in the table of operations are documentation of the code: English as long as nothing reads them."""
    assert [file for file, node in nodes() if isinstance(node, ast.Attribute) and node.attr == "summary"] == []


def unheard(tree: ast.AST) -> set[int]:
    """The ids of texts that no person is shown: `__repr__`, and exceptions of Python itself."""
    out: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name in ("__repr__", "__reduce__", "__getattr__"):
            out |= {id(part) for part in ast.walk(node)}
        if isinstance(node, ast.Call) and named(node.func) in ("ValueError", "TypeError", "RuntimeError", "compile"):
            out |= {id(part) for part in ast.walk(node)}
    return out


def test_whatever_is_logged_is_a_phrase() -> None:
    """Each call of a logger is given a phrase, or `"%s"` with words that come from elsewhere."""
    wrong, seen = [], 0
    for file, call in calls():
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        if not (isinstance(owner, ast.Name) and owner.id in ("_log", "log")) or named(call.func) not in LOGGED:
            continue
        seen += 1
        first = call.args[0]
        passed_on = isinstance(first, ast.Constant) and first.value == "%s"
        wrong += [] if is_phrase(first) or passed_on else [f"{file}:{call.lineno} {ast.unparse(first)}"]
    assert wrong == []
    assert seen > 15


def test_whatever_is_shown_is_a_phrase() -> None:
    """What is printed, noted in a command, or raised as a wrong setting or option is never a text of the code."""
    wrong, seen = [], 0
    for file, call in calls():
        name, owner = named(call.func), ast.unparse(call.func)
        shown = {"Wrong": 1, "WrongValue": 0, "complain": 0}.get(name)
        if owner.endswith("notes.append"):
            shown = 0
        if name == "ValueError" and file.startswith(("daemon/sandbox", "daemon/config", "daemon/cli", "daemon/doors")):
            shown = 0
        if shown is None or len(call.args) <= shown:
            continue
        seen += 1
        text = call.args[shown]
        if isinstance(text, ast.Constant) or (isinstance(text, ast.JoinedStr) and words_in(text)):
            wrong.append(f"{file}:{call.lineno} {ast.unparse(text)}")
    assert wrong == []
    assert seen > 80


def words_in(text: ast.JoinedStr) -> bool:
    """True if the fixed parts of an f-string hold a word."""
    parts = [part.value for part in text.values if isinstance(part, ast.Constant)]
    return any(re.search(r"[A-Za-z]{3,}", str(part)) for part in parts)


@pytest.mark.parametrize("language", OTHERS)
def test_one_script_and_one_register(language: str) -> None:
    """Korean is in 해요체 and its particles do not depend on what stands before them; Chinese says 你, and its marks
    are full-width beside its characters. No letter of the other script is in either."""
    found = {name: text for name, text in both(language).items() if re.search(NEVER[language], text)}
    assert {name: text for name, text in found.items() if (language, name) not in FITS} == {}


def both(language: str) -> dict[str, str]:
    """All sentences of LANGUAGE: phrases and explanations."""
    explained = yaml.safe_load((WORDS / f"{language}.yaml").read_text(encoding="utf-8"))
    return {**texts(language), **dict(leaves(explained))}


def leaves(value: Any, name: str = "words") -> Iterator[tuple[str, str]]:
    """Each text in a tree, under its path."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, f"{name}.{key}")
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from leaves(part, f"{name}.{number}")
    else:
        yield name, str(value)


@pytest.mark.parametrize("language", sorted(languages()))
def test_what_a_table_shows_is_short(language: str) -> None:
    """Headings and states stand in columns, help texts behind options: no line of them is wider than a terminal."""
    for name, text in texts(language).items():
        section = name.split(".")[0]
        most = {"head": 20, "state": 12, "mark": 4, "command": 68}.get(section)
        assert most is None or width(text) <= most, name
        if section == "help":
            assert name in ("help.top", "help.page") or max(map(width, text.splitlines())) <= 112, name


def test_a_language_is_two_files(tmp_path: Path) -> None:
    """Words and phrases, nothing else: with both files there the language is known everywhere it can be chosen."""
    shutil.copytree(DAEMON, tmp_path / "daemon", ignore=shutil.ignore_patterns("__pycache__"))
    folder = tmp_path / "daemon" / "data" / "words"
    for file in (folder / "en.yaml", folder / "phrases" / "en.yaml"):
        text = file.read_text(encoding="utf-8").replace("No credit left", "Plus de crédit")
        file.with_name("fr.yaml").write_text(text.replace("run the daemon", "lancer le démon"), encoding="utf-8")
    config = tmp_path / "config.yaml"
    config.write_text("language: fr\n", encoding="utf-8")
    config.chmod(0o600)

    def run(*arguments: str) -> str:
        environ = {"PYTHONPATH": str(tmp_path), "HOME": str(tmp_path), "SLUICE_CONFIG": str(config), "PATH": ""}
        command = [sys.executable, "-m", "daemon", *arguments]
        done = subprocess.run(command, capture_output=True, env=environ, cwd=tmp_path, timeout=60, check=True)
        return done.stdout.decode()

    assert "lancer le démon" in run("--help")
    assert "en, fr, ko, zh" in run("status", "--help", "--language", "ko")
    assert "Plus de crédit" in run("explain", "--text", "insufficient_quota")


def test_words_and_phrases_are_of_the_same_languages() -> None:
    """A language with one file of the two would be told in half."""
    assert {path.stem for path in WORDS.glob("*.yaml")} == languages()


def test_english_is_recognized() -> None:
    """What a journal kept in English is told in any language; what is no phrase is not."""
    kept = str(phrase("fault.certificate", host="h", why="it {expired}", code="10", store="/c"))
    found = recognized(kept, "fault")
    assert found is not None
    assert found.told("ko").startswith("h의 인증서를 신뢰할 수 없어요(it {expired}, 코드 10). ")
    assert recognized("something else", "fault") is None


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({"SLUICE_LANGUAGE": "zh", "LC_ALL": "ko_KR"}, "zh"),
        ({"SLUICE_LANGUAGE": "xx", "LC_ALL": "ko_KR.UTF-8"}, "ko"),
        ({"LC_ALL": "C", "LANG": "ko_KR"}, "en"),
        ({"LC_MESSAGES": "", "LANG": "zh_CN"}, "zh"),
        ({}, "en"),
    ],
)
def test_the_surroundings_say_the_language(environ: dict[str, str], language: str) -> None:
    """Our own variable, then the first that POSIX asks; an empty one is none."""
    assert language_by(environ) == language
