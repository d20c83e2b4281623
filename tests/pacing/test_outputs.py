"""How long answers are."""

from dataclasses import replace

from world import call, origin

from daemon.model import Ask
from daemon.pacing.costs import costs_of_call
from daemon.pacing.estimate import Calibration
from daemon.pacing.outputs import MOST_MODELS, Outputs
from daemon.pacing.queue import Entry


def test_a_call_without_a_maximum_is_weighed_by_what_is_known_now() -> None:
    """Once; and one that sets a maximum, or of another model, stays as it was."""
    open_ended = replace(call("x", origin(), tokens=(100, 1024)), ask=Ask("chat", "m"))
    entry, outputs = Entry(open_ended, costs_of_call(open_ended), 0.0, open_ended.priority), Outputs()
    assert outputs.better_costs(entry, "openai") is None
    outputs.know("m", Calibration(outputs=[10.0, 10.0, 10.0]))
    better = outputs.better_costs(entry, "openai")
    assert better == {"requests": 1, "tokens": 110, "input_tokens": 100, "output_tokens": 10}
    entry.costs = better
    assert outputs.better_costs(entry, "openai") is None
    for other in (call("y", origin(), tokens=(100, 1024)), replace(open_ended, ask=Ask("chat", "k"))):
        assert outputs.better_costs(Entry(other, costs_of_call(other), 0.0, other.priority), "openai") is None


def test_names_that_a_client_invents_do_not_fill_the_memory() -> None:
    """The newest is known, and the others are learned again."""
    outputs = Outputs()
    for number in range(5 * MOST_MODELS):
        outputs.know(f"m{number}", Calibration())
    assert outputs.of(f"m{5 * MOST_MODELS - 1}") is not None
    assert len(outputs._known) <= MOST_MODELS + 1
