"""What response headers say about limits, one family after another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.model import Headers, Reading
from daemon.providers import provider_for
from daemon.providers.limits import _layout, read_limits

NOW = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC


def read(provider: str, *headers: tuple[str, str]) -> dict[tuple[str, float | None], Reading]:
    found = provider_for(provider)
    assert found is not None
    return {(r.dimension, r.period_s): r for r in found.read_limits(200, headers, NOW)}


def test_openai() -> None:
    """Go durations; the period is not documented and left to be learned."""
    readings = read(
        "openai",
        ("X-RateLimit-Limit-Requests", "5000"),
        ("x-ratelimit-remaining-requests", "4999"),
        ("x-ratelimit-reset-requests", "12ms"),
        ("x-ratelimit-limit-tokens", "160000"),
        ("x-ratelimit-remaining-tokens", "159976"),
        ("x-ratelimit-reset-tokens", "6m0s"),
    )
    assert readings == {
        ("requests", None): Reading("requests", 5000, 4999, 0.012, None),
        ("tokens", None): Reading("tokens", 160000, 159976, 360, None),
    }


def test_a_projects_lower_limit_wins() -> None:
    """Of two limits for the same thing the smaller one is what holds calls back."""
    readings = read(
        "openai",
        ("x-ratelimit-limit-tokens", "100000"),
        ("x-ratelimit-remaining-tokens", "90000"),
        ("x-ratelimit-limit-project-tokens", "20000"),
        ("x-ratelimit-remaining-project-tokens", "15000"),
        ("x-ratelimit-limit-tokens_usage_based", "100000"),
        ("x-ratelimit-remaining-tokens_usage_based", "90000"),
    )
    assert readings[("tokens", None)].limit == 20000


def test_azure() -> None:
    """Plain seconds; -1 and 0 mean unknown and are dropped."""
    good = read(
        "azure",
        ("x-ratelimit-limit-tokens", "30000"),
        ("x-ratelimit-remaining-tokens", "29000"),
        ("x-ratelimit-reset-tokens", "7"),
    )
    assert good[("tokens", None)] == Reading("tokens", 30000, 29000, 7.0, None)
    unknown = read(
        "azure",
        ("x-ratelimit-limit-requests", "-1"),
        ("x-ratelimit-remaining-requests", "-1"),
        ("x-ratelimit-limit-tokens", "0"),
        ("x-ratelimit-remaining-tokens", "0"),
    )
    assert unknown == {}


def test_groq() -> None:
    """Requests are per day, tokens per minute, as its documentation says."""
    readings = read(
        "groq",
        ("x-ratelimit-limit-requests", "14400"),
        ("x-ratelimit-remaining-requests", "14370"),
        ("x-ratelimit-reset-requests", "2m59.56s"),
        ("x-ratelimit-limit-tokens", "18000"),
        ("x-ratelimit-remaining-tokens", "17997"),
        ("x-ratelimit-reset-tokens", "7.66s"),
    )
    assert readings[("requests", 86400.0)].reset_s == pytest.approx(179.56)
    assert readings[("tokens", 60.0)].remaining == 17997


def test_anthropic_uses_the_answers_own_date() -> None:
    """The reset is a moment: it is counted from the Date header, since the local clock may be wrong."""
    readings = read(
        "anthropic",
        ("date", "Fri, 15 Jan 2027 07:00:00 GMT"),
        ("anthropic-ratelimit-requests-limit", "50"),
        ("anthropic-ratelimit-requests-remaining", "49"),
        ("anthropic-ratelimit-requests-reset", "2027-01-15T07:00:02Z"),
        ("anthropic-ratelimit-input-tokens-limit", "40000"),
        ("anthropic-ratelimit-input-tokens-remaining", "39000"),
        ("anthropic-ratelimit-input-tokens-reset", "2027-01-15T06:59:00Z"),
        ("anthropic-ratelimit-unified-5h-utilization", "1.08"),
    )
    assert readings[("requests", 60.0)].reset_s == pytest.approx(2.0)
    assert readings[("input_tokens", 60.0)].reset_s == 0.0
    assert set(readings) == {("requests", 60.0), ("input_tokens", 60.0)}


@pytest.mark.parametrize(("total", "kept"), [(48000, False), (40000, False), (30000, True)])
def test_anthropics_total_only_when_it_says_something_new(total: int, kept: bool) -> None:
    """`tokens` is dropped where it repeats the input limit or the sum, and kept where a workspace has its own."""
    readings = read(
        "anthropic",
        ("anthropic-ratelimit-input-tokens-limit", "40000"),
        ("anthropic-ratelimit-input-tokens-remaining", "40000"),
        ("anthropic-ratelimit-output-tokens-limit", "8000"),
        ("anthropic-ratelimit-output-tokens-remaining", "8000"),
        ("anthropic-ratelimit-tokens-limit", str(total)),
        ("anthropic-ratelimit-tokens-remaining", str(total)),
    )
    assert (("tokens", 60.0) in readings) is kept


def test_periods_in_the_name() -> None:
    """Mistral and Cerebras say the period in the header's name, and that wins over any other knowledge."""
    readings = read(
        "cerebras",
        ("x-ratelimit-limit-requests-day", "14400"),
        ("x-ratelimit-remaining-requests-day", "14399"),
        ("x-ratelimit-reset-requests-day", "33011.382867"),
        ("x-ratelimit-limit-tokens-minute", "60000"),
        ("x-ratelimit-remaining-tokens-minute", "59000"),
        ("x-ratelimit-limit-req-minute", "60"),
        ("x-ratelimit-remaining-req-minute", "60"),
    )
    assert set(readings) == {("requests", 86400.0), ("tokens", 60.0), ("requests", 60.0)}


def test_sambanova_epoch_seconds() -> None:
    """A reset that is an epoch becomes seconds from now."""
    readings = read(
        "sambanova",
        ("x-ratelimit-limit-requests", "240"),
        ("x-ratelimit-remaining-requests", "239"),
        ("x-ratelimit-reset-requests", str(int(NOW) + 12)),
    )
    assert readings[("requests", 60.0)].reset_s == 12.0


def test_openrouter_epoch_milliseconds() -> None:
    """Bare X-RateLimit headers count requests; the reset is in milliseconds since 1970."""
    readings = read(
        "openrouter",
        ("X-RateLimit-Limit", "20"),
        ("X-RateLimit-Remaining", "0"),
        ("X-RateLimit-Reset", str(int(NOW + 33) * 1000)),
    )
    assert readings[("requests", None)] == Reading("requests", 20, 0, 33.0, None)


def test_fireworks_is_scaled_to_the_minute() -> None:
    """Its headers speak of tokens a second, its limits are per minute: only the limit is believed."""
    readings = read(
        "fireworks",
        ("x-ratelimit-limit-tokens-prompt", "60000"),
        ("x-ratelimit-remaining-tokens-prompt", "59000"),
        ("x-ratelimit-limit-tokens-generated", "600"),
    )
    assert readings[("input_tokens", 60.0)] == Reading("input_tokens", 3_600_000, None, None, 60.0)
    assert readings[("output_tokens", 60.0)].limit == 36_000


def test_together_is_not_paced_by_its_headers() -> None:
    """Its figures move with the traffic and name no period."""
    assert read("together", ("x-ratelimit-limit", "10"), ("x-ratelimit-remaining", "3")) == {}


def test_the_ietf_form() -> None:
    """General gateways send RateLimit fields with the window inside."""
    readings = read("openai-compatible", ("RateLimit-Limit", "100, 100;w=60"), ("RateLimit-Remaining", "40"),
                    ("RateLimit-Reset", "21"))  # fmt: skip
    assert readings == {("requests", 60.0): Reading("requests", 100, 40, 21.0, 60.0)}


def test_the_newer_ietf_form() -> None:
    """Hugging Face says state and policy in lists, and the window in the policy; of several each is a limit."""
    readings = read(
        "huggingface", ("ratelimit", '"api";r=12;t=55'), ("ratelimit-policy", '"fixed window";"api";q=500;w=300')
    )
    assert readings == {("requests", 300.0): Reading("requests", 500, 12, 55.0, 300.0)}
    readings = read("openai-compatible", ("RateLimit", '"burst";r=9;t=1, "long";r=70;t=300'),
                    ("RateLimit-Policy", '"burst";q=10;w=1, "long";q=100;w=3600'))  # fmt: skip
    assert readings == {
        ("requests", 1.0): Reading("requests", 10, 9, 1.0, 1.0),
        ("requests", 3600.0): Reading("requests", 100, 70, 300.0, 3600.0),
    }
    assert read("openai-compatible", ("RateLimit", '"x";r=9'), ("RateLimit-Policy", '"x";q=1;w=60')) == {}


@pytest.mark.parametrize(
    ("limit", "remaining"),
    [("NaN", "1"), ("1e999", "1"), ("-5", "1"), ("", ""), ("100", "101"), ("100", "-1"), ("0", "0"),
     ("9223372036854775807", "9223372036854775807"), ("10", "NaN")],
)  # fmt: skip
def test_figures_that_cannot_be_true(limit: str, remaining: str) -> None:
    """Hostile and impossible figures give no reading at all."""
    assert read("openai", ("x-ratelimit-limit-requests", limit), ("x-ratelimit-remaining-requests", remaining)) == {}


def test_the_first_of_two_equal_headers_counts() -> None:
    """A header that comes twice is not added up."""
    assert read("openai", ("x-ratelimit-remaining-requests", "7"), ("x-ratelimit-remaining-requests", "9")) == {
        ("requests", None): Reading("requests", None, 7, None, None)
    }


_NAMES = st.sampled_from(
    ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", "x-ratelimit-limit",
     "x-ratelimit-reset-tokens-minute", "anthropic-ratelimit-tokens-reset", "anthropic-ratelimit-tokens-limit",
     "ratelimit-limit", "date", "x-ratelimit-remaining-tokens"]
)  # fmt: skip


@given(st.lists(st.tuples(_NAMES, st.text(max_size=40) | st.floats().map(str) | st.integers().map(str)), max_size=12))
def test_nothing_raises_and_all_figures_are_sane(headers: Headers) -> None:
    """Whatever the values are: no exception, and no figure below zero, NaN or infinite."""
    for reading in read_limits(tuple(headers), NOW, {"requests": 60.0}):
        for figure in (reading.limit, reading.remaining, reading.reset_s):
            assert figure is None or 0 <= figure <= 1e15


def test_where_fields_stand_is_found_once_and_what_they_say_each_time() -> None:
    """Answers with the same names in the same order may say anything else; another order is another layout."""

    def fields(limit: str, left: str) -> tuple[tuple[str, str], ...]:
        return (("Date", "x"), ("X-RateLimit-Limit-Requests", limit), ("x-ratelimit-remaining-requests", left))

    for limit, left in (("60", "59"), ("500", "7"), ("nonsense", "1"), ("60", "58")):
        found = read_limits(fields(limit, left), 0.0, {})
        turned = read_limits(tuple(reversed(fields(limit, left))), 0.0, {})
        assert found == turned
        said = [(one.limit, one.remaining) for one in found]
        assert said == ([] if limit == "nonsense" else [(float(limit), float(left))])


def test_made_up_names_do_not_fill_the_memory() -> None:
    """Where the names of an answer are long, their places are not kept; what they say is read all the same."""
    _layout.cache_clear()
    long = tuple((f"x-made-up-{n}-{'y' * 100}", "1") for n in range(30))
    found = read_limits((*long, ("x-ratelimit-limit-requests", "60"), ("x-ratelimit-remaining-requests", "5")), 0.0, {})
    assert [one.remaining for one in found] == [5.0]
    assert _layout.cache_info().currsize == 0
