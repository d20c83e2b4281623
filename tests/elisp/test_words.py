"""What the Emacs package says: whole in every language, in its own script, and nothing is said past the tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise, takewhile
from pathlib import Path

import pytest

from daemon.columns import width
from daemon.phrases import languages
from elisp.reading import Form, Text, forms, head, lists
from test_phrases import PARTICLES, SCRIPTS

PACKAGE = Path(__file__).resolve().parents[2] / "elisp"
OTHERS = sorted(languages() - {"en"})

PLACE = re.compile(r"%(?:(?P<field>\d+)\$)?[-+ #0]*\d*(?:\.\d+)?(?P<kind>[a-zA-Z%])")
"""A place for a value, as `format` of Emacs knows them."""

KEYS = re.compile(r"\\[\[<{][^]>}]*[]>}]")
"""What `substitute-command-keys` puts a key for."""

TYPED = ("M-x", "C-c", "C-g", "RET", "login apikey", "password KEY", "pipx install .")
"""What is typed, or is the name of a field: the same in all languages."""

SYMBOLS = frozenset({", "})
"""Texts that are no words."""

NEVER = {
    "ko": rf"[\u3040-\u30ff\u4e00-\u9fff]|습니다|십시오|%(\d\$)?[sd]({PARTICLES})(?=[\s.,)]|$)",
    "zh": r"[\u3040-\u30ff\uac00-\ud7a3請這個們為時發過還沒錯誤記錄]|您"
    r"|[\u4e00-\u9fff][,;:!?](?!%d)|[\u4e00-\u9fff] ?\(|\) ?[\u4e00-\u9fff]",
}
"""What no text holds: see `NEVER` of tests/test_phrases.py; here a value is `%s`."""

SHOWN = frozenset({
    *("message", "user-error", "error", "display-warning", "y-or-n-p", "yes-or-no-p", "read-string"),
    *("completing-read", "read-from-minibuffer", "read-char-choice", "insert"),
    *("insert-text-button", "propertize", "format"),
    *("sluice-finding", "sluice-dashboard-column", "sluice-explain--part", "sluice-explain--actions"),
    *("sluice-explain--fill", "sluice-explain--say", "sluice-menu--line", "sluice-doctor--fill"),
    *("sluice-rewrite--draw", "sluice-answer-show", "sluice-notify--tell", "sluice-gptel--refuse"),
    *("sluice-keys--refuse",),
})  # fmt: skip
"""Functions through which a text reaches a person."""

THROUGH = frozenset({"if", "and", "or", "cond", "when", "unless", "progn", "concat", "list", "append", "delq", "nil",
                     "cons", "format", "propertize", "string-join", "substitute-command-keys"})  # fmt: skip
"""Forms of which a text comes out as it went in."""

SHOWN_WITHIN = frozenset({":description", "header-line-format", "mode-line-process", "sluice-dashboard--nothing",
                          "help-echo", "after-string", "before-string"})  # fmt: skip
"""Names after which a text stands that a person reads."""

DEFINING = ("defun", "cl-defun", "defmacro", "cl-defgeneric", "cl-defmethod", "cl-defstruct", "define-minor-mode",
            "define-derived-mode", "transient-define-prefix", "transient-define-suffix", "defvar", "defvar-local",
            "defconst", "defcustom", "defgroup", "defface", "autoload", "declare-function", "define-error",
            "sluice-words-define", "const", "function-item")  # fmt: skip
"""Forms whose own strings are documentation, which stays English as Emacs has it, or names of modes and choices."""

NO_WORDS = frozenset({
    # our own name, before words that come from elsewhere; the name of a command; names and versions
    ("sluice-dashboard.el", "Sluice: %s"), ("sluice-notify.el", "Sluice: %s"), ("sluice-rpc.el", "Sluice: %s"),
    ("sluice-usage.el", "Sluice: %s"), ("sluice-warnings.el", "Sluice: %s"), ("sluice-watch.el", "Sluice: %s"),
    ("sluice.el", "Sluice: %s"), ("sluice-gptel.el", "%s  (M-x sluice-explain-last)"),
    ("sluice-doctor.el", "Emacs %s, %s"),
    # what is to be typed, or put into a file
    ("sluice-doctor.el", "machine %s login apikey password YOUR-KEY"), ("sluice-doctor.el", "kill -9 %s"),
    ("sluice.el", "kill -9 %s"), ("sluice.el", "pipx install ."), ("sluice.el", "git pull && pipx install --force ."),
    ("sluice-gptel.el", "upstreams: [{host: '%s', provider: openai-compatible}]"),
    ("sluice-gptel.el", "upstreams: [{host: '%s', url: 'http://%s', insecure: true, provider: openai-compatible}]"),
    # names that calls are given
    ("sluice-gptel.el", "gptel-%08x%08x"), ("sluice-llm.el", "llm-%08x%08x"),
    # a place of macOS; what Python and gptel say, to know it again
    ("sluice-settings.el", "~/Library/Application Support/sluice"), ("sluice-program.el", "No module named daemon"),
    ("sluice-gptel.el", "Curl failure"),
})  # fmt: skip
"""Texts in the code that are no words to translate. Names of buffers are none either: people type them."""

BUFFER = re.compile(r" ?\*sluice [a-z]+\*", re.IGNORECASE)


@cache
def sources() -> dict[str, list[Form]]:
    """The forms of each file of the package but the tables."""
    files = [file for file in sorted(PACKAGE.glob("*.el")) if not file.stem.startswith("sluice-words-")]
    return {file.name: forms(file.read_text(encoding="utf-8")) for file in files}


def calls(name: str) -> Iterator[tuple[str, list[Form]]]:
    """Each call of the function NAME with its file."""
    for file, tree in sources().items():
        yield from ((file, form) for form in lists(tree) if head(form) == name and len(form) > 1)


@cache
def said() -> frozenset[str]:
    """All English texts that are said in the code."""
    return frozenset(form[1].value for _, form in calls("sluice-gettext") if isinstance(form[1], Text))


@cache
def table(language: str) -> tuple[tuple[str, str], ...]:
    """The entries of LANGUAGE as they stand in its file."""
    tree = forms((PACKAGE / f"sluice-words-{language}.el").read_text(encoding="utf-8"))
    (define,) = [form for form in tree if head(form) == "sluice-words-define"]
    assert isinstance(define[1], Text)
    assert define[1].value == language
    entries = [[part.value for part in form if isinstance(part, Text)] for form in define[2]]
    assert all(len(entry) == 2 for entry in entries)
    return tuple((english, other) for english, other in entries)


def places(text: str) -> dict[int, str]:
    """The kind of value that each argument of a format string has, by its number."""
    found, number = {}, 0
    for place in PLACE.finditer(text):
        if place["kind"] != "%":
            number = int(place["field"]) if place["field"] else number + 1
            found[number] = place["kind"]
    return found


def test_all_that_is_said_is_a_literal() -> None:
    """A text that is only known when Emacs runs could not be found here, nor in a table."""
    wrong = [f"{file} {form}" for file, form in calls("sluice-gettext") if not isinstance(form[1], Text)]
    assert wrong == []
    assert len(said()) > 250


@pytest.mark.parametrize("language", OTHERS)
def test_the_same_texts(language: str) -> None:
    """No text is missing in a table, none is there that nobody says, and none twice."""
    there = Counter(english for english, _ in table(language))
    assert sorted(said() - set(there)) == []
    assert sorted(set(there) - said()) == []
    assert [english for english, n in there.items() if n > 1] == []


@pytest.mark.parametrize("language", OTHERS)
def test_the_same_values(language: str) -> None:
    """As many values of the same kinds, wherever they stand; the same keys; and what is to be typed is as it was."""
    entries = table(language)
    assert [english for english, other in entries if places(english) != places(other)] == []
    assert [e for e, other in entries if sorted(KEYS.findall(e)) != sorted(KEYS.findall(other))] == []
    assert [e for e, other in entries for typed in TYPED if e.count(typed) != other.count(typed)] == []


def test_places_for_values() -> None:
    """What the test above compares: numbers of arguments decide, and a percent sign is none."""
    assert places("%2$s of %1$.1f%%, %%s") == {2: "s", 1: "f"}
    assert places("%s in %02d") == {1: "s", 2: "d"} != places("%d in %s")


@pytest.mark.parametrize("language", OTHERS)
def test_each_text_is_in_its_own_script(language: str) -> None:
    """Nothing was left in English but names."""
    entries = {english: other for english, other in table(language) if english not in SYMBOLS}
    assert [english for english, other in entries.items() if not re.search(SCRIPTS[language], other)] == []
    assert [other for other in entries.values() if re.search(r"\b(the|is|it|and|of|to|for|at)\b", other)] == []


@pytest.mark.parametrize("language", OTHERS)
def test_one_register(language: str) -> None:
    """Korean is in 해요체 without particles that depend on a value; Chinese says 你, with full-width marks."""
    assert [other for _, other in table(language) if re.search(NEVER[language], other)] == []


@pytest.mark.parametrize("language", OTHERS)
def test_what_stands_in_a_column_is_short(language: str) -> None:
    """Marks of the doctor fit into 5 columns, labels of the menu into 16, the row of buttons into 80."""
    words = dict(table(language))
    assert max(width(words[mark]) for mark in ("ok", "note", "BAD")) <= 5
    assert max(width(words[label]) for label in ("host", "model", "system prompt", "the answer goes")) <= 16
    row = ["Copy curl", "Open the page", "Provider's words", "Refresh", "Quit"]
    assert sum(width(f"[w] {words[button]}  ") for button in row) <= 80
    assert width(words["Hide the words"]) <= width(words["Provider's words"])


def texts(tree: list[Form]) -> Iterator[Text]:
    """All strings in TREE that are neither documentation nor said by `sluice-gettext`."""
    for form in lists(tree):
        name = head(form)
        for place, part in enumerate(form):
            if not isinstance(part, Text) or (name == "sluice-gettext" and place == 1):
                continue
            if name not in DEFINING or (name in ("defvar", "defvar-local", "defconst") and place == 2):
                yield part


def shown(tree: list[Form]) -> Iterator[Text]:
    """All strings in TREE that a person is shown as they stand there."""
    for form in lists(tree):
        if head(form) in SHOWN:
            yield from coming_out(form[1:])
        for before, part in pairwise(form):
            if isinstance(before, str) and before in SHOWN_WITHIN:
                yield from coming_out([part])
        if head(form) == "transient-define-prefix":
            groups = takewhile(lambda group: head(group) != "interactive", form[4:])
            yield from (one for group in groups if isinstance(group, list) for one in described(group))


def coming_out(parts: list[Form]) -> Iterator[Text]:
    """The strings among PARTS, and those that come out of forms among them."""
    for part in parts:
        if isinstance(part, Text):
            yield part
        elif isinstance(part, list) and (head(part) in THROUGH or not head(part)):
            yield from coming_out(part)


def described(group: list[Form]) -> Iterator[Text]:
    """The strings of a menu that describe: all but the key at the beginning of a suffix."""
    yield from (part for part in group[1:] if isinstance(part, Text))
    yield from (text for part in group if isinstance(part, list) and head(part) != "lambda" for text in described(part))


def test_nothing_is_said_past_the_tables() -> None:
    """No text that is shown holds a word, and no text at all two, unless it is said by `sluice-gettext`."""
    found = set()
    for file, tree in sources().items():
        words = [text.value for text in shown(tree) if re.search("[A-Za-z]{2,}", PLACE.sub("", text.value))]
        words += [text.value for text in texts(tree) if re.search("[A-Za-z]{2,} [A-Za-z]{2,}", text.value)]
        found |= {(file, text) for text in words if not BUFFER.fullmatch(text)}
    assert found == NO_WORDS


@pytest.mark.parametrize(
    ("code", "finds"),
    [
        ('(message "Gone: %s" x)', ["Gone: %s"]),
        ('(user-error "%s" (if x "no key" (sluice-gettext "a key")))', ["%s", "no key"]),
        ('(insert (propertize (concat "a" (f "b")) \'face \'bold))', ["a", "a"]),
        ('(y-or-n-p (cond ((f "x") "Go? ")))', ["Go? "]),
        ('(f :description "to go")', ["to go"]),
        ('(setq header-line-format (concat " " "keys"))', [" ", "keys"]),
        ('(transient-define-prefix m () "Doc." [("p" "ask" f)] (interactive))', ["ask"]),
    ],
)
def test_the_check_sees_what_is_shown(code: str, finds: list[str]) -> None:
    """The test above is not green because it looks at nothing."""
    assert [text.value for text in shown(forms(code))] == finds


def test_elisp_is_read() -> None:
    """Strings, characters, quotes and comments: what the tests here build on."""
    tree = forms('(a "x\\"(\\n" ?\\( ?\\s ?( \'(b . #\'c)) ; "no"\n["d" \\;e]')
    assert tree == [["a", Text('x"(\n', 1), "?\\(", "?\\s", "?(", ["b", ".", "c"]], [Text("d", 2), "\\;e"]]
    with pytest.raises(ValueError, match="parenthesis"):
        forms("(a")
