"""The page of the manual about all kinds of failure, made from the catalogue so that it cannot differ from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from daemon.explain.catalogue import Catalogue
from daemon.explain.language import Language
from daemon.model import Explanation, Failure, Finding, Retry

LONGEST_EXAMPLE: Final = 230

PREFIXES: Final = {"google": "gemini", "claude": "anthropic", "github_models": "github-models", "watson": "watsonx",
    "codex": "chatgpt", "ollama": "ollama-cloud"}  # fmt: skip
"""Beginnings of rules' ids that are not the provider's id in signs.yaml."""

FAMILIES: Final = ("rate", "request", "quota", "capacity", "access", "gateway", "network", "server", "unknown")
"""In the order of how often people meet them."""


def failure_of(example: Any) -> Failure:
    """Return the failure that an entry of examples.yaml describes: a pasted text, an answer, or a fault."""
    if isinstance(example, str):
        return Failure(text=example)
    return Failure(
        status=example.get("status"),
        headers=tuple(example.get("headers", {}).items()),
        body=example.get("body", "").encode(),
        provider=example.get("provider"),
        fault=example.get("fault"),
        detail=example.get("detail", ""),
    )


def page(catalogue: Catalogue, language: str = "en") -> str:
    """Return the page as Markdown."""
    spoken = catalogue.language(language)
    shown = _examples(catalogue, spoken.name)
    rows = catalogue.subtypes(language)
    heads = spoken.data["teach"]
    out = [f"# {heads['title']}", "", *[str(line) for line in heads["intro"]], ""]
    for family in FAMILIES:
        members = [row for row in rows if row["family"] == family]
        if members:
            out += [f"## {heads['families'][family]}", ""]
        for row in members:
            out += _section(catalogue, spoken, row, shown.get(row["subtype"], {}))
    return "\n".join(out).rstrip("\n") + "\n"


def _section(
    catalogue: Catalogue, language: Language, row: Mapping[str, str], shown: Mapping[str, list[str]]
) -> Iterator[str]:
    """Yield the lines about one subtype."""
    heads = language.data["teach"]
    finding = Finding(subtype=row["subtype"], family=row["family"], retry=cast(Retry, row["retry"]))
    said = catalogue.explain(finding, language=language.name)
    yield from (f"### {said.title} (`{row['subtype']}`)", "", language.join(said.what, said.why), "")
    yield _item(language, _first_upper(language.label("waiting")), row["waiting"])
    yield from _doing(language, said)
    if said.not_this:
        yield _item(language, language.label("not_this"), said.not_this)
    yield from _special(catalogue, language, row["subtype"])
    if shown:
        yield from ("", language.labelled(heads["looks"], "").rstrip(), "")
        yield from ("- " + language.labelled(who or heads["others"], ", ".join(texts)) for who, texts in shown.items())
    yield ""


def _item(language: Language, label: str, text: str) -> str:
    return "- " + language.labelled(f"**{label}**", text)


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _doing(language: Language, said: Explanation) -> Iterator[str]:
    yield _item(language, language.label("do"), "").rstrip()
    yield from (f"  {number}. {action.text}" for number, action in enumerate(said.actions, 1))


def _special(catalogue: Catalogue, language: Language, subtype: str) -> Iterator[str]:
    """Yield what the words say apart for a provider or a window."""
    for key, entry in language.data["subtypes"].items():
        kind, _, provider = key.partition("@")
        base, _, window = kind.partition(".")
        if not provider or base != subtype:
            continue
        name = catalogue.name_of(provider, language.name)
        name = language.beside(name, language.data["windows"][window]) if window else name
        facts = {"provider": name}
        said = language.join(*[language.text(entry.get(part), facts) for part in ("what", "why", "not_this")])
        if said:
            yield _item(language, name, said)


def _examples(catalogue: Catalogue, language: str) -> dict[str, dict[str, list[str]]]:
    """Return subtype -> who answers -> what it looks like, a few each, from the examples of the rules."""
    out: dict[str, dict[str, list[str]]] = {}
    for rule, entries in catalogue.examples().items():
        for example in entries:
            failure = failure_of(example)
            if failure.fault:
                continue
            finding = catalogue.classify(failure)
            prefix = rule.partition(".")[0]
            who = catalogue.name_of(finding.provider or PREFIXES.get(prefix, prefix), language)
            texts = out.setdefault(finding.subtype, {}).setdefault(who, [])
            if len(texts) < (2 if who else 4):
                texts.append(_code(_looks(failure)))
    return {subtype: dict(sorted(whom.items(), key=lambda item: not item[0])) for subtype, whom in out.items()}


def _looks(failure: Failure) -> str:
    if failure.text is not None:
        return failure.text
    headers = [f"{name}: {value}" for name, value in failure.headers]
    return " ".join(filter(None, [f"HTTP {failure.status}", *headers, failure.body.decode()]))


def _code(text: str) -> str:
    """Return TEXT as code on one line of Markdown."""
    line = " ".join(text.split())
    cut = line if len(line) <= LONGEST_EXAMPLE else line[: LONGEST_EXAMPLE - 1] + "…"
    return f"`` {cut} ``" if "`" in cut else f"`{cut}`"
