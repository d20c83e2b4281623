"""What a call takes of each limit."""

from world import call, origin

from daemon.pacing.costs import costs_of, costs_of_call


def test_costs_by_dimension() -> None:
    """Every call is a request; tokens are counted together and apart."""
    assert costs_of((10, 5, 0, 0)) == {"requests": 1, "tokens": 15, "input_tokens": 10, "output_tokens": 5}
    assert costs_of((10, 5, 0, 0), "gemini")["tokens"] == 10  # its limit counts the input alone
    assert costs_of((0, 0, 2, 3)) == {"requests": 1, "images": 2, "audio_seconds": 3}


def test_a_call_costs_what_it_was_weighed_at_or_what_is_known_better() -> None:
    """The prompt stays as it was weighed."""
    one = call("x", origin(), tokens=(100, 1024))
    assert costs_of_call(one)["tokens"] == 1124
    assert costs_of_call(one, 10.0) == {"requests": 1, "tokens": 110, "input_tokens": 100, "output_tokens": 10}
