"""A finding in words. The words are data (`data/words/LANGUAGE.yaml`); here is how they are chosen and filled.

A template holds `{facts}` and `[optional parts]`, `[either|or]`. An optional part whose facts are not known drops out;
a sentence outside brackets that lacks a fact drops out whole. So nothing is ever said that was not stated or measured.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from daemon.daybreak import ZONES, end_of, zone_of
from daemon.explain.origin import Sign
from daemon.model import Action, Explanation, Finding, Situation
from daemon.phrases import Phrase, recognized

LINE_CHARS: Final = 150
PERSONAL: Final = frozenset(("quota", "access"))
"""Families in which a person has to go somewhere: the page that the provider itself names is one more thing to do."""
REASON_CHARS: Final = 30

_OPTIONAL: Final = re.compile(r"\[([^\[\]]*)\]")
_FACT: Final = re.compile(r"\{(\w+)\}")
_HAN_GAP: Final = re.compile(
    r"(?<=[\u3000-\u303f\u4e00-\u9fff\uff00-\uff60]) (?=[\u3000-\u303f\u4e00-\u9fff\uff00-\uff60])"
)
"""A Chinese sentence has a blank around a Latin name, and none around a Chinese one."""

_PAGE: Final = re.compile(
    r"(?i)(?:https://)?(?P<host>(?:[a-z\d-]+\.)+[a-z]{2,})/[^\s\"'<>()\[\]{}\\|]*[^\s\"'<>()\[\]{}\\|.,;:!?]"
)
_NO_PAGE: Final = re.compile(r"(?i)/docs|/v\d+[a-z]*/|/(?:completions|responses|messages|embeddings)$")
"""What is no page where a person can do something: documents, and addresses of an API."""
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_TIME: Final = r"\d{1,2}(?::\d\d)? ?[ap]m|\d{1,2}:\d\d(?::\d\d)?"
_ZONE: Final = r"(?: ?\([\w/+:-]{2,40}\)| (?:utc|gmt|[pmce][sd]t)\b)?"
_STATED: Final = re.compile(
    r"(?i)\b(?:try(?:ing)? again|retry|resets?|again|available|until|renews?)(?: \w+)?(?: at| on| after)? (?P<at>(?:"
    rf"(?:{'|'.join(_MONTHS)})[a-z]*\.? \d{{1,2}}(?:st|nd|rd|th)?,?(?: \d{{4}},?)?(?: (?:at )?(?:{_DAY_TIME}))?"
    rf"|\d{{4}}-\d\d-\d\d(?:[ t](?:at )?\d\d:\d\d(?::\d\d)?)?|(?:{_DAY_TIME})){_ZONE})"
    r"|(?:将在|将于|于|在) ?(?P<dann>\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?) ?(?:后|之后)?(?:重置|恢复|刷新)"
)
"""A time that the provider prints for people, in a zone of its own or none: it is repeated as it stands."""

_DATE: Final = re.compile(
    r"(?i)(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)"
    rf"|(?P<name>{'|'.join(_MONTHS)})[a-z]*\.? (?P<day>\d{{1,2}})[a-z]*,? (?P<year>\d{{4}})"
)

_UNSENT: Final = re.compile(r"(?P<value>)this call was not sent: the same key was refused for this a moment ago")
_MARKS: Final = (
    ("status", re.compile(r"status (?P<value>\d+)")),
    ("header", re.compile(r"header (?P<value>.+)", re.DOTALL)),
    ("words", re.compile(r"the words (?P<value>.+)", re.DOTALL)),
    ("compared", re.compile(r"(?P<value>\w+ [<>=]+ \w+)")),
    ("counted", re.compile(r"(?P<value>)counted by Sluice before sending: nothing went out")),
    ("unsent", _UNSENT),
    ("waited", re.compile(r"it waited for the network as long as it may \(setting (?P<value>\S+)\)")),
    ("not_again", re.compile(r"(?P<value>)the answer says not to send it again \(x-should-retry: false\)")),
    ("same", re.compile(r"answered as call (?P<value>\S+), which was identical")),
    ("together", re.compile(r"went in one request with call (?P<value>\S+)")),
    ("with_key", re.compile(r"sent with the key or endpoint (?P<value>.+)", re.DOTALL)),
    ("tried", re.compile(r"also tried: (?P<value>.+)", re.DOTALL)),
    ("no_key", re.compile(r"passed over, since (?P<value>\S+ is not set: .+)", re.DOTALL)),
    ("cannot", re.compile(r"passed over, since the call cannot be written for it: (?P<value>.+)", re.DOTALL)),
    ("field", re.compile(r"(?P<value>\S+ \".*\")", re.DOTALL)),
)
"""How a finding writes its evidence: the rules' claims, and the gateway for what it did not even send."""

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
        return str(self.data["between"]).join([_shown(one, self.data["seen"]) for one in evidence])

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
        line=language.counted(_fitted(language.entry(finding, "line"), facts, LINE_CHARS)),
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
    return _fitted(english.entry(finding, "reason"), facts, REASON_CHARS).encode("ascii", "ignore").decode()


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


def _fitted(template: Any, facts: Facts, most: int) -> str:
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


def _own_page(finding: Finding, sign: Sign | None) -> str:
    """Return the page that the provider names, if a person has to go somewhere and it is on one of its own sites."""
    if finding.family not in PERSONAL or sign is None:
        return ""
    sites = {_site(name) for name in (*sign.hosts, *(url.split("/")[2] for url in sign.pages.values()))}
    for found in _PAGE.finditer(finding.original):
        if _site(found["host"].lower()) in sites and not _NO_PAGE.search(found[0]):
            return found[0] if found[0].lower().startswith("https://") else f"https://{found[0]}"
    return ""


def _site(host: str) -> str:
    return ".".join(host.split(".")[-2:])


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
    if any(_UNSENT.fullmatch(one) for one in finding.evidence):
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


def _shown(evidence: str, forms: Mapping[str, str]) -> str:
    for kind, mark in _MARKS:
        if found := mark.fullmatch(evidence):
            return str(forms[kind]).replace("{value}", found["value"])
    return evidence


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
        "limit": amount(finding.limit), "used": amount(finding.used), "requested": amount(finding.requested),
        "window": data["windows"].get(finding.window or "", ""),
        "this": data["this_windows"].get(finding.window or "", ""),
        "next": data["next_windows"].get(finding.window or "", ""),
        "plan": finding.plan or "",
        "wait": span(finding.retry_after_s, data),
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
    facts["page_own"] = _own_page(finding, sign)
    return facts


def _pacific(finding: Finding, now: float | None, forms: Mapping[str, str]) -> str:
    """Return when the next day begins in California, for people elsewhere: Google's days begin there."""
    if now is None or finding.window != "day" or finding.provider not in ZONES:
        return ""
    zone = zone_of(finding.provider)
    return "" if zone is UTC else clock(end_of("day", now, zone), now, forms)


def stated(finding: Finding) -> str:
    """Return when it works again as the provider has put it; nothing where that is known as a time."""
    found = _STATED.search(finding.original) if finding.reset_at is None else None
    return (found["at"] or found["dann"]).strip() if found else ""


def is_over(said: str, now: float | None) -> bool:
    """True if the time that is SAID is of a day that is over at NOW in every zone of the world. A day without its year
    may be one of next year."""
    found = _DATE.search(said) if now is not None else None
    if found is None or now is None:
        return False
    try:
        month = int(found["m"]) if found["m"] else _MONTHS.index(found["name"].lower()) + 1
        day = datetime(int(found["y"] or found["year"]), month, int(found["d"] or found["day"]), tzinfo=UTC)
    except ValueError:
        return False
    return now > (day + timedelta(days=1, hours=12)).timestamp()


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


def amount(value: float | None) -> str:
    """Return a number for people: `40,000`, `2.5`; empty for None."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}".rstrip("0")


def span(seconds: float | None, data: Mapping[str, Any]) -> str:
    """Return a duration for people, rounded up: `12 s`, `7 min 12 s`, `5 h 20 min`, `2 days 3 h`; empty for None."""
    if seconds is None or seconds < 0:
        return ""
    if 0 < seconds < 1:
        return str(data["moment"])
    whole = int(-(-seconds // 1))
    sizes = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
    parts: list[str] = []
    for unit, size in sizes:
        count, whole = divmod(whole, size)
        if count or (unit == "second" and not parts):
            parts.append(str(data["units"]["days" if unit == "day" and count > 1 else unit]).format(n=count))
        elif parts:
            break
    return " ".join(parts[:2])


def clock(at: float, now: float | None, forms: Mapping[str, str]) -> str:
    """Return a local time for people: `14:05` today, else with its date."""
    try:
        local = time.localtime(at)
    except (ValueError, OverflowError, OSError):
        return ""
    today = now is not None and time.localtime(now)[:3] == local[:3]
    form = forms["today" if today else "later"]
    # Not strftime alone: in the C locale it cannot write a Korean or Chinese form.
    return re.sub("%[HMYmd]", lambda part: time.strftime(part[0], local), form)
