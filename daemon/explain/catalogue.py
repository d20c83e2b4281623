"""The catalogue: all rules in order, and the finding that the first of them to claim a failure makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, cast

from daemon import datafile
from daemon.errors import ConfigError
from daemon.explain import facts as facts_
from daemon.explain import origin, render, rules, view, words
from daemon.explain.language import Language
from daemon.explain.patterns import holds_one, pieces
from daemon.model import UNREAD, Confidence, Dimension, Explanation, Failure, Finding, Retry, Situation, mark
from daemon.phrases import Phrase, phrase
from daemon.redact import scrub

DATA: Final = Path(datafile.DATA)

USER_RANK: Final = 0
"""A user's own rules look before all of ours (which begin at 1)."""

WINDOWED: Final = frozenset(("rate", "request", "gateway"))
"""Families in which a window named in the text is the failure's own."""


class Catalogue:
    """Rules and words. Loading is lazy: a start costs nothing, the first failure a few tens of milliseconds."""

    def __init__(self, own: tuple[rules.Rule, ...] = ()) -> None:
        self._own = own
        self._languages: dict[str, Language] = {}

    @classmethod
    def load(cls, user_dir: Path | None = None) -> Catalogue:
        """Return the catalogue; rules in USER_DIR/*.yaml come before ours. Raises ConfigError for a wrong file."""
        own: list[rules.Rule] = []
        for path in sorted(user_dir.glob("*.yaml")) if user_dir and user_dir.is_dir() else ():
            own += rules.read_rules(path, USER_RANK)
            for rule in own:
                rules.check_patterns(rule, str(path))
        catalogue = cls(tuple(own))
        for rule in own:
            if rule.subtype not in catalogue._subtypes:
                known = ", ".join(sorted(catalogue._subtypes))
                where = phrase("rules.where", file=str(user_dir), rule=rule.id)
                raise ConfigError(phrase("rules.no_subtype", where=where, subtype=rule.subtype, known=known))
        return catalogue

    @cached_property
    def _subtypes(self) -> Mapping[str, Mapping[str, str]]:
        return cast("Mapping[str, Mapping[str, str]]", _read("subtypes"))

    @cached_property
    def _rules(self) -> tuple[rules.Rule, ...]:
        files = sorted((DATA / "catalogue").glob("rules-*.yaml"))
        ours = [rule for path in files for rule in rules.rules_in(_read(path.stem), path)]
        return (*sorted(self._own, key=lambda r: r.rank), *sorted(ours, key=lambda r: r.rank))

    @cached_property
    def _guarded_rules(self) -> tuple[tuple[tuple[str, ...] | None, rules.Rule], ...]:
        """The rules, each with the pieces of text of which it needs one: most are passed over without being asked."""
        return tuple((pieces(rule.text) if rule.text else None, rule) for rule in self._rules)

    @cached_property
    def _signs(self) -> tuple[origin.Sign, ...]:
        return origin.signs_from(_read("signs"))

    @cached_property
    def _grammar(self) -> facts_.Grammar:
        return facts_.grammar_from(_read("grammar"))

    def without(self, ids: tuple[str, ...]) -> Catalogue:
        """Return the same without the rules whose id begins with one of IDS: how would it do without knowing them?"""
        less = Catalogue(self._own)
        less.__dict__ |= {name: getattr(self, name) for name in ("_subtypes", "_signs", "_grammar", "_languages")}
        less.__dict__["_rules"] = tuple(rule for rule in self._rules if not rule.id.startswith(ids))
        less.__dict__["_guarded_rules"] = tuple(pair for pair in self._guarded_rules if not pair[1].id.startswith(ids))
        return less

    def classify(self, failure: Failure, now: float | None = None) -> Finding:
        """Return what kind of failure it is, with the facts that it states.

        NOW (Unix time of the answer) is needed for a Retry-After that is a date in an answer without a Date. Where our
        own rules cannot be read now, since no file can be opened, the kind is unknown, and the call is not lost for it.
        """
        seen = view.look(failure)
        try:
            return self._classified(seen, failure, now)
        except OSError as error:
            return Finding(
                provider=failure.provider, status=failure.status, rule=UNREAD,
                evidence=(_unread(failure.status, error),), original=seen.original,
            )  # fmt: skip

    def _classified(self, seen: view.View, failure: Failure, now: float | None) -> Finding:
        providers = origin.providers(seen, failure.provider, self._signs)
        known = _Known(seen, self._grammar, now, self._reset_is_wait(providers))
        words_ = f"{seen.low}\n{seen.glued}" if seen.glued_line else seen.low
        for needed, rule in self._guarded_rules:
            if needed is not None and not holds_one(needed, words_):
                continue
            claim, _ = rules.claims(rule, seen, providers, known)
            if claim is not None:
                return self._finding(claim, seen, providers, now)
        return self._finding(None, seen, providers, now)

    def why(self, failure: Failure) -> list[dict[str, Any]]:
        """Return for each rule, in order, whether it claims FAILURE: on which bytes, or what was missing."""
        seen = view.look(failure)
        providers = origin.providers(seen, failure.provider, self._signs)
        known = _Known(seen, self._grammar, None, self._reset_is_wait(providers))
        out = []
        for rule in self._rules:
            claim, missing = rules.claims(rule, seen, providers, known)
            out.append({
                "rule": rule.id, "rank": rule.rank, "subtype": rule.subtype, "matched": claim is not None,
                "on": list(_evidence(claim, seen)) if claim else [], "missing": missing,
            })  # fmt: skip
        return out

    def why_page(self, failure: Failure, language: str = "en", *, width: int = 80) -> str:
        """Return `why` as text for a terminal."""
        return render.why(self.why(failure), self.language(language), width=width)

    def explain(
        self, finding: Finding, situation: Situation | None = None, language: str = "en", *, now: float | None = None
    ) -> Explanation:
        """Put FINDING into words, without a wait that is not true. An unknown LANGUAGE is English. Where the words
        cannot be read now, few do."""
        finding = replace(finding, retry_after_s=finding.true_wait_s)
        try:
            sign = next((s for s in self._signs if s.id == finding.provider), None)
            spoken, english = self.language(language), self.language("en")
        except OSError as error:
            return words.unread(finding, language, _unread(finding.status, error))
        return words.explanation(finding, situation or Situation(), spoken, english, sign, now)

    def retold(
        self, row: Mapping[str, Any], language: str | None = None, *, now: float | None = None
    ) -> Explanation | None:
        """Return the explanation kept in a journal's ROW, as it was given or in LANGUAGE; None without one. A wait that
        it names and that is over at NOW (Unix time) is said to be."""
        kept = row.get("explanation")
        if not isinstance(kept, dict):
            return None
        told = Explanation.from_json(kept)
        ended_at, wait_s = row.get("ended_at"), told.finding.retry_after_s
        until = None if ended_at is None or wait_s is None else ended_at + wait_s
        over = now is not None and until is not None and until < now
        if not over and (language is None or self.language(language).name == told.language):
            return told
        last: Mapping[str, Any] = (row.get("tries") or ({},))[-1]
        body = str(last.get("body") or "").encode("utf-8", "replace")
        headers = tuple((name, value) for name, value, *_ in last.get("headers") or () if value is not None)
        again = self.classify(Failure(last.get("status"), headers, body, provider=row.get("provider")))
        evidence = again.evidence if again.rule == told.finding.rule else ()
        around = Situation(
            call_id=row.get("id"), host=row.get("host"), model=row.get("model"), attempts=int(row.get("attempts") or 0)
        )
        finding = replace(told.finding, evidence=evidence)
        if over:
            finding = replace(finding, retry_after_s=None, reset_at=until)
        return self.explain(finding, around, language or told.language, now=now if over else row.get("started_at"))

    def render(self, explanation: Explanation, *, curl: str | None = None, width: int = 80) -> str:
        """Return the whole text for a terminal."""
        return render.page(explanation, self.language(explanation.language), curl=curl, width=width)

    def short(self, explanation: Explanation, *, width: int = 80) -> str:
        """Return the short form for a terminal: what happened, what happens now, the first thing to do."""
        return render.short(explanation, self.language(explanation.language), width=width)

    def report(
        self, row: Mapping[str, Any], language: str = "en", *, curl: str | None, calls_before: int | None, client: str
    ) -> str:
        """Return Markdown about a journalled call that failed, for a provider's support."""
        from daemon.explain import report  # here, since few calls are reported

        spoken = self.language(language)
        title = words.row(row.get("subtype") or "unknown", spoken)["title"]
        name = self.name_of(str(row.get("provider")), language) or str(row.get("host"))
        return report.report(row, spoken, name=name, title=title, curl=curl, calls_before=calls_before, client=client)

    def subtypes(self, language: str = "en") -> list[dict[str, str]]:
        """Return one row for each subtype: what the manual, README and `explain --list` print."""
        spoken = self.language(language)
        return [
            {
                "subtype": name, "family": entry["family"], "retry": entry["retry"],
                "waiting": str(spoken.data["waiting"][entry["retry"]]), **words.row(name, spoken),
            }
            for name, entry in self._subtypes.items()
        ]  # fmt: skip

    def examples(self) -> Mapping[str, list[Any]]:
        """Return for each rule the errors that it was made for; `daemon.explain.teach` reads them."""
        return cast("Mapping[str, list[Any]]", _read("examples"))

    def name_of(self, provider: str, language: str = "en") -> str:
        """Return what people call PROVIDER; nothing when nobody has this name."""
        called = next((sign.name for sign in self._signs if sign.id == provider), "")
        return str(self.language(language).data["names"].get(provider, called))

    def language(self, name: str) -> Language:
        """Return the words of the language NAME (`ko`, `zh_CN.UTF-8`); English when there are none."""
        short = name.split("-")[0].split("_")[0].lower()
        if short not in self._languages:
            if not short.isalpha() or not (DATA / "words" / f"{short}.yaml").is_file():
                return self.language("en")
            self._languages[short] = Language(short, datafile.read(f"words/{short}"))
        return self._languages[short]

    def _finding(
        self, claim: rules.Claim | None, seen: view.View, providers: tuple[str, ...], now: float | None
    ) -> Finding:
        rule = claim.rule if claim else None
        subtype = rule.subtype if rule else "unknown"
        kind = self._subtypes[subtype]
        stated = self._facts(claim, seen, kind["family"], now, self._reset_is_wait(providers))
        return Finding(
            subtype=subtype, family=kind["family"], retry=cast(Retry, (rule and rule.retry) or kind["retry"]),
            confidence=cast(Confidence, rule.confidence if rule else "guess"),
            provider=providers[0] if providers else None,
            status=seen.status, dimension=cast("Dimension | None", (rule and rule.dimension) or kind.get("dimension")),
            window=stated.window, limit=stated.limit, used=stated.used, requested=stated.requested,
            retry_after_s=stated.retry_after_s, reset_at=stated.reset_at, model=stated.model, plan=stated.plan,
            rule=rule.id if rule else None, evidence=_evidence(claim, seen), original=scrub(seen.original),
        )  # fmt: skip

    def _reset_is_wait(self, providers: tuple[str, ...]) -> bool:
        return any(sign.reset_is_wait for sign in self._signs if sign.id in providers)

    def _facts(
        self, claim: rules.Claim | None, seen: view.View, family: str, now: float | None, reset_is_wait: bool
    ) -> facts_.Facts:
        """Collect what the answer states; whatever a rule says itself wins."""
        rule = claim.rule if claim else None
        stated = facts_.Facts()
        if rule and rule.said and rule.subtype != "unknown":
            stated = facts_.numbers(seen, self._grammar, rule.subtype)
            if stated.limit is None:
                stated = replace(stated, limit=facts_.ceiling(seen, self._subtypes[rule.subtype].get("dimension")))
        window = stated.window or (rule.window if rule else None)
        if window is None and (family in WINDOWED or (rule and rule.subtype in ("plan_window", "not_in_plan"))):
            window = facts_.window(seen, self._grammar)
        wait, reset = facts_.wait(seen, self._grammar, now, reset_is_wait=reset_is_wait)
        stated = replace(
            stated, window=None if window == "none" else window, retry_after_s=wait, reset_at=reset,
            model=facts_.model(seen, self._grammar), plan=facts_.plan(seen, self._grammar),
        )  # fmt: skip
        return facts_.with_groups(stated, claim.groups) if claim else stated


class _Known:
    """The numbers of one failure, worked out when the first rule that compares them asks."""

    def __init__(self, seen: view.View, grammar: facts_.Grammar, now: float | None, reset_is_wait: bool) -> None:
        self._seen = seen
        self._reset_is_wait = reset_is_wait
        self._grammar = grammar
        self._now = now
        self._facts: facts_.Facts | None = None

    def __call__(self) -> facts_.Facts:
        if self._facts is None:
            stated = facts_.numbers(self._seen, self._grammar)
            wait, reset = facts_.wait(self._seen, self._grammar, self._now, reset_is_wait=self._reset_is_wait)
            scarce = facts_.scarce(self._seen)
            self._facts = replace(stated, scarce=scarce, retry_after_s=wait, reset_at=reset)
        return self._facts


def _evidence(claim: rules.Claim | None, seen: view.View) -> tuple[str, ...]:
    out = [mark("status", value=seen.status)] if seen.status is not None else []
    return (*out, *map(scrub, claim.evidence if claim else ()))


def _unread(status: int | None, error: OSError) -> Phrase:
    return phrase("explain.unread", status=status or "-", why=str(error.strerror))


def _read(name: str) -> Any:
    return datafile.read(f"catalogue/{name}")
