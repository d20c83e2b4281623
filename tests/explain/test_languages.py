"""Every language says the same things, whole, in its own script, and is chosen where it should be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from daemon.explain import Catalogue
from daemon.explain.catalogue import DATA
from daemon.explain.rules import read_yaml
from daemon.explain.stated import stated
from daemon.explain.teach import failure_of, page
from daemon.model import Explanation, Finding, Situation

CATALOGUE = Catalogue.load()
LANGUAGES = sorted(path.stem for path in (DATA / "words").glob("*.yaml"))
OTHERS = [name for name in LANGUAGES if name != "en"]
WORDS = {name: read_yaml(DATA / "words" / f"{name}.yaml") for name in LANGUAGES}
SIGNS: dict[str, Any] = read_yaml(DATA / "catalogue" / "signs.yaml")
EXAMPLES = [
    (f"{rule}-{number}", failure_of(example))
    for rule, examples in CATALOGUE.examples().items()
    for number, example in enumerate(examples)
]
FULL = Situation(
    host="api.example.com", model="m-9", attempts=3, waited_s=40, calls_last_minute=61, last_success_s=3700,
    resend_in_s=12.2, key_variable="EXAMPLE_API_KEY",
)  # fmt: skip

NAMES = frozenset((
    "API", "APIs", "HTTP", "Sluice", "curl", "max_tokens", "ChatGPT", "Plus", "VPN", "auth-source", "https", "http",
    "UTC", "PDF", "OAuth", "gcloud", "auth", "application-default", "login", "Claude", "token", "LiteLLM", "one-api",
    "new-api", "Cloudflare", "Service", "Quotas", "free", "Location", "LM", "Studio", "Ollama", "num_ctx", "llama",
    "cpp", "ctx-size", "HTTPS_PROXY", "ALL_PROXY",
))  # fmt: skip
"""Names and codes that stay as they are in every language."""


def leaves(value: Any, where: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each text of a language's file with its place; the page of an action is not a text."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "page":
                yield (*where, f"page {inner}"), ""
            else:
                yield from leaves(inner, (*where, str(key)))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, (*where, str(number)))
    else:
        yield where, str(value)


def texts(language: str) -> dict[tuple[str, ...], str]:
    """Return place -> text, without what only English has: the reason phrase, which is ASCII by protocol."""
    return {
        place: text
        for place, text in leaves(WORDS[language])
        if place[-1] != "reason" and place[0] not in ("short_windows", "singular", "names")
    }


def told(explanation: Explanation) -> str:
    """Return all that a person reads, without the provider's own words."""
    parts = [explanation.line, explanation.title, explanation.what, explanation.why, explanation.now]
    parts += [explanation.not_this, explanation.evidence, *[action.text for action in explanation.actions]]
    said = "\n".join(parts)
    original = explanation.finding.original
    for quote in (
        original,
        original[:300],
        original.rstrip("."),
        explanation.finding.model,
        stated(explanation.finding),
    ):
        said = said.replace(quote, "") if quote else said
    return said


def test_there_are_three() -> None:
    """English, Korean and Simplified Chinese."""
    assert {"en", "ko", "zh"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", OTHERS)
def test_the_same_keys_and_placeholders(language: str) -> None:
    """No sentence is missing, none is left over, and each states the same facts."""
    english, other = texts("en"), texts(language)
    assert sorted(other) == sorted(english)
    wrong = [
        place
        for place, text in english.items()
        if sorted(set(re.findall(r"\{\w+\}", text))) != sorted(set(re.findall(r"\{\w+\}", other[place])))
    ]
    assert wrong == []
    assert set(WORDS[language]["names"]) == set(WORDS["en"]["names"])


def left_in_english(said: Explanation) -> set[str]:
    """Return the English words that a person reads, without names, codes and what is quoted."""
    names = {word for sign in SIGNS.values() for word in re.findall(r"[A-Za-z]+", sign["name"])}
    rest = re.sub(r'"[^"]*(?:"|$)|https?://\S+|/api/\S+', " ", told(said))
    rest = re.sub(r"api\.example\.com|m-9|EXAMPLE_API_KEY", " ", rest)
    rest = re.sub(r"(?:헤더|필드|비교|문구|响应头|字段|比较|文字) .*?(?=[;(]|$)", " ", rest, flags=re.MULTILINE)
    left = {word for word in re.findall(r"[A-Za-z_][A-Za-z_-]+", rest) if word not in names | NAMES}
    return left - {said.finding.plan or "", said.finding.provider or ""}


@pytest.mark.parametrize("language", OTHERS)
def test_each_example_in_each_language(language: str) -> None:
    """Each example of the catalogue is explained whole, within its bounds, with no English left but names and codes."""
    for name, failure in EXAMPLES:
        finding = CATALOGUE.classify(failure)
        for situation in (Situation(), FULL):
            said = CATALOGUE.explain(finding, situation, language, now=1_800_000_000.0)
            assert said.language == language, name
            assert 8 < len(said.line) <= 150, name
            assert "\n" not in said.line, name
            assert said.reason.isascii(), name
            assert all((said.title, said.what, said.now, said.actions, said.evidence)), name
            assert left_in_english(said) == set(), (name, said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_lines_stay_short(language: str) -> None:
    """With every fact at its longest, the one line fits an echo area in every language."""
    long = Finding(limit=1_234_567.0, used=1_234_560.0, requested=98_765.0, window="minute", provider="new-api",
                   model="a-provider/a-rather-long-model-name-2031-01-01:free", reset_at=1_893_456_000.0)  # fmt: skip
    for row in CATALOGUE.subtypes(language):
        for retry in ("wait", "never", "change", "unknown"):
            values = {
                name: getattr(long, name) for name in ("limit", "used", "requested", "window", "provider", "model")
            }
            finding = Finding(subtype=row["subtype"], family=row["family"], retry=retry, **values)  # type: ignore[arg-type]
            said = CATALOGUE.explain(finding, FULL, language, now=1_800_000_000.0)
            assert len(said.line) <= 150, said.line
            assert not re.search(r"[{}\[\]]", CATALOGUE.render(said)), said.line


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("ko", "OpenAI: 이 계정에 남은 크레딧이 없어요. 기다려도 소용없으니 충전하고 다시 보내세요."),
        ("zh", "OpenAI：这个账户没有余额了。等也没用：充值之后再发。"),
        ("zh_CN.UTF-8", "OpenAI：这个账户没有余额了。等也没用：充值之后再发。"),
        ("ko-KR", "OpenAI: 이 계정에 남은 크레딧이 없어요. 기다려도 소용없으니 충전하고 다시 보내세요."),
    ],
)
def test_out_of_credit(language: str, line: str) -> None:
    """The most frequent message as a friend would say it; a locale's name is a language too."""
    finding = Finding(subtype="insufficient_quota", family="quota", retry="never", provider="openai")
    assert CATALOGUE.explain(finding, language=language).line == line


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "5 h 20 min"), ("ko", "5시간 20분"), ("zh", "5 小时 20 分钟")],
)
def test_times_are_spoken(language: str, said: str) -> None:
    """Durations and clocks are said in the language."""
    finding = Finding(subtype="requests", family="rate", retry="wait", retry_after_s=19_200.0, window="hour")
    assert said in CATALOGUE.explain(finding, language=language).line
    later = Finding(subtype="plan_window", family="quota", retry="never", reset_at=1_893_456_000.0)
    date = {"en": r"20(29|30)-\d\d-\d\d", "ko": r"20(29|30)년 \d\d월 \d\d일", "zh": r"20(29|30) 年 \d\d 月 \d\d 日"}
    assert re.search(date[language], CATALOGUE.explain(later, language=language, now=1_800_000_000.0).line)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_manual_page_in_each_language(language: str) -> None:
    """The page that teaches all kinds can be made in each language."""
    text = page(CATALOGUE, language)
    assert all(f"(`{row['subtype']}`)" in text for row in CATALOGUE.subtypes())


def test_the_unknown_language_is_english() -> None:
    """A language that has no words yet is no reason to say nothing."""
    assert CATALOGUE.explain(Finding(), language="fr").language == "en"
    assert CATALOGUE.subtypes("fr") == CATALOGUE.subtypes("en")
