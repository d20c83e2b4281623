"""Clocks and sleep."""

from daemon.pacing.clocks import SleepWatch, boottime


def test_boottime_goes_forward() -> None:
    """It is a clock."""
    first = boottime()
    assert boottime() >= first


def test_a_late_timer_means_that_the_machine_slept() -> None:
    """With a clock that counts sleep, only the timer stood still: nothing has to be added."""
    watch = SleepWatch()
    assert watch.look(100.0, 5000.0, 100.0) is None
    sleep = watch.look(3710.0, 8610.0, 110.0)
    assert sleep is not None
    assert (sleep.gap_s, sleep.stood_still_s) == (3600.0, 0.0)


def test_a_clock_that_stood_still_is_seen_by_the_wall_clock() -> None:
    """Without CLOCK_BOOTTIME the wall clock runs ahead; that much has to be added."""
    watch = SleepWatch()
    watch.look(100.0, 5000.0, 100.0)
    sleep = watch.look(105.0, 8605.0, 105.0)
    assert sleep is not None
    assert sleep.stood_still_s == 3600.0


def test_a_wall_clock_set_by_hand_is_no_sleep() -> None:
    """Backwards, or ahead by more than a day: a person did that."""
    watch = SleepWatch()
    watch.look(100.0, 5000.0, 100.0)
    assert watch.look(105.0, 1000.0, 105.0) is None
    assert watch.look(110.0, 1_000_000.0, 110.0) is None


def test_a_busy_machine_is_no_sleep() -> None:
    """Timers that are a little late are ordinary."""
    watch = SleepWatch()
    watch.look(100.0, 5000.0, 100.0)
    assert watch.look(113.0, 5013.0, 110.0) is None


def test_a_clock_that_counts_sleep_needs_no_wall_clock() -> None:
    """When that runs ahead, somebody has set it: nothing was missed, and nothing is added."""
    watch = SleepWatch(counts_sleep=True)
    watch.look(100.0, 5000.0, 100.0)
    assert watch.look(105.0, 8605.0, 105.0) is None
    sleep = watch.look(3705.0, 12_205.0, 110.0)
    assert sleep is not None
    assert (sleep.gap_s, sleep.stood_still_s) == (3595.0, 0.0)
