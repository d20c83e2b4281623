"""Who goes next."""

import random

from world import call, origin

from daemon.model import Priority
from daemon.pacing.feedback import entry_of
from daemon.pacing.permit import Permit, Setback
from daemon.pacing.queue import MOST_CLIENTS, Entry, Lane, Queue

WHERE = origin()


def entry(
    name: str, client: str = "-", priority: Priority = Priority.NORMAL, at: float = 0.0, share: float = 0.01
) -> Entry:
    one = Entry(call(name, WHERE, client=client, priority=priority), {"requests": 1.0}, at, priority)
    one.share = share
    return one


def drain(queue: Queue, now: float = 0.0) -> list[str]:
    """Admit all, in order."""
    return drain_some(queue, now, len(queue))


def drain_some(queue: Queue, now: float, most: int) -> list[str]:
    """Admit MOST of them, in order."""
    names = []
    while len(names) < most and (head := queue.head(now)) is not None:
        queue.admitted(head)
        names.append(head.call.id)
    return names


def test_interactive_goes_before_normal_before_batch() -> None:
    """Strict priority, first come first served inside."""
    queue = Queue(floor=0.0)
    for name, priority in (
        ("b", Priority.BATCH),
        ("n1", Priority.NORMAL),
        ("n2", Priority.NORMAL),
        ("i", Priority.INTERACTIVE),
    ):
        queue.push(entry(name, priority=priority))
    assert drain(queue) == ["i", "n1", "n2", "b"]


def test_the_class_in_which_a_call_came() -> None:
    """Whatever it has risen to; one that was put back by hand has no class below the last."""
    one = entry("x")
    assert one.came == Priority.NORMAL
    one.priority, one.rose = Priority.INTERACTIVE, True
    assert one.came == Priority.NORMAL
    one.priority = Priority.BATCH
    assert one.came == Priority.BATCH


def test_the_first_that_has_not_risen() -> None:
    """It may stand behind many that have."""
    queue, lane = Queue(age_s=(1e9, 60.0, 300.0)), Queue().lanes[0]
    assert lane.head(risen=False) is None
    for i in range(5):
        queue.push(entry(f"n{i}"))
    assert queue.head(61.0) is not None
    assert queue.lanes[0].head(risen=False) is None
    for name in ("first", "second"):
        queue.push(entry(name, priority=Priority.INTERACTIVE, at=61.0))
    first = queue.lanes[0].head(risen=False)
    assert first is not None
    assert first.call.id == "first"


def test_a_small_client_gets_its_call_within_two_admissions() -> None:
    """One job among a thousand of somebody else."""
    queue = Queue()
    for i in range(1000):
        queue.push(entry(f"big{i}", "big"))
    for _ in range(300):
        head = queue.head(0.0)
        assert head is not None
        queue.admitted(head)
    queue.push(entry("small", "small"))
    assert "small" in drain(queue)[:2]


def test_a_few_huge_prompts_weigh_like_many_small_ones() -> None:
    """Fairness is by share of the limits: after one call of ten units the other client gets ten of one."""
    queue = Queue()
    for i in range(3):
        queue.push(entry(f"huge{i}", "a", share=0.1))
    for i in range(30):
        queue.push(entry(f"tiny{i}", "b", share=0.01))
    order = drain(queue)
    between = order.index("huge2") - order.index("huge1")
    assert 8 <= between <= 12


def test_batch_gets_a_tenth_beside_endless_interactive_calls() -> None:
    """The floor: a chatty editor cannot stop a batch."""
    queue, batch = Queue(floor=0.1), 0
    for i in range(50):
        queue.push(entry(f"b{i}", "batch", Priority.BATCH))
    for i in range(300):
        queue.push(entry(f"i{i}", "editor", Priority.INTERACTIVE))
        head = queue.head(0.0)
        assert head is not None
        batch += head.priority == Priority.BATCH
        queue.admitted(head)
    assert 25 <= batch <= 32


def test_the_floor_does_not_turn_the_classes_round() -> None:
    """A batch call that is too large for what the lower classes are owed yet, and small normal ones that are not:
    together they get their tenth beside endless interactive calls, and pay for it."""
    queue, gone = Queue(floor=0.1), dict.fromkeys(Priority, 0)
    queue.push(entry("large", "batch", Priority.BATCH, share=0.3))
    for i in range(600):
        queue.push(entry(f"n{i}", "script", Priority.NORMAL))
    for i in range(300):
        queue.push(entry(f"i{i}", "editor", Priority.INTERACTIVE))
        head = queue.head(0.0)
        assert head is not None
        gone[head.priority] += 1
        queue.admitted(head)
    assert gone[Priority.INTERACTIVE] >= 265
    assert 25 <= gone[Priority.NORMAL] <= 32


def test_what_waits_long_rises() -> None:
    """A normal call goes before newer interactive ones after a minute, a batch call before normal ones after five."""
    queue = Queue(floor=0.0)
    queue.push(entry("old", priority=Priority.NORMAL))
    queue.push(entry("new", priority=Priority.INTERACTIVE, at=60.0))
    head = queue.head(61.0)
    assert head is not None
    assert head.priority == Priority.INTERACTIVE
    assert set(drain(queue, 61.0)) == {"old", "new"}


def test_a_backlog_that_rises_does_not_stand_before_new_interactive_calls() -> None:
    """A thousand calls of a batch, at twenty a minute: after five minutes they compete one class higher, and only one.
    An editor's call goes before them, and another client's normal one in its turn."""
    queue = Queue()
    for i in range(1000):
        queue.push(entry(f"b{i}", "batch", Priority.BATCH, share=0.05))
    for i in range(100):
        head = queue.head(3.0 * i)
        assert head is not None
        queue.admitted(head)
    assert queue.head(301.0) is not None
    assert queue.head(302.0) is not None
    assert {e.priority for e in queue.entries()} == {Priority.NORMAL}
    queue.push(entry("editor", "editor", Priority.INTERACTIVE, at=310.0, share=0.05))
    queue.push(entry("normal", "other", Priority.NORMAL, at=310.0, share=0.05))
    order = drain(queue, 311.0)
    assert order[0] == "editor"
    assert order.index("normal") <= 2
    assert order[-1] == "b999"


def test_ones_own_backlog_that_rises_does_not_stand_before_ones_interactive_calls() -> None:
    """An editor's three hundred normal calls have waited a minute, and it asks for a person: the two take turns, as
    those of two clients do. Also when that happens again."""
    queue = Queue()
    for i in range(300):
        queue.push(entry(f"n{i}", "editor", share=0.05))
    for now in (61.0, 62.0):
        head = queue.head(now)
        assert head is not None
        queue.admitted(head)
        queue.push(entry(f"person{now}", "editor", Priority.INTERACTIVE, at=now, share=0.05))
        queue.push(entry(f"later{now}", "editor", Priority.INTERACTIVE, at=now, share=0.05))
        order = drain_some(queue, now, 4)
        assert order.index(f"person{now}") <= 1
        assert f"later{now}" in order


def test_whoever_has_risen_is_of_the_class_in_which_it_came_for_persons() -> None:
    """It is first among normal calls and leaves as much as a batch; a person may move it, and then it is of that
    class. Ten calls may pass it where a tenth is promised to the lower classes, and then it insists."""
    queue, old = Queue(), entry("old", priority=Priority.BATCH)
    queue.push(old)
    queue.push(entry("normal", at=300.0))
    assert queue.head(301.0) is not None
    assert (old.priority, old.came, old.rank) == (Priority.NORMAL, Priority.BATCH, Priority.BATCH)
    assert [one.call.id for one in queue.betters(old)] == ["normal"]
    for i in range(10):
        assert not old.insists
        old.let_pass(entry(f"other{i}"), 0.1)
    assert (old.came, old.rank) == (Priority.BATCH, Priority.NORMAL)
    queue.promote(old, Priority.INTERACTIVE)
    assert old.came == old.rank == Priority.INTERACTIVE
    assert list(queue.betters(old)) == []


def test_which_of_two_lines_is_more_urgent() -> None:
    """Where a person waits; then where a normal call has risen to their class; then where normal calls are."""
    person, risen, normal, batch = (Queue() for _ in range(4))
    person.push(entry("person", priority=Priority.INTERACTIVE))
    for queue in (risen, normal):
        queue.push(entry("normal"))
    assert risen.head(61.0) is not None
    batch.push(entry("batch", priority=Priority.BATCH))
    assert sorted([batch, normal, risen, person], key=lambda one: one.urgency) == [person, risen, normal, batch]


def test_what_rose_rises_no_further_and_does_not_fall() -> None:
    """Sent again, it stands where it stood: in the class to which it had risen, before its client's others."""
    queue, entries = Queue(), [entry(f"b{i}", priority=Priority.BATCH) for i in range(3)]
    for one in entries:
        queue.push(one)
    first = queue.head(400.0)
    assert first is entries[0]
    queue.admitted(first)
    permit = Permit(first.call, 1, 0.0, None)  # type: ignore[arg-type]
    permit.arrived, permit.tag, permit.rose_to = first.arrived, first.tag, first.priority
    back = entry_of(first.call, Setback(permit, "rate", 0.0, ""), 500.0)
    queue.push(back)
    assert back.priority == Priority.NORMAL
    assert queue.head(1000.0) is back
    assert {e.priority for e in queue.entries()} == {Priority.NORMAL}


def test_a_call_that_comes_back_keeps_its_place() -> None:
    """Its tag stays: it is first among its client's, not last."""
    queue = Queue()
    for i in range(3):
        queue.push(entry(f"c{i}"))
    first = queue.head(0.0)
    assert first is not None
    queue.admitted(first)
    queue.push(first)
    assert drain(queue) == ["c0", "c1", "c2"]


def test_removal_leaves_no_trace() -> None:
    """Random pushing, removing and promoting: everybody that stayed goes once, sums end at zero."""
    for seed in range(50):
        rng, queue, alive = random.Random(seed), Queue(), {}
        for i in range(200):
            one = entry(f"c{i}", rng.choice("abc"), Priority(rng.randrange(3)), share=rng.uniform(0.001, 0.2))
            queue.push(one)
            alive[one.call.id] = one
            if rng.random() < 0.4:
                name = rng.choice(list(alive))
                queue.remove(alive.pop(name))
            if alive and rng.random() < 0.2:
                queue.promote(rng.choice(list(alive.values())), Priority(rng.randrange(3)))
        assert len(queue) == len(alive) == len(queue.in_order())
        assert {e.call.id for e in queue.entries()} == set(alive)
        assert sorted(drain(queue)) == sorted(alive), f"seed {seed}"
        assert len(queue) == 0
        assert queue.backlog("requests", Priority.BATCH) == 0


def test_looking_at_the_next_ones_changes_nothing() -> None:
    """The heads behind a big call are shown in order, and stay."""
    queue = Queue(floor=0.0)
    for i in range(10):
        queue.push(entry(f"c{i}"))
    head = queue.head(0.0)
    assert head is not None
    assert [e.call.id for e in queue.next_heads(3, head)] == ["c1", "c2", "c3"]
    assert drain(queue) == [f"c{i}" for i in range(10)]


def test_who_goes_at_once_moves_time_like_one_that_lined_up() -> None:
    """The tags of all that follow are the same, whether those before them lined up for an instant or did not."""
    rng, lined, passed = random.Random(2), Queue(), Queue()
    for number in range(200):
        client, priority, share = rng.choice("abc"), rng.choice(list(Priority)), rng.uniform(0.01, 0.2)
        one, other = (entry(f"c{number}", client, priority, share=share) for _ in range(2))
        lined.push(one)
        lined.admitted(one)
        passed.passed(other)
        assert other.tag == one.tag
        for a, b in zip(lined.lanes, passed.lanes, strict=True):
            assert a.virtual == b.virtual
            assert ahead(a) == ahead(b)


def ahead(lane: Lane) -> dict[object, float]:
    """The clients that have had more than their turn; of the others it does not matter whether they are remembered."""
    return {client: f for client, f in lane.finish.items() if f > lane.virtual + 1e-12}


def test_ten_thousand_clients_cost_what_one_does() -> None:
    """It is not looked at each call who idles, no more of them are remembered than matter, and a client that has had a
    lot still stands behind one that comes for the first time."""
    queue = Queue()
    lane, looks = queue.lanes[Priority.NORMAL], 0
    for number in range(3 * MOST_CLIENTS):
        before = lane.finish
        queue.passed(entry(f"c{number}", f"client {number}", share=0.01))
        looks += lane.finish is not before
        assert len(lane.finish) <= 2 * MOST_CLIENTS + 1
    assert looks < 50
    for number in range(5):
        queue.passed(entry(f"big {number}", "big", share=0.5))
    for name in ("big", "small"):
        queue.push(entry(f"{name} waits", name, share=0.5))
    assert drain(queue) == ["small waits", "big waits"]


def test_what_a_waiting_call_costs_may_change() -> None:
    """Its place stays, and what waits in all is counted anew; for one that is not in the line nothing is."""
    queue = Queue()
    first, second = entry("first"), entry("second")
    for one in (first, second):
        one.costs = {"tokens": 1000.0}
        queue.push(one)
    queue.recost(first, {"tokens": 100.0})
    assert queue.backlog("tokens", Priority.BATCH) == 1100
    assert drain(queue) == ["first", "second"]
    queue.recost(first, {"tokens": 500.0})
    assert queue.backlog("tokens", Priority.BATCH) == 0
