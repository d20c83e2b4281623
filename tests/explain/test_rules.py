"""Rules and their examples belong together; rules are read strictly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daemon.errors import ConfigError
from daemon.explain import Catalogue
from daemon.explain.catalogue import DATA
from daemon.explain.rules import check_patterns, read_rules, read_yaml
from daemon.explain.teach import failure_of
from daemon.model import Failure

EXAMPLES: dict[str, list[Any]] = read_yaml(DATA / "catalogue" / "examples.yaml")
RULES = {rule.id: rule for path in sorted((DATA / "catalogue").glob("rules-*.yaml")) for rule in read_rules(path)}
CATALOGUE = Catalogue.load()


CASES = [(name, example) for name, examples in EXAMPLES.items() for example in examples]


def test_each_rule_has_an_example_and_each_example_a_rule() -> None:
    """Nothing in the catalogue stands unproved."""
    assert sorted(RULES) == sorted(EXAMPLES)


def test_rule_ids_are_unique() -> None:
    """An id names one rule, since explanations and words refer to it."""
    ids = [rule.id for path in (DATA / "catalogue").glob("rules-*.yaml") for rule in read_rules(path)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("name", "example"), CASES)
def test_a_rule_claims_its_example(name: str, example: Any) -> None:
    """The rule decides its own example, so it can be reached."""
    assert CATALOGUE.classify(failure_of(example)).rule == name


def test_no_other_rule_of_the_same_rank_claims_an_example() -> None:
    """What decides between two rules is a rank that somebody chose, not the order of files."""
    for name, example in CASES:
        matched = [entry["rule"] for entry in CATALOGUE.why(failure_of(example)) if entry["matched"]]
        rivals = [other for other in matched if other != name and RULES[other].rank == RULES[name].rank]
        assert rivals == [], name


def test_subtypes_and_patterns_are_valid() -> None:
    """Each rule names a known subtype, a known confidence, and patterns that compile."""
    known = {entry["subtype"] for entry in CATALOGUE.subtypes()}
    for rule in RULES.values():
        assert rule.subtype in known, rule.id
        assert rule.confidence in ("sure", "likely", "guess"), rule.id
        assert 1 <= rule.rank <= 99, rule.id
        check_patterns(rule, "ours")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- 5", "needs an `id`"),
        ("x: y", "list of rules"),
        ("- {id: a, subtype: tokens}", "needs a `match`"),
        ("- {id: a, subtype: tokens, match: {txt: b}}", "`txt` is not known"),
        ("- {id: a, subtype: tokens, colour: red, match: {text: b}}", "`colour` is not known"),
        ("- {id: a, subtype: tokenz, match: {text: b}}", "no subtype `tokenz`"),
        ("- {id: a, subtype: tokens, match: {text: '(b'}}", "pattern"),
        ("- [", "cannot be read"),
    ],
)
def test_a_wrong_file_of_a_user_is_named(tmp_path: Path, text: str, says: str) -> None:
    """A mistake in a user's rule file is an error that names the file and the mistake."""
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        Catalogue.load(tmp_path)
    assert says in caught.value.message
    assert str(tmp_path) in caught.value.message


def test_a_users_rule_comes_before_ours(tmp_path: Path) -> None:
    """A company's gateway can be taught, and its rule wins over ours."""
    (tmp_path / "mine.yaml").write_text(
        "- id: acme.budget\n  subtype: gateway_budget\n"
        "  match: {text: 'cost centre (?P<plan>\\w+) has spent (?P<used>\\d+)'}\n"
    )
    finding = Catalogue.load(tmp_path).classify(Failure(text="Rate limit: cost centre X42 has spent 900"))
    assert (finding.rule, finding.subtype, finding.plan, finding.used) == ("acme.budget", "gateway_budget", "X42", 900)
