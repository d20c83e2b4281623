"""Model names that ask for trouble."""

from __future__ import annotations

from daemon.sandbox.pages import PAGES
from daemon.sandbox.settings import SandboxSettings
from daemon.sandbox.tricks import TRICKS, Tries, find, names, trouble
from daemon.sandbox.wire import PLAYS


def test_each_trick_can_be_played():
    """A page, a play on the wire, or an error in the API's form: each has one, and none is left over."""
    assert {name for name, trick in TRICKS.items() if trick.form == "page"} == set(PAGES)
    assert {name for name, trick in TRICKS.items() if trick.form == "wire"} == set(PLAYS)
    assert all((trick.kind is None) == bool(trick.form) for trick in TRICKS.values())


def test_names_are_listed_with_a_line():
    """Each has something to say."""
    assert all(about for about in names().values())
    assert {"echo", "insufficient-quota", "hang"} <= set(names())


def test_once_is_a_suffix_of_any_trick():
    """A name with -once is the trick, once; other names are no tricks."""
    assert find("overloaded-once") == ("overloaded", TRICKS["overloaded"], True)
    assert find("overloaded") == ("overloaded", TRICKS["overloaded"], False)
    assert find("gpt-4o")[1] is None
    assert find("at-once")[1] is None


def test_once_plays_for_the_first_attempt_of_each_body():
    """Then the same body passes, and after that it begins anew."""
    tries, trick = Tries(), TRICKS["reset"]
    assert tries.left_s(b"a", trick, True, None, 0.0) is not None
    assert tries.left_s(b"b", trick, True, None, 0.1) is not None
    assert tries.left_s(b"a", trick, True, None, 0.2) is None
    assert tries.left_s(b"a", trick, True, None, 0.3) is not None


def test_rate_tricks_clear_after_their_wait():
    """Too early: the rest of the wait is told; then it passes."""
    tries, trick = Tries(), TRICKS["requests-per-minute"]
    assert [tries.left_s(b"a", trick, False, 3.0, 10.0) for _ in range(2)] == [3.0, 3.0]
    assert tries.left_s(b"a", trick, False, 3.0, 11.0) == 2.0
    assert tries.left_s(b"a", trick, False, 3.0, 13.0) is None


def test_figures_agree_with_the_wait():
    """(used + requested - limit) / limit of the period is the wait that is told."""
    settings = SandboxSettings()
    for name in ("requests-per-minute", "tokens-per-minute", "rate-limit", "requests-per-day", "tokens-per-day"):
        t = trouble(name, TRICKS[name], settings)
        period = settings.day_s if t.window == "day" else settings.minute_s
        assert t.wait_s is not None
        assert abs((t.used + t.requested - t.limit) / t.limit * period - t.wait_s) < 0.01, name
