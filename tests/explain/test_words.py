"""What people read: always short enough, always filled, never with facts that are not there."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from daemon.explain import Catalogue
from daemon.explain.catalogue import DATA
from daemon.explain.figures import span
from daemon.explain.rules import read_yaml
from daemon.model import Failure, Finding, Situation

CATALOGUE = Catalogue.load()
ENGLISH: dict[str, Any] = read_yaml(DATA / "words" / "en.yaml")
SUBTYPES = CATALOGUE.subtypes()
FULL = {
    "limit": 1_234_567.0, "used": 1_234_560.0, "requested": 98_765.0,
    "model": "a-provider/a-rather-long-model-name-2031-01-01:free",
    "plan": "plus", "original": "No. " * 50,
}  # fmt: skip
OUT_OF_CREDIT = (
    b'{"error":{"message":"You exceeded your current quota, please check your plan and billing details.",'
    b'"type":"insufficient_quota","code":"insufficient_quota"}}'
)
SITUATIONS = [
    Situation(),
    Situation(
        resend_in_s=12.2,
        attempts=3,
        waited_s=40,
        calls_last_minute=60,
        last_success_s=3700,
        key_variable="OPENAI_API_KEY",
    ),
]


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [t for v in value.values() for t in texts(v)]
    return [t for v in value for t in texts(v)] if isinstance(value, list) else [value]


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("provider", ["openai", "gemini", "anthropic", "dashscope", None])
@pytest.mark.parametrize("entry", SUBTYPES, ids=lambda e: e["subtype"])
def test_everything_is_said_within_its_bounds(
    entry: dict[str, str], provider: str | None, situation: Situation
) -> None:
    """With no facts and with all facts, each part is there, the line and the reason fit, and no placeholder is left."""
    for facts in ({}, FULL):
        for window in (None, "minute", "day"):
            finding = Finding(subtype=entry["subtype"], family=entry["family"], retry=entry["retry"], provider=provider,
                              window=window, **facts)  # type: ignore[arg-type]  # fmt: skip
            said = CATALOGUE.explain(finding, situation, now=1_800_000_000.0)
            assert 10 < len(said.line) <= 150
            assert "\n" not in said.line
            assert 0 < len(said.reason) <= 30
            assert said.reason.isascii()
            assert said.title
            assert said.what
            assert said.now
            assert said.actions
            page = CATALOGUE.render(said)
            assert not re.search(r"[{}\[\]]|\bNone\b", page), page


def test_each_subtype_has_all_words() -> None:
    """A subtype without words would be silence."""
    for row in SUBTYPES:
        entry = ENGLISH["subtypes"][row["subtype"]]
        assert {"title", "reason", "line", "what", "why", "actions", "not_this"} <= set(entry), row["subtype"]


@pytest.mark.parametrize("language", ["en", "ko", "zh"])
def test_what_must_be_changed_is_not_called_unknown(language: str) -> None:
    """A rule that knows that the request has to change says so: never `It cannot be told what this is`."""
    subtypes = read_yaml(DATA / "words" / f"{language}.yaml")["subtypes"]
    known = [rule for rule in CATALOGUE._rules if rule.subtype == "unknown" and rule.retry == "change"]
    assert len(known) > 8
    assert [rule.id for rule in known if "title" not in subtypes.get(f"rule {rule.id}", {})] == []


def test_words_name_subtypes_rules_and_facts_that_exist() -> None:
    """A typo in a key or a placeholder would drop a sentence in silence."""
    known = {row["subtype"] for row in SUBTYPES}
    rules = {entry["rule"] for entry in CATALOGUE.why(Failure(text="x"))}
    for key in ENGLISH["subtypes"]:
        if key.startswith("rule "):
            assert key[5:] in rules, key
        else:
            assert re.split(r"[.@]", key)[0] in known, key
    facts = set(re.findall(r"\{(\w+)\}", " ".join(texts(ENGLISH["subtypes"]))))
    assert facts <= {
        "provider", "model", "limit", "used", "requested", "window", "this", "win", "tail", "reset", "reset_in",
        "wait", "plan", "key_variable", "status", "quote", "original", "host", "stated", "pacific",
        "limited", "unpaid", "pacer",
    }  # fmt: skip


def test_brackets_are_not_nested() -> None:
    """Templates are read with one level of optional parts."""
    for text in texts(ENGLISH):
        assert not re.search(r"\[[^\]]*\[", text), text


def test_out_of_credit_at_openai() -> None:
    """The first question of new users is answered: credit is missing, waiting will not help."""
    finding = CATALOGUE.classify(Failure(status=429, provider="openai", body=OUT_OF_CREDIT))
    said = CATALOGUE.explain(finding)
    assert said.line == "OpenAI: no credit left on this account. Waiting will not help: add credit, then send again."
    assert said.reason == "Out of credit"
    assert "ChatGPT Plus does not include API credit" in said.not_this
    assert said.actions[0].url == "https://platform.openai.com/account/billing"


@pytest.mark.parametrize("provider", ["gemini", "vertex", "gemini-cli"])
@pytest.mark.parametrize("what", ["GenerateRequests", "GenerateContentInputTokens"])
def test_a_wait_of_seconds_beside_googles_limit_of_a_day_is_not_told(provider: str, what: str) -> None:
    """The finding keeps what was stated; what is told, and given to programs, has no false promise in it."""
    body = f'{{"error":{{"code":429,"details":[{{"violations":[{{"quotaId":"{what}PerModelPerDay-FreeTier",' \
           f'"quotaValue":"9"}}]}},{{"retryDelay":"22s"}}]}}}}'  # fmt: skip
    finding = CATALOGUE.classify(Failure(status=429, provider=provider, body=body.encode()))
    assert (finding.window, finding.retry_after_s) == ("day", 22)
    said = CATALOGUE.explain(finding)
    assert said.as_json()["retry_after_s"] is None
    assert "22" not in said.line + said.now
    assert "midnight" in said.now or "next day" in said.now


@pytest.mark.parametrize("subtype", ["tokens", "input_tokens", "output_tokens"])
def test_nobody_is_told_that_sluice_waits_for_a_day(subtype: str) -> None:
    """It does not: another model comes first."""
    said = CATALOGUE.explain(Finding(subtype=subtype, family="rate", retry="wait", window="day"))
    assert "another model" in said.actions[0].text


def test_credit_that_is_too_little_is_not_called_none() -> None:
    """OpenRouter says what the call may cost at most: fewer tokens help where no credit is bought."""
    said = CATALOGUE.explain(
        CATALOGUE.classify(
            Failure(text="402 This request requires more credits, or fewer max_tokens. You requested up to 900 tokens")
        )
    )
    assert said.title == "Not enough credit for this call"
    assert "900 tokens" in said.why
    assert "max_tokens" in said.actions[1].text


def test_a_pool_at_rest_may_be_your_own() -> None:
    """Whoever runs the relay is not told that the limit is somebody else's, and hears how long it rests."""
    body = b'{"error":{"code":"model_cooldown","message":"No key is free now","model":"m-9","reset_seconds":600}}'
    said = CATALOGUE.explain(CATALOGUE.classify(Failure(status=429, body=body)))
    assert said.actions[0].text == "Wait 10 min."
    assert "Not your own limit" not in said.not_this


def test_the_month_of_a_trial_key_is_not_paced() -> None:
    """Going slower does not bring back what a month allows; another key does."""
    said = CATALOGUE.explain(
        CATALOGUE.classify(Failure(text="429 You are using a Trial key, which is limited to 900 API calls / month."))
    )
    assert said.actions[0].url == "https://dashboard.cohere.com/billing"
    assert not any("pace" in action.text for action in said.actions)


def test_an_account_of_aws_is_not_asked_for_credit() -> None:
    """Amazon has quotas, and a page for them."""
    said = CATALOGUE.explain(CATALOGUE.classify(Failure(text="ThrottlingException: Rate exceeded")))
    assert not any("credit" in action.text for action in said.actions)
    assert any("servicequotas" in (action.url or "") for action in said.actions)


def test_what_an_organization_switched_off_is_no_matter_of_the_model() -> None:
    """Signing in may be forbidden to a whole organization; an API key is the way then."""
    said = CATALOGUE.explain(CATALOGUE.classify(Failure(text="403 Signing in is not enabled for your organization.")))
    assert said.title == "Not allowed for your organization"
    assert any("API key" in action.text for action in said.actions)


def test_an_account_that_has_bought_credits_is_not_told_to_buy_them() -> None:
    """OpenRouter's larger number a day was reached."""
    body = b'{"error":{"message":"Rate limit exceeded: free-models-per-day-high-balance.","code":429}}'
    said = CATALOGUE.explain(CATALOGUE.classify(Failure(status=429, provider="openrouter", body=body)))
    assert not any("Buy" in action.text for action in said.actions)


def test_credit_in_flight_is_told_only_where_it_is_meant() -> None:
    """Other limits of calls at the same time are not about credit, also at OpenRouter."""
    one = Failure(status=429, provider="openrouter", body=b'{"error":{"message":"At most 3 concurrent requests"}}')
    other = Failure(status=402, provider="openrouter", body=b'{"error":{"reason":"in_flight_budget_exhausted"}}')
    assert "credit" not in CATALOGUE.explain(CATALOGUE.classify(one)).what
    said = CATALOGUE.explain(CATALOGUE.classify(other))
    assert "credit" in said.what
    assert "402" in said.not_this


def test_a_guard_that_names_a_time() -> None:
    """How long to keep still is said, not: some minutes."""
    body = Failure(status=429, headers=(("Retry-After", "7200"),), body=b"error code: 1015")
    for language in ("en", "ko", "zh"):
        said = CATALOGUE.explain(CATALOGUE.classify(body), language=language)
        wait = span(7200, read_yaml(DATA / "words" / f"{language}.yaml"))
        assert wait in said.actions[0].text
        assert wait in said.now


def test_what_the_daemon_knows_is_used() -> None:
    """It says when it sends again, how many calls went out, and when the last one succeeded."""
    finding = CATALOGUE.classify(
        Failure(text="429 too many tokens per minute (TPM): Limit 30000, Used 30000, Requested 5")
    )
    said = CATALOGUE.explain(finding, Situation(resend_in_s=12, calls_last_minute=61, last_success_s=5, attempts=2))
    assert said.line.endswith("Sluice sends it again in 12 s.")
    assert "in the last minute: 61" in said.why
    assert "5 s ago" in said.why


def test_an_unknown_language_is_english() -> None:
    """A locale that has no words yet still gets an explanation; a path is not a language."""
    for language in ("xx", "de_DE", "../../etc", ""):
        assert CATALOGUE.explain(Finding(subtype="tokens"), language=language).language == "en"


@pytest.mark.parametrize(
    ("fault", "detail", "korean", "chinese"),
    [
        (
            "dns",
            "the name h.example cannot be looked up",
            "h.example: 이름을 찾을 수 없어요.",
            "域名 h.example 解析不了。",
        ),
        ("first_byte_timeout", "no answer within 7 s (setting timeouts.first_byte)", "7초 안에 답이", "7 秒内没有回复"),
        ("truncated", "the stream ended without its closing mark", "종료 표시 없이", "流没有结束标记就断了"),
        (
            "tls",
            "the certificate of h.example cannot be trusted (certificate has expired, code 10); "
            "trusted are the authorities in /etc/ssl/certs/ca-certificates.crt (setting ca_file)",
            "신뢰하는 인증 기관은 /etc/ssl/certs/ca-certificates.crt에 있어요(설정 ca_file)",
            "信任的颁发机构在 /etc/ssl/certs/ca-certificates.crt 里（设置 ca_file）",
        ),
        (
            "tls",
            "the certificate of h.example cannot be trusted (certificate has expired, code 10): it was issued by "
            "Middle Box Root and is valid until 2030-01-02 03:04 UTC; trusted are the authorities in /ca.pem "
            "(setting ca_file)",
            "발급자: Middle Box Root, 유효 기한: 2030-01-02 03:04 UTC.",
            "签发者是 Middle Box Root，有效期到 2030-01-02 03:04 UTC；",
        ),
        ("refused", "h:1: Connection refused", "h:1: Connection refused", "h:1: Connection refused"),
    ],
)
def test_what_went_wrong_in_the_network(fault: Any, detail: str, korean: str, chinese: str) -> None:
    """Our own words for it are told, also those that a journal kept in English; the system's own stay as they are."""
    finding = CATALOGUE.classify(Failure(fault=fault, detail=detail))
    for language, words_ in (("en", detail), ("ko", korean), ("zh", chinese)):
        assert words_ in CATALOGUE.explain(finding, language=language).why


def test_a_wait_that_a_kept_explanation_names_and_that_is_over_is_said_to_be() -> None:
    """Whoever asks twenty minutes later is not told to wait for three seconds; in time he is told as it was."""
    finding = Finding(subtype="requests", family="rate", retry="wait", retry_after_s=3.0, status=429)
    kept = CATALOGUE.explain(finding, Situation(call_id="c1"))
    row = {"id": "c1", "ended_at": NOVEMBER, "started_at": NOVEMBER - 1, "explanation": kept.as_json()}
    assert CATALOGUE.retold(row, now=NOVEMBER + 1) == CATALOGUE.retold(row)
    late = CATALOGUE.retold(row, now=NOVEMBER + 1200)
    assert late is not None
    assert "is over" in late.now
    assert "3 s" not in CATALOGUE.render(late)


def test_who_calls_through_sluice_is_not_told_to_let_it_pace() -> None:
    """It does."""
    finding = Finding(subtype="tokens", family="rate", retry="wait", status=429)
    pasted, ours = CATALOGUE.explain(finding), CATALOGUE.explain(finding, Situation(call_id="c1"))
    assert pasted.actions[0].text.startswith("Let Sluice pace your calls")
    assert ours.actions == pasted.actions[1:]


def test_a_call_that_was_not_sent_is_said_to_be() -> None:
    """Whoever has just paid reads that the next call tries, and not only that there is no credit."""
    unsent = "this call was not sent: the same key was refused for this a moment ago"
    finding = Finding(subtype="insufficient_quota", family="quota", retry="never", evidence=(unsent,))
    assert "was not sent" in CATALOGUE.explain(finding).now
    assert "just send again" in CATALOGUE.explain(finding).now


NOVEMBER = 1_795_000_000.0  # 2026-11-18


def test_limits_and_credit_are_named_where_the_status_is_about_them() -> None:
    """Nobody whose call failed otherwise is sent to look at limits; a 429 of which nothing else is known says both."""
    odd = CATALOGUE.explain(CATALOGUE.classify(Failure(text="Something odd has happened")))
    assert not any("limit" in action.text or "credit" in action.text for action in odd.actions)
    bare = CATALOGUE.explain(CATALOGUE.classify(Failure(status=429, body=b"")))
    assert bare.title == "A 429, and nothing says why"


def test_a_known_wait_is_the_first_thing_to_do() -> None:
    """`Wait a little` is no advice where the answer says how long."""
    for failure in (
        Failure(status=429, headers=(("retry-after", "7200"),), body=b'{"error":{"message":"Rate limited"}}'),
        Failure(text="Rate limit exceeded for key, quota will be replenished in 02:00:00, out of call volume quota"),
    ):
        said = CATALOGUE.explain(CATALOGUE.classify(failure))
        assert said.actions[0].text.startswith("Wait 2 h"), said


def test_a_size_below_the_limit_is_not_told_as_too_large() -> None:
    """`It needs 1,244 and at most 2,048 fit` is said by no one: the number is a part of what was asked for."""
    text = "`inputs` tokens + `max_new_tokens` must be <= 2048. Given: 1244 `inputs` tokens and 1000 `max_new_tokens`"
    said = CATALOGUE.explain(CATALOGUE.classify(Failure(text=text)))
    assert "2,048" in said.what
    assert "1,244" not in said.line + said.what
    small = Finding(subtype="request_too_large", family="request", retry="change", requested=5.0, limit=9.0)
    assert "needs" not in CATALOGUE.explain(small).what


def test_a_context_is_not_raised_by_asking() -> None:
    """More tokens a minute can be asked for; how much a model holds cannot."""
    long = "maximum context length is 8000 tokens, however you requested 9000 tokens"
    fast = "Request too large for gpt-9 in organization org-1 on tokens per min (TPM): Limit 8000, Requested 9000."
    for text, asked in ((long, False), (fast, True)):
        said = CATALOGUE.explain(CATALOGUE.classify(Failure(text=text)))
        assert any("Ask for a larger limit" in action.text for action in said.actions) is asked


def test_midnight_in_california_is_told_in_the_readers_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lives elsewhere need not reckon; without a now it stays midnight there."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    finding = Finding(subtype="requests", family="rate", retry="wait", window="day", provider="gemini")
    try:
        said = CATALOGUE.explain(finding, now=1_800_000_000.0)  # 2027-01-15 09:00 in Berlin, midnight in California
        assert "09:00, which is midnight in California" in said.line
        assert "2027-01-16 09:00, which is midnight" in said.now
    finally:
        monkeypatch.undo()
        time.tzset()
    assert "midnight in California (Pacific time)" in CATALOGUE.explain(finding).line
