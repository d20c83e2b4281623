"""How long recordings are."""

from __future__ import annotations

import io
import struct
import wave

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.providers.audio import seconds_in_upload, seconds_of


def wav(seconds: float, rate: int = 16_000) -> bytes:
    """Silence, as Python's own library writes it."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"\0\0" * int(seconds * rate))
    return out.getvalue()


def flac(seconds: int, rate: int = 44_100) -> bytes:
    packed = rate << 44 | 1 << 41 | 15 << 36 | seconds * rate
    return b"fLaC\0\0\0\x22" + b"\0" * 10 + packed.to_bytes(8, "big") + b"\0" * 2000


def page(position: int, data: bytes) -> bytes:
    return b"OggS\0\0" + struct.pack("<q", position) + b"\0" * 12 + b"\x01" + bytes([len(data)]) + data


def mvhd(seconds: int) -> bytes:
    header = b"\0" * 12 + struct.pack(">II", 1000, seconds * 1000)
    return b"\0\0\0\x18ftypM4A \0\0\0\0" + b"\0" * 50_000 + b"\0\0\0\x6cmoov\0\0\0\x6cmvhd" + header


RECORDINGS = [
    ("wave", wav(12.5), 12.5),
    ("wave from a stream", wav(3.0)[:40] + b"\xff\xff\xff\xff" + wav(3.0)[44:], 3.0),
    ("flac", flac(90), 90.0),
    ("opus", page(0, b"OpusHead") + b"\0" * 5000 + page(20 * 48_000, b"end"), 20.0),
    ("vorbis", page(0, b"\x01vorbis\0\0\0\0\x01" + struct.pack("<I", 44_100)) + page(10 * 44_100, b"end"), 10.0),
    ("m4a", mvhd(42), 42.0),
    ("mp3", b"\xff\xfb\x90\x00" + b"\0" * 159_996, 10.0),  # MPEG 1, 128 kbit/s
    ("mp3 with a picture", b"ID3\x04\0\0\0\0\x07\x68" + b"\0" * 1000 + b"\xff\xfb\x90\x00" + b"\0" * 159_996, 10.0),
    ("something else", b"\x1aE\xdf\xa3" + b"\0" * 39_996, 10.0),
    ("a flac without its end", b"fLaC" + b"\0" * 3996, 1.0),
    ("nothing", b"", 0.0),
]


@pytest.mark.parametrize(
    ("recording", "seconds"), [case[1:] for case in RECORDINGS], ids=[case[0] for case in RECORDINGS]
)
def test_each_container_tells_its_length(recording: bytes, seconds: float) -> None:
    """And of what is no container that we read, or is cut, the size tells roughly."""
    assert seconds_of(recording) == pytest.approx(seconds, rel=0.02)


def test_the_recording_is_found_in_an_upload() -> None:
    """Whatever the order of the parts and the quoting of names; without a file it is nothing."""
    file = b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
    model = b'--B\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
    for parts in ((file + wav(2.0) + b"\r\n", model), (model, file + wav(2.0) + b"\r\n")):
        assert seconds_in_upload('multipart/form-data; boundary="B"', b"".join(parts) + b"--B--\r\n") == 2.0
    assert seconds_in_upload("multipart/form-data; boundary=B", model + b"--B--\r\n") == 0.0
    assert seconds_in_upload("multipart/form-data", file + wav(2.0)) == 0.0


@given(st.binary(max_size=200), st.sampled_from([case[1] for case in RECORDINGS]), st.integers(0, 60))
def test_a_damaged_recording_has_some_length(noise: bytes, recording: bytes, at: int) -> None:
    """Whatever the bytes: no error, nothing negative, a day at most."""
    assert 0 <= seconds_of(recording[:at] + noise + recording[at + len(noise) : 1000]) <= 86_400
