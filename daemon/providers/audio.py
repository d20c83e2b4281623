"""How long is an uploaded recording? Read from its container, as far as needed and no further.

Speech providers limit seconds of audio (Groq: per hour and day). Containers: RIFF/WAVE, FLAC (RFC 9639), MPEG audio,
Ogg (RFC 3533, Opus: RFC 7845), ISO base media (mp4, m4a: the `mvhd` box). Of another one the length is guessed from
its size.
"""

from __future__ import annotations

import re
import struct
from typing import Final

GUESSED_BYTES_A_SECOND: Final = 4000.0
"""32 kbit/s, usual for speech in WebM."""
_LONGEST_S: Final = 86_400.0
_BOUNDARY: Final = re.compile(r'boundary="?([^";,]{1,200})', re.IGNORECASE)
_FILE: Final = re.compile(rb'content-disposition:[^\r\n]{0,500}\bname="?file"?\b[^\r\n]*', re.IGNORECASE)
_BITRATES: Final = {
    "1": (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    "2": (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""kbit/s of MPEG layer III by version (1; 2 and 2.5) and index (ISO 11172-3, 13818-3)."""
_TAIL: Final = 65_536


def seconds_in_upload(content_type: str, body: bytes) -> float:
    """Return the seconds of the part `file` in a multipart BODY; 0 when there is none."""
    found, boundary = _FILE.search(body), _BOUNDARY.search(content_type)
    if found is None or boundary is None:
        return 0.0
    start = body.find(b"\r\n\r\n", found.end())
    if start < 0:
        return 0.0
    end = body.find(b"\r\n--" + boundary[1].strip().encode("latin-1", "replace"), start + 4)
    return seconds_of(body[start + 4 : end if end >= 0 else len(body)])


def seconds_of(recording: bytes) -> float:
    """Return how long RECORDING lasts, never negative and a day at most; guessed where the container does not tell."""
    told: float | None = None
    try:
        told = _told(recording)
    except (struct.error, IndexError, ZeroDivisionError, OverflowError):
        told = None  # it is cut, or not what it begins like
    guess = len(recording) / GUESSED_BYTES_A_SECOND
    return min(_LONGEST_S, told if told is not None and 0 <= told < _LONGEST_S else guess)


def _told(recording: bytes) -> float | None:
    head = recording[:12]
    if head[:4] == b"RIFF" and head[8:] == b"WAVE":
        return _wave(recording)
    if head[:4] == b"fLaC":
        return _flac(recording)
    if head[:4] == b"OggS":
        return _ogg(recording)
    if head[4:8] == b"ftyp":
        return _iso(recording)
    if head[:3] == b"ID3" or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0):
        return _mpeg(recording)
    return None


def _wave(recording: bytes) -> float | None:
    """Size of the data by bytes a second. A stream states 0 or 0xFFFFFFFF as its size: then the rest counts."""
    at, rate = 12, 0
    while at + 8 <= len(recording):
        name, size = recording[at : at + 4], struct.unpack_from("<I", recording, at + 4)[0]
        if name == b"fmt ":
            rate = struct.unpack_from("<I", recording, at + 16)[0]
        if name == b"data":
            rest = len(recording) - at - 8
            return float((min(size, rest) if size else rest) / rate)
        at += 8 + size + size % 2
    return None


def _flac(recording: bytes) -> float | None:
    """Samples by samples a second, both in STREAMINFO, which comes first."""
    packed = int.from_bytes(recording[18:26], "big")
    rate, samples = packed >> 44, packed & ((1 << 36) - 1)
    return samples / rate if samples else None


def _ogg(recording: bytes) -> float | None:
    """The position of the last page, by 48 kHz for Opus, else by the rate that Vorbis states."""
    last = recording.rfind(b"OggS", max(0, len(recording) - _TAIL))
    position = struct.unpack_from("<q", recording, last + 6)[0] if last >= 0 else -1
    vorbis = recording.find(b"\x01vorbis", 0, 4096)
    rate = struct.unpack_from("<I", recording, vorbis + 12)[0] if vorbis >= 0 else 48_000
    return float(position / rate) if position > 0 else None


def _iso(recording: bytes) -> float | None:
    """Duration by time scale, in the movie header."""
    at = recording.find(b"mvhd")
    if at < 0:
        return None
    long = recording[at + 4] == 1
    scale, length = struct.unpack_from(">IQ" if long else ">II", recording, at + (24 if long else 16))
    return float(length / scale)


def _mpeg(recording: bytes) -> float | None:
    """Size by the bit rate of the first frame; with a variable rate it is near enough."""
    at = 0
    if recording[:3] == b"ID3":
        size = 0
        for byte in recording[6:10]:
            size = size << 7 | (byte & 0x7F)
        at = 10 + size
    if recording[at] != 0xFF or recording[at + 1] & 0xE0 != 0xE0 or recording[at + 1] & 0x06 != 0x02:
        return None  # layer III only
    version = "1" if recording[at + 1] & 0x18 == 0x18 else "2"
    index = recording[at + 2] >> 4
    if not 0 < index < 15:
        return None
    return (len(recording) - at) * 8 / (_BITRATES[version][index] * 1000)
