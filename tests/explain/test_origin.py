"""Who answered is found from the host, headers and words, in this order."""

from __future__ import annotations

import pytest

from daemon.explain import Catalogue
from daemon.model import Failure
from daemon.providers.directory import load_providers

CATALOGUE = Catalogue.load()


@pytest.mark.parametrize(
    ("failure", "provider"),
    [
        (Failure(status=429, provider="groq", host="api.openai.com"), "groq"),
        (Failure(status=429, host="api.openai.com:443"), "openai"),
        (Failure(status=429, host="my-resource.openai.azure.com"), "azure"),
        (Failure(status=429, headers=(("openai-organization", "me"),)), "openai"),
        (Failure(text="see https://ai.google.dev/gemini-api/docs"), "gemini"),
        (Failure(text="see https://platform.openai.com/account/limits"), "openai"),
        (Failure(text="AnthropicException - no"), "anthropic"),
        (Failure(text="the llama runner has stopped, look at the log of ollama"), "ollama"),
        (Failure(text="429 you have reached your weekly usage limit: https://ollama.com/upgrade"), "ollama-cloud"),
        (Failure(text="Error: model big-9:cloud of ollama is not there"), "ollama-cloud"),
        (Failure(text="you have 0 neurons left of 300 neurons"), "cloudflare-ai"),
        (Failure(text='{"error": {"message": "no", "details": [{"retryDelay": "8s"}]}}'), "gemini"),
        (Failure(text="You're out of extra usage"), "anthropic"),
        (Failure(text="This call requires more credits, or fewer max_tokens."), "openrouter"),
        (Failure(text="You have 3 credits remaining, while 9 credits are required"), "elevenlabs"),
        (Failure(text="ServiceQuotaExceededException: no"), "bedrock"),
        (Failure(text="no idea"), None),
    ],
)
def test_the_provider(failure: Failure, provider: str | None) -> None:
    """Whom we asked is certain; a sign in the text is taken when nothing else tells."""
    assert CATALOGUE.classify(failure).provider == provider


def test_signs_bear_the_names_of_the_providers() -> None:
    """Whom we asked is told by the name in providers.yaml: with another name here, links and words would be lost."""
    called = 0
    for provider in load_providers().values():
        for host in provider.hosts:
            found = CATALOGUE.classify(Failure(status=429, host=host.pattern.replace("*", "x"))).provider
            assert found in (None, provider.name), host.pattern
            called += found is not None
    assert called > 40


def test_a_used_up_codex_plan_has_its_name_and_its_links() -> None:
    """Asked by the name that the daemon has for it, it is not called by its host."""
    body = b'{"error":{"type":"usage_limit_reached","message":"The limit is reached","plan_type":"plus"}}'
    finding = CATALOGUE.classify(Failure(status=429, provider="chatgpt", host="chatgpt.com", body=body))
    told = CATALOGUE.explain(finding)
    assert told.line.startswith("ChatGPT (Codex)")
    assert any(action.url for action in told.actions)


@pytest.mark.parametrize(
    ("request_id", "message", "provider"),
    [
        ("req_011CUx", "Overloaded", "anthropic"),
        ("req_7f", "Too much", "anthropic"),
        ("05997465cd2ee4bd", "Too much", None),
        ("05997465cd2ee4bd", "insufficient balance (1008)", "minimax"),
    ],
)
def test_the_form_of_an_answer_is_not_its_sender(request_id: str, message: str, provider: str | None) -> None:
    """Many speak Anthropic's dialect: a request id of another form shows that somebody else answered."""
    error = f'{{"type":"error","error":{{"type":"api_error","message":"{message}"}},"request_id":"{request_id}"}}'
    assert CATALOGUE.classify(Failure(text=f"API Error: 500 {error}")).provider == provider


@pytest.mark.parametrize(
    ("text", "provider"),
    [
        ("openai.RateLimitError: Error code: 429 - {'error_msg': 'no'}", None),
        ("the openai servers are away", "openai"),
        ('429 {"type":"error","error":{"type":"rate_limit_error","message":"no"}}', "anthropic"),
        ('Upstream KIMI said {"type":"error","error":{"type":"rate_limit_error","message":"no"}}', "moonshot"),
        ("Databricks: RESOURCE_EXHAUSTED", "databricks"),
        ("8 RESOURCE_EXHAUSTED: no", "gemini"),
        ("azure-openai error: consider Provisioned Throughput", "azure"),
    ],
)
def test_what_others_have_copied_counts_last(text: str, provider: str | None) -> None:
    """A client's class is nobody's sign; an envelope or a status counts only where nobody has left a sign."""
    assert CATALOGUE.classify(Failure(text=text)).provider == provider
