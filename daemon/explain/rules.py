"""Rules: what they look like, how they are read from YAML, and when one claims a failure.

A rule is words and patterns. All conditions of `match` must hold; within a condition one of several values is enough.
`text` and the values under `body` and `header` are regular expressions, searched in lower-cased text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from daemon import datafile
from daemon.errors import ConfigError
from daemon.explain.facts import Facts, holds
from daemon.explain.patterns import pattern, search
from daemon.explain.salvage import name_of
from daemon.explain.view import View
from daemon.model import mark
from daemon.phrases import phrase

_CONDITIONS: Final = frozenset(
    (
        "provider",
        "not_provider",
        "status",
        "not_status",
        "header",
        "body",
        "absent",
        "text",
        "not_text",
        "html",
        "empty",
        "pasted",
        "fault",
        "fact",
    )
)
_KEYS: Final = frozenset(
    ("id", "match", "subtype", "window", "dimension", "confidence", "retry", "rank", "facts", "why")
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to recognise a failure."""

    id: str
    subtype: str
    rank: int = 50
    """A smaller number looks first; of equal ranks the file's order."""
    window: str | None = None
    """Fixed window; None: what the text says, if anything."""
    dimension: str | None = None
    confidence: str = "sure"
    retry: str | None = None
    providers: frozenset[str] = frozenset()
    not_providers: frozenset[str] = frozenset()
    statuses: frozenset[int] = frozenset()
    not_statuses: frozenset[int] = frozenset()
    """A failure without a status has none of these."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    text: str | None = None
    not_text: str | None = None
    html: bool | None = None
    empty: bool | None = None
    pasted: bool | None = None
    faults: frozenset[str] = frozenset()
    fact: str | None = None
    """A comparison of extracted facts: `requested > limit`."""
    said: bool = True
    """False: the numbers around are not this failure's (they are prices, offers, other limits)."""
    guarded: bool = True
    """False for the many rules that have only patterns."""


@dataclass(frozen=True, slots=True)
class Claim:
    """That a rule matched, and on what."""

    rule: Rule
    groups: Mapping[str, str]
    evidence: tuple[str, ...]


def claims(rule: Rule, view: View, providers: Collection[str], facts: Callable[[], Facts]) -> tuple[Claim | None, str]:
    """Return RULE's claim to VIEW, or None and the first condition that did not hold."""
    if rule.guarded and (missing := _cheap(rule, view, providers)):
        return None, missing
    evidence: list[str] = []
    for name, source in rule.headers.items():
        if not _header(name, source, view, evidence):
            return None, f"header {name}"
    for name, source in rule.body.items():
        if not _field(name, source, view, evidence):
            return None, f"body {name}"
    groups: dict[str, str] = {}
    if rule.text is not None and not _text(rule.text, view, groups, evidence):
        return None, "text"
    if rule.not_text is not None and search(rule.not_text, view.low):
        return None, "not_text"
    if rule.fact is not None:
        if not holds(rule.fact, facts()):
            return None, "fact"
        evidence.append(rule.fact)
    return Claim(rule, groups, tuple(evidence)), ""


def _cheap(rule: Rule, view: View, providers: Collection[str]) -> str:
    """Return the first condition that fails without a regular expression, or an empty string."""
    if rule.statuses and view.status not in rule.statuses:
        return "status"
    if rule.not_statuses and view.status in rule.not_statuses:
        return "not_status"
    if rule.faults and view.fault not in rule.faults:
        return "fault"
    if rule.providers and rule.providers.isdisjoint(providers):
        return "provider"
    if rule.not_providers and not rule.not_providers.isdisjoint(providers):
        return "not_provider"
    for name, wanted, seen in (
        ("html", rule.html, view.html),
        ("empty", rule.empty, view.empty),
        ("pasted", rule.pasted, view.pasted),
    ):
        if wanted is not None and wanted != seen:
            return name
    if any(name in view.fields for name in rule.absent):
        return "absent"
    return ""


def _header(name: str, source: str, view: View, evidence: list[str]) -> bool:
    value = view.headers.get(name)
    if value is None or not pattern(source).search(value.lower()):
        return False
    evidence.append(mark("header", name=name, value=value[:80]))
    return True


def _field(name: str, source: str, view: View, evidence: list[str]) -> bool:
    for value in view.fields.get(name, ()):
        if pattern(source).search(value.lower()):
            evidence.append(mark("field", name=name, value=value[:80]))
            return True
    return False


def _text(source: str, view: View, groups: dict[str, str], evidence: list[str]) -> bool:
    """Search the line, then its other reading; remember named groups in the case in which they were written."""
    line, match = view.line, search(source, view.low)
    if match is None and view.glued_line:
        line, match = view.glued_line, search(source, view.glued)
    if match is None:
        return False
    groups.update({k: line[match.start(k) : match.end(k)] for k, v in match.groupdict().items() if v is not None})
    evidence.append(mark("words", value=line[match.start() : match.end()][:120]))
    return True


def read_yaml(path: Path) -> Any:
    """Return what the YAML file at PATH holds."""
    return datafile.from_yaml(path.read_bytes())


def read_rules(path: Path, rank: int = 50) -> list[Rule]:
    """Return the rules in the YAML file at PATH. Raises ConfigError that names file and rule."""
    import yaml  # here: only who has rules of their own needs it

    try:
        entries = read_yaml(path)
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(phrase("rules.unreadable", where=str(path), why=str(error))) from error
    return rules_in(entries, path, rank)


def rules_in(entries: Any, path: Path, rank: int = 50) -> list[Rule]:
    """Return the rules in ENTRIES, the values of the file at PATH. Raises ConfigError that names file and rule."""
    if entries is None:
        return []
    if not isinstance(entries, list):
        raise ConfigError(phrase("rules.no_list", where=str(path)))
    return [_rule(entry, path, rank) for entry in entries]


def _rule(entry: Any, path: Path, rank: int) -> Rule:
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
        raise ConfigError(phrase("rules.needs", where=str(path), entry=f"{entry!r:.80}"))
    where = phrase("rules.where", file=str(path), rule=entry["id"])
    match = entry.get("match")
    if not isinstance(match, dict) or not match or not isinstance(entry.get("subtype"), str):
        raise ConfigError(phrase("rules.no_match", where=where))
    for wrong in [k for k in entry if k not in _KEYS] + [k for k in match if k not in _CONDITIONS]:
        known = ", ".join(sorted(_KEYS | _CONDITIONS))
        raise ConfigError(phrase("rules.unknown", where=where, word=str(wrong), known=known))
    return Rule(
        id=entry["id"], subtype=entry["subtype"], rank=int(entry.get("rank", rank)), window=entry.get("window"),
        dimension=entry.get("dimension"), confidence=entry.get("confidence", "sure"), retry=entry.get("retry"),
        said=entry.get("facts", True) is not False,
        providers=frozenset(_list(match.get("provider"))), not_providers=frozenset(_list(match.get("not_provider"))),
        statuses=frozenset(int(s) for s in _list(match.get("status"))),
        not_statuses=frozenset(int(s) for s in _list(match.get("not_status"))),
        headers={str(k).lower(): str(v) for k, v in match.get("header", {}).items()},
        body={name_of(str(k)): str(v) for k, v in match.get("body", {}).items()},
        absent=tuple(name_of(str(n)) for n in _list(match.get("absent"))),
        text=_joined(match.get("text")), not_text=_joined(match.get("not_text")),
        html=match.get("html"), empty=match.get("empty"), pasted=match.get("pasted"),
        faults=frozenset(_list(match.get("fault"))), fact=match.get("fact"),
        guarded=not match.keys() <= {"text", "not_text", "body", "header", "fact"},
    )  # fmt: skip


def check_patterns(rule: Rule, where: str) -> None:
    """Raise ConfigError if a pattern of RULE cannot be compiled. For users' rules, at load; ours are held by tests."""
    for source in (rule.text, rule.not_text, *rule.headers.values(), *rule.body.values()):
        try:
            pattern(source or "")
        except re.error as error:
            place = phrase("rules.where", file=where, rule=rule.id)
            raise ConfigError(phrase("rules.pattern", where=place, pattern=str(source), why=str(error))) from error


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _joined(value: Any) -> str | None:
    """Several patterns are alternatives."""
    values = _list(value)
    return "|".join(f"(?:{v})" for v in values) if values else None
