"""A person's own budgets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daemon.errors import OverBudget
from daemon.model import Ask, Call, Company, Estimate, Event, EventKind, Origin, Scope, Usage
from daemon.redact import Sealed
from daemon.spending import Budget, Price, Spent
from daemon.usage import Alarm, Budgets, PriceList
from daemon.usage.budgets import PENDING_S
from daemon.usage.calendar import day_of, ends_at

NOON = 1_795_867_200.0


def make_call(call_id: str = "c1", model: str = "m", client: str = "emacs", tokens: float = 10.0) -> Call:
    """A call that is estimated at so many tokens of input."""
    origin = Origin(host="api.example.com", url="https://api.example.com", provider="openai")
    return Call(
        id=call_id, origin=origin, scope=Scope(origin.host, "k", model), method="POST", target=Sealed(("/",)),
        headers=(), body=b"", ask=Ask(kind="chat", model=model), estimate=Estimate(input=tokens), client=client,
    )  # fmt: skip


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


def event(kind: EventKind, call: Call, tokens: int = 0, *, final: bool = False, at: float = NOON) -> Event:
    """One step of CALL, with its usage when there are TOKENS."""
    return Event(kind, call, at, usage=Usage(input=tokens) if tokens else None, final=final)


def run(budgets: Budgets, call: Call, tokens: int) -> None:
    """CALL goes out and uses so many tokens."""
    budgets.hear(event("sent", call))
    budgets.hear(event("done", call, tokens, final=True))


def test_used_up() -> None:
    """A call goes while there is something left, and is refused, with the time, when there is nothing."""
    clock = Clock()
    budgets = Budgets([Budget("day", "tokens", 100)], clock=clock)
    run(budgets, make_call("a"), 99)
    assert budgets.holds(make_call("b")) is None
    run(budgets, make_call("b"), 1)
    with pytest.raises(OverBudget) as refused:
        budgets.holds(make_call("c"))
    assert refused.value.facts["retry_after_s"] == ends_at("day", NOON) - NOON
    assert "100 tokens a day" in refused.value.message
    assert "config.yaml" in refused.value.message


def test_a_new_day() -> None:
    """The next day begins with nothing used, and a month goes on."""
    clock = Clock()
    budgets = Budgets([Budget("day", "tokens", 100), Budget("month", "tokens", 150)], clock=clock)
    run(budgets, make_call("a"), 100)
    clock.now = ends_at("day", NOON)
    assert budgets.holds(make_call("b")) is None
    run(budgets, make_call("b"), 50)
    with pytest.raises(OverBudget, match="a month"):
        budgets.holds(make_call("c"))


def test_what_is_on_its_way_counts() -> None:
    """A burst cannot spend a budget many times: calls on their way count with their estimate, until they end. The next
    one waits so long, and is told for what: it may fit then."""
    budgets = Budgets([Budget("day", "tokens", 100)], patience=lambda call: 600.0, clock=Clock())
    running, next_one = make_call("a", tokens=90), replace(make_call("b"), arrived_at=NOON)
    run(budgets, make_call("z"), 10)
    budgets.hear(event("sent", running))
    held = budgets.holds(next_one)
    assert held is not None
    assert held[0] == PENDING_S
    assert "10 used, 90 on their way" in held[1]
    assert budgets.holds(running) is None
    budgets.hear(event("done", running, 20, final=True))
    assert budgets.holds(next_one) is None
    assert budgets.states()[0]["spent"] == 30


@pytest.mark.parametrize(("deadline_s", "in_time"), [(None, 600.0), (30.0, 30.0)])
def test_how_long_it_waits_for_what_is_on_its_way(deadline_s: float | None, in_time: float) -> None:
    """As long as for a limit, and not beyond its deadline; then it is refused, and not told that all is used up."""
    clock = Clock()
    budgets = Budgets([Budget("day", "tokens", 100)], patience=lambda call: 600.0, clock=clock)
    budgets.hear(event("sent", make_call("a", tokens=100)))
    waits = replace(make_call("b"), arrived_at=NOON, deadline_s=deadline_s)
    clock.now = NOON + in_time - PENDING_S
    assert budgets.holds(waits) is not None
    clock.now = NOON + in_time
    with pytest.raises(OverBudget, match="may use up your own budget") as refused:
        budgets.holds(waits)
    assert (refused.value.facts["used"], refused.value.facts["pending"]) == (0, 100)
    assert refused.value.facts["retry_after_s"] == PENDING_S


def test_what_is_used_up_is_not_waited_for() -> None:
    """Whatever is on its way: it can only become more. Of two budgets the one that is used up speaks."""
    budgets = Budgets(
        [Budget("month", "tokens", 1000), Budget("day", "tokens", 100)], patience=lambda call: 600.0, clock=Clock()
    )
    run(budgets, make_call("a"), 100)
    budgets.hear(event("sent", make_call("b", tokens=900)))
    with pytest.raises(OverBudget, match="a day is used up"):
        budgets.holds(replace(make_call("c"), arrived_at=NOON))


def test_what_is_expected_counts() -> None:
    """A call that goes in a moment is on its way already; if it does not go after all, it is not."""
    budgets = Budgets([Budget("day", "calls", 1)], patience=lambda call: 600.0, clock=Clock())
    one, other = (replace(make_call(name), arrived_at=NOON) for name in "ab")
    budgets.expect(one)
    assert (budgets.holds(one), budgets.holds(other) is None) == (None, False)
    budgets.expect(one, goes=False)
    assert budgets.holds(other) is None


def test_calls_that_were_not_sent_themselves() -> None:
    """One that went in another's request has its own share to pay; one that got another's answer, or a kept one, has
    nothing."""
    budgets = Budgets([Budget("day", "tokens", 100)], clock=Clock())
    for how, spent in (("batch", 30), ("same", 30), ("cache", 30)):
        joined = event("joined", make_call(how))
        budgets.hear(replace(joined, company=Company(how, "c0")))  # type: ignore[arg-type]
        budgets.hear(event("done", make_call(how), 30 if how == "batch" else 0, final=True))
        assert budgets.states()[0]["spent"] == spent
        assert budgets.states()[0]["pending"] == 0


def test_a_failed_attempt_costs_nothing() -> None:
    """An attempt that failed is not on its way any more, whether the call goes on or not; nor is a cancelled one. A
    call that failed in the end counts as a call."""
    budgets = Budgets([Budget("day", "tokens", 100)], clock=Clock())
    calls = Budgets([Budget("day", "calls", 100)], clock=Clock())
    for kind, final in (("failed", False), ("failed", True), ("cancelled", True)):
        budgets.hear(event("sent", make_call("a", tokens=90)))
        budgets.hear(event(kind, make_call("a"), final=final))  # type: ignore[arg-type]
        assert budgets.states()[0]["part"] == 0
    for budget_event in (event("sent", make_call("a")), event("failed", make_call("a"), final=True)):
        calls.hear(budget_event)
    assert calls.states()[0]["spent"] == 1


def test_an_answer_that_was_not_read_to_its_end_costs_what_came() -> None:
    """The client left, or the stream was cut: what passed was used; a call that got nothing used nothing."""
    tokens, calls = Budgets([Budget("day", "tokens", 100)], clock=Clock()), Budgets([Budget("day", "calls", 9)])
    for kind in ("cancelled", "failed"):
        for budgets in (tokens, calls):
            budgets.hear(event("sent", make_call("a")))
            budgets.hear(event(kind, make_call("a"), 30, final=True))  # type: ignore[arg-type]
    assert (tokens.states()[0]["spent"], calls.states()[0]["spent"]) == (60, 2)


def test_what_is_counted() -> None:
    """A budget for some models, a client or a host counts these alone, and refuses these alone."""
    only = [
        Budget("day", "calls", 1, models=("gpt*",)),
        Budget("day", "calls", 1, client="notes"),
        Budget("day", "calls", 1, host="*.example.org"),
    ]
    budgets = Budgets(only, clock=Clock())
    run(budgets, make_call("a", model="gpt-4o"), 5)
    assert budgets.holds(make_call("b")) is None
    for refused in (make_call("c", model="gpt-4o"), make_call("d", model="gpt-5", client="notes")):
        with pytest.raises(OverBudget, match="gpt"):
            budgets.holds(refused)
    assert [state["spent"] for state in budgets.states()] == [1, 0, 0]


def test_hold() -> None:
    """A held call is told how long, as long as that is within its patience; beyond, it is refused."""
    clock = Clock()
    budgets = Budgets([Budget("day", "calls", 1, then="hold")], patience=lambda call: 600.0, clock=clock)
    run(budgets, make_call("a"), 1)
    with pytest.raises(OverBudget):
        budgets.holds(make_call("b"))
    clock.now = ends_at("day", NOON) - 300.0
    held = budgets.holds(make_call("b"))
    assert held is not None
    assert held[0] == 300.0
    assert "calls a day" in held[1]


def test_money() -> None:
    """Cost goes by the person's prices; a model without a price is named, and not taken for free in silence."""
    prices = PriceList([Price(("gpt*",), 1e6, 0.0)])
    budgets = Budgets([Budget("month", "cost", 20)], prices, currency="EUR", clock=Clock())
    run(budgets, make_call("a", model="gpt-4o"), 5)
    run(budgets, make_call("b", model="other"), 5)
    [state] = budgets.states()
    assert (state["spent"], state["unpriced"]) == (5.0, ["other"])
    assert "20.00 EUR a month: 5.00 EUR used, 25 %" in state["words"]


def test_alarms() -> None:
    """The person is told once at 80 % and once at 100 %, and again in the next day."""
    clock, heard = Clock(), list[Alarm]()
    budgets = Budgets([Budget("day", "tokens", 100)], clock=clock, alarm=heard.append)
    for number, tokens in enumerate((79, 2, 5, 20, 20)):
        run(budgets, make_call(str(number)), tokens)
    assert [round(alarm.part, 2) for alarm in heard] == [0.81, 1.06]
    assert len({alarm.key for alarm in heard}) == 2
    clock.now = ends_at("day", NOON) + 60
    late = make_call("z")
    budgets.hear(event("sent", late, at=clock.now))
    budgets.hear(event("done", late, 90, final=True, at=clock.now))
    assert len(heard) == 3


def test_after_a_restart() -> None:
    """What the ledger says was used counts, each day for the budgets to which it belongs; nobody is told again."""
    heard = list[Alarm]()
    budgets = Budgets(
        [Budget("day", "tokens", 100), Budget("month", "tokens", 1000)], clock=Clock(), alarm=heard.append
    )
    today = Spent(day_of(NOON), "api.example.com", "k", "m", "emacs", calls=1, input=90)
    budgets.load([today, replace(today, day=budgets.first_day(), input=500)])
    assert [state["spent"] for state in budgets.states()] == [90, 590]
    run(budgets, make_call("a"), 1)
    assert not heard


def test_nothing_configured() -> None:
    """Without budgets nothing is asked and nothing is counted."""
    budgets = Budgets()
    assert not budgets
    assert budgets.holds(make_call()) is None
    budgets.hear(event("done", make_call(), 5, final=True))
    assert budgets.states() == []
