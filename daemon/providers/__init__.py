"""What differs between APIs: who answers where, how requests, limits, streams and errors are written."""

from daemon.providers.batching import BatchLimits, NotApart, Part, apart, merged, read_part
from daemon.providers.dialect import ChatRequest
from daemon.providers.directory import load_providers, near_host, provider_for
from daemon.providers.moving import can_move, path_at, path_with_model, with_model
from daemon.providers.provider import Host, Provider
from daemon.providers.stream import StreamReader
from daemon.providers.usage_chunk import UsageChunkRemover, asking_for_usage

__all__ = [
    "BatchLimits",
    "ChatRequest",
    "Host",
    "NotApart",
    "Part",
    "Provider",
    "StreamReader",
    "UsageChunkRemover",
    "apart",
    "asking_for_usage",
    "can_move",
    "load_providers",
    "merged",
    "near_host",
    "path_at",
    "path_with_model",
    "provider_for",
    "read_part",
    "with_model",
]
