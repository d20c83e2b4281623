"""What a request is, by its path."""

import pytest

from daemon.providers.routes import route


@pytest.mark.parametrize(
    ("target", "kind", "model"),
    [
        ("/v1/chat/completions", "chat", None),
        ("/openai/v1/chat/completions?x=1", "chat", None),
        ("/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21", "chat", "my-gpt"),
        ("/v1/responses", "responses", None),
        ("/v1/completions", "completions", None),
        ("/v1/embeddings", "embeddings", None),
        ("/v1/images/generations", "images", None),
        ("/v1/audio/transcriptions", "audio", None),
        ("/v1/messages", "messages", None),
        ("/v1/messages/count_tokens", "other", None),
        ("/v1beta/models/gemini-2.5-pro:generateContent", "generate", "gemini-2.5-pro"),
        ("/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse&key=CANARY-1", "generate", "gemini-2.5-pro"),
        ("/v1/projects/p/locations/l/publishers/google/models/g:streamGenerateContent", "generate", "g"),
        ("/v1/projects/p/publishers/anthropic/models/claude@1:streamRawPredict", "messages", "claude@1"),
        ("/v1beta/tunedModels/mine:generateContent", "generate", "mine"),
        ("/v1beta/models/text-embedding-004:batchEmbedContents", "embeddings", "text-embedding-004"),
        ("/v1beta/models/imagen-4:predict", "images", "imagen-4"),
        ("/model/anthropic.claude-v2%3A1/converse-stream", "chat", "anthropic.claude-v2:1"),
        ("/model/meta.llama3:0/invoke", "chat", "meta.llama3:0"),
        ("/api/chat", "chat", None),
        ("/api/generate", "completions", None),
        ("/api/embed", "embeddings", None),
        ("/v1/files", "other", None),
        ("/", "other", None),
        ("", "other", None),
        ("/v1beta/models/" + "x" * 300 + ":generateContent", "generate", None),
    ],
)
def test_posts(target: str, kind: str, model: str | None) -> None:
    """Each API's paths are known wherever a relay puts them; the model is read where the path has it."""
    found = route("POST", target)
    assert (found.kind, found.model) == (kind, model)


@pytest.mark.parametrize(
    ("method", "target", "kind"),
    [
        ("GET", "/v1/models", "models"),
        ("GET", "/v1/models/gpt-4o", "models"),
        ("GET", "/v1beta/models?pageSize=5", "models"),
        ("GET", "/api/tags", "models"),
        ("GET", "/v1/responses/resp_1", "other"),
        ("DELETE", "/v1/models/ft:gpt", "other"),
        ("POST;id", "/v1/chat/completions", "other"),
    ],
)
def test_other_methods(method: str, target: str, kind: str) -> None:
    """Only GETs list models and only POSTs cost tokens."""
    assert route(method, target).kind == kind
