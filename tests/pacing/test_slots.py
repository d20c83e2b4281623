"""How many at once."""

from daemon.pacing.slots import MOST, Ramp, Slots


def test_slots_go_down_once_per_round_trip_and_up_again_with_successes() -> None:
    """Ten refusals of calls that were in flight together cut the limit once."""
    slots = Slots(20, 20)
    slots.used = 19
    for _ in range(10):
        slots.too_many(sent_at=1.0, now=2.0)
    assert slots.limit == 14.0
    for _ in range(100):
        slots.succeeded(1.0)
    assert slots.limit == 20.0


def test_when_one_more_may_go() -> None:
    """Two of three run, thirty seconds each: one goes now, the next one when the first of them ends. Of a limit that
    was lowered more have to end. While no answer has ended, only what is free is known."""
    slots = Slots(3, 3, stated=True)
    for seq, at in ((1, 0.0), (2, 10.0)):
        slots.take(seq, at)
    assert [slots.free_in_s(ahead, 20.0) for ahead in (0, 1)] == [0.0, 0.0]
    assert slots.free_in_s(0, 20.0, kept=1) is None
    slots.give(1, 30.0, whole=True)
    slots.take(3, 30.0)
    assert [slots.free_in_s(ahead, 35.0) for ahead in (0, 1, 2, 3)] == [0.0, 5.0, 25.0, 30.0]
    slots.limit = 1.0
    assert [slots.free_in_s(ahead, 35.0) for ahead in (0, 1)] == [25.0, 35.0]


def test_slots_never_fall_below_one() -> None:
    """One call may always go."""
    slots = Slots(4, 4)
    for at in range(20):
        slots.too_many(sent_at=float(at), now=at + 0.5)
    assert slots.free()


def test_a_stated_limit_is_the_ceiling() -> None:
    """A concurrency header replaces the default."""
    slots = Slots(64, 64)
    slots.cap(3)
    assert (slots.limit, slots.top) == (3, 3)


def test_as_many_run_as_a_minute_lets_through() -> None:
    """Long answers are under way together; up to a bound, and never beyond a stated limit."""
    slots = Slots(64, 64)
    slots.expect(30)
    assert slots.limit == 64
    slots.expect(600)
    assert slots.limit == 600
    slots.expect(10_000)
    assert slots.limit == MOST
    stated = Slots(64, 64)
    stated.cap(80)
    stated.expect(600)
    assert stated.limit == 80


def test_what_was_lowered_grows_there_by_successes() -> None:
    """A refusal says more than a limit a minute."""
    slots = Slots(8, 8)
    slots.used = 7
    slots.too_many(sent_at=1.0, now=2.0)
    slots.expect(100)
    assert slots.limit < 8
    for _ in range(10_000):
        slots.succeeded(1.0)
    assert slots.limit == 100


def test_after_an_overload_they_come_back_sooner() -> None:
    """That a provider was overloaded says nothing of what it takes in a moment: forty answers bring twenty slots back,
    where a limit of how many at once gets two."""
    for passing, back in ((True, 20), (False, 2)):
        slots = Slots(64, 64)
        slots.used = 20
        slots.too_many(1.0, 2.0, passing=passing)
        low = slots.limit
        for _ in range(40):
            slots.succeeded(1.0)
        assert slots.limit == low + back


def test_a_person_does_not_wait_for_a_slot_that_only_we_have_not_got() -> None:
    """Eight calls of persons go beyond a limit that nobody stated and nothing has shown."""
    slots, stated, shown = Slots(64, 64), Slots(64, 64, stated=True), Slots(90, 90)
    slots.used = stated.used = shown.used = 64
    shown.too_many(1.0, 2.0)
    assert not slots.free()
    assert slots.free(urgent=True)
    assert not stated.free(urgent=True)
    assert not shown.free(urgent=True)
    slots.used = 72
    assert not slots.free(urgent=True)


def grown(took_s: float, *, used: int = 64, stated: bool = False) -> float:
    """How many at once after eight answers of a second and a hundred that took TOOK_S with USED beside them."""
    slots = Slots(64, 64, stated=stated)
    for _ in range(8):
        slots.succeeded(1.0)
    slots.used = used
    for _ in range(100):
        slots.succeeded(took_s)
        slots.used += slots.used == slots.limit - 1
    return slots.limit


def test_where_nobody_says_how_many_more_are_tried_while_it_gains_something() -> None:
    """Twice as many with each round of answers, while all are in use and answers take no longer for it: a server that
    lets calls wait gets no more of them. Who has stated a number gets that."""
    assert grown(1.5) == 164
    assert grown(4.0) == 64
    assert grown(1.5, used=40) == 64
    assert grown(1.5, stated=True) == 64


def test_beyond_the_first_burst_calls_keep_a_gap() -> None:
    """A refusal comes back before the next one goes; no answer is waited for."""
    ramp = Ramp(4, 0.1, 120.0, heard=True)
    for _ in range(4):
        assert ramp.wait_s(0.0) == 0
        ramp.sent(0.0)
    assert ramp.wait_s(0.0) <= 0.1
    assert ramp.wait_s(0.1) == 0
    ramp.settled = True
    assert ramp.wait_s(0.0) == 0.025
    assert ramp.wait_s(10.0) == 0


def test_before_the_first_answer_the_gap_is_longer() -> None:
    """While nothing at all is known, four calls go at once and the others one a second; after the first answer, or
    where the user has stated the limits, the gap is the usual one."""
    ramp = Ramp(4, 0.1, 120.0)
    for _ in range(4):
        assert ramp.wait_s(0.0) == 0
        ramp.sent(0.0)
    assert ramp.wait_s(0.0) == 1.0
    ramp.answered()
    assert ramp.wait_s(0.0) <= 0.1
    told = Ramp(4, 0.1, 120.0, heard=True)
    for _ in range(4):
        told.sent(0.0)
    assert told.wait_s(0.0) == 0.1


def test_calls_that_take_much_of_a_limit_end_the_first_burst() -> None:
    """Two calls of a twentieth each may go at once; the third waits until it is known whether the limit holds in
    slices. After a pause it may again."""
    ramp = Ramp(4, 0.1, 120.0, heard=True)
    for _ in range(2):
        assert ramp.wait_s(0.0) == 0
        ramp.sent(0.0, 0.05)
    assert ramp.wait_s(0.0) > 0
    ramp.sent(0.2, 0.05)
    assert ramp.wait_s(10.0) == 0


def test_who_shares_a_key_keeps_the_gap() -> None:
    """Others may be in between at any time: no burst, and the gap stays as it was when the limits are known."""
    ramp = Ramp(4, 0.1, 120.0, heard=True, settled=True)
    ramp.sent(0.0)
    assert ramp.wait_s(0.0) == 0
    ramp.crowded = True
    assert ramp.wait_s(0.0) == 0.1
