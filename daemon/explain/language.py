"""The words of one language, and how a template of theirs is filled.

A template holds `{facts}` and `[optional parts]`, `[either|or]`. An optional part whose facts are not known drops out;
a sentence outside brackets that lacks a fact drops out whole. So nothing is ever said that was not stated or measured.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from daemon.explain.evidence import shown
from daemon.model import Finding

_OPTIONAL: Final = re.compile(r"\[([^\[\]]*)\]")
_FACT: Final = re.compile(r"\{(\w+)\}")
_HAN_GAP: Final = re.compile(
    r"(?<=[\u3000-\u303f\u4e00-\u9fff\uff00-\uff60]) (?=[\u3000-\u303f\u4e00-\u9fff\uff00-\uff60])"
)
"""A Chinese sentence has a blank around a Latin name, and none around a Chinese one."""

Facts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Language:
    """One language's file."""

    name: str
    data: Mapping[str, Any]

    def label(self, name: str) -> str:
        return str(self.data["labels"][name])

    def labelled(self, label: str, text: str) -> str:
        """Return TEXT behind its LABEL, with the colon of the language."""
        return str(self.data["labelled"]).format(label=label, text=text)

    def beside(self, text: str, more: str) -> str:
        """Return TEXT with MORE in the brackets of the language."""
        return str(self.data["beside"]).format(text=text, more=more)

    def seen(self, evidence: Sequence[str]) -> str:
        """Return what was seen, in words. It is written in English marks; what they mark is quoted as it came."""
        return str(self.data["between"]).join([shown(one, self.data["seen"]) for one in evidence])

    def join(self, *sentences: str) -> str:
        """Return SENTENCES as one text; Chinese has no blank between two."""
        return str(self.data["joiner"]).join([s for s in sentences if s])

    def text(self, template: Any, facts: Facts) -> str:
        """Return a sentence or a list of sentences; those that cannot be filled are left out."""
        sentences = template if isinstance(template, list) else [template] if template else []
        return self.counted(self.join(*[filled(t, facts) or "" for t in sentences]))

    def counted(self, text: str) -> str:
        """Return TEXT with `1 requests` mended, in languages that have such a plural."""
        for many, one in self.data["singular"].items():
            text = re.sub(rf"(?<![\d.,])1 {many}\b", f"1 {one}", text)
        return text

    def entry(self, finding: Finding, field: str) -> Any:
        """Return FIELD for FINDING from the narrowest place that has it: rule, provider, window, subtype."""
        subtypes = self.data["subtypes"]
        base, window, provider = finding.subtype, finding.window, finding.provider
        for key in (
            f"rule {finding.rule}",
            f"{base}.{window}@{provider}",
            f"{base}@{provider}",
            f"{base}.{window}",
            base,
        ):
            found = subtypes.get(key)
            if found is not None and field in found:
                return found[field]
        return None


def filled(template: str, facts: Facts, drop: int = 0) -> str | None:
    """Return TEMPLATE with its facts, without its last DROP optional parts; None when a needed fact is not known."""
    parts = list(_OPTIONAL.finditer(template))
    kept: list[str] = []
    at = 0
    for index, part in enumerate(parts):
        kept.append(template[at : part.start()])
        at = part.end()
        if index < len(parts) - drop:
            kept.append(next((v for form in part[1].split("|") if (v := _put(form, facts)) is not None), ""))
    kept.append(template[at:])
    return _put("".join(kept), facts)


def _put(form: str, facts: Facts) -> str | None:
    if any(not facts.get(name) for name in _FACT.findall(form)):
        return None
    text = _HAN_GAP.sub("", _FACT.sub(lambda m: facts[m[1]], form))
    # A provider that has no name is "the provider", which may open a sentence.
    return text[0].upper() + text[1:] if form.startswith("{provider}") and text.startswith("the ") else text


def fitted(template: Any, facts: Facts, most: int) -> str:
    """Return the fullest form of the first template that can be filled and fits into MOST characters."""
    shortest = ""
    for one in template if isinstance(template, list) else [template]:
        for drop in range(len(_OPTIONAL.findall(one)) + 1):
            text = filled(one, facts, drop)
            if text is not None and len(text := " ".join(text.split())) <= most:
                return text
            shortest = text if text and (not shortest or len(text) < len(shortest)) else shortest
    if len(shortest) <= most:
        return shortest
    return shortest[: most - 3].rsplit(" ", 1)[0].rstrip(" ,:;.") + "..."
