"""What differs between APIs: who answers where, how requests, limits, streams and errors are written."""

from daemon.providers.dialect import ChatRequest
from daemon.providers.directory import load_providers, provider_for
from daemon.providers.provider import Host, Provider
from daemon.providers.stream import StreamReader
from daemon.providers.usage_chunk import UsageChunkRemover, asking_for_usage

__all__ = [
    "ChatRequest",
    "Host",
    "Provider",
    "StreamReader",
    "UsageChunkRemover",
    "asking_for_usage",
    "load_providers",
    "provider_for",
]
