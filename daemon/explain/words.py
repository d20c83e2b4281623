"""A finding in words. The words are data (`data/words/LANGUAGE.yaml`); here is how they are chosen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any, Final

from daemon.daybreak import ZONES, end_of, zone_of
from daemon.explain.figures import amount, clock, span
from daemon.explain.language import Facts, Language, filled, fitted
from daemon.explain.origin import Sign
from daemon.explain.pages import own_page
from daemon.explain.stated import is_over, stated
from daemon.model import Action, Explanation, Finding, Situation, mark
from daemon.phrases import Phrase, recognized

LINE_CHARS: Final = 150
REASON_CHARS: Final = 30


def explanation(
    finding: Finding, situation: Situation, language: Language, english: Language, sign: Sign | None, now: float | None
) -> Explanation:
    """Return FINDING in LANGUAGE, with what SITUATION adds. The HTTP reason phrase is ENGLISH: it must be ASCII."""
    facts = _facts(finding, situation, language, sign, now)
    state = _state(finding, facts)
    facts["tail"] = _chosen(finding, language, "tails", state, facts)
    actions = _advised(_actions(language.entry(finding, "actions"), facts, language), situation, language)
    return Explanation(
        finding=finding,
        language=language.name,
        line=language.counted(fitted(language.entry(finding, "line"), facts, LINE_CHARS)),
        reason=_reason(finding, english),
        title=language.text(language.entry(finding, "title"), facts),
        what=language.text(language.entry(finding, "what"), facts),
        why=language.join(language.text(language.entry(finding, "why"), facts), _around(finding, language, facts)),
        now=_now(finding, language, state, facts),
        actions=_with_own_page(actions, facts["page_own"], finding.family, language),
        not_this=language.text(language.entry(finding, "not_this"), facts),
        evidence=_evidence(finding, language),
    )


def unread(finding: Finding, language: str, why: Phrase) -> Explanation:
    """Return FINDING where no language's words can be read now: nothing but WHY."""
    line = why.told(language)
    return Explanation(finding, language, line, "Unexplained", title=line, what=line, why="", now="")


def row(subtype: str, language: Language) -> dict[str, str]:
    """Return title, what and the first action of SUBTYPE, for tables; without any facts of one failure."""
    facts = {"provider": language.data["somebody"], "pacer": "Sluice"}
    finding = Finding(subtype=subtype)
    actions = _actions(language.entry(finding, "actions"), facts, language)
    return {
        "title": language.text(language.entry(finding, "title"), facts),
        "what": language.text(language.entry(finding, "what"), facts),
        "do": actions[0].text if actions else "",
    }


def _reason(finding: Finding, english: Language) -> str:
    facts = {"win": english.data["short_windows"].get(finding.window or "", "")}
    return fitted(english.entry(finding, "reason"), facts, REASON_CHARS).encode("ascii", "ignore").decode()


def _actions(templates: Any, facts: Facts, language: Language) -> tuple[Action, ...]:
    out, over = [], bool(facts.get("past")) and not facts.get("wait")
    for item in templates or ():
        do, page = (item, None) if isinstance(item, str) else (item["do"], item.get("page"))
        if over and "{reset}" in do:  # it is not waited for what is over
            do = str(language.data["again"])
        text, url = filled(do, facts), facts.get(f"page_{page}") if page else None
        if text and (url or page != "status"):  # "look at the status page" helps nobody without the page
            out.append(Action(text, url or None))
    return tuple(out)


def _advised(actions: tuple[Action, ...], situation: Situation, language: Language) -> tuple[Action, ...]:
    """ACTIONS with the models that have room now as the second thing to do, or the first when Sluice does the rest."""
    if not situation.room:
        return actions
    advice = Action(language.text(language.data["room"], {"models": ", ".join(situation.room)}))
    place = 0 if situation.resend_in_s is not None else 1
    return (*actions[:place], advice, *actions[place:])


def _with_own_page(actions: tuple[Action, ...], own: str, family: str, language: Language) -> tuple[Action, ...]:
    """ACTIONS with OWN, the page that the provider names: it knows better than we where credit is bought. Else it is
    the second thing to do."""
    if not own or any(action.url == own for action in actions):
        return actions
    at = next((at for at, action in enumerate(actions) if action.url), None) if family == "quota" else None
    if at is not None:
        return (*actions[:at], Action(actions[at].text, own), *actions[at + 1 :])
    return (*actions[:1], Action(str(language.data["own_page"]), own), *actions[1:])


def _state(finding: Finding, facts: Facts) -> str:
    """Return what will happen now: a key of `now` and `tails` in the words."""
    if facts.get("resend_in"):
        return "resend"
    if facts.get("past") and not facts.get("wait") and finding.retry in ("wait", "never"):
        return "past"
    if finding.retry == "wait":
        if facts.get("wait") or facts.get("reset"):
            return "wait_known" if facts.get("wait") else "reset_known"
        if facts.get("stated"):
            return "wait_stated"
        return "wait_long" if finding.window in ("day", "week", "month") else "wait"
    if finding.retry == "never" and (facts.get("reset") or facts.get("stated")):
        return "never_reset" if facts.get("reset") else "never_stated"
    return finding.retry


def _chosen(finding: Finding, language: Language, field: str, state: str, facts: Facts) -> str:
    """Return the sentence for STATE: the subtype's own, else the language's."""
    own = language.entry(finding, field) or {}
    for source in (own, language.data[field]):
        for key in (state, state.split("_")[0]):
            if key in source and (text := language.text(source[key], facts)):
                return text
    return ""


def _now(finding: Finding, language: Language, state: str, facts: Facts) -> str:
    """Return what happens now; of a call that was not even sent, that it was not."""
    if mark("unsent") in finding.evidence:
        return str(language.data["unsent"])
    return _chosen(finding, language, "now", state, facts)


def _around(finding: Finding, language: Language, facts: Facts) -> str:
    """Return what the daemon itself saw around the failure."""
    about = language.data["around"]
    return language.join(*[language.text(about.get(key), facts) for key in ("any", finding.family)])


def _evidence(finding: Finding, language: Language) -> str:
    """Return what was seen, and how sure that makes us."""
    seen = language.seen(finding.evidence)
    sure = str(language.data["confidence"][finding.confidence])
    return language.beside(seen, sure) if seen else sure


def _facts(
    finding: Finding, situation: Situation, language: Language, sign: Sign | None, now: float | None
) -> dict[str, str]:
    data = language.data
    reset, said, past = finding.reset_at or None, stated(finding), ""
    if reset is not None and now is not None and reset <= now:
        past, reset = clock(reset, now, data["clock"]), None
    elif is_over(said, now):
        said, past = "", said
    facts = {
        "provider": _called(finding, situation, sign, data),
        "model": finding.model or situation.model or "",
        "host": situation.host or "",
        "status": str(finding.status or ""),
        "limit": amount(finding.limit), "used": amount(finding.used),
        "requested": "" if _is_no_size(finding) else amount(finding.requested),
        "window": data["windows"].get(finding.window or "", ""),
        "this": data["this_windows"].get(finding.window or "", ""),
        "next": data["next_windows"].get(finding.window or "", ""),
        "plan": finding.plan or "",
        "wait": span(finding.retry_after_s or None, data),
        "reset": clock(reset, now, data["clock"]) if reset else "",
        "reset_in": span(reset - now, data) if reset and now is not None else "",
        "stated": said,
        "past": past,
        "pacer": "" if situation.call_id else "Sluice",
        "limited": "429" if finding.status == 429 else "",
        "unpaid": str(finding.status) if finding.status in (402, 403, 429) else "",
        "pacific": _pacific(finding, now, data["clock"]),
        "resend_in": span(situation.resend_in_s, data),
        "waited": span(situation.waited_s, data) if (situation.waited_s or 0) >= 1 else "",
        "attempts": str(situation.attempts) if situation.attempts > 1 else "",
        "calls_last_minute": "" if situation.calls_last_minute is None else amount(situation.calls_last_minute),
        "last_success": span(situation.last_success_s, data),
        "key_variable": situation.key_variable or "",
        "original": finding.original[:300],
        "quote": _quote(finding, language),
    }  # fmt: skip
    facts.update({f"page_{name}": url for name, url in (sign.pages.items() if sign else ())})
    facts["page_own"] = own_page(finding, sign)
    return facts


def _is_no_size(finding: Finding) -> bool:
    """True if what was requested is below the limit that it is said to be above: a part of it, or another number."""
    if finding.subtype != "request_too_large" or finding.requested is None or finding.limit is None:
        return False
    return finding.requested <= finding.limit


def _pacific(finding: Finding, now: float | None, forms: Mapping[str, str]) -> str:
    """Return when the next day begins in California, for people elsewhere: Google's days begin there."""
    if now is None or finding.window != "day" or finding.provider not in ZONES:
        return ""
    zone = zone_of(finding.provider)
    return "" if zone is UTC else clock(end_of("day", now, zone), now, forms)


def _quote(finding: Finding, language: Language) -> str:
    """Return what was said, if it is short. Where nobody answered, these are our own words for what went wrong."""
    said = finding.original.rstrip(".")
    ours = recognized(said, "fault") if finding.family == "network" else None
    if ours:
        return ours.told(language.name)
    return said if len(finding.original) <= 90 else ""


def _called(finding: Finding, situation: Situation, sign: Sign | None, data: Mapping[str, Any]) -> str:
    """Return what to call whoever answered."""
    if sign:
        return str(data["names"].get(sign.id, sign.name))
    return str(situation.host or finding.provider or data["somebody"])
