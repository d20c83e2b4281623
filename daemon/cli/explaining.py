"""`daemon explain` without a daemon: pasted texts, files, JSON lines, and the list of what is told apart."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from daemon.errors import InvalidCall, NotFound
from daemon.explain import Catalogue
from daemon.model import Failure, Situation

MOST = 4 << 20
"""Characters of a pasted text that are read."""

_ID = re.compile(r"^(c[0-9a-z]{8}|last|last-failed)$")
_FACTS = ("subtype", "family", "provider", "window", "limit", "used", "requested", "retry_after_s", "model", "retry")


def is_call(source: str) -> bool:
    """True if SOURCE names a journalled call rather than a file."""
    return bool(_ID.match(source)) and not Path(source).exists()


def one(options: argparse.Namespace) -> Iterator[str]:
    """The explanation of one text."""
    text = options.text if options.text is not None else read(options.source)
    if not text.strip():
        raise InvalidCall("there is nothing to explain: give a file, paste the error on standard input, or use --text")
    catalogue = Catalogue.load(user_rules(options))
    failure = Failure(text=text, status=options.status, provider=options.provider)
    explanation = catalogue.explain(catalogue.classify(failure), Situation(), language(options))
    if options.json:
        row: dict[str, Any] = explanation.as_json()
        yield json.dumps(row | ({"why_rules": catalogue.why(failure)} if options.why else {}), ensure_ascii=False)
        return
    yield from catalogue.render(explanation).splitlines()
    if options.why:
        yield ""
        yield from (json.dumps(row, ensure_ascii=False) for row in catalogue.why(failure))


def many(options: argparse.Namespace) -> Iterator[str]:
    """A line of JSON for each line of JSON."""
    catalogue = Catalogue.load(user_rules(options))
    words = language(options)
    for number, line in enumerate(read(options.jsonl, most=None).splitlines(), 1):
        if line.strip():
            yield json.dumps(answer_to(catalogue, line, number, words), ensure_ascii=False)


def answer_to(catalogue: Catalogue, line: str, number: int, words: str) -> dict[str, Any]:
    """The facts of one JSON line."""
    row = parsed(line, number)
    finding = catalogue.classify(failure_from(row))
    explanation = catalogue.explain(finding, Situation(), words)
    facts = {name: getattr(finding, name) for name in _FACTS}
    return {"id": row.get("id"), **facts, "confidence": finding.confidence, "line": explanation.line}


def parsed(line: str, number: int) -> dict[str, Any]:
    """One JSON object. Raises InvalidCall that names the line."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise InvalidCall(f"line {number} is not a JSON object; each line needs `text`, or `status`, `headers`, `body`")
    return row


def failure_from(row: dict[str, Any]) -> Failure:
    """A Failure from a row with `text`, or with `status`, `headers` and `body`."""
    status = row.get("status")
    provider = row.get("provider") if isinstance(row.get("provider"), str) else None
    if isinstance(row.get("text"), str):
        return Failure(text=row["text"], provider=provider)
    headers = row.get("headers") if isinstance(row.get("headers"), dict) else {}
    body = row.get("body")
    return Failure(
        status=status if isinstance(status, int) else None,
        headers=tuple((str(name), str(value)) for name, value in (headers or {}).items()),
        body=(body if isinstance(body, str) else "" if body is None else json.dumps(body)).encode("utf-8", "replace"),
        provider=provider,
    )


def listing(options: argparse.Namespace) -> Iterator[str]:
    """All subtypes as a table."""
    from daemon.cli.show import table

    rows = Catalogue.load(user_rules(options)).subtypes()
    if options.json:
        yield json.dumps(rows, ensure_ascii=False)
        return
    head = ["subtype", "family", "does waiting help", "what it is"]
    yield from table([head, *[[row["subtype"], row["family"], row["waiting"], row["title"]] for row in rows]])


def read(source: str, most: int | None = MOST) -> str:
    """The text of a file or of standard input, whatever its bytes are."""
    if source == "-":
        return sys.stdin.buffer.read(-1 if most is None else most).decode("utf-8", "replace")
    try:
        with open(source, "rb") as file:
            return file.read(-1 if most is None else most).decode("utf-8", "replace")
    except OSError as error:
        raise NotFound(f"{source} cannot be read: {error.strerror}; `daemon calls` lists ids of calls") from None


def language(options: argparse.Namespace) -> str:
    """The language asked for, else the configured one."""
    return str(options.language or _config(options).language)


def user_rules(options: argparse.Namespace) -> Path:
    """The folder with the user's own rules, beside the configuration file."""
    from daemon.cli.main import paths

    return paths(options).rules_dir


def _config(options: argparse.Namespace) -> Any:
    import os

    from daemon.cli.main import paths
    from daemon.config import load

    return load(paths(options).config_file, environ=os.environ)
