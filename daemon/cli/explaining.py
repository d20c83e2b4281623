"""`daemon explain`: a call, pasted texts, files, JSON lines, and the list of what is told apart.

Only a call needs the daemon or its journal.
"""

from __future__ import annotations

import os
import re
import time

from daemon import TYPE_CHECKING
from daemon.cli.language import chosen
from daemon.cli.options import environment, paths
from daemon.cli.terminal import complain, say, say_json, say_text, shows, speak_utf8
from daemon.errors import ConfigError, InvalidCall, NotFound, Refusal
from daemon.phrases import phrase
from daemon.slips import nearest

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from daemon.explain import Catalogue

_FACTS = ("subtype", "family", "provider", "window", "limit", "used", "requested", "retry_after_s", "model", "retry")


def is_call(source: str) -> bool:
    """True if SOURCE names a journalled call rather than a file. `last` is a call, whatever files there are."""
    if source in ("last", "last-failed"):
        return True
    from daemon.cli.reading import is_sentence

    plain = source != "-" and "/" not in source and "." not in source and not is_sentence(source)
    return plain and not os.path.exists(source)


def call(options: Namespace, ask: Callable[[Mapping[str, Any]], Any]) -> None:
    """The explanation of a journalled call. ASK asks the daemon, or its journal."""
    try:
        answer = ask({"call": options.source, "language": options.language})
    except Refusal as refusal:
        if re.fullmatch("c[0-9a-z]{8}|last|last-failed", options.source):
            raise
        raise NotFound(phrase("explain.no_file", source=options.source, why=refusal.message)) from None
    if options.json:
        say_json([answer])
        return
    if not answer.get("explanation"):  # a sentence, and no page
        say_text(answer["text"].split("\n"))
        return
    if not shows(answer.get("curl") or ""):
        speak_utf8()
    say(answer["text"].split("\n"))


def one(options: Namespace) -> None:
    """The explanation of one text."""
    from daemon.cli.reading import text_of
    from daemon.explain import Catalogue
    from daemon.model import Failure, Situation

    text = text_of(options)
    if not text.strip():
        raise InvalidCall(phrase("explain.nothing"))
    _doubt_provider(options)
    catalogue = Catalogue.load(_rules_dir(options))
    failure = Failure(text=text, status=options.status, provider=options.provider)
    explanation = catalogue.explain(catalogue.classify(failure), Situation(), language(options), now=time.time())
    if options.json:
        rules = {"why_rules": catalogue.why(failure)} if options.why else {}
        say_json([sound(explanation.as_json() | rules)])
        return
    say(catalogue.render(explanation).split("\n")[:-1])
    if options.why:
        say(["", *catalogue.why_page(failure, explanation.language).split("\n")[:-1]])


def many(options: Namespace) -> int:
    """A line of JSON for each line of JSON, as it comes; the number of lines that could not be read."""
    from daemon.cli.reading import numbered
    from daemon.explain import Catalogue

    catalogue = Catalogue.load(_rules_dir(options))
    words = language(options)
    wrong: list[int] = []

    def answers() -> Iterator[dict[str, Any]]:
        for number, line in numbered(options.jsonl):
            try:
                yield answer_to(catalogue, line, number, words)
            except InvalidCall as refusal:
                wrong.append(number)
                yield {"id": None, "line_number": number, "error": refusal.told(words)}

    say_json(answers())
    if wrong:
        complain(phrase("explain.lines", n=len(wrong), first=wrong[0]).told(words))
    return len(wrong)


def answer_to(catalogue: Catalogue, line: bytes | None, number: int, words: str) -> dict[str, Any]:
    """The facts of one JSON line. Raises InvalidCall."""
    from daemon.cli.reading import failure_from, parsed
    from daemon.model import Situation

    row = parsed(line, number)
    finding = catalogue.classify(failure_from(row))
    explanation = catalogue.explain(finding, Situation(), words, now=time.time())
    facts = {name: getattr(finding, name) for name in _FACTS}
    answer = {"id": row.get("id"), **facts, "confidence": finding.confidence, "line": explanation.line}
    return {name: sound(value) for name, value in answer.items()}


def sound(value: Any) -> Any:
    """VALUE with null in place of the numbers that JSON does not have: a text may state a limit of 1e999."""
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if isinstance(value, dict):
        return {name: sound(part) for name, part in value.items()}
    return [sound(part) for part in value] if isinstance(value, list) else value


def listing(options: Namespace) -> None:
    """All subtypes as a table."""
    from daemon.cli.show import table
    from daemon.explain import Catalogue

    words = language(options)
    rows = Catalogue.load(_rules_dir(options)).subtypes(words)
    if options.json:
        say_json([rows])
        return
    head = [phrase(f"head.{name}").told(words) for name in ("subtype", "family", "waiting", "title")]
    say(table([head, *[[row["subtype"], row["family"], row["waiting"], row["title"]] for row in rows]]))


# ---- what the settings say


def language(options: Namespace) -> str:
    """The language asked for, else the configured one."""
    if not options.language:
        return str(_configured_language(options))
    return str(options.language)


def _configured_language(options: Namespace) -> str:
    from daemon.config import load

    where = paths(options)
    try:
        return load(where.config_file, environ=environment(options), must_exist=where.config_told).language
    except ConfigError as error:  # a text can be explained all the same
        complain(phrase("explain.config", why=error.message).told(chosen(options)))
        return chosen(options)


def _rules_dir(options: Namespace) -> Path:
    """The folder with the user's own rules, beside the configuration file."""
    return paths(options).rules_dir


def _doubt_provider(options: Namespace) -> None:
    """Say so when the provider's name looks like a slip: rules for one provider would pass the text over."""
    from daemon.providers import load_providers

    known, name = load_providers(), options.provider
    near = nearest(name.lower(), known, like=0.75) if name and name not in known else None
    if near:
        complain(phrase("explain.provider", name=name, near=near).told(chosen(options)))
