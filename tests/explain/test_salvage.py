"""Named values come out of whole and damaged bodies alike."""

from __future__ import annotations

import json

import pytest

from daemon.explain import Catalogue, salvage
from daemon.model import Failure


def test_json_is_walked_and_json_inside_strings_too() -> None:
    """A wrapper that puts the provider's body into a string hides nothing."""
    inner = json.dumps({"error": {"code": 429, "message": "no", "details": [{"quotaId": "PerDay"}]}})
    fields = salvage.fields(salvage.walk({"error": {"message": inner, "code": "x"}}))
    assert fields["quotaid"] == ("PerDay",)
    assert fields["code"] == ("429", "x")


@pytest.mark.parametrize(
    "text",
    [
        '{"error": {"code": "abc_d", "message": "It\'s no"}}',
        "{'error': {'code': 'abc_d', 'message': \"It's no\"}}",
        'error_code=abc_d error_message="It\'s no"',
        'code: abc_d, message: "It\'s no"',
        'message\n: \n"It\'s no"\ncode\n: \n"abc_d"',
        '{"error": {"code": "abc_d", "message": "It\'s no"',
    ],
)
def test_pairs_are_picked_from_any_form(text: str) -> None:
    """JSON, Python, key=value logs, browser trees and cut objects give the same fields."""
    fields = salvage.fields(salvage.pairs(text))
    assert fields["code"] == ("abc_d",)
    assert fields["message"] == ("It's no",)


def test_a_sentence_is_no_field() -> None:
    """`Error: Request failed` has no error named Request."""
    assert salvage.fields(salvage.pairs("Error: Request failed")) == {}


def test_an_error_in_an_event_stream_is_found() -> None:
    """A 200 whose stream holds an error is a failure all the same."""
    stream = 'data: {"choices":[]}\n\ndata: {"error":{"code":429,"message":"no"}}\n\ndata: [DONE]\n'
    assert salvage.document(stream)["error"]["code"] == 429


@pytest.mark.parametrize("text", ["", "   ", "{", "[" * 5000, '{"a":', "nothing", "<html>"])
def test_what_is_not_json_is_none(text: str) -> None:
    """Broken and deep bodies are no document, and no crash."""
    assert salvage.document(text) is None


def test_deep_and_wide_values_end() -> None:
    """A hostile body costs a bounded amount of work."""
    deep: object = "x"
    for _ in range(200):
        deep = {"a": deep}
    assert len(list(salvage.walk([deep, ["y"] * 100_000]))) <= salvage.MAX_PAIRS


def test_json_in_a_quoted_value_is_opened() -> None:
    """An exception that shows the body as a string has the body's fields."""
    whole = salvage.fields(salvage.pairs('responseBody: \'{"error":{"code":"1113","message":"no"}}\','))
    assert (whole["code"], whole["message"]) == (("1113",), ("no",))
    cut = salvage.fields(salvage.pairs('responseBody: \'{"error":{"code":"1113", cut\','))
    assert cut["code"] == ("1113",)


def test_a_number_ends_before_a_comma() -> None:
    """`30,000` is one number; the comma after it is not part of it."""
    assert salvage.fields(salvage.pairs("resets_at: 1893456000, limit: 30,000, x"))["resetsat"] == ("1893456000",)


def test_short_names_of_code_and_message() -> None:
    """`errcode` and `errmsg` are the code and the message."""
    found = salvage.fields(salvage.pairs('{"errcode": 42, "errmsg": "not now"'))
    assert (found["code"], found["message"]) == (("42",), ("not now",))


@pytest.mark.parametrize("shown", ["Big Model 4.5", "Acme: Big 9", "Big (preview)"])
def test_a_name_shown_to_people_is_no_model(shown: str) -> None:
    """A client's heading shows the model's title, of which the first word alone would be no name."""
    assert "model" not in salvage.fields(salvage.pairs(f"Model: {shown}\nStatus Code: 429"))
    assert salvage.fields(salvage.pairs("Model: big-4.5\nStatus Code: 429"))["model"] == ("big-4.5",)


def test_pairs_of_protobufs_text() -> None:
    """`key: "a" value: "b"` is a field a, as in gRPC's metadata."""
    text = 'metadata { key: "quota_limit_value" value: "0" } metadata {\n key: "zone"\n value: "x1"\n}'
    fields = salvage.fields(salvage.pairs(text))
    assert fields["quotalimitvalue"] == ("0",)
    assert fields["zone"] == ("x1",)


def test_an_object_inside_a_text_is_read_as_json() -> None:
    """Quotation marks inside a value do not end it, and what is no JSON yields nothing."""
    assert dict(salvage.inside('error: 429 {"error":{"message":"a \\"b\\" c"}} and so on')) == {"message": 'a "b" c'}
    assert list(salvage.inside("{not json}")) == []
    assert list(salvage.inside('{"cut": "of')) == []
    assert list(salvage.inside("none")) == []


def test_a_reason_can_be_a_sentence() -> None:
    """`reason: QUOTA_EXHAUSTED` is a field; `reason: remote connection failure` is prose."""
    assert salvage.fields(salvage.pairs("reason: QUOTA_EXHAUSTED")) == {"reason": ("QUOTA_EXHAUSTED",)}
    assert salvage.fields(salvage.pairs("reset reason: remote connection failure")) == {}


def test_an_object_behind_some_words_is_opened() -> None:
    """A relay's sentence and the provider's own, in JSON within JSON: quotes inside do not end it."""
    inner = json.dumps({"error": {"message": 'Quota for "m-9" is used up', "code": 429}})
    found = list(salvage.walk({"error": {"message": f"upstream: {inner}"}}))
    assert found == [("message", f"upstream: {inner}"), ("message", 'Quota for "m-9" is used up'), ("code", "429")]
    text = json.dumps({"error": {"message": f"upstream: {inner}"}})
    assert Catalogue.load().classify(Failure(text=f"Error: 429 {text}")).original == 'Quota for "m-9" is used up'
