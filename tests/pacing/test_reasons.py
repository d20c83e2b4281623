"""Figures, durations and limits, in words."""

import pytest

from daemon.pacing.reasons import duration, number, per, refused_by, used_up


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "0"), (940, "940"), (1200, "1.2k"), (38_000, "38k"), (1_500_000, "1.5M")]
)
def test_numbers_are_short(amount: float, text: str) -> None:
    """Readable at a glance."""
    assert number(amount) == text


@pytest.mark.parametrize(
    ("seconds", "text", "korean", "chinese"),
    [
        (1.23, "1.2 s", "1.2초", "1.2 秒"),
        (45, "45 s", "45초", "45 秒"),
        (432, "7 min 12 s", "7분 12초", "7 分 12 秒"),
        (60, "1 min", "1분", "1 分钟"),
        (7500, "2 h 5 min", "2시간 5분", "2 小时 5 分"),
        (1_036_800, "12 days", "12일", "12 天"),
        (-1, "0.0 s", "0.0초", "0.0 秒"),
    ],
)
def test_durations_are_as_people_say_them(seconds: float, text: str, korean: str, chinese: str) -> None:
    """Not 432.0 s, and with the units of each language."""
    said = duration(seconds)
    assert (said, said.told("ko"), said.told("zh")) == (text, korean, chinese)


@pytest.mark.parametrize(
    ("period", "english", "chinese"),
    [
        ("minute", "input tokens per minute", "每分钟输入 token 数的限额"),
        ("3 days", "input tokens per 3 days", "每 3 天输入 token 数的限额"),
        ("10 s", "input tokens per 10 s", "每 10 秒输入 token 数的限额"),
        ("5 hours", "input tokens per 5 hours", "每 5 hours 的输入 token 数的限额"),
    ],
)
def test_limits(period: str, english: str, chinese: str) -> None:
    """A limit has a name in each language, whatever its period."""
    said = per("input_tokens", period)
    assert (said, said.told("zh")) == (english, chinese)


def test_what_is_used_up() -> None:
    """A row of the queue, and why a call has to go again."""
    assert used_up("requests", "minute").told("ko") == "분당 요청 한도를 다 썼어요"
    assert refused_by("tokens", "day") == "the limit of tokens per day is used up"
